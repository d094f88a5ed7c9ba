"""Orders: what is true of them, what was asked for them, and why something was refused."""

from enum import IntEnum
from typing import Final

import numpy as np


class State(IntEnum):
    """What is true of an order."""

    NONE = 0
    CREATED = 1  # the gate approved it; not acknowledged
    OPEN = 2
    PART_FILLED = 3
    FILLED = 4
    CANCELLED = 5
    EXPIRED = 6
    REJECTED = 7  # the venue refused it
    DENIED = 8  # our own gate refused it; it never left
    UNKNOWN = 9  # sent, outcome not proven


class Pending(IntEnum):
    """What was asked and not yet answered."""

    NONE = 0
    NEW = 1
    CANCEL = 2
    MODIFY = 3


class Tif(IntEnum):
    """Time in force."""

    GTC = 0
    IOC = 1
    FOK = 2


class Reason(IntEnum):
    """Why an intent was refused, or an order ended as it did. The order is part of the journal's layout."""

    OK = 0
    NOT_A_NUMBER = 1  # price or quantity was NaN or infinite
    QUANTITY_NOT_POSITIVE = 2
    QUANTITY_OFF_LOT = 3
    PRICE_OUT_OF_RANGE = 4
    QUANTITY_OUT_OF_RANGE = 5
    UNKNOWN_INSTRUMENT = 6
    UNKNOWN_ORDER = 7
    REQUEST_PENDING = 8  # a cancel or amend of this order is already under way
    NO_MARKET = 9  # no price to judge by: missing data fails closed
    BOOK_SUSPECT = 10  # the book has a gap: missing data fails closed
    POSITION_LIMIT = 11
    ORDER_VALUE_LIMIT = 12
    PRICE_COLLAR = 13
    RATE_LIMIT = 14
    WOULD_INCREASE = 15  # reduce-only, and it would not reduce
    ORDER_TABLE_FULL = 16
    CONFLICTING_FLAGS = 17  # e.g. post-only with IOC
    MIN_NOTIONAL = 18
    POST_ONLY_WOULD_CROSS = 19
    NOTHING_TO_MATCH = 20  # market order on an empty side, IOC or FOK without enough
    CANCEL_REQUESTED = 21
    QUANTITY_BELOW_FILLED = 22
    END_OF_DATA = 23
    SIDE_INVALID = 24
    NOT_SUPPORTED = 25
    OPEN_ORDERS_LIMIT = 26
    SELF_CROSS = 27
    STOP_WRONG_SIDE = 28  # a stop that would trigger at once
    INSUFFICIENT_FUNDS = 29  # cash, or margin at the leverage allowed, does not pay for it
    SHORT_NOT_ALLOWED = 30
    WARMING_UP = 31  # before the time from which the session trades
    LIQUIDATED = 32  # the venue closed the position and cancelled what rested in the instrument
    STOPPED = 33  # nothing leaves but cancels
    REDUCING = 34  # only what reduces a position leaves
    SYMBOL_RESTRICTED = 35
    SYMBOL_REDUCING = 36
    STALE_DATA = 37
    CLOCK_SKEW = 38
    SPREAD_LIMIT = 39
    PRICE_DIVERGENCE = 40  # the last trade is far from the book: one of them is wrong
    SLIPPAGE_LIMIT = 41
    PRICE_THROUGH_MARKET = 42
    ORDER_QUANTITY_LIMIT = 43
    ADV_SHARE_LIMIT = 44
    DUPLICATE_ORDER = 45
    EXECUTION_LIMIT = 46  # latched, as are the turnover, the two ratios and the losses
    TURNOVER_LIMIT = 47
    REJECT_RATIO = 48
    ORDERS_PER_FILL = 49
    EQUITY_UNKNOWN = 50
    GROSS_LIMIT = 51
    NET_LIMIT = 52
    CONCENTRATION_LIMIT = 53
    LEVERAGE_LIMIT = 54
    DAILY_LOSS_LIMIT = 55
    DRAWDOWN_LIMIT = 56
    MESSAGE_RATE_LIMIT = 57
    PARENT_EXCEEDED = 58  # a child beyond its parent's quantity or limit, or of one that is over: the parent fails
    PARENT_INVALID = 59
    PARENT_TABLE_FULL = 60
    UNKNOWN_PARENT = 61


# What a Reason means, for people; docs/reasons.md is generated from it.
REASON_TEXT: Final[dict[Reason, str]] = {
    Reason.OK: "accepted",
    Reason.NOT_A_NUMBER: "the price or quantity was NaN or infinite",
    Reason.QUANTITY_NOT_POSITIVE: "the quantity was zero or negative",
    Reason.QUANTITY_OFF_LOT: "the quantity is not a whole number of lots (use ctx.floor_quantity)",
    Reason.PRICE_OUT_OF_RANGE: "the price is outside the instrument's bounds",
    Reason.QUANTITY_OUT_OF_RANGE: "the quantity is outside the instrument's bounds",
    Reason.UNKNOWN_INSTRUMENT: "no instrument has this index",
    Reason.UNKNOWN_ORDER: "no live order has this id",
    Reason.REQUEST_PENDING: "a request for this order is still unanswered",
    Reason.NO_MARKET: "there is no price to judge the order by",
    Reason.BOOK_SUSPECT: "the book has a sequence gap and waits for a snapshot",
    Reason.POSITION_LIMIT: "position and open orders would exceed the position limit",
    Reason.ORDER_VALUE_LIMIT: "the order's value exceeds the limit",
    Reason.PRICE_COLLAR: "the price is too far from the market",
    Reason.RATE_LIMIT: "too many orders in too short a time",
    Reason.WOULD_INCREASE: "reduce-only, and the order would not reduce the position",
    Reason.ORDER_TABLE_FULL: "the order table is full",
    Reason.CONFLICTING_FLAGS: "post-only cannot be combined with IOC, FOK or market",
    Reason.MIN_NOTIONAL: "the order's value is below the venue's minimum",
    Reason.POST_ONLY_WOULD_CROSS: "post-only, and the order would have taken liquidity",
    Reason.NOTHING_TO_MATCH: "nothing was left to match against",
    Reason.CANCEL_REQUESTED: "cancelled on request",
    Reason.QUANTITY_BELOW_FILLED: "the new quantity is not above what is already filled",
    Reason.END_OF_DATA: "the data ended",
    Reason.SIDE_INVALID: "the side is neither BUY nor SELL",
    Reason.NOT_SUPPORTED: "the venue does not support this request",
    Reason.OPEN_ORDERS_LIMIT: "too many open orders",
    Reason.SELF_CROSS: "the order would trade against an order of ours",
    Reason.STOP_WRONG_SIDE: "the stop price is on the wrong side of the market: it would trigger at once",
    Reason.INSUFFICIENT_FUNDS: "the cash, or the margin at the allowed leverage, does not pay for it",
    Reason.SHORT_NOT_ALLOWED: "the account may not sell what it does not hold",
    Reason.WARMING_UP: "the session does not trade yet; earlier data only warms the strategy up",
    Reason.LIQUIDATED: "the venue liquidated the position and cancelled the instrument's orders",
    Reason.STOPPED: "the session is stopped: nothing leaves but cancels",
    Reason.REDUCING: "the session only reduces its positions",
    Reason.SYMBOL_RESTRICTED: "the instrument may not be traded",
    Reason.SYMBOL_REDUCING: "the instrument's position may only be reduced",
    Reason.STALE_DATA: "the market data of the instrument, or of another that is held, is too old",
    Reason.CLOCK_SKEW: "the venue's time and ours lie too far apart",
    Reason.SPREAD_LIMIT: "the spread is too wide",
    Reason.PRICE_DIVERGENCE: "the last trade is too far from the book, or there was none yet",
    Reason.SLIPPAGE_LIMIT: "a market order of this size would pay too much, or the book does not show how much",
    Reason.PRICE_THROUGH_MARKET: "the price is too far through the opposite side",
    Reason.ORDER_QUANTITY_LIMIT: "the quantity exceeds the limit of one order",
    Reason.ADV_SHARE_LIMIT: "the quantity is too large a share of a day's volume",
    Reason.DUPLICATE_ORDER: "the same order was sent too often in too short a time",
    Reason.EXECUTION_LIMIT: "too many executions in the window; a person must re-arm it",
    Reason.TURNOVER_LIMIT: "too much was traded in the window; a person must re-arm it",
    Reason.REJECT_RATIO: "the venue rejected too many of the last orders; a person must re-arm it",
    Reason.ORDERS_PER_FILL: "too many requests for each fill; a person must re-arm it",
    Reason.EQUITY_UNKNOWN: "the account's worth is not known, because something held has no price",
    Reason.GROSS_LIMIT: "the positions and open orders together would exceed the gross limit",
    Reason.NET_LIMIT: "the positions and open orders together would exceed the net limit",
    Reason.CONCENTRATION_LIMIT: "too large a share of the account's worth would lie in one instrument",
    Reason.LEVERAGE_LIMIT: "the account's leverage would exceed the limit",
    Reason.DAILY_LOSS_LIMIT: "the loss of the day reached its limit; a person must re-arm it",
    Reason.DRAWDOWN_LIMIT: "the drawdown from the peak reached its limit; a person must re-arm it",
    Reason.MESSAGE_RATE_LIMIT: "too many requests in too short a time",
    Reason.PARENT_EXCEEDED: "the child goes beyond its parent order's quantity or limit, or that is over; the parent fails",
    Reason.PARENT_INVALID: "the parent order's time, slices, curve, prices or distances make no sense",
    Reason.PARENT_TABLE_FULL: "too many parent orders work at once",
    Reason.UNKNOWN_PARENT: "no working parent order has this id",
}

# Flags of an order or intent.
POST_ONLY: Final = 1
REDUCE_ONLY: Final = 2
MARKET: Final = 4
MANUAL: Final = 128  # sent by a person: it is hidden from the strategy, which does not move or cancel it

# Kinds of intent and effect.
SUBMIT: Final = 1
CANCEL: Final = 2
AMEND: Final = 3

ORDER = np.dtype(
    [
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("leaves_lots", "i8"),
        ("filled_lots", "i8"),
        ("filled_ticklots", "i8"),  # sum of price_ticks x qty_lots over its fills
        ("stop_ticks", "i8"),  # 0, or the price at which it becomes live; set to 0 once it has
        ("created_ns", "i8"),
        ("updated_ns", "i8"),
        ("request_id", "i8"),  # the pending request; an answer clears `pending` only if it answers this one
        ("want_price_ticks", "i8"),  # of a pending amend
        ("want_qty_lots", "i8"),
        ("next", "i4"),  # slot of the next live order of the same instrument and side, in order of submission; -1 ends
        ("prev", "i4"),
        ("instrument", "u2"),
        ("side", "i1"),
        ("state", "u1"),
        ("pending", "u1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("reason", "u1"),
        ("parent", "u4"),  # id of the parent order that it works for; 0 for one of the strategy's own
        ("role", "u1"),  # what it does for it
        ("pad", "u1", (3,)),
    ],
    align=True,
)
assert ORDER.itemsize == 120

INTENT = np.dtype(
    [
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("stop_ticks", "i8"),
        ("instrument", "i4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("reason", "u1"),  # set at the door when the request itself made no sense; the gate records it
        ("role", "u1"),
        ("pad", "u1", (2,)),
        ("parent", "u4"),  # of a child: its parent order
    ],
    align=True,
)
assert INTENT.itemsize == 48

EFFECT = np.dtype(
    [
        ("time_ns", "i8"),
        ("order_id", "i8"),
        ("request_id", "i8"),
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("stop_ticks", "i8"),
        ("instrument", "i4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("tif", "u1"),
        ("flags", "u1"),
        ("reason", "u1"),  # OK: perform it. Anything else: refused, for the record only
        ("role", "u1"),
        ("pad", "u1", (2,)),
        ("parent", "u4"),
    ],
    align=True,
)
assert EFFECT.itemsize == 64
