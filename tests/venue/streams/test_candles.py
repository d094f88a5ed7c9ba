"""Candles and rolling windows, held to what one gets by looking at every trade again."""

import itertools
import random

import pytest

from b25.model.errors import Misuse
from b25.venue.wire.candles import INTERVALS_MS, Candle, Candles, following_ms, opening_ms
from b25.venue.wire.market_streams import candle_of
from b25.venue.wire.tickers import RollingWindow, average_price

START_MS = 1_700_000_000_000


def naive(trades, interval, shift_ms=0):
    """Candles with trades, from the trades alone: open time to (o, h, l, c, lots, ticklots, count, taker lots, first, last)."""
    found = {}
    for price, lots, time_ms, trade_id, buys in trades:
        open_ms = opening_ms(interval, time_ms + shift_ms) - shift_ms
        found.setdefault(open_ms, []).append((price, lots, trade_id, buys))
    return {
        open_ms: (
            rows[0][0],
            max(row[0] for row in rows),
            min(row[0] for row in rows),
            rows[-1][0],
            sum(row[1] for row in rows),
            sum(row[0] * row[1] for row in rows),
            len(rows),
            sum(row[1] for row in rows if row[3]),
            rows[0][2],
            rows[-1][2],
        )
        for open_ms, rows in found.items()
    }


def told(candle: Candle):
    return (
        candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks, candle.lots, candle.ticklots, candle.count,
        candle.taker_lots, candle.first_id, candle.last_id,
    )  # fmt: skip


def random_trades(seed, count, mean_gap_ms):
    dice = random.Random(seed)
    time_ms, price = START_MS, 10_000
    for trade_id in range(1, count + 1):
        time_ms += int(dice.expovariate(1 / mean_gap_ms))
        price = max(1, price + dice.randint(-5, 5))
        yield price, dice.randint(1, 50), time_ms, trade_id, dice.random() < 0.5


@pytest.mark.parametrize(("mean_gap_ms", "seed"), [(300, 1), (20_000, 2), (900_000, 3)])
def test_each_interval_equals_the_candles_made_from_all_trades(mean_gap_ms, seed):
    candles, trades = Candles(), []
    for trade in random_trades(seed, 1_500, mean_gap_ms):
        trades.append(trade)
        candles.take(*trade)
    for interval in INTERVALS_MS:
        expected = naive(trades, interval)
        rows = candles.between(interval, None, None, 10**6)
        assert {row.open_ms: told(row) for row in rows if row.first_id >= 0} == {
            open_ms: row for open_ms, row in expected.items() if open_ms >= rows[0].open_ms
        }
        for before, row in itertools.pairwise(rows):
            assert row.open_ms == before.close_ms + 1 == following_ms(interval, before.open_ms)
            if row.first_id < 0:
                assert row.open_ticks == row.high_ticks == row.low_ticks == row.close_ticks == before.close_ticks


def test_candles_close_with_time_alone_and_history_is_bounded():
    candles = Candles()
    candles.roll(START_MS)
    assert candles.current("1m") is None
    candles.take(100, 1, START_MS, 1, True)
    candles.roll(START_MS + 400 * 86_400_000)
    assert len(candles.series["1s"].closed) == candles.series["1s"].closed.maxlen
    assert len(candles.series["1m"].closed) == candles.series["1m"].closed.maxlen
    current = candles.current("1m")
    assert current.close_ticks == 100
    assert current.count == 0
    assert len(candles.between("1d", None, None, 1_000)) == 401
    assert sum(row.count for row in candles.between("1M", None, None, 1_000)) == 1


def test_paging():
    candles = Candles()
    for second in range(100):
        candles.take(100 + second, 1, START_MS + 1_000 * second, second, True)
    assert [row.close_ticks for row in candles.between("1s", None, None, 3)] == [197, 198, 199]
    assert [row.close_ticks for row in candles.between("1s", START_MS + 10_000, None, 3)] == [110, 111, 112]
    assert [row.close_ticks for row in candles.between("1s", START_MS + 10_000, START_MS + 11_000, 500)] == [110, 111]
    assert candles.between("1s", START_MS + 10**9, None, 5) == []


def test_weeks_begin_on_mondays_and_months_on_their_first():
    wednesday = 1_700_000_000_000 - 1_700_000_000_000 % 86_400_000 + 86_400_000  # 2023-11-15
    assert opening_ms("1w", wednesday) == wednesday - 2 * 86_400_000
    assert opening_ms("1M", wednesday) == wednesday - 14 * 86_400_000
    assert following_ms("1M", opening_ms("1M", wednesday)) == wednesday + 16 * 86_400_000


def test_a_day_in_shanghai_is_put_together_from_hours():
    candles, trades = Candles(), []
    for trade in random_trades(7, 600, 600_000):
        trades.append(trade)
        candles.take(*trade)
    shift_ms = 8 * 3_600_000
    expected = naive(trades, "1d", shift_ms)
    now_ms = trades[-1][2]
    for time_ms in range(now_ms - 2 * 86_400_000, now_ms + 1, 86_400_000):
        candle = candle_of(candles, "1d", shift_ms, time_ms)
        assert told(candle) == expected[candle.open_ms]


def test_seeded_history_comes_before_the_first_trade():
    candles = Candles()
    minutes = []
    for number in range(120):
        open_ms = opening_ms("1m", START_MS) + 60_000 * number
        minutes.append(
            Candle(open_ms, open_ms + 59_999, 100 + number, 105 + number, 95 + number, 101 + number, 10, 1_000, 2, 5, 500, 0, 0)
        )
    candles.seed(minutes)
    candles.take(300, 1, minutes[-1].close_ms + 5, 1, True)
    assert [told(row)[:6] for row in candles.between("1m", None, None, 3)] == [
        (218, 223, 213, 219, 10, 1_000),
        (219, 224, 214, 220, 10, 1_000),
        (300, 300, 300, 300, 1, 300),
    ]
    assert sum(row.lots for row in candles.between("1h", None, None, 10)) == 1_201
    with pytest.raises(Misuse, match="seed the statistics before"):
        candles.seed(minutes)


def test_the_rolling_window_equals_a_look_at_every_minute():
    span_ms = 3_600_000
    candles, window, trades = Candles(), RollingWindow(span_ms), []
    for trade in random_trades(11, 3_000, 7_000):
        trades.append(trade)
        candles.take(*trade)
        now_ms = trade[2]
        if trade[3] % 50:
            continue
        window.refresh(candles, now_ms)
        day = window.ticker(candles.current("1m"), now_ms, trade[1])
        begin_ms = opening_ms("1m", now_ms - span_ms)
        inside = [row for row in trades if row[2] >= begin_ms]
        assert (day.open_ticks, day.high_ticks, day.low_ticks, day.last_ticks) == (
            inside[0][0], max(row[0] for row in inside), min(row[0] for row in inside), inside[-1][0],
        )  # fmt: skip
        assert (day.lots, day.ticklots, day.count) == (
            sum(row[1] for row in inside), sum(row[0] * row[1] for row in inside), len(inside),
        )  # fmt: skip
        assert (day.first_id, day.last_id) == (inside[0][3], inside[-1][3])
        before = [row for row in trades if row[2] < begin_ms]
        assert day.previous_ticks == (before[-1][0] if before else inside[0][0])


def test_an_empty_window_tells_the_last_price():
    candles, window = Candles(), RollingWindow(3_600_000)
    candles.take(100, 5, START_MS, 1, True)
    candles.roll(START_MS + 10 * 3_600_000)
    window.refresh(candles, START_MS + 10 * 3_600_000)
    day = window.ticker(candles.current("1m"), START_MS + 10 * 3_600_000, 5)
    assert (day.open_ticks, day.high_ticks, day.low_ticks, day.last_ticks) == (100, 100, 100, 100)
    assert (day.lots, day.count, day.last_id) == (0, 0, -1)


def test_the_average_price_counts_five_minutes():
    candles = Candles()
    candles.take(100, 10, START_MS, 1, True)
    candles.take(200, 30, START_MS + 200_000, 2, True)
    assert average_price(candles, START_MS + 200_000) == (7_000, 40)
    candles.roll(START_MS + 400_000)
    assert average_price(candles, START_MS + 400_000) == (6_000, 30)
    candles.roll(START_MS + 900_000)
    assert average_price(candles, START_MS + 900_000) == (0, 0)
