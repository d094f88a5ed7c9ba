"""What the venue refuses, in Binance's own numbers and words: a client's reaction depends on both."""

from typing import Any, NamedTuple


class VenueError(Exception):
    """A request refused, as it goes over the wire.

    Parameters
    ----------
    code : int
        Binance's error code, e.g. -2010.
    msg : str
        The text that goes with it.
    http : int
        Status of the HTTP response.
    data : dict, optional
        Only cancel-replace has some: the two results.
    """

    def __init__(self, code: int, msg: str, http: int = 400, data: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {msg}")
        self.http = http
        self.code = code
        self.msg = msg
        self.data = data


class Refusal(NamedTuple):
    """A row of the error table; ``error()`` fills in the blanks of its text."""

    code: int
    text: str
    http: int = 400

    def error(self, *blanks: object) -> VenueError:
        """The exception to raise."""
        return VenueError(self.code, self.text % blanks if blanks else self.text, self.http)


def filter_failure(name: str) -> VenueError:
    """A spot order that breaks one of its symbol's filters."""
    return VenueError(-1013, f"Filter failure: {name}")


# Parameters.
ILLEGAL_CHARACTERS = Refusal(-1100, "Illegal characters found in parameter '%s'; legal range is '%s'.")
MANDATORY = Refusal(-1102, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.")
NOT_REQUIRED = Refusal(-1106, "Parameter '%s' sent when not required.")
PRECISION = Refusal(-1111, "Precision is over the maximum defined for this asset.")
NO_ORDERS_ON_BOOK = Refusal(-1112, "No orders on book for symbol.")
INVALID_TIF = Refusal(-1115, "Invalid timeInForce.")
INVALID_TYPE = Refusal(-1116, "Invalid orderType.")
INVALID_SIDE = Refusal(-1117, "Invalid side.")
INVALID_SYMBOL = Refusal(-1121, "Invalid symbol.")
LOOKUP_TOO_LONG = Refusal(-1127, "More than %s hours between startTime and endTime.")
OPTIONAL_COMBINATION = Refusal(-1128, "Combination of optional parameters invalid.")
INVALID_DATA = Refusal(-1130, "Data sent for parameter '%s' is not valid.")

# Orders, both markets.
NO_ORDER = Refusal(-2013, "Order does not exist.")
UNKNOWN_ORDER = Refusal(-2011, "Unknown order sent.")
CANCEL_RESTRICTED = Refusal(-2011, "Order was not canceled due to cancel restrictions.")
CANCEL_DISABLED = Refusal(-2011, "This action is disabled on this account.")
ACTION_DISABLED = Refusal(-2010, "This action is disabled on this account.")
MAY_NOT_TRADE = Refusal(-2010, "This account may not place or cancel orders.")
MARKET_CLOSED = Refusal(-2010, "Market is closed.")
NOT_PERMITTED = Refusal(-2010, "This symbol is not permitted for this account.")
RESTRICTED = Refusal(-2010, "This symbol is restricted for this account.")
ARCHIVED = Refusal(-2026, "Order was canceled or expired with no executed qty over 90 days ago and has been archived.")
WRONG_CLIENT_ID = Refusal(-2039, "Client order ID is not correct for this order ID.")

# Spot.
INSUFFICIENT_BALANCE = Refusal(-2010, "Account has insufficient balance for requested action.")
DUPLICATE_ORDER = Refusal(-2010, "Duplicate order sent.")
WOULD_MATCH = Refusal(-2010, "Order would immediately match and take.")
WOULD_TRIGGER_SPOT = Refusal(-2010, "Order would trigger immediately.")
ZERO_VALUE = Refusal(-1013, "Price * QTY is zero or less.")
AMEND_NOT_LESS = Refusal(-2038, "Order amend (quantity increase) is not supported.")
AMEND_CHANGES_NOTHING = Refusal(-2038, "The requested action would change no state; rejecting.")
REPLACE_PARTLY_FAILED = Refusal(-2021, "Order cancel-replace partially failed.", 409)
REPLACE_FAILED = Refusal(-2022, "Order cancel-replace failed.")

# USD-M futures.
BALANCE_INSUFFICIENT = Refusal(-2018, "Balance is insufficient.")
MARGIN_INSUFFICIENT = Refusal(-2019, "Margin is insufficient.")
WOULD_TRIGGER = Refusal(-2021, "Order would immediately trigger.")
REDUCE_ONLY_REJECTED = Refusal(-2022, "ReduceOnly Order is rejected.")
MAX_OPEN_ORDERS = Refusal(-2025, "Reach max open order limit.")
MAX_POSITION = Refusal(-2027, "Exceeded the maximum allowable position at current leverage.")
LEVERAGE_TOO_SMALL = Refusal(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
PRICE_NOT_POSITIVE = Refusal(-4001, "Price less than 0.")
QTY_TOO_SMALL = Refusal(-4003, "Quantity less than or equal to zero.")
QTY_BELOW_MIN = Refusal(-4004, "Quantity less than min quantity.")
QTY_TOO_LARGE = Refusal(-4005, "Quantity greater than max quantity.")
PRICE_TOO_LARGE = Refusal(-4002, "Price greater than max price.")
PRICE_TOO_SMALL = Refusal(-4013, "Price less than min price.")
OFF_TICK = Refusal(-4014, "Price not increased by tick size.")
CLIENT_ID_TOO_LONG = Refusal(-4015, "Client order id length should not be more than 36 chars")
OFF_STEP = Refusal(-4023, "Qty not increased by step size.")
PRICE_ABOVE_BAND = Refusal(-4016, "Limit price can't be higher than %s.")
PRICE_BELOW_BAND = Refusal(-4024, "Limit price can't be lower than %s.")
INVALID_LEVERAGE = Refusal(-4028, "Leverage %s is not valid")
MAX_STOP_ORDERS = Refusal(-4045, "Reach max stop order limit.")
NO_MARGIN_TYPE_CHANGE = Refusal(-4046, "No need to change margin type.")
MARGIN_TYPE_OPEN_ORDERS = Refusal(-4047, "Margin type cannot be changed if there exists open orders.")
MARGIN_TYPE_POSITION = Refusal(-4048, "Margin type cannot be changed if there exists position.")
CROSS_INSUFFICIENT = Refusal(-4050, "Cross balance insufficient.")
ISOLATED_INSUFFICIENT = Refusal(-4051, "Isolated balance insufficient.")
NO_POSITION_MARGIN = Refusal(-4054, "Cannot add position margin: position is 0.")
MARGIN_AMOUNT_POSITIVE = Refusal(-4055, "Amount must be positive.")
NO_POSITION_SIDE_CHANGE = Refusal(-4059, "No need to change position side.")
POSITION_SIDE_MISMATCH = Refusal(-4061, "Order's position side does not match user's setting.")
POSITION_SIDE_OPEN_ORDERS = Refusal(-4067, "Position side cannot be changed if there exists open orders.")
POSITION_SIDE_POSITION = Refusal(-4068, "Position side cannot be changed if there exists position.")
MARGIN_TYPE_CROSS = Refusal(-4049, "Add margin only support for isolated position.")
DUPLICATE_CLIENT_ID = Refusal(-4116, "ClientOrderId is duplicated.")
ALGO_ONLY = Refusal(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
CLOSE_POSITION_EXISTS = Refusal(
    -4130, "An open stop or take profit order with GTE and closePosition in the direction is existing."
)
COUNTERPARTY_PRICE = Refusal(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
CLOSE_POSITION_TYPE = Refusal(-4136, "Target strategy invalid for orderType '%s', closePosition '%s'")
SYMBOL_CLOSED = Refusal(-4140, "Invalid symbol status for opening position.")
BAD_CALLBACK_RATE = Refusal(-4137, "Callback rate is out of range.")
NOTIONAL_TOO_SMALL = Refusal(-4164, "Order's notional must be no smaller than %s (unless you choose reduce only).")
COOLING_OFF = Refusal(-4192, "Trade forbidden due to Cooling-off Period.")
FOK_REJECTED = Refusal(
    -5021,
    "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history.",
)
POST_ONLY_REJECTED = Refusal(
    -5022,
    "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history.",
)
MAX_MODIFICATIONS = Refusal(-5026, "Exceed maximum modify order limit.")
NOTHING_TO_MODIFY = Refusal(-5027, "No need to modify the order.")
INVALID_PRICE_MATCH = Refusal(-5037, "Invalid price match.")
PRICE_MATCH_TYPE = Refusal(-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT.")
INVALID_STP_LINEAR = Refusal(-5039, "Invalid self trade prevention mode.")
GOOD_TILL_DATE = Refusal(
    -5040,
    "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than 253402300799000.",
)
NO_PRICE_TO_MATCH = Refusal(-5041, "No depth matches this BBO order.")
