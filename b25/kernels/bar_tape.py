"""Show a strategy the next complete bar: move the cursors of its context, the clock and the touch that the gate judges by."""

import numpy as np

from b25.kernels.address import array_at
from b25.kernels.jit import inlined_kernel, kernel
from b25.kernels.world import bar_marks_of, books_of, head_of
from b25.model.bar import BAR, BAR_VIEW
from b25.model.bar_run import BAR_TAPE

uint64 = np.dtype(np.uint64)
float64 = np.dtype(np.float64)
VIEW_SIZE = np.uint64(BAR_VIEW.itemsize)


@kernel
def tapes_of(ctx, address):
    """Return the BAR_TAPE records of a run, shape (n, frames)."""
    return array_at(address, (ctx["n"], ctx["frames"]), BAR_TAPE)


@kernel
def bar_places_of(ctx):
    """Return where the last complete bars stand, addresses of shape (n, frames)."""
    return array_at(ctx["bar_at"], (ctx["n"], ctx["frames"]), uint64)


@kernel
def rows_of(tape):
    """Return the BAR rows of a tape."""
    return array_at(tape["rows"], tape["count"], BAR)


@kernel
def set_touch(ctx, i, ticks, at_ns):
    """Let a price be all that is known of the market: both sides of the touch."""
    book = books_of(ctx)[i]
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
    bar_places_of(ctx)[i, frame] = tape["views"] + np.uint64(k) * VIEW_SIZE
    marks = bar_marks_of(ctx)
    marks[0, i, frame] = k + 1
    marks[1, i, frame] = 1
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
    marks = bar_marks_of(ctx)
    for frame in range(1, ctx["frames"]):
        tape = tapes[i, frame]
        marks[1, i, frame] = 0
        rows = rows_of(tape)
        k = tape["next"]
        while k < tape["count"] and rows[k]["close_ns"] <= at_ns:
            show_row(ctx, tape, i, frame, k)
            k += 1


@kernel
def next_bar(ctx, tapes, k, low_ticks, high_ticks):
    """Show bar `k` of a single instrument, unless it reaches one of two prices; returns whether it was shown.

    Parameters
    ----------
    ctx : CONTEXT record
    tapes : BAR_TAPE array, shape (1, frames)
    k : int
    low_ticks, high_ticks : int
        A bar whose low is at or below the first, or whose high is at or above the second, is left for the venue to live
        through first.
    """
    tape = tapes[0, 0]
    row = rows_of(tape)[k]
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
def show_quiet(ctx, head, book, place, seen, tape, row, k):
    """Show bar `k` of a run with one instrument, one timeframe and no features: what `next_bar` does, less what stays as it is.

    The arrays are taken from the context once a stride, for the compiler cannot know that no store goes into the context;
    the cursor of the tape is moved when the stride ends.
    """
    at_ns, ticks = row["close_ns"], row["close_ticks"]
    place[0] = tape["views"] + np.uint64(k) * VIEW_SIZE
    seen[0] = k + 1
    ctx["now_ns"] = at_ns
    head["now_ns"] = at_ns
    book["best_bid_ticks"] = ticks
    book["best_ask_ticks"] = ticks
    book["local_ns"] = at_ns
    book["exch_ns"] = at_ns
