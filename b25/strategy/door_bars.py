"""What a strategy may read of bars: the methods of `ctx` that look at the last complete one of each timeframe.

A bar is visible once it is complete, so a larger timeframe changes only when its own bar ends. Timeframes are numbered in
the order of the data: 0 is the one that `on_bar` is called for.
"""

import numpy as np

from b25.kernels.address import array_at, record_at
from b25.kernels.jit import kernel
from b25.kernels.world import bar_mark_at, bar_place_at, head_of
from b25.model.bar import BAR_VIEW
from b25.model.world import NO_BARS

float64 = np.dtype(np.float64)


@kernel
def has_frame(ctx, i, frame):
    """Tell whether the run has bars of that timeframe; if not, halt rather than answer from foreign memory."""
    if i < 0 or i >= ctx["n"] or frame < 0 or frame >= ctx["frames"]:
        head_of(ctx)["status"] = NO_BARS
        return False
    return True


@kernel
def bar(ctx, i=0, frame=0):
    """The last complete bar: open_ns, close_ns, open, high, low, close, volume, buy_volume; all NaN before the first."""
    row = 0
    column = 0
    if has_frame(ctx, i, frame):
        row, column = i, frame
    return record_at(bar_place_at(ctx, row, column)["address"], BAR_VIEW)


@kernel
def bars_seen(ctx, i=0, frame=0):
    """How many bars of a timeframe were complete so far."""
    if not has_frame(ctx, i, frame):
        return np.int64(0)
    return bar_mark_at(ctx, i, frame)["seen"]


@kernel
def fresh(ctx, i=0, frame=0):
    """True when a bar of that instrument and timeframe became complete at this very moment."""
    if not has_frame(ctx, i, frame):
        return False
    return bar_mark_at(ctx, i, frame)["fresh"] != 0


@kernel
def feature(ctx, k, i=0):
    """Value of the `k`-th declared feature for instrument `i` at its last complete bar; NaN where it is not known."""
    if i < 0 or i >= ctx["n"] or k < 0 or k >= ctx["feature_count"]:
        head_of(ctx)["status"] = NO_BARS
        return np.nan
    return array_at(ctx["features"], (ctx["n"], ctx["feature_count"]), float64)[i, k]
