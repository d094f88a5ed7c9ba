"""Whatever a client says on a socket, it gets an answer, and the venue no fault of its own."""

import asyncio
import tempfile
from pathlib import Path

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import Venue, VenueSettings
from b25.venue.wire.stream_requests import METHODS, answer
from b25.venue.wire.ws_api import WsApi
from b25.venue.wire.ws_api_methods import METHODS as API_METHODS
from b25.venue.wire.ws_sessions import SESSION_METHODS
from tests.venue.streams.live import warm
from tests.venue.streams.stand import Stand, heard

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
NAMES = st.sampled_from(["btcusdt@trade", "btcusdt@depth@100ms", "!miniTicker@arr", "combined", "x@y", ""]) | st.text(max_size=12)
FIELDS = st.sampled_from(
    "symbol side type quantity price timeInForce orderId apiKey timestamp signature recvWindow limit interval symbols".split()
)
VALUES = SCALARS | st.sampled_from(["BTCUSDT", "BUY", "LIMIT", "0.01", "50000", "GTC", "1m", '["BTCUSDT"]', "1e5", "-1"])


PARTS = {
    "method": st.sampled_from(METHODS) | ANYTHING,
    "params": st.lists(NAMES | ANYTHING, max_size=3) | ANYTHING,
    "id": ANYTHING,
}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.builds(orjson.dumps, st.fixed_dictionaries({}, optional=PARTS)))
def test_any_message_on_a_market_socket_is_answered(text):
    stand = Stand()
    socket = stand.listener()
    told = answer(stand.hub, socket, text)
    assert "result" in told or {"code", "msg"} <= set(told)
    orjson.dumps(told)
    stand.step(1_000)
    stand.hub.remove(socket)
    assert stand.hub.audiences.all() == []


class Api:
    """One venue for all examples."""

    made = None

    def __new__(cls):
        if cls.made is None:
            warm()
            folder = Path(tempfile.mkdtemp())
            venue = Venue(VenueSettings(folder=folder, limits=LimitSettings(enabled=False)))
            account = venue.exchange.open_account("alice")
            venue.exchange.deposit(account, "spot", "USDT", "1000000")
            cls.made = super().__new__(cls)
            cls.made.venue, cls.made.key = venue, venue.exchange.make_key(account)
            cls.made.stand = Stand()
            cls.made.api = WsApi(venue.hub, venue.front)
        return cls.made


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["spot", "linear"]),
    st.sampled_from(sorted({*API_METHODS["spot"], *API_METHODS["linear"], *SESSION_METHODS["spot"]})) | ANYTHING,
    st.dictionaries(FIELDS | st.text(max_size=6), VALUES | ANYTHING, max_size=8),
    ANYTHING,
    st.booleans(),
)
def test_any_request_of_the_websocket_api_is_answered(market, method, params, number, logged_on):
    house = Api()
    socket = house.stand.listener(market=market, path="ws-api")
    socket.key = house.key if logged_on else None
    if logged_on:
        params = {"timestamp": house.venue.clock.server_ms(), **params}
        params.pop("apiKey", None)
    asyncio.run(house.api.read(socket, orjson.dumps({"id": number, "method": method, "params": params})))
    told = heard(socket)
    assert told
    assert ("result" in told[0]) == (told[0]["status"] == 200)
    assert not list(house.venue.core.surprises)
    house.stand.hub.remove(socket)
    house.venue.hub.users.forget(socket)
