"""What a client may ask on a market-data socket, and what it hears when it asks wrongly."""

import orjson
import pytest

from b25.model.event import BUY
from b25.venue.wire.stream_requests import answer
from tests.venue.streams.stand import Stand, heard


def asked(stand, socket, request):
    return answer(stand.hub, socket, request if isinstance(request, bytes) else orjson.dumps(request))


def test_subscribe_list_unsubscribe():
    stand = Stand()
    socket = stand.listener()
    names = ["btcusdt@trade", "btcusdt@depth@100ms"]
    assert asked(stand, socket, {"method": "SUBSCRIBE", "params": names, "id": 1}) == {"result": None, "id": 1}
    assert asked(stand, socket, {"method": "LIST_SUBSCRIPTIONS", "id": 3}) == {"result": names, "id": 3}
    assert asked(stand, socket, {"method": "UNSUBSCRIBE", "params": names[:1], "id": "x"}) == {"result": None, "id": "x"}
    assert asked(stand, socket, {"method": "UNSUBSCRIBE", "params": ["ethusdt@trade"], "id": 4}) == {"result": None, "id": 4}
    assert list(socket.streams) == names[1:]


def test_a_stream_that_does_not_exist_is_acknowledged_and_silent():
    stand = Stand()
    socket = stand.listener()
    assert asked(stand, socket, {"method": "SUBSCRIBE", "params": ["btcusdt@nothing"], "id": 1}) == {"result": None, "id": 1}
    assert stand.hub.audiences.all() == []


def test_the_property_combined():
    stand = Stand()
    socket = stand.listener("btcusdt@depth@100ms")
    assert asked(stand, socket, {"method": "GET_PROPERTY", "params": ["combined"], "id": 1}) == {"result": False, "id": 1}
    assert asked(stand, socket, {"method": "SET_PROPERTY", "params": ["combined", True], "id": 2}) == {"result": None, "id": 2}
    stand.exchange.place(stand.spot, BUY, 1, 100)
    stand.step(100)
    assert heard(socket)[0]["stream"] == "btcusdt@depth@100ms"
    asked(stand, socket, {"method": "SET_PROPERTY", "params": ["combined", False], "id": 3})
    stand.exchange.place(stand.spot, BUY, 1, 100)
    stand.step(100)
    assert heard(socket)[0]["e"] == "depthUpdate"


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        ({"method": "SET_PROPERTY", "params": ["colour", True], "id": 7}, 0, "Unknown property"),
        ({"method": "SET_PROPERTY", "params": ["combined", "yes"], "id": 7}, 1, "Invalid value type: expected Boolean"),
        ({"method": "SET_PROPERTY", "params": [1, True], "id": 7}, 2, "Invalid request: property name must be a string"),
        ({"method": "GET_PROPERTY", "params": ["combined", 1], "id": 7}, 2, "Invalid request: too many parameters"),
        ({"method": "SUBSCRIBE", "params": [1], "id": 7}, 2, "Invalid request: stream names must be strings"),
        ({"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 7}, 2, "Invalid request: params must be an array"),
    ],
)
def test_errors_with_an_id(request_, code, text):
    stand = Stand()
    assert asked(stand, stand.listener(), request_) == {"code": code, "msg": text, "id": 7}


@pytest.mark.parametrize(
    ("raw", "code", "begin"),
    [
        (b"{", 3, "Invalid JSON: expected value at line 1 column"),
        (b"", 3, "Invalid JSON: expected value at line 1 column"),
        (b"[" * 30_000, 3, "Invalid JSON: "),
        (b"[]", 2, "Invalid request: invalid type"),
        (b'{"id":1}', 2, "Invalid request: missing field `method` at line 1 column 8"),
        (b'{"method":"subscribe","id":1}', 2, "Invalid request: unknown variant `subscribe`, expected one of `SUBSCRIBE`"),
        (b'{"method":"SUBSCRIBE","params":[],"id":-1}', 2, "Invalid request: request ID must be an unsigned integer"),
        (b'{"method":["SUBSCRIBE"],"id":1}', 2, "Invalid request: unknown variant"),
    ],
)
def test_errors_without(raw, code, begin):
    stand = Stand()
    told = asked(stand, stand.listener(), raw)
    assert told["code"] == code
    assert told["msg"].startswith(begin)


def test_the_number_of_streams_is_bounded():
    stand = Stand(streams_per_socket=3)
    socket = stand.listener("a@trade", "b@trade")
    told = asked(stand, socket, {"method": "SUBSCRIBE", "params": ["c@trade", "d@trade"], "id": 1})
    assert told == {"code": 2, "msg": "Invalid request: too many streams", "id": 1}
    assert len(socket.streams) == 2
    assert asked(stand, socket, {"method": "SUBSCRIBE", "params": ["b@trade", "d@trade"], "id": 1})["result"] is None


def test_a_futures_channel_on_the_wrong_path_is_silent_or_an_error():
    stand = Stand()
    socket = stand.listener(market="linear", path="public")
    ask = {"method": "SUBSCRIBE", "params": ["btcusdt@markPrice@1s"], "id": 1}
    assert asked(stand, socket, ask) == {"result": None, "id": 1}
    stand.step(1_000)
    assert heard(socket) == []
    stand.faults.set("ws_wrong_path", mode="error")
    told = asked(stand, socket, ask)
    assert told["error"]["code"] == told["code"] == 2
    assert "is served on /market, not on /public" in told["msg"]
