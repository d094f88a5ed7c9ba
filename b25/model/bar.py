"""Bars: open, high, low, close and volume over `[open_ns, close_ns)`, in ticks and lots; and what a strategy sees of one."""

import numpy as np

# One complete bar. It is known at `close_ns` and not before.
BAR = np.dtype(
    [
        ("open_ns", "i8"),
        ("close_ns", "i8"),  # when it is complete: the open of the next one, for bars by time
        ("volume_lots", "i8"),
        ("buy_lots", "i8"),  # of the volume, what aggressors bought; -1 where the data does not say
        ("open_ticks", "i4"),
        ("high_ticks", "i4"),
        ("low_ticks", "i4"),
        ("close_ticks", "i4"),
    ],
    align=True,
)
assert BAR.itemsize == 48

# The same bar in quote and base units, as a strategy reads it; `buy_volume` is NaN where the data does not say.
BAR_VIEW = np.dtype(
    [
        ("open_ns", "i8"),
        ("close_ns", "i8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "f8"),
        ("buy_volume", "f8"),
    ],
    align=True,
)
assert BAR_VIEW.itemsize == 64

# How many bars of a timeframe were complete so far, and whether one became so at this moment.
BAR_MARK = np.dtype([("seen", "i8"), ("fresh", "i8")], align=True)
# Where the last complete bar of a timeframe stands.
BAR_PLACE = np.dtype([("address", "u8")], align=True)

# One payment of funding: at `time_ns` a long position pays rate x value at the mark; negative rates are paid by shorts.
FUNDING_RATE = np.dtype([("time_ns", "i8"), ("rate_e12", "i8"), ("mark_ticks", "i8")], align=True)  # mark 0: the bar's open
