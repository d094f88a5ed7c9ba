"""Section 8 of the venue's specification: what the venue sends, the class that ccxt raises, and what b25 makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from b25.venue.port.outcome import Answer, Reaction, Scope

ACCEPTED, REJECTED, NOT_SENT = Answer.ACCEPTED, Answer.REJECTED, Answer.NOT_SENT
NOT_ACCEPTED, UNKNOWN, QUERY = Answer.NOT_ACCEPTED, Answer.UNKNOWN, Answer.QUERY
BOTH = ("spot", "linear")
HALT_ACCOUNT = (Scope.ACCOUNT, Reaction.HALT)
HALT_SYMBOL = (Scope.SYMBOL, Reaction.HALT)
NOTHING = (Scope.NONE, Reaction.NONE)


@dataclass(frozen=True)
class Row:
    http: int
    code: int
    msg: str
    ccxt: str  # class that ccxt raises for spot
    answer: Answer
    stops: tuple[Scope, Reaction] = NOTHING
    markets: tuple[str, ...] = BOTH
    ccxt_linear: str = ""
    resync: bool = False
    alarm: bool = False

    def class_in(self, market: str) -> str:
        return self.ccxt_linear if market == "linear" and self.ccxt_linear else self.ccxt


SPOT, LINEAR = ("spot",), ("linear",)
WEIGHT = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)
TIMEOUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
INTERNAL = "Internal error; unable to process your request. Please try again."
BUS = "An unexpected response was received from the message bus. Execution status unknown."
AHEAD = "Timestamp for this request was 1000ms ahead of the server's time."
OUTSIDE = "Timestamp for this request is outside of the recvWindow."
OVERLOADED = "Server is currently overloaded with other requests. Please try again in a few minutes."
THROTTLED = "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
KEY = "Invalid API-key, IP, or permissions for action."
ALGO = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
POST_ONLY = "Due to the order could not be executed as maker, the Post Only order will be rejected."
ARCHIVED = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
UNKNOWN_503 = "Unknown error, please check your request or try again later."
DISABLED = "This action is disabled on this account."

ROWS = (
    Row(400, -1000, "An unknown error occurred while processing the request.", "OperationFailed", UNKNOWN),
    Row(500, -1000, "An unknown error occurred while processing the request.", "OperationFailed", UNKNOWN),
    Row(500, -1001, INTERNAL, "OperationFailed", UNKNOWN),
    Row(429, -1003, WEIGHT, "DDoSProtection", NOT_SENT),
    Row(418, -1003, "Way too much request weight used; IP banned until 1.", "DDoSProtection", NOT_SENT, HALT_ACCOUNT, alarm=True),
    Row(500, -1006, BUS, "OperationFailed", UNKNOWN),
    Row(400, -1007, TIMEOUT, "RequestTimeout", UNKNOWN),
    Row(408, -1007, TIMEOUT, "RequestTimeout", UNKNOWN),
    Row(504, -1007, TIMEOUT, "RequestTimeout", UNKNOWN),
    Row(503, -1008, OVERLOADED, "OperationFailed", UNKNOWN, markets=SPOT),
    Row(503, -1008, THROTTLED, "OperationFailed", NOT_ACCEPTED, markets=LINEAR),
    Row(400, -1013, "Filter failure: LOT_SIZE", "InvalidOrder", REJECTED),
    Row(400, -1013, "Filter failure: PRICE_FILTER", "InvalidOrder", REJECTED),
    Row(400, -1013, "Filter failure: NOTIONAL", "BadRequest", REJECTED, ccxt_linear="BadRequest"),
    Row(400, -1013, "Filter failure: MAX_NUM_ORDERS", "BadRequest", REJECTED),
    Row(429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", "DDoSProtection", NOT_ACCEPTED),
    Row(400, -1021, AHEAD, "InvalidNonce", NOT_ACCEPTED, resync=True),
    Row(400, -1021, OUTSIDE, "InvalidNonce", NOT_ACCEPTED, resync=True),
    Row(400, -1022, "Signature for this request is not valid.", "AuthenticationError", NOT_ACCEPTED, HALT_ACCOUNT),
    Row(400, -1100, "Illegal characters found in parameter 'newClientOrderId'.", "BadRequest", REJECTED, alarm=True),
    Row(
        400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.", "BadRequest", REJECTED, alarm=True
    ),
    Row(
        400,
        -1104,
        "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.",
        "BadRequest",
        REJECTED,
        alarm=True,
    ),
    Row(400, -1106, "Parameter 'timeInForce' sent when not required.", "BadRequest", REJECTED, alarm=True),
    Row(400, -1111, "Precision is over the maximum defined for this asset.", "BadRequest", REJECTED, alarm=True),
    Row(400, -1115, "Invalid timeInForce.", "BadRequest", REJECTED, alarm=True),
    Row(400, -1116, "Invalid orderType.", "BadRequest", REJECTED, alarm=True),
    Row(400, -1117, "Invalid side.", "BadRequest", REJECTED, alarm=True),
    Row(400, -1130, "Data sent for parameter 'x' is not valid.", "BadRequest", REJECTED, alarm=True),
    Row(400, -1112, "No orders on book for symbol.", "OperationFailed", REJECTED),
    Row(400, -1121, "Invalid symbol.", "BadSymbol", REJECTED, HALT_SYMBOL),
    Row(400, -2010, "Account has insufficient balance for requested action.", "InsufficientFunds", REJECTED),
    Row(400, -2010, "Duplicate order sent.", "InvalidOrder", QUERY),
    Row(400, -2010, "Order would immediately match and take.", "OrderImmediatelyFillable", REJECTED),
    Row(400, -2010, "Order would trigger immediately.", "OrderImmediatelyFillable", REJECTED),
    Row(400, -2010, "Market is closed.", "MarketClosed", REJECTED, HALT_SYMBOL),
    Row(400, -2010, "This symbol is not permitted for this account.", "InvalidOrder", REJECTED, HALT_SYMBOL, markets=SPOT),
    Row(400, -2010, "This symbol is restricted for this account.", "InvalidOrder", REJECTED, HALT_SYMBOL, markets=SPOT),
    Row(400, -2010, DISABLED, "InvalidOrder", REJECTED, HALT_ACCOUNT),
    Row(400, -2010, "This account may not place or cancel orders.", "PermissionDenied", REJECTED, HALT_ACCOUNT),
    Row(400, -2010, "Rest API trading is not enabled.", "PermissionDenied", REJECTED, HALT_ACCOUNT),
    Row(400, -2010, "Something that nobody has seen.", "InvalidOrder", REJECTED, alarm=True),
    Row(400, -2011, "Unknown order sent.", "OrderNotFound", QUERY),
    Row(400, -2011, "Order was not canceled due to cancel restrictions.", "OrderNotFound", QUERY),
    Row(400, -2011, DISABLED, "OrderNotFound", QUERY, HALT_ACCOUNT),
    Row(400, -2013, "Order does not exist.", "OrderNotFound", QUERY),
    Row(401, -2014, "API-key format invalid.", "AuthenticationError", NOT_ACCEPTED, HALT_ACCOUNT),
    Row(401, -2015, KEY, "AuthenticationError", NOT_ACCEPTED, HALT_ACCOUNT),
    Row(400, -2018, "Balance is insufficient.", "InsufficientFunds", REJECTED, markets=LINEAR),
    Row(400, -2019, "Margin is insufficient.", "InsufficientFunds", REJECTED, markets=LINEAR),
    Row(400, -4005, "Quantity greater than max quantity.", "BadRequest", REJECTED, markets=LINEAR),
    Row(400, -4014, "Price not increased by tick size.", "BadRequest", REJECTED, markets=LINEAR),
    Row(400, -4015, "Client order id length should not be more than 36 chars", "BadRequest", REJECTED, markets=LINEAR),
    Row(400, -2021, "Order would immediately trigger.", "OrderImmediatelyFillable", REJECTED, markets=LINEAR),
    Row(400, -2022, "ReduceOnly Order is rejected.", "InvalidOrder", REJECTED, markets=LINEAR),
    Row(400, -2025, "Reach max open order limit.", "OperationRejected", REJECTED, markets=LINEAR),
    Row(
        400, -2027, "Exceeded the maximum allowable position at current leverage.", "OperationRejected", REJECTED, markets=LINEAR
    ),
    Row(
        400,
        -2028,
        "Leverage is smaller than permitted: insufficient margin balance.",
        "OperationRejected",
        REJECTED,
        markets=LINEAR,
    ),
    Row(400, -2026, ARCHIVED, "InvalidOrder", REJECTED, markets=SPOT),
    Row(400, -2039, "Client order ID is not correct for this order ID.", "ExchangeError", REJECTED, markets=SPOT, alarm=True),
    Row(400, -4046, "No need to change margin type.", "MarginModeAlreadySet", ACCEPTED, markets=LINEAR),
    Row(400, -4047, "Margin type cannot be changed if there exists open orders.", "OperationRejected", REJECTED, markets=LINEAR),
    Row(400, -4048, "Margin type cannot be changed if there exists position.", "OperationRejected", REJECTED, markets=LINEAR),
    Row(400, -4059, "No need to change position side.", "OperationRejected", REJECTED, markets=LINEAR),
    Row(400, -4061, "Order's position side does not match user's setting.", "OperationRejected", REJECTED, markets=LINEAR),
    Row(
        400, -4067, "Position side cannot be changed if there exists open orders.", "OperationRejected", REJECTED, markets=LINEAR
    ),
    Row(400, -4116, "ClientOrderId is duplicated.", "InvalidOrder", QUERY, markets=LINEAR),
    Row(400, -4120, ALGO, "InvalidOrder", REJECTED, markets=LINEAR, alarm=True),
    Row(
        400,
        -4164,
        "Order's notional must be no smaller than 100 (unless you choose reduce only).",
        "InvalidOrder",
        REJECTED,
        markets=LINEAR,
    ),
    Row(400, -4192, "Trade forbidden due to Cooling-off Period.", "PermissionDenied", REJECTED, HALT_ACCOUNT, markets=LINEAR),
    Row(
        400,
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected.",
        "OrderNotFillable",
        REJECTED,
        markets=LINEAR,
    ),
    Row(400, -5022, POST_ONLY, "OrderNotFillable", REJECTED, markets=LINEAR),
    Row(400, -5027, "No need to modify the order.", "OperationRejected", ACCEPTED, markets=LINEAR),
    Row(
        400,
        -5028,
        "Timestamp for this request is outside of the ME recvWindow.",
        "BadRequest",
        NOT_ACCEPTED,
        markets=LINEAR,
        resync=True,
    ),
    Row(503, -1000, UNKNOWN_503, "OperationFailed", UNKNOWN, markets=LINEAR),
    Row(503, -1, UNKNOWN_503, "ExchangeError", UNKNOWN, markets=LINEAR),
    Row(503, -1, "Service Unavailable.", "ExchangeError", NOT_ACCEPTED, markets=LINEAR),
    Row(400, -9876, "A code that no table holds.", "ExchangeError", REJECTED, alarm=True),
    Row(502, -9876, "A code that no table holds.", "ExchangeError", UNKNOWN),
)


def cases() -> list[tuple[str, Row]]:
    """Each row in each of its markets."""
    return [(market, row) for row in ROWS for market in row.markets]
