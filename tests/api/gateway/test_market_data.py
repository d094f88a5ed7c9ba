"""Market data over the API: what a real bus tells, and candles of a real catalog that equal the prints."""

import asyncio
from dataclasses import replace

import pytest

import b25
from b25.bus import bodies
from b25.bus.address import URL
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.market.synthetic import build_sample
from tests.bus.conftest import server  # noqa: F401 - a fixture
from tests.bus.stand import quiet, sample

AT = "/api/v1/market-data"
BTC = "BTC/USDT:USDT"


async def told(viewer, path):
    """Ask until it is heard."""
    for _ in range(200):
        answer = await viewer.get(f"{AT}/{path}")
        if answer.status_code == 200:
            return answer.json()
        assert answer.json()["code"] == "NOT_HEARD", answer.text
        await asyncio.sleep(0.05)
    raise AssertionError(f"{path} was never heard")


@pytest.fixture
def bus(server, monkeypatch):  # noqa: F811
    monkeypatch.setenv(URL, server.address.url)
    return server


@pytest.mark.spec("GW-01")
def test_what_sessions_tell_is_handed_on_with_its_time_and_its_source(bus, home, run):
    async def act(client):
        link = await open_link(bus.address, "session/mm", quiet)
        publisher = Publisher("session", "mm", account="main")

        async def tell(what, body, at_ns):
            publisher.channel(f"market_data.{{symbol}}.{what}", symbol="BTC_USDT_USDT").offer(body, at_ns)
            await publisher.send(link)

        async with client("viewer") as viewer:
            assert (await viewer.get(f"{AT}/orderbook/{BTC}")).json()["code"] == "NOT_HEARD"
            await asyncio.sleep(1.0)
            ticker = replace(sample(bodies.Ticker), symbol=BTC, bid="100.1", ask="100.2", last=None)
            await tell("ticker", ticker, 1_000)
            heard = await told(viewer, f"ticker/{BTC}")
            assert heard == {
                "symbol": BTC, "time_ns": 1_000, "source": "session/mm", "bid": "100.1", "ask": "100.2", "last": None,
            }  # fmt: skip
            book = replace(sample(bodies.OrderBook), symbol=BTC, bids=(("100.1", "2"), ("100.0", "1")), asks=(("100.2", "3"),))
            await tell("orderbook", book, 2_000)
            heard = await told(viewer, f"orderbook/{BTC}")
            assert [one["price"] for one in heard["bids"]] == ["100.1", "100.0"]
            assert (heard["asks"], heard["time_ns"]) == ([{"price": "100.2", "quantity": "3"}], 2_000)
            found = (await viewer.get(f"{AT}/symbols")).json()
            assert [one["symbol"] for one in found["data"]] == [BTC]
            assert (await viewer.get(f"{AT}/ticker/BTC")).status_code == 422
        await link.close()

    run(act)


@pytest.mark.spec("GW-01")
def test_candles_are_what_the_prints_of_the_catalog_add_up_to(home, run):
    build_sample(home.settings.catalog, seed=25, minutes=6)
    data = b25.dataset(BTC, venue="sim", catalog=home.settings.catalog)
    made = b25.bars("1m", symbol=data.symbol, catalog=home.settings.catalog)
    one = made.instrument

    async def act(client):
        async with client("viewer") as viewer:
            told = (await viewer.get(f"{AT}/candles/{data.symbol}", params={"timeframe": "1m", "limit": 3})).json()
            assert told["total"] == len(made.rows)
            for row, candle in zip(made.rows[-3:], told["data"], strict=True):
                assert candle["open_ns"] == row["open_ns"]
                assert candle["close"] == str(one.price(int(row["close_ticks"])))
                assert candle["volume"] == str(one.quantity(int(row["volume_lots"])))
            first = int(made.rows[1]["open_ns"])
            span = {"timeframe": "1m", "start_ns": first, "end_ns": first + 2 * 60_000_000_000}
            assert (await viewer.get(f"{AT}/candles/{data.symbol}", params=span)).json()["total"] == 2
            (symbol,) = (await viewer.get(f"{AT}/symbols")).json()["data"]
            assert (symbol["symbol"], symbol["venues"], symbol["sessions"]) == (data.symbol, [data.venue], [])
            none = await viewer.get(f"{AT}/candles/ETH/USDT")
            assert (none.status_code, none.json()["code"]) == (404, "NO_CANDLES")

    run(act)
