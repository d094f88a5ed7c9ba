"""Past bars that a session asks for: pages, closed bars only, those built from trades, and what a venue's silence becomes."""

import asyncio

import numpy as np
import pytest

from b25.market import bar_history
from b25.market.bar_history import BinanceHistory, CcxtHistory
from b25.market.timeframe import timeframe
from b25.model.errors import Misuse, Retry
from b25.model.instrument import Instrument

from .binance_stand_in import MINUTE_MS, StandIn, kline, served, trade

MS_NS = 1_000_000
HOUR_MS = 60 * MINUTE_MS
NOON_MS = 1_704_110_400_000
SPOT = Instrument(venue="binance", symbol="BTC/USDT", tick="0.01", lot="0.00001")  # type: ignore[arg-type]
PERP = Instrument(venue="binanceusdm", symbol="BTC/USDT:USDT", tick="0.01", lot="0.001")  # type: ignore[arg-type]


@pytest.fixture
def venue():
    """Noon and half a minute; listed two days ago."""
    stand_in = StandIn(NOON_MS + 30_000, NOON_MS - 48 * HOUR_MS)
    with served(stand_in) as url:
        stand_in.url = f"{url}/api/v3"
        yield stand_in


def asked(venue, one, frame, since_ms, until_ms):
    async def ask():
        history = BinanceHistory([one], venue.url)
        try:
            return await history.bars(0, timeframe(frame), since_ms * MS_NS, until_ms * MS_NS)
        finally:
            await history.close()

    return asyncio.run(ask())


def test_klines_come_in_pages_and_only_closed_ones(venue):
    since_ms = NOON_MS - 1_500 * MINUTE_MS
    venue.holes.append((NOON_MS - 700 * MINUTE_MS, NOON_MS - 690 * MINUTE_MS))
    rows = asked(venue, SPOT, "1m", since_ms, NOON_MS + MINUTE_MS - 1)
    assert len(rows) == 1_490
    assert rows["open_ns"][0] == since_ms * MS_NS
    assert rows["close_ns"][-1] == NOON_MS * MS_NS
    for row in rows[[0, 800, -1]]:
        open_ms, *prices, volume = kline(int(row["open_ns"]) // MS_NS, MINUTE_MS)[:6]
        assert [SPOT.ticks(price) for price in prices] == [row[f"{name}_ticks"] for name in ("open", "high", "low", "close")]
        assert row["volume_lots"] == SPOT.lots(volume)
        assert row["buy_lots"] == 0
        assert open_ms * MS_NS == row["open_ns"]
    assert len(venue.asked) == 2


@pytest.mark.parametrize("page", [1_000, 100, 7])
def test_what_has_no_klines_is_built_from_trades_in_pages(venue, page, monkeypatch):
    monkeypatch.setattr(bar_history, "PAGE", page)
    since_ms, until_ms = NOON_MS - 2 * HOUR_MS - 20_000, NOON_MS
    rows = asked(venue, PERP, "20s", since_ms, until_ms)
    assert rows["open_ns"].tolist() == list(range(since_ms * MS_NS, until_ms * MS_NS, 20_000 * MS_NS))
    for row in rows[[0, -1]]:
        number = (int(row["open_ns"]) // MS_NS - venue.listed_ms) // 10_000
        two = [trade(number + k, venue.listed_ms) for k in range(2)]
        assert row["open_ticks"] == PERP.ticks(two[0]["p"])
        assert row["close_ticks"] == PERP.ticks(two[1]["p"])
        assert row["volume_lots"] == 1_000
        assert row["buy_lots"] == sum(500 for one in two if not one["m"])
    # As many as the newest page reaches back to are built of single trades; there is no need for aggregates.
    assert any("/aggTrades" in path for path in venue.asked) == (page < 1_000)


def test_an_answer_that_is_none_is_retried_by_whoever_asked(venue):
    venue.faults.append(503)
    with pytest.raises(Retry, match="answers 503"):
        asked(venue, SPOT, "1m", NOON_MS - HOUR_MS, NOON_MS)
    venue.url = "http://127.0.0.1:9"
    with pytest.raises(Retry, match="klines"):
        asked(venue, SPOT, "1m", NOON_MS - HOUR_MS, NOON_MS)


def test_too_much_of_the_past_is_refused(venue, monkeypatch):
    monkeypatch.setattr(bar_history, "PAGES_MAX", 1)
    for one, frame in ((SPOT, "1m"), (PERP, "20s")):
        with pytest.raises(Misuse, match="too many"):
            asked(venue, one, frame, NOON_MS - 30 * HOUR_MS, NOON_MS)


def test_which_timeframes_the_venue_itself_makes():
    spot, perp = (BinanceHistory([one], "http://127.0.0.1:9") for one in (SPOT, PERP))
    assert spot.has(timeframe("1s"))
    assert not perp.has(timeframe("1s"))
    assert perp.has(timeframe("4h"))
    assert not perp.has(timeframe("10s"))


class Told:
    """A ccxt exchange that tells what it is given, a page of two at a time."""

    def __init__(self, rows):
        self.rows, self.closed = rows, False
        self.timeframes, self.has = {"1m": "1m"}, {"fetchOHLCV": True}

    async def fetch_ohlcv(self, symbol, frame, since_ms, limit):
        if not self.rows:
            raise ConnectionError("nobody there")
        return [row for row in self.rows if row[0] >= since_ms][:2]

    async def close(self):
        self.closed = True


def test_ccxt_tells_floats_that_become_ticks_and_lots():
    api = Told([[NOON_MS + k * MINUTE_MS, 100.01, 101.5, 99.99, 100.3, 0.0 if k == 2 else 1.234567] for k in range(5)])
    history = CcxtHistory([PERP], api)

    async def ask(frame):
        return await history.bars(0, timeframe(frame), NOON_MS * MS_NS, (NOON_MS + 4 * MINUTE_MS) * MS_NS)

    found = asyncio.run(ask("1m"))
    assert ((found["open_ns"] // MS_NS - NOON_MS) // MINUTE_MS).tolist() == [0, 1, 3]  # one is empty, the last is open
    assert set(found["close_ticks"].tolist()) == {10_030}
    assert set(found["volume_lots"].tolist()) == {1_235}
    assert np.all(found["buy_lots"] == -1)
    with pytest.raises(Misuse, match="no past bars of 5m"):
        asyncio.run(ask("5m"))
    api.rows = []
    with pytest.raises(Retry, match="nobody there"):
        asyncio.run(ask("1m"))
    asyncio.run(history.close())
    assert api.closed
