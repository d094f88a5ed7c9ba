"""Bars out of trades, one trade at a time: by time, by count, by volume, by value, by imbalance.

The builder's state is one record, so that trades may come all at once, one by one, or in any pieces: the bars are the same.
A bar that is still open stays in the state and is never among the bars made.

Bars by time open on the timeframe's grid and are complete at their close; where there is no trade there is no bar. A bar of
any other rule opens with a trade and is complete with the trade that reaches the threshold; that trade belongs to it whole,
however large it is. With b the aggressor's side, +1 or -1, of the trades since the bar opened, it is complete when

    ticks              number of trades          >= threshold
    volume             sum of lots               >= threshold
    dollar             sum of ticks x lots       >= threshold
    imbalance          |sum of b|                >= threshold
    volume imbalance   |sum of b x lots|         >= threshold

The thresholds are fixed. Thresholds that follow the bars before them (Lopez de Prado 2018, ch. 2) run away on real data, and
would make a bar depend on where the data begin.
"""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.time_frame import frame_next, frame_open

BY_TIME, BY_TICKS, BY_VOLUME, BY_DOLLAR, BY_IMBALANCE, BY_VOLUME_IMBALANCE = 0, 1, 2, 3, 4, 5

BUILDER = np.dtype(
    [
        ("frame_ns", "i8"),  # of bars by time; see b25.kernels.time_frame
        ("offset_ns", "i8"),
        ("months", "i8"),
        ("threshold", "i8"),  # of all others
        ("reached", "i8"),  # of the threshold, signed where sides count
        ("open_ns", "i8"),
        ("close_ns", "i8"),  # of a bar by time
        ("last_ns", "i8"),  # time of its newest trade
        ("free_ns", "i8"),  # close of the bar before: the next one opens there or later
        ("volume_lots", "i8"),
        ("buy_lots", "i8"),
        ("trades", "i8"),  # 0: no bar is open
        ("open_ticks", "i4"),
        ("high_ticks", "i4"),
        ("low_ticks", "i4"),
        ("close_ticks", "i4"),
        ("rule", "u1"),
        ("pad", "u1", (7,)),
    ],
    align=True,
)
assert BUILDER.itemsize == 120


@kernel
def build_bars(state, time_ns, price_ticks, qty_lots, side, out):
    """Add trades to the open bar; write the bars that are complete.

    Parameters
    ----------
    state : ndarray of BUILDER, shape (1,)
        Changed.
    time_ns, price_ticks, qty_lots : ndarray of int64, side : ndarray of int8, shape (n,)
        Trades in order of time, not earlier than those before; `side` is the aggressor's, +1 or -1.
    out : ndarray of BAR, shape (m,)
        Filled as far as it is needed; m >= n is always enough.

    Returns
    -------
    int
        Bars made.
    """
    one = state[0]
    made = 0
    for i in range(time_ns.shape[0]):
        now = time_ns[i]
        by_time = one["rule"] == BY_TIME
        if by_time and one["trades"] > 0 and now >= one["close_ns"]:
            write_bar(one, one["close_ns"], out[made])
            made += 1
        if one["trades"] == 0:
            begin_bar(one, now, price_ticks[i])
        add_trade(one, now, price_ticks[i], qty_lots[i], side[i])
        if not by_time and abs(one["reached"]) >= one["threshold"]:
            # Bars that are complete at one time follow each other by a nanosecond, so that no two overlap.
            write_bar(one, max(one["last_ns"], one["open_ns"]) + 1, out[made])
            made += 1
    return made


@kernel
def finish_bar(state, known_ns, out):
    """Write the open bar by time when its close has passed: nothing before `known_ns` is still to come. Return 0 or 1."""
    one = state[0]
    if one["rule"] != BY_TIME or one["trades"] == 0 or known_ns < one["close_ns"]:
        return 0
    write_bar(one, one["close_ns"], out[0])
    return 1


@kernel
def begin_bar(one, now, price_ticks):
    """Open a bar at its first trade."""
    if one["rule"] == BY_TIME:
        one["open_ns"] = frame_open(now, one["frame_ns"], one["offset_ns"], one["months"])
        one["close_ns"] = frame_next(np.int64(one["open_ns"]), one["frame_ns"], one["offset_ns"], one["months"])
    else:
        one["open_ns"] = max(now, one["free_ns"])
    one["open_ticks"], one["high_ticks"], one["low_ticks"] = price_ticks, price_ticks, price_ticks
    one["volume_lots"], one["buy_lots"], one["reached"] = 0, 0, 0


@kernel
def add_trade(one, now, price_ticks, qty_lots, side):
    """Let a trade move the open bar and its way to the threshold."""
    one["last_ns"] = now
    one["trades"] += 1
    one["high_ticks"] = max(one["high_ticks"], price_ticks)
    one["low_ticks"] = min(one["low_ticks"], price_ticks)
    one["close_ticks"] = price_ticks
    one["volume_lots"] += qty_lots
    if side > 0:
        one["buy_lots"] += qty_lots
    rule = one["rule"]
    if rule == BY_TICKS:
        one["reached"] += 1
    elif rule == BY_VOLUME:
        one["reached"] += qty_lots
    elif rule == BY_DOLLAR:
        one["reached"] += price_ticks * qty_lots
    elif rule == BY_IMBALANCE:
        one["reached"] += side
    elif rule == BY_VOLUME_IMBALANCE:
        one["reached"] += side * qty_lots


@kernel
def write_bar(one, close_ns, bar):
    """Deliver the open bar as complete at `close_ns`; none is open then."""
    bar["open_ns"], bar["close_ns"] = one["open_ns"], close_ns
    bar["volume_lots"], bar["buy_lots"] = one["volume_lots"], one["buy_lots"]
    bar["open_ticks"], bar["high_ticks"] = one["open_ticks"], one["high_ticks"]
    bar["low_ticks"], bar["close_ticks"] = one["low_ticks"], one["close_ticks"]
    one["free_ns"] = close_ns
    one["trades"] = 0
