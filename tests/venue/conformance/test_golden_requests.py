"""What unmodified ccxt sends is pinned byte for byte, and b25's port sends the same for the same wish."""

import asyncio

import orjson
import pytest

from b25.model.order import Tif
from b25.venue.port.requests import NewOrder, OrderRef, SelfTrade
from tests.venue.ccxt.recorder import Recorder, by_path
from tests.venue.ccxt.venues import venue_at
from tests.venue.conformance.plain_ccxt import SYMBOLS
from tests.venue.conformance.recording import GOLDEN, normalised, record, text
from tests.venue.conformance.samples.read import samples
from tests.venue.conformance.scenarios import SCENARIOS


@pytest.mark.parametrize("market", SCENARIOS)
def test_ccxt_sends_what_is_recorded_byte_for_byte(market):
    assert text(asyncio.run(record(market))) == (GOLDEN / f"requests_{market}.json").read_bytes()


def test_every_method_of_the_specifications_list_is_recorded():
    paths = set()
    for market in SCENARIOS:
        recorded = orjson.loads((GOLDEN / f"requests_{market}.json").read_bytes())
        paths |= {
            f"{one['request'].split()[0]} {one['request'].split()[1].partition('?')[0]}"
            for many in recorded.values()
            for one in many
        }
    assert set(samples()) - paths == set()


def wishes(market):
    """Orders of the port, by the scenario that means the same."""
    symbol = SYMBOLS[market]
    tick, lot = ("0.01", "0.00001") if market == "spot" else ("0.1", "0.001")

    def new(amount, price, **more):
        ticks = round(float(price) / float(tick)) if price else 0
        return NewOrder(
            symbol=symbol,
            client_id="b25-aaaaa-b-1",
            side=1,
            qty_lots=round(float(amount) / float(lot)),
            price_ticks=ticks,
            self_trade=SelfTrade.NONE,
            **more,
        )

    return {
        "create_limit_buy": ("submit", new("0.123", "40123.4")),
        "create_post_only": ("submit", new("0.123", "40000", post_only=True)),
        "create_ioc": ("submit", new("0.123", "40000", tif=Tif.IOC)),
        "create_fok": ("submit", new("0.123", "40000", tif=Tif.FOK)),
        "cancel_by_venue_id": ("cancel", OrderRef(symbol=symbol, venue_id="28")),
        "cancel_by_client_id": ("cancel", OrderRef(symbol=symbol, client_id="b25-aaaaa-b-1")),
        "fetch_order_by_venue_id": ("order", OrderRef(symbol=symbol, venue_id="28")),
        "fetch_order_by_client_id": ("order", OrderRef(symbol=symbol, client_id="b25-aaaaa-b-1")),
    }


def fields(request):
    """Fields of a request as a set: their order may differ, since Binance signs them as they come."""
    line, body = request["request"], request["body"]
    target, _, query = line.split()[1].partition("?")
    return line.split()[0], target, request["headers"], sorted(filter(None, f"{query}&{body}".split("&")))


@pytest.mark.parametrize("market", SCENARIOS)
def test_the_port_sends_what_ccxt_sends(market):
    recorded = orjson.loads((GOLDEN / f"requests_{market}.json").read_bytes())

    async def run():
        sent = {}
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder, market) as port:
            (await port.listings()).must()
            for name, (method, wish) in wishes(market).items():
                await getattr(port, method)(wish)
                sent[name] = normalised(recorder.seen[-1])
        return sent

    for name, request in asyncio.run(run()).items():
        assert fields(request) == fields(recorded[name][-1]), name


def test_the_time_of_signing_is_the_callers():
    async def run():
        async with Recorder(by_path(samples())) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            ref = OrderRef(symbol="BTC/USDT", client_id="b25-a", sign_ms=1_700_000_000_123, recv_window_ms=1500)
            await port.cancel(ref)
            return recorder.seen[-1].query

    query = asyncio.run(run())
    assert "timestamp=1700000000123&" in query
    assert "recvWindow=1500&" in query
