"""A true book from archive rows: which diffs follow the snapshot, and where the venue's chain is broken."""

from dataclasses import dataclass

import numpy as np

from b25.kernels.bridging import BRIDGE, BY_FIRST, BY_PREVIOUS, RECENT, SYNCED, bridge_rows, write_bridged
from b25.market.venue_names import MARKETS, market_of
from b25.model.event import DEPTH, GAP, ROW
from b25.model.message import SPOT


@dataclass(frozen=True, slots=True)
class Bridged:
    """Rows that make a true book, and what became of the others.

    Attributes
    ----------
    rows : ndarray of ROW
        Snapshot, then the diffs that continue it, with the trades between; a GAP row where the chain breaks, after which no
        diff appears until the next snapshot. Bridged snapshots clear both sides whole.
    gaps : ndarray of int64
        Places of the GAP rows.
    applied, dropped, stale, unbridged : int
        Diffs: in `rows`; already held by the snapshot; repeated; without a snapshot that reaches them.
    snapshots, spare_snapshots : int
        Taken, and not needed because the book was in sync.
    repeated_trades : int
        Left out.
    in_sync : bool
        Whether the book is true at the end.
    last_update_id : int
        Of the book at the end.
    """

    rows: np.ndarray
    gaps: np.ndarray
    applied: int
    dropped: int
    stale: int
    unbridged: int
    snapshots: int
    spare_snapshots: int
    repeated_trades: int
    in_sync: bool
    last_update_id: int


def chain_rule(venue: str, rows: np.ndarray | None = None) -> int:
    """BY_FIRST for spot, BY_PREVIOUS for futures; of any other venue, what its diffs show."""
    if venue not in MARKETS and rows is not None:
        return BY_PREVIOUS if (rows["prev_id"][rows["kind"] == DEPTH] >= 0).any() else BY_FIRST
    return BY_FIRST if market_of(venue) == SPOT else BY_PREVIOUS


def bridge(rows: np.ndarray, venue: str) -> Bridged:
    """Bridge archive rows to their snapshots by the venue's rule.

    Parameters
    ----------
    rows : ndarray of ROW
        In file order, as the catalog gives them.
    venue : str
        Ccxt id, which decides the rule.
    """
    state = np.zeros(1, BRIDGE)
    order = np.empty(2 * len(rows) + 1, np.int64)
    bridge_rows(rows, chain_rule(venue, rows), order, state[0], np.full(RECENT, -1, np.int64))
    count = int(state[0]["rows"])
    out = np.empty(count, ROW)
    write_bridged(rows, order, count, out)
    facts = {name: int(state[0][name]) for name in ("applied", "dropped", "stale", "unbridged", "snapshots", "spare_snapshots")}
    return Bridged(
        rows=out,
        gaps=np.flatnonzero(out["kind"] == GAP),
        repeated_trades=int(state[0]["repeated_trades"]),
        in_sync=int(state[0]["state"]) == SYNCED,
        last_update_id=int(state[0]["last_id"]),
        **facts,
    )
