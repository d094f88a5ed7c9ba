"""Lay a capture's rows out for replay on two clocks, with the book after each row written beside it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from b25.kernels.annotate import annotate_messages, annotate_venue
from b25.kernels.annotate_book import annotate_message_book, annotate_venue_book
from b25.kernels.book import make_ladder
from b25.market.bridge import bridge
from b25.market.clock import corrected_local
from b25.model.book import GAP_SEEN, NO_SNAPSHOT
from b25.model.errors import Misuse
from b25.model.event import CLEAR, DEPTH, FAR, GAP, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, SNAPSHOT, TRADE
from b25.model.instrument import Instrument
from b25.model.tape import LEVEL_ROW, MESSAGE, VENUE_MESSAGE, VENUE_ROW

# Ticks kept on either side of the range in which the market traded. An order further out than this is still exact, only
# slower: its level is looked up in the rows.
BAND_TICKS = 32_768
BRIDGED, PARITY = "bridged", "hftbacktest"


@dataclass(frozen=True, slots=True)
class Tape:
    """One instrument's capture, ready to replay.

    Parameters
    ----------
    instrument : Instrument
    profile : str
        ``"bridged"``: a true book from its snapshot on, or ``"hftbacktest"``: every row from the first line, its rules.
    venue : ndarray of VENUE_ROW
        Every row in order of the venue's time.
    venue_messages : ndarray of VENUE_MESSAGE
        The same rows, message by message.
    cells, quantities : ndarray of int32 and int64
        Of each row its place in a flat ladder of both sides (bids first, the last cell for what lies outside), and its lots.
    messages : ndarray of MESSAGE
        Every message in the order in which the trader receives them.
    levels : ndarray of LEVEL_ROW
        The rows of those messages.
    base_ticks, size_ticks : int
        The band of ticks outside of which rows carry the flag FAR.
    hash : str
        Of the data, equal for equal data whatever machine laid it out.
    """

    instrument: Instrument
    profile: str
    venue: np.ndarray
    venue_messages: np.ndarray
    cells: np.ndarray
    quantities: np.ndarray
    messages: np.ndarray
    levels: np.ndarray
    base_ticks: int
    size_ticks: int
    hash: str

    @property
    def crossed_kept(self) -> bool:
        """Whether crossed levels stay stored, as the compatibility profile has it."""
        return self.profile == PARITY


Feed = Callable[[int], np.ndarray]


def make_tape(
    instrument: Instrument, rows: np.ndarray, *, profile: str = BRIDGED, source_hash: str = "", feed: Feed | None = None
) -> Tape:
    """Lay out rows of the catalog for replay.

    Parameters
    ----------
    instrument : Instrument
    rows : ndarray of ROW
        In file order, as the catalog gives them.
    profile : {"bridged", "hftbacktest"}
    source_hash : str
        Of the rows.
    feed : callable, optional
        Latencies in ns of so many messages, in the order of the venue's time, in place of the recorded ones.

    Raises
    ------
    Misuse
        When there is nothing to replay, or no snapshot from which a true book could begin.
    """
    if profile == PARITY:
        return parity_tape(instrument, rows, source_hash=source_hash, feed=feed)
    if profile != BRIDGED:
        raise Misuse(f"unknown profile {profile!r}", remedy=f"use {BRIDGED} or {PARITY}")
    return bridged_tape(instrument, rows, source_hash=source_hash, feed=feed)


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


def bridged_tape(instrument: Instrument, rows: np.ndarray, *, source_hash: str = "", feed: Feed | None = None) -> Tape:
    """Lay out a true book: snapshot, the diffs that continue it, trades, and GAP rows where the venue's chain is broken.

    Receive times are corrected by a rolling minimum that looks at the past only. Raises Misuse without a snapshot.
    """
    own = rows.copy()
    own["recv_ns"] = corrected_local(rows, "rolling")
    bridged = bridge(own, instrument.venue)
    here = bridged.rows
    if bridged.snapshots == 0:
        raise Misuse(
            f"{instrument.symbol} on {instrument.venue}: no snapshot that its {bridged.unbridged} depth messages continue",
            remedy="import the capture that holds the snapshot too, or replay unbridged with profile='hftbacktest'",
        )
    return _laid(instrument, here, feed, source_hash)


def followed_tape(instrument: Instrument, rows: np.ndarray, *, source_hash: str = "") -> Tape:
    """Lay out what a live feed has told: bridged already, and received when it says; with its snapshots and gaps.

    Raises Misuse without a snapshot.
    """
    if not (rows["kind"] == SNAPSHOT).any():
        raise Misuse(f"{instrument.symbol} on {instrument.venue}: no snapshot of its book", remedy="give a whole recording")
    return _laid(instrument, rows, None, source_hash)


def _laid(instrument: Instrument, here: np.ndarray, feed: Feed | None, source_hash: str) -> Tape:
    exch_ns, local_ns = here["exch_ns"].copy(), here["recv_ns"].copy()
    # Depth is applied in the order of the chain, so its times may not go back; the same holds for the prints.
    for kinds in ((DEPTH, SNAPSHOT, CLEAR, GAP), (TRADE,)):
        stream = np.isin(here["kind"], kinds)
        exch_ns[stream] = np.maximum.accumulate(exch_ns[stream])
        local_ns[stream] = np.maximum.accumulate(local_ns[stream])
    if feed is not None:
        local_ns = _delivered(here, exch_ns, feed)
    base, size = band_of(here)
    far = (here["price_ticks"] < base) | (here["price_ticks"] >= base + size)

    order = np.argsort(exch_ns, kind="stable")
    venue = _venue_rows(here[order], exch_ns[order], far[order])
    venue = _annotated(venue, base, size)

    order = np.argsort(local_ns, kind="stable")
    in_order = _venue_rows(here[order], exch_ns[order], far[order])
    messages = _messages(here[order], exch_ns[order], local_ns[order])
    annotate_message_book(in_order, messages, *make_ladder().book)
    messages["health"] = _health(here[order], messages)
    return Tape(
        instrument,
        BRIDGED,
        venue,
        *pack(venue, base, size),
        messages,
        _level_rows(in_order),
        base,
        size,
        f"{BRIDGED}:{source_hash}",
    )


def parity_tape(instrument: Instrument, rows: np.ndarray, *, source_hash: str = "", feed: Feed | None = None) -> Tape:
    """Lay out every row from the first line, without bridging, by the rules of the hftbacktest profile.

    One shift of the receive times makes the smallest feed latency zero when the local clock ran behind. Raises Misuse
    when there are no rows.
    """
    rows = rows[np.isin(rows["kind"], (DEPTH, TRADE, CLEAR, SNAPSHOT))]
    if rows.size == 0:
        raise Misuse(f"{instrument.symbol}: the capture holds no rows to replay", remedy="import a capture with depth or trades")
    exch_ns = rows["exch_ns"]
    local_ns = corrected_local(rows, "parity") if feed is None else _delivered(rows, exch_ns, feed)
    base, size = band_of(rows)
    far = (rows["price_ticks"] < base) | (rows["price_ticks"] >= base + size)

    order = np.argsort(exch_ns, kind="stable")
    venue = _venue_rows(rows[order], exch_ns[order], far[order])
    annotate_venue(venue, *_empty_book(size), base)

    order = np.argsort(local_ns, kind="stable")
    in_order = _venue_rows(rows[order], exch_ns[order], far[order])
    messages = _messages(rows[order], exch_ns[order], local_ns[order])
    annotate_messages(in_order, messages, *_empty_book(size), base)
    return Tape(
        instrument,
        PARITY,
        venue,
        *pack(venue, base, size),
        messages,
        _level_rows(in_order),
        base,
        size,
        f"{PARITY}:{source_hash}",
    )


def _delivered(rows: np.ndarray, exch_ns: np.ndarray, feed: Feed) -> np.ndarray:
    """Receive times by a latency model: one latency a message, and none overtakes another."""
    ended = (rows["flags"] & LAST_OF_MESSAGE != 0) | (rows["kind"] == GAP)
    message = np.concatenate(([0], np.cumsum(ended[:-1])))
    order = np.argsort(exch_ns, kind="stable")
    # Messages are numbered as the venue sent them, so that a seed means the same whatever the recorder's order was.
    _, first = np.unique(message[order], return_index=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(first.size)
    local_ns = np.empty(rows.size, np.int64)
    local_ns[order] = np.maximum.accumulate((exch_ns + feed(first.size)[rank[message]])[order])
    return local_ns


def _annotated(rows: np.ndarray, base: int, size: int) -> np.ndarray:
    """Rows of the venue with its touch, and with a row for every level that the end of a crossed message removes.

    The book removes them by itself; a replay keeps no book, and would show them to a queue for ever.
    """
    removed = np.zeros((1_024, 3), np.int64)
    count = annotate_venue_book(rows, removed, *make_ladder().book)
    if count > removed.shape[0]:
        removed = np.zeros((count, 3), np.int64)
        annotate_venue_book(rows, removed, *make_ladder().book)
    if count == 0:
        return rows
    place = removed[:count, 0]
    added = rows[place].copy()
    added["kind"], added["qty_lots"] = DEPTH, 0
    added["side"], added["price_ticks"] = removed[:count, 1], removed[:count, 2]
    outside = (added["price_ticks"] < base) | (added["price_ticks"] >= base + size)
    last = np.append(np.diff(place) != 0, True)
    added["flags"] = np.where(last, LAST_OF_MESSAGE, 0) | np.where(outside, FAR, 0)
    before = np.maximum(place - 1, 0)
    for name in ("bid_ticks", "ask_ticks"):
        # Until its last row a message shows the touch of the one before.
        added[name] = np.where(last, added[name], rows[name][before])
        rows[name][place] = rows[name][before]
    rows["flags"][place] &= np.uint8(~LAST_OF_MESSAGE & 0xFF)
    return np.insert(rows, place + 1, added)


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


def pack(rows: np.ndarray, base_ticks: int, size_ticks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the messages, cells and quantities of VENUE_ROW rows: what a replay reads where no order of ours is concerned."""
    return _grouped(rows), _cells(rows, base_ticks, size_ticks), np.ascontiguousarray(rows["qty_lots"])


def _grouped(rows: np.ndarray) -> np.ndarray:
    """Rows of the venue's order, message by message; a print, a clear or a gap stands alone."""
    if rows.size == 0:
        return np.zeros(0, VENUE_MESSAGE)
    alone = np.isin(rows["kind"], (TRADE, CLEAR, GAP))
    begins = np.ones(rows.size, bool)
    begins[1:] = (np.diff(rows["exch_ns"]) != 0) | alone[1:] | alone[:-1] | (rows["flags"][:-1] & LAST_OF_MESSAGE != 0)
    first = np.flatnonzero(begins)
    ends = np.append(first[1:], rows.size)
    last = rows[ends - 1]
    out = np.zeros(first.size, VENUE_MESSAGE)
    out["row_end"] = ends
    for name in ("exch_ns", "qty_lots", "price_ticks", "bid_ticks", "ask_ticks", "side"):
        out[name] = last[name]
    out["bid_high"] = np.maximum.reduceat(rows["bid_ticks"], first)
    out["ask_low"] = np.minimum.reduceat(rows["ask_ticks"], first)
    out["kind"] = np.where(alone[first], last["kind"], DEPTH)
    return out


def _cells(rows: np.ndarray, base: int, size: int) -> np.ndarray:
    cells = rows["price_ticks"].astype(np.int64) - base + np.where(rows["side"] > 0, 0, size)
    outside = (rows["flags"] & FAR != 0) | np.isin(rows["kind"], (TRADE, CLEAR, GAP))
    return np.where(outside, 2 * size, cells).astype(np.int32)


def _level_rows(rows: np.ndarray) -> np.ndarray:
    out = np.zeros(rows.size, LEVEL_ROW)
    for name in ("qty_lots", "price_ticks", "kind", "side", "flags"):
        out[name] = rows[name]
    return out


def _messages(rows: np.ndarray, exch_ns: np.ndarray, local_ns: np.ndarray) -> np.ndarray:
    ends = np.flatnonzero((rows["flags"] & LAST_OF_MESSAGE != 0) | (rows["kind"] == GAP))
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


def _health(rows: np.ndarray, messages: np.ndarray) -> np.ndarray:
    """Health of the book after each message: without a snapshot, broken by a gap, or 0."""
    kind = rows["kind"][messages["row_end"] - 1]
    turn = np.where(kind == SNAPSHOT, 1, np.where(kind == GAP, 2, 0))
    # The latest snapshot or gap decides.
    latest = np.maximum.accumulate(np.where(turn > 0, np.arange(turn.size), -1))
    state = np.where(latest < 0, 0, turn[np.maximum(latest, 0)])
    return np.select([state == 1, state == 2], [0, GAP_SEEN], NO_SNAPSHOT).astype(np.uint8)
