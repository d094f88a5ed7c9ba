"""One live instrument in machine code: a message's bytes are read, checked, bridged, applied to the book and made into rows.

The rules of bridging are those of `b25.kernels.bridging`, message by message: what is delivered here is what a replay of the
recorded text gives. Numba's cache notices an edit of this file, and the build key one of the kernels that it calls; that is why
no kernel of this package calls one of another file of this package.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs

import numpy as np

from b25.kernels.address import array_at, record_at
from b25.kernels.book import CLEAR_CROSSED, end_message, set_level
from b25.kernels.bridging import BY_PREVIOUS, RECENT, STRADDLE, SYNCED, WAITING, continues, is_repeated
from b25.kernels.jit import kernel
from b25.kernels.wire_binance import read_message
from b25.kernels.wire_book import apply_message
from b25.kernels.wire_text import NO_ROOM, READ
from b25.kernels.wire_text import OFF_GRID as OFF_GRID_STATUS
from b25.market.feed import desk_layout as outcome
from b25.market.feed.desk_layout import DESK, SKEWS
from b25.model import event
from b25.model.book import BOOK, GAP_SEEN, LEVEL
from b25.model.book import CROSSED as CROSSED_HEALTH
from b25.model.event import ROW
from b25.model.message import DIFF, FULL_BOOK, GRID, MESSAGE, PRINT

CLOSING_BRACE = 125
LAYOUT = "7fe531b12103f198"  # of desk_layout.py, see there


@kernel
def take(desk_address, text_address, size, recv_ns):
    """Take one message in Binance's own layout.

    Parameters
    ----------
    desk_address, text_address : int
        Of a DESK record and of the text's first byte.
    size : int
        Bytes of the text.
    recv_ns : int
        When it was received, by our clock.

    Returns
    -------
    int
        An outcome. UNUSUAL and LEVELS_FULL: read it into the desk's message by other means and call `take_read`. ROWS_FULL:
        drain the rows and call again.
    """
    desk = record_at(desk_address, DESK)
    text = array_at(text_address, size, np.uint8)
    if size < 2 or text[np.uintp(size - 1)] != CLOSING_BRACE:
        return outcome.UNUSUAL
    symbol = array_at(desk["symbol"], desk["symbol_bytes"], np.uint8)
    grid, message = record_at(desk["grid"], GRID), record_at(desk["message"], MESSAGE)
    levels = array_at(desk["levels"], desk["levels_cap"], LEVEL)
    status, after = read_message(text, 0, size, symbol, grid, message, levels)
    if status == NO_ROOM:
        return outcome.LEVELS_FULL
    if (status != READ and status != OFF_GRID_STATUS) or after != size:
        return outcome.UNUSUAL
    if status == OFF_GRID_STATUS:
        return outcome.OFF_GRID
    return _take_read(desk, grid, message, levels, recv_ns)


@kernel
def take_read(desk_address, recv_ns):
    """Take the message that stands in the desk's message and levels; as `take`."""
    desk = record_at(desk_address, DESK)
    levels = array_at(desk["levels"], desk["levels_cap"], LEVEL)
    return _take_read(desk, record_at(desk["grid"], GRID), record_at(desk["message"], MESSAGE), levels, recv_ns)


@kernel
def break_chain(desk_address, recv_ns):
    """Declare a gap before the diff that was BROKEN, which waits for the next snapshot; its outcome, else 0."""
    desk = record_at(desk_address, DESK)
    message = record_at(desk["message"], MESSAGE)
    levels = array_at(desk["levels"], desk["levels_cap"], LEVEL)
    if desk["row_count"] + 1 > desk["rows_cap"]:
        return outcome.ROWS_FULL
    if desk["waiting_rows"] + message["bids"] + message["asks"] > desk["waiting_cap"]:
        desk["waiting_rows"] = desk["waiting_diffs"] = 0
    _merge_empty(desk, message)
    rows = array_at(desk["rows"], desk["rows_cap"], ROW)
    _put(rows, desk["row_count"], message, message["exch_ns"], recv_ns, event.GAP, 0, 0, 0)
    desk["row_count"] += 1
    _begin_gap(desk)
    _wait(desk, message, levels, recv_ns)
    return 0


@kernel
def _take_read(desk, grid, message, levels, recv_ns):
    kind = message["kind"]
    count = message["bids"] + message["asks"]
    desk["messages"] += 1
    for i in range(count):
        if levels[np.uintp(i)]["price_ticks"] > event.PRICE_TICKS_MAX:
            return outcome.ABSURD
    if desk["row_count"] + count + 2 > desk["rows_cap"]:
        return outcome.ROWS_FULL
    if kind == FULL_BOOK:
        return _take_snapshot(desk, message, levels, recv_ns)
    if message["exch_ns"] > 0:
        ahead_ns = message["exch_ns"] - recv_ns
        if desk["ahead_ns"] > 0 and ahead_ns > desk["skew_ns"] + desk["ahead_ns"]:
            return outcome.FUTURE
        skews = array_at(desk["skews"], SKEWS, np.int64)
        skews[np.uintp(desk["skew_count"] % SKEWS)] = ahead_ns
        desk["skew_count"] += 1
    if kind == DIFF:
        return _take_diff(desk, message, levels, recv_ns)
    if desk["band_ticks"] > 0 and desk["state"] == SYNCED and _is_absurd(desk, levels, count):
        return outcome.ABSURD
    if kind == PRINT:
        return _take_print(desk, message, levels, recv_ns)
    return _take_quote(desk, message, levels, recv_ns)


@kernel
def _is_absurd(desk, levels, count):
    """Whether a print or quote lies further from the touch than any price can move between two messages."""
    head = record_at(desk["head"], BOOK)
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    if bid == event.NO_BID_TICKS or ask == event.NO_ASK_TICKS:
        return False
    for i in range(count):
        if not bid - desk["band_ticks"] <= levels[np.uintp(i)]["price_ticks"] <= ask + desk["band_ticks"]:
            return True
    return False


@kernel
def _time_of(desk, message):
    """Venue time of a message that is kept; one that bears none has the newest so far."""
    if message["exch_ns"] == 0:
        return desk["exch_ns"]
    desk["exch_ns"] = max(desk["exch_ns"], message["exch_ns"])
    return message["exch_ns"]


@kernel
def _put(rows, place, message, exch_ns, recv_ns, kind, side, price_ticks, qty_lots):
    at = np.uintp(place)
    rows[at]["exch_ns"], rows[at]["recv_ns"] = exch_ns, recv_ns
    rows[at]["first_id"], rows[at]["last_id"], rows[at]["prev_id"] = message["first_id"], message["last_id"], message["prev_id"]
    rows[at]["price_ticks"], rows[at]["qty_lots"] = price_ticks, qty_lots
    rows[at]["kind"], rows[at]["side"], rows[at]["flags"], rows[at]["pad"] = kind, side, 0, 0


@kernel
def _put_levels(rows, place, message, levels, first, stop, exch_ns, recv_ns, kind, side):
    for i in range(first, stop):
        level = levels[np.uintp(i)]
        _put(rows, place + i - first, message, exch_ns, recv_ns, kind, side, level["price_ticks"], level["qty_lots"])
    return place + stop - first


@kernel
def _take_print(desk, message, levels, recv_ns):
    exch_ns = _time_of(desk, message)
    desk["print_recv_ns"] = recv_ns
    recent = array_at(desk["recent"], RECENT, np.int64)
    if is_repeated(message["last_id"], desk["newest_trade"], recent):
        desk["repeated_trades"] += 1
        return outcome.REPEATED
    recent[np.uintp(desk["trades"] % RECENT)] = message["last_id"]
    desk["trades"] += 1
    desk["newest_trade"] = max(desk["newest_trade"], message["last_id"])
    head = record_at(desk["head"], BOOK)
    head["last_trade_ticks"], head["last_trade_lots"] = levels[0]["price_ticks"], levels[0]["qty_lots"]
    head["last_trade_ns"], head["last_trade_side"] = exch_ns, message["side"]
    rows = array_at(desk["rows"], desk["rows_cap"], ROW)
    at = desk["row_count"]
    _put(rows, at, message, exch_ns, recv_ns, event.TRADE, message["side"], levels[0]["price_ticks"], levels[0]["qty_lots"])
    rows[np.uintp(at)]["flags"] = event.LAST_OF_MESSAGE
    desk["row_count"] += 1
    return outcome.TRADED


@kernel
def _take_quote(desk, message, levels, recv_ns):
    untimed = message["exch_ns"] == 0 and desk["exch_ns"] == 0  # spot's, before any message that bears a time
    if untimed or message["last_id"] <= desk["newest_quote"]:
        return outcome.UNNEEDED
    desk["newest_quote"], desk["quote_recv_ns"] = message["last_id"], recv_ns
    exch_ns = _time_of(desk, message)
    bids, count = message["bids"], message["bids"] + message["asks"]
    rows = array_at(desk["rows"], desk["rows_cap"], ROW)
    at = _put_levels(rows, desk["row_count"], message, levels, 0, bids, exch_ns, recv_ns, event.BBO, event.BUY)
    at = _put_levels(rows, at, message, levels, bids, count, exch_ns, recv_ns, event.BBO, event.SELL)
    if count > 0:
        rows[np.uintp(at - 1)]["flags"] = event.LAST_OF_MESSAGE
    desk["row_count"] = at
    return outcome.QUOTED


@kernel
def _merge_empty(desk, message):
    """Let a diff take over the ids of one without levels before it, which has no row to carry them."""
    if desk["empty_first_id"] >= 0:
        message["first_id"] = min(message["first_id"], desk["empty_first_id"])
        message["prev_id"] = desk["empty_prev_id"]
        desk["empty_first_id"] = -1


@kernel
def _take_diff(desk, message, levels, recv_ns):
    behind = 1 if desk["rule"] == BY_PREVIOUS and desk["state"] == STRADDLE else 0
    old = desk["state"] != WAITING and message["last_id"] <= desk["last_id"] - behind
    pending = desk["empty_first_id"] >= 0
    if pending and (old or message["last_id"] <= desk["empty_last_id"]):
        return outcome.UNNEEDED  # the reader of a capture would give it the ids that the next diff must have
    if desk["discard_next"] != 0 and not old:
        desk["discard_next"] = 0
        return outcome.DISCARDED
    if message["bids"] + message["asks"] == 0:
        if old:
            return outcome.UNNEEDED
        if not pending:
            desk["empty_first_id"], desk["empty_prev_id"] = message["first_id"], message["prev_id"]
        desk["empty_last_id"], desk["diff_recv_ns"] = message["last_id"], recv_ns
        _time_of(desk, message)
        return outcome.EMPTY
    if old:
        _time_of(desk, message)
        if desk["state"] == STRADDLE:
            desk["dropped"] += 1
            return outcome.DROPPED
        desk["stale"] += 1
        return outcome.STALE
    if desk["state"] == WAITING:
        if desk["waiting_rows"] + message["bids"] + message["asks"] > desk["waiting_cap"]:
            return outcome.WAITING_FULL
        _merge_empty(desk, message)
        _wait(desk, message, levels, recv_ns)
        return outcome.WAITED
    first_id = min(message["first_id"], desk["empty_first_id"]) if pending else message["first_id"]
    prev_id = desk["empty_prev_id"] if pending else message["prev_id"]
    if not _is_next(desk, first_id, message["last_id"], prev_id):
        return outcome.BROKEN
    return _apply_diff(desk, message, levels, recv_ns)


@kernel
def _is_next(desk, first_id, last_id, prev_id):
    known, rule = desk["last_id"], desk["rule"]
    if desk["state"] == SYNCED:
        return continues(first_id, prev_id, known, rule)
    if rule == BY_PREVIOUS:
        return first_id <= known <= last_id or prev_id == known
    return first_id <= known + 1 <= last_id


@kernel
def _apply_diff(desk, message, levels, recv_ns):
    head = record_at(desk["head"], BOOK)
    lots, bits = _ladder(desk)
    far = array_at(desk["far"], (2, desk["far_cap"]), LEVEL)
    crossed = head["crossed_messages"]
    apply_message(message, levels, CLEAR_CROSSED, head, lots, bits, far)
    head["local_ns"] = recv_ns
    if head["crossed_messages"] != crossed:
        head["health"] |= CROSSED_HEALTH
        desk["crossed"] += 1
        return outcome.CROSSED  # the chain stays where it was: the next diff breaks it, here and in a replay
    _merge_empty(desk, message)
    exch_ns = _time_of(desk, message)
    bids, count = message["bids"], message["bids"] + message["asks"]
    rows = array_at(desk["rows"], desk["rows_cap"], ROW)
    at = _put_levels(rows, desk["row_count"], message, levels, 0, bids, exch_ns, recv_ns, event.DEPTH, event.BUY)
    at = _put_levels(rows, at, message, levels, bids, count, exch_ns, recv_ns, event.DEPTH, event.SELL)
    rows[np.uintp(at - 1)]["flags"] = event.LAST_OF_MESSAGE
    desk["row_count"] = at
    desk["state"], desk["last_id"], desk["diff_recv_ns"] = SYNCED, message["last_id"], recv_ns
    desk["applied"] += 1
    return outcome.APPLIED


@kernel
def _ladder(desk):
    ticks = desk["ladder_ticks"]
    return array_at(desk["lots"], (2, ticks), np.int64), array_at(desk["bits"], (2, ticks >> 6), np.uint64)


@kernel
def _begin_gap(desk):
    head = record_at(desk["head"], BOOK)
    head["health"] |= GAP_SEEN
    desk["gaps"] += 1
    desk["state"] = WAITING


@kernel
def _wait(desk, message, levels, recv_ns):
    """Keep a diff for the next snapshot."""
    exch_ns = _time_of(desk, message)
    bids, count = message["bids"], message["bids"] + message["asks"]
    waiting = array_at(desk["waiting"], desk["waiting_cap"], ROW)
    at = _put_levels(waiting, desk["waiting_rows"], message, levels, 0, bids, exch_ns, recv_ns, event.DEPTH, event.BUY)
    at = _put_levels(waiting, at, message, levels, bids, count, exch_ns, recv_ns, event.DEPTH, event.SELL)
    if count > 0:
        waiting[np.uintp(at - 1)]["flags"] = event.LAST_OF_MESSAGE
    desk["waiting_rows"], desk["diff_recv_ns"] = at, recv_ns
    desk["waiting_diffs"] += 1


@kernel
def _take_snapshot(desk, message, levels, recv_ns):
    bids, count = message["bids"], message["bids"] + message["asks"]
    if message["exch_ns"] == 0 and desk["exch_ns"] == 0:
        return outcome.UNTIMED
    if 0 < bids < count and levels[0]["price_ticks"] >= levels[np.uintp(bids)]["price_ticks"]:
        return outcome.BAD_SNAPSHOT
    if desk["row_count"] + count + 2 + desk["waiting_rows"] + 1 > desk["rows_cap"]:
        return outcome.ROWS_FULL
    exch_ns = _time_of(desk, message)
    if desk["state"] == SYNCED or (desk["state"] == STRADDLE and message["last_id"] <= desk["last_id"]):
        desk["spare_snapshots"] += 1
        return outcome.SPARE
    if desk["state"] == STRADDLE:
        desk["waiting_rows"] = desk["waiting_diffs"] = 0
    rows = array_at(desk["rows"], desk["rows_cap"], ROW)
    at = desk["row_count"]
    _put(rows, at, message, exch_ns, recv_ns, event.CLEAR, event.BUY, event.NO_BID_TICKS, 0)
    at = _put_levels(rows, at + 1, message, levels, 0, bids, exch_ns, recv_ns, event.SNAPSHOT, event.BUY)
    _put(rows, at, message, exch_ns, recv_ns, event.CLEAR, event.SELL, event.NO_ASK_TICKS, 0)
    at = _put_levels(rows, at + 1, message, levels, bids, count, exch_ns, recv_ns, event.SNAPSHOT, event.SELL)
    rows[np.uintp(at - 1)]["flags"] = event.LAST_OF_MESSAGE
    desk["row_count"] = at
    head = record_at(desk["head"], BOOK)
    lots, bits = _ladder(desk)
    apply_message(message, levels, CLEAR_CROSSED, head, lots, bits, array_at(desk["far"], (2, desk["far_cap"]), LEVEL))
    head["local_ns"] = recv_ns
    head["health"] &= 255 - CROSSED_HEALTH
    desk["state"], desk["last_id"] = STRADDLE, message["last_id"]
    desk["snapshots"] += 1
    return _apply_waiting(desk, exch_ns, recv_ns)


@kernel
def _apply_waiting(desk, exch_ns, recv_ns):
    """Apply the diffs that waited for a snapshot of these times; from one that does not continue it, they wait on."""
    waiting, rows = array_at(desk["waiting"], desk["waiting_cap"], ROW), array_at(desk["rows"], desk["rows_cap"], ROW)
    head = record_at(desk["head"], BOOK)
    crossed = head["crossed_messages"]
    start, total = 0, desk["waiting_rows"]
    while start < total:
        stop = start
        while waiting[np.uintp(stop)]["flags"] & event.LAST_OF_MESSAGE == 0:
            stop += 1
        stop += 1
        row = waiting[np.uintp(start)]
        behind = 1 if desk["rule"] == BY_PREVIOUS and desk["state"] == STRADDLE else 0
        if row["last_id"] <= desk["last_id"] - behind:
            desk["dropped"] += 1
        elif not _is_next(desk, row["first_id"], row["last_id"], row["prev_id"]):
            at = np.uintp(desk["row_count"])
            rows[at] = row
            rows[at]["kind"], rows[at]["side"], rows[at]["flags"] = event.GAP, 0, 0
            rows[at]["price_ticks"], rows[at]["qty_lots"] = 0, 0
            desk["row_count"] += 1
            _begin_gap(desk)
            break
        else:
            _apply_waited(desk, waiting, rows, start, stop, exch_ns, recv_ns)
        desk["waiting_diffs"] -= 1
        start = stop
    for i in range(start, total):
        waiting[np.uintp(i - start)] = waiting[np.uintp(i)]
    desk["waiting_rows"] = total - start
    if start < total:
        return outcome.BRIDGED_TO_GAP
    if head["crossed_messages"] != crossed:
        head["health"] |= CROSSED_HEALTH
        desk["crossed"] += 1
        return outcome.BRIDGED_CROSSED
    return outcome.BRIDGED


@kernel
def _apply_waited(desk, waiting, rows, start, stop, exch_ns, recv_ns):
    head = record_at(desk["head"], BOOK)
    lots, bits = _ladder(desk)
    far = array_at(desk["far"], (2, desk["far_cap"]), LEVEL)
    for i in range(start, stop):
        row, at = waiting[np.uintp(i)], np.uintp(desk["row_count"])
        rows[at] = row
        rows[at]["exch_ns"], rows[at]["recv_ns"] = max(row["exch_ns"], exch_ns), max(row["recv_ns"], recv_ns)
        desk["row_count"] += 1
        side_index = 0 if row["side"] > 0 else 1
        set_level(head, lots, bits, far, side_index, np.int64(row["price_ticks"]), row["qty_lots"])
    end_message(head, lots, bits, far, CLEAR_CROSSED)
    last = waiting[np.uintp(stop - 1)]
    head["last_update_id"], head["exch_ns"], head["local_ns"] = last["last_id"], max(last["exch_ns"], exch_ns), recv_ns
    desk["state"], desk["last_id"] = SYNCED, last["last_id"]
    desk["applied"] += 1
