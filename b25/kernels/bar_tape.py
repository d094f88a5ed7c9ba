"""Show a strategy the next complete bar: move the cursors of its context, the clock and the touch that the gate judges by."""

import numpy as np

from b25.kernels.address import array_at, record_at
from b25.kernels.jit import inlined_kernel, kernel
from b25.kernels.world import bar_mark_at, bar_place_at, book_at, head_of
from b25.model.bar import BAR, BAR_VIEW
from b25.model.bar_run import BAR_TAPE

float64 = np.dtype(np.float64)
VIEW_SIZE, ROW_SIZE, TAPE_SIZE = np.uint64(BAR_VIEW.itemsize), np.uint64(BAR.itemsize), np.uint64(BAR_TAPE.itemsize)


@kernel
def row_at(tape, k):
    """Return row `k` of a tape."""
    return record_at(tape["rows"] + np.uint64(k) * ROW_SIZE, BAR)


@kernel
def tape_at(ctx, address, i, frame):
    """Return the BAR_TAPE of an instrument and timeframe."""
    return record_at(address + np.uint64(i * ctx["frames"] + frame) * TAPE_SIZE, BAR_TAPE)


@kernel
def set_touch(ctx, i, ticks, at_ns):
    """Let a price be all that is known of the market: both sides of the touch."""
    book = book_at(ctx, i)
    book["best_bid_ticks"] = ticks
    book["best_ask_ticks"] = ticks
    book["local_ns"] = at_ns
    book["exch_ns"] = at_ns


@kernel
def set_clock(ctx, at_ns):
    """Set the world's time."""
    ctx["now_ns"] = at_ns
    head_of(ctx)["now_ns"] = at_ns


@kernel
def show_row(ctx, tape, i, frame, k):
    """Make row `k` of a tape the last complete bar of its instrument and timeframe."""
    bar_place_at(ctx, i, frame)["address"] = tape["views"] + np.uint64(k) * VIEW_SIZE
    mark = bar_mark_at(ctx, i, frame)
    mark["seen"] = k + 1
    mark["fresh"] = 1
    tape["next"] = k + 1


@kernel
def show_features(ctx, tape, i, k):
    """Bring the features of row `k` to the strategy: into the context's table, and instrument 0's into its own fields."""
    count = ctx["feature_count"]
    if count == 0:
        return
    row = array_at(tape["features"], (tape["count"], count), float64)[k]
    table = array_at(ctx["features"], (ctx["n"], count), float64)
    for f in range(count):
        table[i, f] = row[f]
    if i == 0:
        fields = array_at(ctx["feature_fields"], count, float64)
        for f in range(count):
            fields[f] = row[f]


@kernel
def show_larger(ctx, tapes, i, at_ns):
    """Show the bars of larger timeframes that are complete by now."""
    for frame in range(1, ctx["frames"]):
        tape = tape_at(ctx, tapes, i, frame)
        bar_mark_at(ctx, i, frame)["fresh"] = 0
        k = tape["next"]
        while k < tape["count"] and row_at(tape, k)["close_ns"] <= at_ns:
            show_row(ctx, tape, i, frame, k)
            k += 1


@kernel
def next_bar(ctx, tapes, k, low_ticks, high_ticks):
    """Show bar `k` of a single instrument, unless it reaches one of two prices; returns whether it was shown.

    Parameters
    ----------
    ctx : CONTEXT record
    tapes : int
        Address of the BAR_TAPE array, shape (1, frames).
    k : int
    low_ticks, high_ticks : int
        A bar whose low is at or below the first, or whose high is at or above the second, is left for the venue to live
        through first. So is every bar once the notes of the strategy want to be taken away.
    """
    if 2 * head_of(ctx)["notes"] > ctx["notes_size"]:
        return False
    tape = tape_at(ctx, tapes, 0, 0)
    row = row_at(tape, k)
    if row["low_ticks"] <= low_ticks or row["high_ticks"] >= high_ticks:
        return False
    at_ns = row["close_ns"]
    show_row(ctx, tape, 0, 0, k)
    if ctx["frames"] > 1:
        show_larger(ctx, tapes, 0, at_ns)
    show_features(ctx, tape, 0, k)
    set_clock(ctx, at_ns)
    set_touch(ctx, 0, row["close_ticks"], at_ns)
    return True


@inlined_kernel
def show_quiet(ctx, head, book, place, mark, views, row, k):
    """Show bar `k` of a run with one instrument, one timeframe and no features: what `next_bar` does, less what stays as it is.

    The records are found once a stride, for the compiler cannot know that no store goes into the context. The cursor of the
    tape is moved, and the bar is marked as fresh, when the stride begins or ends.
    """
    at_ns, ticks = row["close_ns"], row["close_ticks"]
    place["address"] = views + np.uint64(k) * VIEW_SIZE
    mark["seen"] = k + 1
    mark["fresh"] = 1
    ctx["now_ns"] = at_ns
    head["now_ns"] = at_ns
    book["best_bid_ticks"] = ticks
    book["best_ask_ticks"] = ticks
    book["local_ns"] = at_ns
    book["exch_ns"] = at_ns
