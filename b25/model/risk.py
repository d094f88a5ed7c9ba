"""What the gate checks, in the order in which it does, and the record in which it remembers what went before."""

from enum import IntEnum
from typing import Final

import numpy as np

from b25.model.order import Reason

# Where a session stands; a COMMAND event with the status SET_STATE changes it.
ACTIVE: Final = 0
REDUCING: Final = 1  # only what reduces a position leaves
STOPPED: Final = 2  # nothing leaves but cancels

# `status` of a COMMAND event that the gate hears; every other command belongs to the session.
SET_STATE: Final = 201  # `amount` is the state
REARM: Final = 202  # `amount` holds the bits of the latches that a person opened


class Control(IntEnum):
    """A condition of the gate; its number is its place in the order of evaluation and its bit in a verdict."""

    STATE_STOPPED = 0
    STATE_REDUCING = 1
    RESTRICTED = 2
    SYMBOL_REDUCING = 3
    BOOK = 4
    MARKET = 5
    DATA_AGE = 6
    CLOCK_SKEW = 7
    SPREAD = 8
    DIVERGENCE = 9
    OPEN_ORDERS = 10
    ORDER_VALUE = 11
    COLLAR_UNKNOWN = 12
    COLLAR = 13
    SLIPPAGE = 14
    THROUGH = 15
    ORDER_QTY = 16
    ADV_SHARE = 17
    DUPLICATES = 18
    EXECUTIONS = 19
    TURNOVER = 20
    REJECTS = 21
    ORDERS_PER_FILL = 22
    SELF_CROSS = 23
    POSITION = 24
    EQUITY_UNKNOWN = 25
    GROSS = 26
    NET = 27
    CONCENTRATION = 28
    LEVERAGE = 29
    DAILY_LOSS = 30
    DRAWDOWN = 31
    ORDER_RATE = 32
    MESSAGE_RATE = 33


CONTROLS: Final = len(Control)
REASON_OF: Final[dict[Control, Reason]] = {
    Control.STATE_STOPPED: Reason.STOPPED,
    Control.STATE_REDUCING: Reason.REDUCING,
    Control.RESTRICTED: Reason.SYMBOL_RESTRICTED,
    Control.SYMBOL_REDUCING: Reason.SYMBOL_REDUCING,
    Control.BOOK: Reason.BOOK_SUSPECT,
    Control.MARKET: Reason.NO_MARKET,
    Control.DATA_AGE: Reason.STALE_DATA,
    Control.CLOCK_SKEW: Reason.CLOCK_SKEW,
    Control.SPREAD: Reason.SPREAD_LIMIT,
    Control.DIVERGENCE: Reason.PRICE_DIVERGENCE,
    Control.OPEN_ORDERS: Reason.OPEN_ORDERS_LIMIT,
    Control.ORDER_VALUE: Reason.ORDER_VALUE_LIMIT,
    Control.COLLAR_UNKNOWN: Reason.NO_MARKET,
    Control.COLLAR: Reason.PRICE_COLLAR,
    Control.SLIPPAGE: Reason.SLIPPAGE_LIMIT,
    Control.THROUGH: Reason.PRICE_THROUGH_MARKET,
    Control.ORDER_QTY: Reason.ORDER_QUANTITY_LIMIT,
    Control.ADV_SHARE: Reason.ADV_SHARE_LIMIT,
    Control.DUPLICATES: Reason.DUPLICATE_ORDER,
    Control.EXECUTIONS: Reason.EXECUTION_LIMIT,
    Control.TURNOVER: Reason.TURNOVER_LIMIT,
    Control.REJECTS: Reason.REJECT_RATIO,
    Control.ORDERS_PER_FILL: Reason.ORDERS_PER_FILL,
    Control.SELF_CROSS: Reason.SELF_CROSS,
    Control.POSITION: Reason.POSITION_LIMIT,
    Control.EQUITY_UNKNOWN: Reason.EQUITY_UNKNOWN,
    Control.GROSS: Reason.GROSS_LIMIT,
    Control.NET: Reason.NET_LIMIT,
    Control.CONCENTRATION: Reason.CONCENTRATION_LIMIT,
    Control.LEVERAGE: Reason.LEVERAGE_LIMIT,
    Control.DAILY_LOSS: Reason.DAILY_LOSS_LIMIT,
    Control.DRAWDOWN: Reason.DRAWDOWN_LIMIT,
    Control.ORDER_RATE: Reason.RATE_LIMIT,
    Control.MESSAGE_RATE: Reason.MESSAGE_RATE_LIMIT,
}
# Once breached, these hold back what adds risk until a person opens them again.
LATCHING: Final = (
    Control.EXECUTIONS,
    Control.TURNOVER,
    Control.REJECTS,
    Control.ORDERS_PER_FILL,
    Control.DAILY_LOSS,
    Control.DRAWDOWN,
)
WARN_AT: Final = 0.8  # share of a limit from which on it is warned of

BUCKETS: Final = 16  # a sliding window is counted in so many parts, and one more: never less than what lies in it
RECENT: Final = 64  # approved orders that duplicates are looked for among
ANSWERS_MAX: Final = 62  # answers of the venue that the reject ratio looks back on at most

RISK = np.dtype(
    [
        ("state", "i8"),
        ("latched", "i8"),  # bits of Control
        ("latched_ns", "i8"),  # when the latest was closed
        ("warned", "i8"),  # bits of the controls whose last use was WARN_AT of the limit or more
        ("equity", "f8"),  # settlement currency; NaN while a held instrument has no mark
        ("peak", "f8"),
        ("day_equity", "f8"),  # at 00:00 UTC, or when it was first known
        ("day", "i8"),  # days since 1970; -1 before the first mark
        ("message_tokens_e9", "i8"),
        ("message_filled_ns", "i8"),
        ("answers", "i8"),  # of the venue to new orders, since the start or the latest re-arming
        ("answer_bits", "i8"),  # the newest lowest; 1 is a rejection
        ("sent_before", "i8"),  # requests and fills up to the latest re-arming
        ("fills_before", "i8"),
        ("fills_seen", "i8"),
        ("volume_seen", "f8"),
        ("bucket", "i8"),  # number of the newest part of the window
        ("bucket_fills", "i8", (BUCKETS + 1,)),
        ("bucket_value", "f8", (BUCKETS + 1,)),
        ("recent", "i8"),  # approved orders so far
        ("recent_ns", "i8", (RECENT,)),
        ("recent_price", "i8", (RECENT,)),
        ("recent_lots", "i8", (RECENT,)),
        ("recent_key", "i8", (RECENT,)),  # instrument, side and whether it is a market order
        ("used", "f8", (CONTROLS,)),  # share of the limit at the last evaluation
    ],
    align=True,
)
