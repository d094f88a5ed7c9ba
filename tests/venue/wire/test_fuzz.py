"""Anything at all, at every endpoint: never a 5xx, never a fault of ours, and the venue still trades afterwards."""

import hashlib
import hmac
import time
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.venue.wire.front import TABLES
from b25.venue.wire.limits import LimitSettings
from tests.venue.wire.venues import account, fresh

ROUTES = [route for table in TABLES for route in table.routes]
PLAUSIBLE = {
    "symbol": ["BTCUSDT", "ETHUSDT", "NOPE", "btcusdt", "", "BTCUSDT\x00", "../..", "B" * 300],
    "symbols": ['["BTCUSDT","ETHUSDT"]', "[]", "[1]", '["BTCUSDT"', "{}", "null"],
    "pair": ["BTCUSDT", "X"],
    "contractType": ["PERPETUAL", "NEXT"],
    "side": ["BUY", "SELL", "HOLD"],
    "type": [
        "LIMIT",
        "MARKET",
        "LIMIT_MAKER",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "STOP",
        "STOP_MARKET",
        "TRAILING_STOP_MARKET",
        "1",
        "2",
    ],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD", "PO"],
    "quantity": ["0.01", "1", "0", "100000", "0.0000000001", "99999999999999999999", "1e5"],
    "quoteOrderQty": ["100", "0", "99999999999999999999.99999999"],
    "price": ["49000", "50010", "51000", "0", "0.01", "99999999999999999999", "49000.001"],
    "stopPrice": ["49500", "50500", "0"],
    "triggerPrice": ["49500", "50500", "0"],
    "interval": ["1m", "1s", "1M", "1w", "3d", "9m"],
    "limit": ["1", "10", "5000", "0", "99999999999999999999"],
    "orderId": ["1", "2", "205", "9223372036854775807", "9223372036854775808"],
    "algoId": ["1", "2", "9223372036854775807"],
    "origClientOrderId": ["a", "x-1", ""],
    "newClientOrderId": ["a", "x-1", "ü", "a" * 37],
    "startTime": ["0", "1700000000000", str(2**63 - 1)],
    "endTime": ["0", "1700000000000", str(2**63 - 1)],
    "batchOrders": [
        "[]",
        "[{}]",
        '[{"symbol":"BTCUSDT"}]',
        "[[]]",
        "{",
        "null",
        "[" * 10_000,
        '[{"symbol":{"a":1},"price":1e400}]',
    ],
    "orderIdList": ["[1,2]", '["1"]', "[true]", "[1.5]", "[null]", "[[1]]", "[99999999999999999999999]"],
    "origClientOrderIdList": ['["a"]', "[1]", '["ü"]'],
    "leverage": ["1", "20", "125", "126", "0"],
    "marginType": ["ISOLATED", "CROSSED", "BOTH"],
    "positionSide": ["BOTH", "LONG", "SHORT"],
    "dualSidePosition": ["true", "false", "1"],
    "amount": ["10", "0", "99999999999999999999"],
    "callbackRate": ["1", "0.1", "11", "0"],
    "trailingDelta": ["10", "2000", "0", "99999999999999999999"],
    "icebergQty": ["0.01", "0"],
    "newQty": ["0.01", "0.00001", "0"],
    "countdownTime": ["0", "1", "120000", str(2**63 - 1)],
    "goodTillDate": ["0", "1", str(2**63 - 1)],
    "cancelReplaceMode": ["STOP_ON_FAILURE", "ALLOW_FAILURE"],
    "algoType": ["CONDITIONAL", "OTHER"],
    "priceMatch": ["NONE", "OPPONENT", "QUEUE_20"],
    "selfTradePreventionMode": ["NONE", "EXPIRE_MAKER", "DECREMENT"],
    "newOrderRespType": ["ACK", "RESULT", "FULL"],
    "recvWindow": ["5000", "60000.5", "0", "0.001", "x"],
}
NOISE = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[0-9]{0,25}(\.[0-9]{0,25})?", fullmatch=True),
    st.sampled_from(["true", "[]", "{}", "-1"]),
)


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    made = fresh(tmp_path_factory.mktemp("venue"), limits=LimitSettings(enabled=False))
    made.fuzz_key = account(made.exchange)[1]
    return made


@st.composite
def requests(draw):
    """A route with parameters of its own, most of them plausible, some anything, some of another route's."""
    route = draw(st.sampled_from(ROUTES))
    names = draw(st.lists(st.sampled_from(sorted(route.names | {"unheard", "symbol"})), max_size=14, unique=True))
    # What makes an order an order is mostly there.
    names = list(
        dict.fromkeys(
            [*names, *(n for n in ("symbol", "side", "type", "quantity") if n in route.names and draw(st.integers(0, 9)))]
        )
    )
    values = {}
    for name in names:
        if name not in ("timestamp", "signature"):
            values[name] = draw(st.sampled_from(PLAUSIBLE[name]) if name in PLAUSIBLE and draw(st.integers(0, 9)) else NOISE)
    return route, values


def ask(venue, route, query, body=b"", key=None):
    answer = venue.front.answer(route.method, route.path, query, body, key, "127.0.0.1")
    assert answer.status < 500, (route.name, query, answer)
    assert not venue.core.surprises, (route.name, query, venue.core.surprises.pop())
    return answer


@settings(max_examples=1500)
@given(asked=requests(), in_body=st.booleans())
def test_signed_requests(venue, asked, in_body):
    route, values = asked
    pairs = [f"timestamp={int(time.time() * 1000)}", *(f"{quote(name)}={quote(value)}" for name, value in values.items())]
    payload = "&".join(pairs).encode()
    key = venue.fuzz_key
    payload += b"&signature=" + hmac.new(key.secret.encode(), payload, hashlib.sha256).hexdigest().encode()
    if route.security < 2:
        payload = "&".join(pairs[1:]).encode()
    answer = ask(venue, route, *((b"", payload) if in_body else (payload, b"")), key=key.key)
    assert orjson.loads(answer.body) is not None
    if answer.status != 200:
        assert set(orjson.loads(answer.body)) <= {"code", "msg", "data"}


@settings(max_examples=500)
@given(
    route=st.sampled_from(ROUTES),
    query=st.binary(max_size=200),
    body=st.binary(max_size=200),
    key=st.one_of(st.none(), st.text(max_size=80)),
)
def test_raw_bytes(venue, route, query, body, key):
    ask(venue, route, query, body, key)
    ask(venue, route, query, body, venue.fuzz_key.key)


@settings(max_examples=200)
@given(method=st.text(max_size=10), path=st.text(max_size=60))
def test_unknown_paths(venue, method, path):
    assert venue.front.answer(method, path, b"", b"", None, "").status in (200, 404)


def test_it_still_trades(venue):
    """Run last: after all of that an honest order is taken."""
    venue.exchange.advance(venue.clock.now_ms())
    owner, key = account(venue.exchange, "bob")
    pairs = (
        f"timestamp={int(time.time() * 1000)}&symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100".encode()
    )
    signature = hmac.new(key.secret.encode(), pairs, hashlib.sha256).hexdigest().encode()
    answer = venue.front.answer("POST", "/api/v3/order", pairs + b"&signature=" + signature, b"", key.key, "127.0.0.1")
    assert answer.status == 200
    assert len(venue.exchange.spot_orders.open_orders(owner)) == 1
