"""The matching engine's words: what can be asked of a book, what it answers, and how its state lies in memory."""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np


class Stp(IntEnum):
    """Self-trade prevention: what happens when an order meets one of the same account."""

    NONE = 0
    EXPIRE_TAKER = 1
    EXPIRE_MAKER = 2
    EXPIRE_BOTH = 3
    DECREMENT = 4  # both lose the smaller of the two


class MatchKind(IntEnum):
    """What an event of the book says."""

    OPENED = 1  # rests with `leaves_lots`
    TRADE = 2  # `order_id` took from `maker_order_id` at the maker's price
    CANCELLED = 3
    EXPIRED = 4  # `qty_lots` were left
    REJECTED = 5
    AMENDED = 6
    WAITING = 7  # a stop, until the market reaches `price_ticks`
    TRIGGERED = 8
    PREVENTED = 9  # lost `qty_lots` to self-trade prevention
    DONE = 10  # a market order by value has spent what it could


class MatchReason(IntEnum):
    """Why an order was refused or ended."""

    NONE = 0
    WOULD_TAKE = 1  # post-only
    NO_LIQUIDITY = 2
    WOULD_INCREASE = 3  # reduce-only
    UNKNOWN_ORDER = 4
    DUPLICATE_ORDER = 5
    NOTHING_CHANGED = 6
    WOULD_TRIGGER = 7  # the market is already beyond the stop
    IOC_LEFTOVER = 8
    FOK_UNFILLABLE = 9
    REDUCE_ONLY = 10  # the position that it was to reduce is gone
    INVALID = 11  # a price, quantity, account or side that no order can have


class MatchEvent(NamedTuple):
    """One answer of the book; fields without a meaning for the kind are 0."""

    kind: int
    order_id: int
    account: int
    side: int
    price_ticks: int
    qty_lots: int
    leaves_lots: int
    maker_order_id: int = 0
    maker_account: int = 0
    maker_leaves_lots: int = 0
    trade_id: int = 0
    reason: int = 0


# Kinds of command.
PLACE: Final = 1
STOP: Final = 2
CANCEL: Final = 3
AMEND: Final = 4
SET_MARK: Final = 5
SET_POSITION: Final = 6  # `qty_lots` is what the account holds from now on, for reasons outside of this book

# Flags of a command and of an order.
POST_ONLY: Final = 1
REDUCE_ONLY: Final = 2
MARKET: Final = 4
BY_VALUE: Final = 8  # a market order with a budget instead of a quantity
RISING: Final = 16  # a stop that fires when the price comes up to it
BY_MARK: Final = 32  # a stop that looks at the mark instead of the last trade
NOTIFY_ONLY: Final = 64  # a stop that only says that it fired

MATCH_COMMAND = np.dtype(
    [
        ("order_id", "i8"),
        ("qty_lots", "i8"),
        ("price_ticks", "i8"),  # of a market order: the worst it accepts, 0 for any
        ("stop_ticks", "i8"),
        ("budget_ticklots", "i8"),
        ("account", "i4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("stp", "u1"),
        ("pad", "u1", (7,)),
    ],
    align=True,
)
assert MATCH_COMMAND.itemsize == 56

MATCH_ORDER = np.dtype(
    [
        ("order_id", "i8"),
        ("leaves_lots", "i8"),
        ("price_ticks", "i8"),
        ("stop_ticks", "i8"),  # of a waiting one; 0 once it has fired
        ("account", "i4"),
        ("next", "i4"),  # slot of the next at the same level
        ("prev", "i4"),
        ("reducer_next", "i4"),  # slot of the next resting reduce-only order of any account
        ("reducer_prev", "i4"),
        ("side", "i1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("stp", "u1"),
    ],
    align=True,
)
assert MATCH_ORDER.itemsize == 56

MATCH_LEVEL = np.dtype([("lots", "i8"), ("first", "i4"), ("last", "i4")], align=True)
assert MATCH_LEVEL.itemsize == 16

MATCH_CHANGE = np.dtype([("price_ticks", "i8"), ("side", "i8")], align=True)

# One cache line. The names stand in the order of `MatchEvent`, whatever the order in memory.
MATCH_EVENT = np.dtype(
    {
        "names": list(MatchEvent._fields),
        "formats": ["u1", "i8", "i4", "i1", "i4", "i8", "i8", "i8", "i4", "i8", "i8", "u1"],
        "offsets": [0, 8, 4, 1, 56, 16, 24, 32, 60, 40, 48, 2],
        "itemsize": 64,
    }
)
assert MATCH_EVENT.names == MatchEvent._fields

# The queues of one book. In the even ones the lowest price comes first, in the odd ones the highest.
ASKS: Final = 0
BIDS: Final = 1
RISING_LAST: Final = 2
FALLING_LAST: Final = 3
RISING_MARK: Final = 4
FALLING_MARK: Final = 5
QUEUES: Final = 6

MATCH_BOOK = np.dtype(
    [
        ("best_ticks", "i8", (QUEUES,)),  # first price of each queue; of an empty one, what NO_PRICE says
        ("last_ticks", "i8"),  # of the last trade; 0 before the first
        ("mark_ticks", "i8"),
        ("high_ticks", "i8"),  # of the trades since stops were last looked at; 0 when there were none
        ("low_ticks", "i8"),
        ("trade_id", "i8"),
        ("taken_lots", "i8"),  # by accounts from the crowd and from each other so far, sells negative
        ("orders", "i8"),  # resting and waiting
        ("waiting", "i8"),
        ("events", "i8"),  # written to the event array
        ("changes", "i8"),  # written to the change array
        ("free_order", "i4"),  # first slot of the free list
        ("first_reducer", "i4"),
        ("last_reducer", "i4"),
        ("free_pages", "i4"),  # height of the stack
        ("tracks_changes", "u1"),
        ("pad", "u1", (7,)),
    ],
    align=True,
)
