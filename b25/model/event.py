"""What can happen: the one event record that enters `step`, and the compact rows of market archives."""

from typing import Final

import numpy as np

BUY: Final = 1
SELL: Final = -1

# No price is an integer, so that records never hold a NaN. Every real price lies strictly between the two.
NO_BID_TICKS: Final = 0
NO_ASK_TICKS: Final = 2**31 - 1
PRICE_TICKS_MAX: Final = 2**31 - 2

# Kinds of event. Market kinds first, so that "is it market data" is one comparison.
DEPTH: Final = 1  # a level of `side` now holds `qty_lots`; 0 deletes it
TRADE: Final = 2  # a public print; `side` is the aggressor's
CLEAR: Final = 3  # the levels of `side` from the touch up to and including `price_ticks` are gone
SNAPSHOT: Final = 4  # a level of a full snapshot; follows CLEAR rows
BBO: Final = 5  # best bid or offer of a ticker stream; never applied to the book
GAP: Final = 6  # the venue's sequence is broken here: the book is suspect until a snapshot
BAR: Final = 7  # a complete bar; see engine/apply_bar.py for how an EVENT holds one
FUNDING: Final = 8  # `amount` is the rate in 1e-12, `price_ticks` the mark; 0 is the last price
MARK: Final = 9
TIMER: Final = 16  # with the status PARENTS_DUE it is for parent orders only, and not for `on_timer`
COMMAND: Final = 17
ORDER_ACCEPTED: Final = 24
ORDER_REJECTED: Final = 25
ORDER_EXPIRED: Final = 26
ORDER_CANCELLED: Final = 27
ORDER_REPLACED: Final = 28
ORDER_FILLED: Final = 29
CANCEL_REJECTED: Final = 30
REPLACE_REJECTED: Final = 31
ORDER_TRIGGERED: Final = 32  # a stop whose price was reached; from now on it is an order like any other

PARENTS_DUE: Final = 1

# Flags of an archive row or event.
LAST_OF_MESSAGE: Final = 1  # the book is whole again after this row; `on_book` fires here and only here
MAKER: Final = 2  # of a fill: we provided the liquidity
FAR: Final = 4  # of a tape row: outside the ladder's band around the touch

EVENT = np.dtype(
    [
        ("exch_ns", "i8"),  # when it happened at the venue
        ("local_ns", "i8"),  # when we could know it
        ("seq", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("order_id", "i8"),
        ("amount", "i8"),  # its meaning belongs to the kind: fee_e8, funding rate_e12, mark
        ("kind", "u1"),
        ("flags", "u1"),
        ("side", "i1"),
        ("status", "u1"),  # of an order event: a REASON
        ("instrument", "u2"),
        ("pad", "u1", (2,)),
    ],
    align=True,
)
assert EVENT.itemsize == 64

# What the catalog keeps of a capture, one row a level or print, in file order.
ROW = np.dtype(
    [
        ("exch_ns", "i8"),  # the venue's own time
        ("recv_ns", "i8"),  # receive time as recorded, uncorrected
        ("first_id", "i8"),  # U of a diff, id of a trade, lastUpdateId of a snapshot
        ("last_id", "i8"),  # u of a diff, id of a trade, lastUpdateId of a snapshot
        ("prev_id", "i8"),  # pu of a diff; -1 where the venue sends none
        ("qty_lots", "i8"),
        ("price_ticks", "i4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("flags", "u1"),
        ("pad", "u1"),
    ],
    align=True,
)
assert ROW.itemsize == 56
