"""The cross: nothing before the slow window is full, in at the open after a cross, out or short at the next one."""

import numpy as np
import pytest

import b25
from b25.research.result import Backtest
from strategies.moving_average_cross import MovingAverageCross
from tests.strategies.candles import closing_at

FREE = {"fees": b25.Fees(maker=0.0, taker=0.0), "fast": 2, "slow": 4, "exposure": 0.5}


def run(*closes: float, compiled: bool, **params: object) -> Backtest:
    return b25.backtest(MovingAverageCross, closing_at(*closes), compiled=compiled, **(FREE | params))


def done(result: Backtest) -> list[tuple[int, float]]:
    """Side and price of every fill."""
    return list(result.fills.select("side", "price").iter_rows())


def test_nothing_is_done_before_the_slow_window_is_full(compiled):
    assert done(run(100, 110, 120, compiled=compiled)) == []
    result = run(100, 110, 120, 130, 140, compiled=compiled)
    assert done(result) == [(b25.BUY, 130.0)]  # decided at the fourth close, filled at the fifth bar's open
    assert result.fills["quantity"][0] == 38.461  # half of 10 000 at 130, whole lots


def test_equal_averages_are_no_cross(compiled):
    assert done(run(*[100.0] * 10, compiled=compiled)) == []


def test_it_leaves_when_the_fast_average_is_no_longer_above(compiled):
    rise_and_fall = (100, 110, 120, 130, 140, 130, 120, 110, 100, 90)
    result = run(*rise_and_fall, compiled=compiled)
    # At the close of 120 the mean of two is 125, that of four 130; the next bar opens at 120.
    assert done(result) == [(b25.BUY, 130.0), (b25.SELL, 120.0)]
    assert result.outcome.world.positions[0]["position_lots"] == 0


def test_with_short_it_turns_around(compiled):
    result = run(100, 110, 120, 130, 140, 130, 120, 110, 100, 90, short=True, compiled=compiled)
    assert [side for side, _ in done(result)] == [b25.BUY, b25.SELL]
    assert result.outcome.world.positions[0]["position_lots"] < 0


def test_a_fast_window_that_is_not_the_shorter_one_never_trades(compiled):
    rng = np.random.default_rng(25)
    closes = np.round(100 + np.cumsum(rng.normal(0, 1, 60)), 2).tolist()
    assert done(run(*closes, fast=4, compiled=compiled)) == []
    assert done(run(*closes, fast=9, compiled=compiled)) == []


@pytest.mark.parametrize(("fast", "slow"), [(1, 2), (3, 10), (9, 10), (20, 60)])
def test_its_averages_are_those_of_numpy(fast, slow, compiled):
    data = b25.sample(bars="1h", days=10)
    record = b25.backtest(MovingAverageCross, data, fast=fast, slow=slow, compiled=compiled).outcome.strategy[0]
    closes = data.view["close"]
    assert record["fast_sum"] / fast == pytest.approx(closes[-fast:].mean(), rel=1e-12)
    assert record["slow_sum"] / slow == pytest.approx(closes[-slow:].mean(), rel=1e-12)


def test_its_fills_are_those_of_a_twin_in_numpy(compiled):
    data = b25.sample(bars="1h", days=40, seed=3)
    result = b25.backtest(MovingAverageCross, data, fast=5, slow=20, compiled=compiled)
    closes, opens = data.view["close"], data.view["open"]
    held, expected = False, []
    for k in range(19, len(closes) - 1):
        above = closes[k - 4 : k + 1].mean() > closes[k - 19 : k + 1].mean()
        if above != held:
            expected.append((b25.BUY if above else b25.SELL, opens[k + 1]))
            held = above
    assert done(result) == expected
    assert len(expected) > 10
