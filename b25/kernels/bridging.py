"""Which rows of an archive make a true book: bridge diffs to a snapshot, follow the venue's chain, stop at a gap.

Rows are taken in file order. Diffs before a snapshot wait; when it comes, those that end before it are dropped, the first that
is left must straddle it, and the following ones must continue the chain: futures by `prev_id`, spot by `first_id`.
"""

import numpy as np

from b25.kernels.jit import hot_kernel
from b25.model.event import CLEAR, DEPTH, GAP, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, SNAPSHOT, TRADE

# How a venue numbers its diffs.
BY_PREVIOUS = 0  # futures: each diff names the last id of the one before
BY_FIRST = 1  # spot: each diff begins one after the last id of the one before

WAITING, STRADDLE, SYNCED = 0, 1, 2
RECENT = 1024  # trade ids among which a repeated one is sought

BRIDGE = np.dtype(
    [
        ("state", "i8"),
        ("last_id", "i8"),  # of the snapshot or the last diff applied
        ("wait_row", "i8"),  # first row that the next snapshot may have to replay
        ("rows", "i8"),  # entries written
        ("applied", "i8"),  # diffs
        ("dropped", "i8"),  # diffs that the snapshot already holds
        ("stale", "i8"),  # diffs repeated after that
        ("unbridged", "i8"),  # diffs that no snapshot reaches
        ("snapshots", "i8"),  # taken
        ("spare_snapshots", "i8"),  # not needed, the book was in sync
        ("gaps", "i8"),
        ("repeated_trades", "i8"),
        ("newest_trade", "i8"),
        ("trades", "i8"),
    ],
    align=True,
)


@hot_kernel
def message_stop(rows, start):
    """First row after the message that begins at `start`."""
    if rows[start]["kind"] == GAP:
        return start + 1
    i = start
    while i + 1 < rows.shape[0] and rows[i]["flags"] & LAST_OF_MESSAGE == 0:
        i += 1
    return i + 1


@hot_kernel
def is_repeated(trade_id, newest, recent):
    """Return whether a trade id is among the recent ones; only ids that do not rise are looked up."""
    if trade_id > newest:
        return False
    found = False
    for i in range(recent.shape[0]):
        found |= recent[i] == trade_id
    return found


@hot_kernel
def continues(first_id, prev_id, last_id, rule):
    """Return whether a diff continues the chain that ends at `last_id`."""
    return prev_id == last_id if rule == BY_PREVIOUS else first_id == last_id + 1


@hot_kernel
def _straddles(row, snapshot_id, rule):
    if rule == BY_PREVIOUS:
        return row["first_id"] <= snapshot_id <= row["last_id"] or row["prev_id"] == snapshot_id
    return row["first_id"] <= snapshot_id + 1 <= row["last_id"]


@hot_kernel
def _write_span(order, bridge, start, stop):
    for i in range(start, stop):
        order[bridge["rows"]] = i
        bridge["rows"] += 1


@hot_kernel
def _take_diff(rows, start, stop, rule, bridge, order):
    """Apply one diff; False where the chain breaks before it."""
    row = rows[start]
    if bridge["state"] == STRADDLE:
        behind = 1 if rule == BY_PREVIOUS else 0
        if row["last_id"] <= bridge["last_id"] - behind:
            bridge["dropped"] += 1
            return True
        whole = _straddles(row, bridge["last_id"], rule)
    else:
        if row["last_id"] <= bridge["last_id"]:
            bridge["stale"] += 1
            return True
        whole = continues(row["first_id"], row["prev_id"], bridge["last_id"], rule)
    if not whole:
        order[bridge["rows"]] = -1 - start
        bridge["rows"] += 1
        bridge["gaps"] += 1
        bridge["state"] = WAITING
        bridge["wait_row"] = start
        bridge["unbridged"] += 1
        return False
    bridge["state"] = SYNCED
    bridge["last_id"] = row["last_id"]
    bridge["applied"] += 1
    _write_span(order, bridge, start, stop)
    return True


@hot_kernel
def _take_snapshot(rows, start, stop, rule, bridge, order):
    """Begin anew from a snapshot, with the diffs that waited for it."""
    bridge["snapshots"] += 1
    bridge["state"] = STRADDLE
    bridge["last_id"] = rows[start]["last_id"]
    _write_span(order, bridge, start, stop)
    i = bridge["wait_row"]
    bridge["wait_row"] = stop
    while i < start:
        end = message_stop(rows, i)
        if rows[i]["kind"] == DEPTH:
            bridge["unbridged"] -= 1
            if not _take_diff(rows, i, end, rule, bridge, order):
                return
        i = end


@hot_kernel
def bridge_rows(rows, rule, order, bridge, recent):
    """Write the order in which rows make a true book.

    Parameters
    ----------
    rows : ndarray of ROW, shape (n,)
        In file order.
    rule : int
        BY_PREVIOUS or BY_FIRST.
    order : ndarray of int64, shape (at least 2 n)
        Filled with row numbers; `-1 - i` is a gap before row i.
    bridge : BRIDGE record
        Zeroed; holds the counts, and in `rows` how many entries were written.
    recent : ndarray of int64, shape (RECENT,)
        Scratch, filled with -1.
    """
    bridge["newest_trade"] = -1
    i = 0
    while i < rows.shape[0]:
        stop = message_stop(rows, i)
        kind = rows[i]["kind"]
        if kind == DEPTH:
            if bridge["state"] == WAITING:
                bridge["unbridged"] += 1
            else:
                _take_diff(rows, i, stop, rule, bridge, order)
        elif kind == TRADE:
            if is_repeated(rows[i]["last_id"], bridge["newest_trade"], recent):
                bridge["repeated_trades"] += 1
            else:
                recent[bridge["trades"] % RECENT] = rows[i]["last_id"]
                bridge["trades"] += 1
                bridge["newest_trade"] = max(bridge["newest_trade"], rows[i]["last_id"])
                _write_span(order, bridge, i, stop)
        elif kind in (CLEAR, SNAPSHOT):
            if bridge["state"] == SYNCED or (bridge["state"] == STRADDLE and rows[i]["last_id"] <= bridge["last_id"]):
                bridge["spare_snapshots"] += 1
            else:
                if bridge["state"] == STRADDLE:
                    bridge["wait_row"] = i  # all diffs since the older snapshot ended before it
                _take_snapshot(rows, i, stop, rule, bridge, order)
        elif kind != GAP:  # gaps are judged here anew
            _write_span(order, bridge, i, stop)
        i = stop


@hot_kernel
def write_bridged(rows, order, count, out):
    """Write the rows in their order into `out` (ROW, at least `count`).

    A snapshot clears whole sides, for the book may have been lost before it; a diff that waited for it gets no earlier time than
    the snapshot's. A gap is one row with the times and the ids of the diff it stands before.
    """
    newest = -1
    exch_ns = recv_ns = 0
    for k in range(count):
        i = order[k]
        if i < 0:
            out[k] = rows[-1 - i]
            out[k]["kind"], out[k]["side"], out[k]["flags"] = GAP, 0, 0
            out[k]["price_ticks"], out[k]["qty_lots"] = 0, 0
            continue
        out[k] = rows[i]
        kind = rows[i]["kind"]
        if kind == CLEAR:
            out[k]["price_ticks"] = NO_BID_TICKS if rows[i]["side"] > 0 else NO_ASK_TICKS
            newest, exch_ns, recv_ns = i, rows[i]["exch_ns"], rows[i]["recv_ns"]
        elif kind == DEPTH and i < newest:
            out[k]["exch_ns"] = max(rows[i]["exch_ns"], exch_ns)
            out[k]["recv_ns"] = max(rows[i]["recv_ns"], recv_ns)
