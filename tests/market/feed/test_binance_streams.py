"""Binance's streams by their names and addresses, and what its answers mean."""

import orjson
import pytest

from b25.market.feed.binance_streams import Reply, Shutdown, address_of, is_public, read_control, stream_name, subscribe
from b25.model.errors import Misuse
from b25.model.message import SPOT, USDM


def test_the_live_exchange_is_asked_at_its_own_addresses():
    spot, futures = address_of(SPOT), address_of(USDM)
    assert spot.public_url == spot.market_url == "wss://stream.binance.com:9443/ws"
    assert (futures.public_url, futures.market_url) == (
        "wss://fstream.binance.com/public/ws",
        "wss://fstream.binance.com/market/ws",
    )
    assert futures.snapshot_url == "https://fapi.binance.com/fapi/v1/depth"


@pytest.mark.parametrize("url", ["http://127.0.0.1:18080", "127.0.0.1:18080", "ws://127.0.0.1:18080/"])
def test_another_venue_is_asked_at_its_address(url):
    assert address_of(SPOT, url).public_url == "ws://127.0.0.1:18080/stream/ws/0"
    assert address_of(USDM, url).market_url == "ws://127.0.0.1:18080/f/market/ws/0"
    assert address_of(USDM, url).snapshot_url == "http://127.0.0.1:18080/fapi/v1/depth"


def test_a_secure_venue_is_asked_securely():
    assert address_of(SPOT, "https://host:1").public_url == "wss://host:1/stream/ws/0"


@pytest.mark.parametrize("url", ["ftp://host", "http://", ""])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Misuse):
        address_of(SPOT, url)


def test_futures_serve_only_aggregate_trades_elsewhere():
    assert [is_public(USDM, stream) for stream in ("depth", "trades", "bookTicker", "aggTrade")] == [True, True, True, False]
    assert is_public(SPOT, "aggTrade")
    assert stream_name("ETHUSDT", "depth") == "ethusdt@depth@100ms"
    assert orjson.loads(subscribe(["a"], 3)) == {"method": "SUBSCRIBE", "params": ["a"], "id": 3}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (b'{"result":null,"id":7}', Reply(7)),
        (b'{"error":{"code":2,"msg":"no"},"id":7}', Reply(7, '{"code":2,"msg":"no"}')),
        (b'{"code":1,"msg":"Invalid value"}', Reply(0, '{"code":1,"msg":"Invalid value"}')),
        (b'{"e":"trade","E":1}', None),
        (b"[1]", None),
        (b"{", None),
    ],
)
def test_answers_are_read(text, means):
    assert read_control(text) == means


@pytest.mark.parametrize("text", [b'{"e":"serverShutdown","E":1}', b'{"stream":"x","data":{"e":"serverShutdown","E":1}}'])
def test_the_goodbye_is_read(text):
    assert isinstance(read_control(text), Shutdown)
