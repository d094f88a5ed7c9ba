"""Lines of a raw capture into archive rows: receive time, message, next line, until something unusual stands there.

A line is 19 digits of receive time in nanoseconds, a space, the message. What the fast reader does not know is left to the
caller, who appends what its slow path made of the line with `append_message` and calls again.
"""

import numpy as np

from b25.kernels.jit import hot_kernel
from b25.kernels.wire_binance import read_message
from b25.kernels.wire_text import READ, SPACE, UNUSUAL, ZERO
from b25.model.event import BBO, BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, SELL, SNAPSHOT, TRADE
from b25.model.message import DIFF, FULL_BOOK, PRINT

TIME_DIGITS = 19
LINE_FEED = 10
WHOLE_SIDE = -1
ROWS_FULL = 4  # a status beside those of wire_text: the array of rows has no room for this message


@hot_kernel
def read_recv_ns(buf, at, end):
    """Receive time at the start of a line; -1 when there are not 19 digits and a space."""
    if at + TIME_DIGITS >= end or buf[np.uintp(at + TIME_DIGITS)] != SPACE:
        return -1
    value = 0
    for i in range(TIME_DIGITS):
        digit = np.int64(buf[np.uintp(at + i)]) - ZERO
        if not 0 <= digit <= 9 or (i == 0 and digit == 9):  # from 9e18 on, a time may not fit int64
            return -1
        value = value * 10 + digit
    return value


@hot_kernel
def read_lines(buf, end, symbol, grid, cursor, message, levels, rows):
    """Append the rows of the lines from `cursor["at"]` on; stop at `end` or before the first line that is unusual.

    Parameters
    ----------
    buf : ndarray of uint8
        Whole lines; `buf[end - 1]` is a line feed.
    end : int
        Where the text ends.
    symbol, grid, message, levels
        As of `read_message`; message and levels are scratch.
    cursor : CURSOR record
        Where to begin; left at the line that was not read.
    rows : ndarray of RAW_ROW
        Filled from `cursor["rows"]` on.

    Returns
    -------
    int
        READ at the end of the text, else why the line at the cursor was not read.
    """
    while cursor["at"] < end:
        start = cursor["at"]
        recv_ns = read_recv_ns(buf, start, end)
        if recv_ns < 0:
            return UNUSUAL
        status, after = read_message(buf, start + TIME_DIGITS + 1, end, symbol, grid, message, levels)
        if status != READ:
            return status
        if after >= end or buf[np.uintp(after)] != LINE_FEED:
            return UNUSUAL
        if not append_message(message, levels, recv_ns, cursor, rows):
            return ROWS_FULL
        cursor["at"] = after + 1
        cursor["lines"] += 1
    return READ


@hot_kernel
def append_message(message, levels, recv_ns, cursor, rows):
    """Append one message's rows; False, and nothing done, when there is no room for them."""
    bids, asks = message["bids"], message["asks"]
    if cursor["rows"] + bids + asks + 2 > rows.shape[0]:
        return False
    if message["exch_ns"] == 0:
        message["exch_ns"] = cursor["exch_ns"]
    elif message["exch_ns"] > cursor["exch_ns"]:
        cursor["exch_ns"] = message["exch_ns"]
    if message["kind"] == DIFF:
        cursor["diffs"] += 1
        _append_diff(message, levels, recv_ns, cursor, rows)
    elif message["kind"] == PRINT:
        cursor["prints"] += 1
        _append_row(message, recv_ns, TRADE, message["side"], levels[0]["price_ticks"], levels[0]["qty_lots"], cursor, rows)
    elif message["kind"] == FULL_BOOK:
        cursor["full_books"] += 1
        _append_full_book(message, levels, recv_ns, cursor, rows)
    else:
        cursor["tickers"] += 1
        for i in range(bids + asks):
            side = BUY if i < bids else SELL
            _append_row(message, recv_ns, BBO, side, levels[i]["price_ticks"], levels[i]["qty_lots"], cursor, rows)
    if cursor["rows"] > 0:
        rows[cursor["rows"] - 1]["flags"] = LAST_OF_MESSAGE
    return True


@hot_kernel
def _append_row(message, recv_ns, kind, side, price, qty, cursor, rows):
    at = np.uintp(cursor["rows"])
    cursor["rows"] += 1
    rows[at]["exch_ns"] = message["exch_ns"]
    rows[at]["recv_ns"] = recv_ns
    rows[at]["first_id"] = message["first_id"]
    rows[at]["last_id"] = message["last_id"]
    rows[at]["prev_id"] = message["prev_id"]
    rows[at]["price"] = price
    rows[at]["qty"] = qty
    rows[at]["kind"] = kind
    rows[at]["side"] = side
    rows[at]["flags"] = 0


@hot_kernel
def _append_levels(message, levels, first, stop, recv_ns, kind, side, cursor, rows):
    for i in range(first, stop):
        _append_row(message, recv_ns, kind, side, levels[i]["price_ticks"], levels[i]["qty_lots"], cursor, rows)


@hot_kernel
def _append_diff(message, levels, recv_ns, cursor, rows):
    """Append a diff's levels; one without levels has no row to carry its ids, so the next diff takes them over."""
    bids, asks = message["bids"], message["asks"]
    if cursor["empty_first_id"] >= 0:
        message["first_id"] = min(message["first_id"], cursor["empty_first_id"])
        message["prev_id"] = cursor["empty_prev_id"]
        cursor["empty_first_id"] = -1
    if bids + asks == 0:
        cursor["empty_first_id"], cursor["empty_prev_id"] = message["first_id"], message["prev_id"]
        return
    _append_levels(message, levels, 0, bids, recv_ns, DEPTH, BUY, cursor, rows)
    _append_levels(message, levels, bids, bids + asks, recv_ns, DEPTH, SELL, cursor, rows)


@hot_kernel
def _append_full_book(message, levels, recv_ns, cursor, rows):
    """Append a snapshot: per side, clear up to its last listed price (everything, if it lists none), then its levels."""
    bids, asks = message["bids"], message["asks"]
    lowest = levels[bids - 1]["price_ticks"] if bids > 0 else WHOLE_SIDE
    _append_row(message, recv_ns, CLEAR, BUY, lowest, 0, cursor, rows)
    _append_levels(message, levels, 0, bids, recv_ns, SNAPSHOT, BUY, cursor, rows)
    highest = levels[bids + asks - 1]["price_ticks"] if asks > 0 else WHOLE_SIDE
    _append_row(message, recv_ns, CLEAR, SELL, highest, 0, cursor, rows)
    _append_levels(message, levels, bids, bids + asks, recv_ns, SNAPSHOT, SELL, cursor, rows)
