"""Lay a capture's rows out for replay on two clocks, once, and keep the result memory-mapped beside the catalog."""

from dataclasses import dataclass

import numpy as np

from b25.kernels.annotate import annotate_messages, annotate_venue
from b25.model.errors import Misuse
from b25.model.event import CLEAR, DEPTH, FAR, GAP, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, SNAPSHOT, TRADE
from b25.model.instrument import Instrument
from b25.model.tape import LEVEL_ROW, MESSAGE, VENUE_ROW

# Ticks kept on either side of the range in which the market traded. An order further out than this is still exact, only
# slower: its level is looked up in the rows.
BAND_TICKS = 32_768


@dataclass(frozen=True, slots=True)
class Tape:
    """One instrument's capture, ready to replay.

    Parameters
    ----------
    instrument : Instrument
    venue : ndarray of VENUE_ROW
        Every row in order of the venue's time.
    messages : ndarray of MESSAGE
        Every message in the order in which the trader receives them.
    levels : ndarray of LEVEL_ROW
        The rows of those messages.
    base_ticks, size_ticks : int
        The band of ticks outside of which rows carry the flag FAR.
    hash : str
        Of everything above and of how it was made.
    """

    instrument: Instrument
    venue: np.ndarray
    messages: np.ndarray
    levels: np.ndarray
    base_ticks: int
    size_ticks: int
    hash: str


def band_of(rows: np.ndarray) -> tuple[int, int]:
    """First tick and number of ticks of the band around everything that traded (or, without trades, was best)."""
    traded = rows["price_ticks"][rows["kind"] == TRADE]
    if traded.size == 0:
        levels = rows[(rows["kind"] == SNAPSHOT) | (rows["kind"] == DEPTH)]
        if levels.size == 0:
            return 1, 2 * BAND_TICKS
        bids, asks = (levels["price_ticks"][levels["side"] == side] for side in (1, -1))
        inner = [int(x) for x in ([bids.max()] if bids.size else []) + ([asks.min()] if asks.size else [])]
        low, high = min(inner), max(inner)
    else:
        low, high = int(traded.min()), int(traded.max())
    low, high = max(1, low - BAND_TICKS), min(NO_ASK_TICKS - 1, high + BAND_TICKS)
    return low, high - low + 1


def parity_tape(instrument: Instrument, rows: np.ndarray, *, source_hash: str = "") -> Tape:
    """Lay out every row from the first line, without bridging, by the rules of the hftbacktest profile.

    One shift of the receive times makes the smallest feed latency zero when the local clock ran behind. Raises Misuse
    when there are no rows.
    """
    rows = rows[np.isin(rows["kind"], (DEPTH, TRADE, CLEAR, SNAPSHOT))]
    if rows.size == 0:
        raise Misuse(f"{instrument.symbol}: the capture holds no rows to replay", remedy="import a capture with depth or trades")
    exch_ns = rows["exch_ns"]
    latency_ns = rows["recv_ns"] - exch_ns
    local_ns = rows["recv_ns"] + max(0, -int(latency_ns.min()))
    base, size = band_of(rows)
    far = (rows["price_ticks"] < base) | (rows["price_ticks"] >= base + size)

    venue_order = np.argsort(exch_ns, kind="stable")
    venue = _venue_rows(rows[venue_order], exch_ns[venue_order], far[venue_order])
    annotate_venue(venue, *_empty_book(size), base)

    local_order = np.argsort(local_ns, kind="stable")
    here = rows[local_order]
    in_order = _venue_rows(here, exch_ns[local_order], far[local_order])
    messages = _messages(here, exch_ns[local_order], local_ns[local_order])
    annotate_messages(in_order, messages, *_empty_book(size), base)
    return Tape(instrument, venue, messages, _level_rows(in_order), base, size, f"parity:{source_hash}")


def _empty_book(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([NO_BID_TICKS, NO_ASK_TICKS, NO_ASK_TICKS, NO_BID_TICKS], np.int64), np.zeros((2, size), np.int64)


def _venue_rows(rows: np.ndarray, exch_ns: np.ndarray, far: np.ndarray) -> np.ndarray:
    out = np.zeros(rows.size, VENUE_ROW)
    for name in ("qty_lots", "price_ticks", "kind", "side"):
        out[name] = rows[name]
    out["exch_ns"] = exch_ns
    out["flags"] = rows["flags"] & LAST_OF_MESSAGE
    out["flags"][far & (rows["kind"] != CLEAR)] |= FAR
    return out


def _level_rows(rows: np.ndarray) -> np.ndarray:
    out = np.zeros(rows.size, LEVEL_ROW)
    for name in ("qty_lots", "price_ticks", "kind", "side", "flags"):
        out[name] = rows[name]
    return out


def _messages(rows: np.ndarray, exch_ns: np.ndarray, local_ns: np.ndarray) -> np.ndarray:
    ends = np.flatnonzero(rows["flags"] & LAST_OF_MESSAGE)
    last = rows[ends]
    out = np.zeros(ends.size, MESSAGE)
    out["row_end"] = ends + 1
    out["local_ns"], out["exch_ns"] = local_ns[ends], exch_ns[ends]
    out["update_id"] = last["last_id"]
    trade = last["kind"] == TRADE
    out["kind"] = np.where(trade, TRADE, np.where(last["kind"] == GAP, GAP, DEPTH))
    for name in ("qty_lots", "price_ticks", "side"):
        out[name][trade] = last[name][trade]
    return out
