"""The whole table of errors: what the venue sends over HTTP, and the class that an unmodified ccxt makes of it."""

import ccxt
import pytest

from tests.venue.wire.venues import account, in_thread

NEW = {"spot": "POST /api/v3/order", "linear": "POST /fapi/v1/order"}
SYMBOL = {"spot": "BTC/USDT", "linear": "BTC/USDT:USDT"}
IMMEDIATE = "Order would immediately "
ACTION = "This action is disabled on this account."
# code, text, HTTP status, class on spot, class on linear; None where the market never sends it.
ROWS = [
    (-1000, "An unknown error occurred while processing the request.", 400, "OperationFailed", "OperationFailed"),
    (-1001, "Internal error; unable to process your request. Please try again.", 500, "OperationFailed", "OperationFailed"),
    (
        -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.",
        429,
        "DDoSProtection",
        "DDoSProtection",
    ),
    (-1003, "Way too much request weight used; IP banned until 1.", 418, "DDoSProtection", "DDoSProtection"),
    (
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
        500,
        "OperationFailed",
        "OperationFailed",
    ),
    (-1007, "Timeout waiting for response from backend server.", 408, "RequestTimeout", "RequestTimeout"),
    (-1007, "Timeout waiting for response from backend server.", 504, "RequestTimeout", "RequestTimeout"),
    (-1008, "Server is currently overloaded with other requests.", 503, "OperationFailed", "OperationFailed"),
    (-1013, "Filter failure: LOT_SIZE", 400, "InvalidOrder", None),
    (-1013, "Filter failure: PRICE_FILTER", 400, "InvalidOrder", None),
    (-1013, "Filter failure: NOTIONAL", 400, "BadRequest", None),
    (-1013, "Filter failure: MAX_NUM_ORDERS", 400, "BadRequest", None),
    (-1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", 429, "DDoSProtection", "DDoSProtection"),
    (-1021, "Timestamp for this request is outside of the recvWindow.", 400, "InvalidNonce", "InvalidNonce"),
    (-1022, "Signature for this request is not valid.", 400, "AuthenticationError", "AuthenticationError"),
    *(
        (code, "parameter", 400, "BadRequest", "BadRequest")
        for code in (*range(-1106, -1099), -1111, -1115, -1116, -1117, -1120, -1130)
    ),
    (-1112, "No orders on book for symbol.", 400, "OperationFailed", "OperationFailed"),
    (-1121, "Invalid symbol.", 400, "BadSymbol", "BadSymbol"),
    (-1125, "This listenKey does not exist.", 400, "AuthenticationError", "AuthenticationError"),
    (-2010, "Account has insufficient balance for requested action.", 400, "InsufficientFunds", None),
    (-2010, "Duplicate order sent.", 400, "InvalidOrder", None),
    (-2010, IMMEDIATE + "match and take.", 400, "OrderImmediatelyFillable", None),
    (-2010, "Order would trigger immediately.", 400, "OrderImmediatelyFillable", None),
    (-2010, "Market is closed.", 400, "MarketClosed", None),
    (-2010, "This symbol is not permitted for this account.", 400, "InvalidOrder", None),
    (-2010, "This symbol is restricted for this account.", 400, "InvalidOrder", None),
    (-2010, ACTION, 400, "InvalidOrder", None),
    (-2011, ACTION, 400, "OrderNotFound", None),
    (-2010, "This account may not place or cancel orders.", 400, "PermissionDenied", None),
    (-2010, "Rest API trading is not enabled.", 400, "PermissionDenied", None),
    (-2011, "Unknown order sent.", 400, "OrderNotFound", "OrderNotFound"),
    (-2011, "Order was not canceled due to cancel restrictions.", 400, "OrderNotFound", None),
    (-2013, "Order does not exist.", 400, "OrderNotFound", "OrderNotFound"),
    (-2014, "API-key format invalid.", 401, "AuthenticationError", "AuthenticationError"),
    (-2018, "Balance is insufficient.", 400, None, "InsufficientFunds"),
    (-2019, "Margin is insufficient.", 400, None, "InsufficientFunds"),
    (-4005, "Quantity greater than max quantity.", 400, "RateLimitExceeded", "BadRequest"),
    (-4014, "Price not increased by tick size.", 400, "OperationRejected", "BadRequest"),
    (-4015, "Client order id length should not be more than 36 chars", 400, "PermissionDenied", "BadRequest"),
    (-2021, "Order cancel-replace partially failed.", 409, "BadResponse", None),
    (-2021, "Order would immediately trigger.", 400, None, "OrderImmediatelyFillable"),
    (-2022, "Order cancel-replace failed.", 400, "BadResponse", None),
    (-2022, "ReduceOnly Order is rejected.", 400, None, "InvalidOrder"),
    *((code, "position", 400, None, "OperationRejected") for code in (-2025, -2027, -2028)),
    (
        -2026,
        "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
        400,
        "InvalidOrder",
        None,
    ),
    (-2039, "Client order ID is not correct for this order ID.", 400, "ExchangeError", None),
    (-4046, "No need to change margin type.", 400, None, "MarginModeAlreadySet"),
    *((code, "mode", 400, None, "OperationRejected") for code in (-4047, -4048, -4059, -4061, -4067)),
    (-4116, "ClientOrderId is duplicated.", 400, None, "InvalidOrder"),
    (-4120, "Order type not supported for this endpoint.", 400, None, "InvalidOrder"),
    (-4164, "Order's notional must be no smaller than 50 (unless you choose reduce only).", 400, None, "InvalidOrder"),
    (-4192, "Trade forbidden due to Cooling-off Period.", 400, None, "PermissionDenied"),
    (-5021, "the FOK order has been rejected.", 400, None, "OrderNotFillable"),
    (-5022, "the Post Only order will be rejected.", 400, None, "OrderNotFillable"),
    (-5027, "No need to modify the order.", 400, None, "OperationRejected"),
    (-5028, "timestamp for modify", 400, None, "BadRequest"),
]
PAGES = [
    (403, "ExchangeNotAvailable"),
    (404, "ExchangeNotAvailable"),
    (502, "ExchangeNotAvailable"),
    (503, "ExchangeNotAvailable"),
]
PAGES += [(504, "RequestTimeout"), (408, "RequestTimeout"), (429, "DDoSProtection"), (418, "DDoSProtection")]


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    with in_thread(tmp_path_factory.mktemp("venue")) as thread:
        yield thread


@pytest.fixture(scope="module")
def key(venue):
    return venue.call(lambda inside: account(inside.exchange)[1])


@pytest.fixture(scope="module")
def loaded(venue, key):
    made = ccxt.binance(venue.venue.ccxt_config(key.key, key.secret))
    made.load_markets()
    yield made
    made.session.close()


@pytest.fixture
def client(venue, loaded):
    """A client that has not authenticated yet: that changes what it makes of -2015."""
    loaded.options["hasAlreadyAuthenticatedSuccessfully"] = False
    yield loaded
    venue.call(lambda inside: inside.faults.clear())


def raised(client, market):
    with pytest.raises(ccxt.BaseError) as caught:
        client.create_order(SYMBOL[market], "limit", "buy", 0.01, 49_000)
    return type(caught.value).__name__, str(caught.value)


@pytest.mark.parametrize(("code", "text", "http", "spot", "linear"), ROWS)
def test_class(venue, client, code, text, http, spot, linear):
    for market, expected in (("spot", spot), ("linear", linear)):
        if expected is not None:
            venue.call(
                lambda inside, market=market: inside.faults.set(
                    "force_error", where=NEW[market], http=http, code=code, msg=text, left=1
                )
            )
            name, message = raised(client, market)
            assert (market, name) == (market, expected)
            assert f'"code":{code}' in message or text in message or http in (408, 504)


@pytest.mark.parametrize(("http", "expected"), PAGES)
def test_page(venue, client, http, expected):
    for market in NEW:
        venue.call(
            lambda inside, market=market: inside.faults.set("force_error", where=NEW[market], http=http, html=True, left=1)
        )
        assert (market, raised(client, market)[0]) == (market, expected)


@pytest.mark.parametrize("market", list(NEW))
def test_a_revoked_key_looks_like_a_rate_limit_later(venue, client, market):
    """Trap C10: once anything has succeeded, -2015 is another class."""
    refusal = {"http": 401, "code": -2015, "msg": "Invalid API-key, IP, or permissions for action.", "left": 1}
    venue.call(lambda inside: inside.faults.set("force_error", where=NEW[market], **refusal))
    assert raised(client, market)[0] == "AuthenticationError"
    client.fetch_balance()
    venue.call(lambda inside: inside.faults.set("force_error", where=NEW[market], **refusal))
    name, message = raised(client, market)
    assert name == "DDoSProtection"
    assert '"code":-2015' in message


def test_from_a_plain_address_the_market_is_not_known(venue, key, loaded):
    """Trap C1: without the names in the address ccxt reads errors with the common table only."""
    config = venue.venue.ccxt_config(key.key, key.secret)
    api = config["urls"]["api"]
    for name, address in api.items():
        if isinstance(address, str):
            api[name] = address.replace("demo-api@", "").replace("demo-fapi@", "")
    client = ccxt.binance(config)
    client.set_markets(list(loaded.markets.values()))
    venue.call(
        lambda inside: inside.faults.set("force_error", where=NEW["linear"], code=-2019, msg="Margin is insufficient.", left=1)
    )
    assert raised(client, "linear")[0] == "ExchangeError"
    client.session.close()
