"""Regimes: known before the day begins, counted once, and the share of the gain that hangs on one of them."""

import numpy as np
import polars as pl
import pytest

from b25.analytics.metric import NS_PER_DAY
from b25.analytics.regimes import market_regimes, regime_metrics, regimes
from b25.analytics.series import InstrumentTrace, TimeSeries
from tests.analytics.curves import daily_curve, fills


def market(prices: np.ndarray) -> InstrumentTrace:
    return InstrumentTrace(name="X", fills=fills([]), mids=TimeSeries(np.arange(prices.size) * NS_PER_DAY, prices))


def rising_then_falling(seed: int = 3) -> np.ndarray:
    drift = np.repeat([0.02, 0.0, -0.02], 100)
    return 100 * np.exp(np.concatenate(([0.0], np.cumsum(drift + np.random.default_rng(seed).normal(0, 0.01, 300)))))


def test_trends_are_recognised_after_their_window():
    trend, volatility = market_regimes(rising_then_falling(), window=20)
    assert set(trend[:20]) == set(volatility[:20]) == {""}
    assert np.mean(trend[25:100] == "up") > 0.95
    assert np.mean(trend[225:] == "down") > 0.95
    assert np.mean(trend[125:200] == "sideways") > 0.2
    assert {word: int(np.sum(volatility == word)) for word in ("calm", "usual", "wild")} == pytest.approx(
        {"calm": 280 / 3, "usual": 280 / 3, "wild": 280 / 3}, abs=2
    )


def test_a_day_is_judged_by_what_was_known_at_its_start():
    prices = rising_then_falling()
    whole, _ = market_regimes(prices, window=20)
    for end in (60, 150, 299):
        part, _ = market_regimes(prices[: end + 1], window=20)
        assert part.tolist() == whole[:end].tolist()


def test_each_day_stands_in_one_regime_of_each_kind():
    prices = rising_then_falling()
    table = regimes(daily_curve(list(prices * 10)), [market(prices)])
    for kind, days in (("year", 300), ("month", 300), ("trend", 270), ("volatility", 270)):
        rows = table.filter(pl.col("kind") == kind)
        assert rows["days"].sum() == days
        assert rows["time_share"].sum() == pytest.approx(days / 300)
    months = table.filter(pl.col("kind") == "month")
    assert float(np.prod(1 + months["total_return"].to_numpy())) == pytest.approx(prices[-1] / prices[0])
    assert months["regime"].to_list()[:2] == ["1970-01", "1970-02"]
    up = table.filter(pl.col("regime") == "up").row(0, named=True)
    assert up["sharpe"] > 10
    assert up["gain_share"] > 1


def test_a_gain_of_one_trend_is_named():
    prices = rising_then_falling()
    follows = np.where(market_regimes(prices)[0] == "up", np.diff(prices) / prices[:-1], 0.0001)
    found = regime_metrics(daily_curve(list(1_000 * np.cumprod(np.append(1.0, 1 + follows)))), [market(prices)])
    assert found["best_regime_share"].value > 0.9
    assert found["best_regime_share"].note.startswith("up: ")
    assert 0.1 < found["best_month_share"].value < 0.9


def test_where_a_share_says_nothing_it_is_not_available():
    assert "at least 60" in regime_metrics(daily_curve([1, 2, 3]))["best_month_share"].reason
    falling = daily_curve(list(np.linspace(100, 50, 100)))
    assert regime_metrics(falling)["best_month_share"].reason == "there is no gain to be shared"
    rising = daily_curve(list(np.linspace(100, 150, 100)))
    assert regime_metrics(rising)["best_regime_share"].reason == "no mid prices"
    assert regime_metrics(daily_curve([100.0] * 50 + [-1.0] * 50))["best_month_share"].value is None
    assert regimes(daily_curve([1.0])).height == 0
