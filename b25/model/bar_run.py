"""What a run over bars keeps beside the world: where each tape stands, what its venue assumes, and the figures of one point."""

from typing import Final

import numpy as np

from b25.model.bar import BAR

# One instrument's bars of one timeframe, read by cursor.
BAR_TAPE = np.dtype(
    [
        ("rows", "u8"),  # address of BAR rows
        ("views", "u8"),  # address of BAR_VIEW rows, the same bars
        ("features", "u8"),  # address of float64 rows; of the first timeframe only
        ("count", "i8"),
        ("next", "i8"),  # the first bar that was not shown yet
    ],
    align=True,
)

# Phases of a bar at the simulated venue.
AT_OPEN: Final = 0
FIRST_LEG: Final = 1  # from the open to the extreme that comes first
SECOND_LEG: Final = 2  # from there to the other extreme
LAST_LEG: Final = 3  # from there to the close
OVER: Final = 4

# One instrument's venue.
BAR_VENUE = np.dtype(
    [
        ("bar", BAR),  # the bar that is being lived through
        ("phase", "i8"),
        ("direction", "i8"),  # of the first leg: +1 up, -1 down
        ("at_ticks", "i8"),  # where the price has come to on the present leg
        ("first_id", "i8"),  # orders from this id on were sent during this bar
        ("fills", "i8"),  # in this bar
        ("opened_leg", "i8"),  # leg on which the position last grew in this bar; 0 when it did not, or did at the open
        ("lots_left", "i8"),  # what may still be traded of this bar's volume
        ("earned", "f8"),  # money units that the instrument had earned, fees paid, when its last trade ended
        ("funding", "u8"),  # address of FUNDING_RATE rows
        ("funding_count", "i8"),
        ("funding_next", "i8"),
        ("tiers", "u8"),  # address of a TIERS record: maintenance margin
        ("liquidation_low", "i8"),  # a low at or below it liquidates; -1 when nothing does
        ("liquidation_high", "i8"),
        ("spot", "i8"),
        ("borrowed_ns", "i8"),  # until when borrowing is paid for
        ("forced_id", "i8"),  # while it liquidates: orders before this id are cancelled first; else 0
    ],
    align=True,
)

# How orders are filled inside a bar, for all instruments; ratios in 1e-12.
BAR_MODEL = np.dtype(
    [
        ("at_close", "i8"),  # market orders fill at the close of the bar that they were sent at
        ("touch", "i8"),  # a limit fills when its price is touched, not only when it is traded through
        ("slippage_e12", "i8"),
        ("impact_e12", "i8"),  # slippage of an order as large as the bar's volume, by the square root
        ("participation_e12", "i8"),  # share of a bar's volume that may be traded; -1: all of it and more
        ("leverage", "f8"),
        ("isolated", "i8"),
        ("short", "i8"),  # whether selling what is not held is allowed: 0 no, 1 yes, 2 for contracts only
        ("borrow_day_e12", "i8"),
        ("liquidation_fee_e8", "i8"),
        ("liquidates", "i8"),
    ],
    align=True,
)

BLOCKS: Final = 16
# One point of a sweep: everything that the compact statistics need, gathered while the run goes on.
POINT = np.dtype(
    [
        ("status", "i8"),
        ("start_equity", "f8"),
        ("equity", "f8"),  # at the last mark
        ("bar_equity", "f8"),  # at the last close
        ("peak", "f8"),
        ("drawdown", "f8"),  # largest relative fall from the peak, on every mark
        ("drawdown_money", "f8"),
        ("broke", "i8"),  # equity was zero or less at some mark
        ("midnight_ns", "i8"),  # the next 00:00 UTC
        ("day_equity", "f8"),  # at the last daily point
        ("days", "i8"),
        ("day_sums", "f8", (4,)),  # sums of the daily returns and of their powers
        ("day_down", "f8"),  # sum of squared negative returns
        ("day_best", "f8"),
        ("day_worst", "f8"),
        ("trades", "i8"),
        ("wins", "i8"),
        ("losses", "i8"),
        ("win_money", "f8"),
        ("loss_money", "f8"),
        ("fills", "i8"),
        ("in_market_bars", "i8"),
        ("bars", "i8"),
        ("block", "i8"),
        ("block_end", "i8"),
        ("blocks", "f8", (BLOCKS, 3)),  # count, sum, sum of squares of bar returns in even blocks of time
        ("fees", "f8"),
        ("funding", "f8"),
        ("borrow", "f8"),
        ("volume", "f8"),
        ("refused", "i8"),
        ("begin_ns", "i8"),
        ("end_ns", "i8"),
    ],
    align=True,
)
