"""The rolling Sharpe ratio equals the metric of each window, and is n/a where a window cannot be filled."""

import numpy as np
import pytest

from b25.analytics.returns import sharpe
from b25.analytics.rolling import plot_rolling_sharpe, rolling_chart, rolling_sharpe
from tests.analytics.curves import daily_curve

PNG = b"\x89PNG\r\n"


def wandering(days: int, seed: int = 3) -> list[float]:
    return (1_000 * np.cumprod(1 + np.random.default_rng(seed).normal(0, 0.01, days))).tolist()


def test_each_value_is_the_sharpe_ratio_of_its_window():
    curve = daily_curve(wandering(120))
    series, daily = rolling_sharpe(curve, 30), curve.daily()
    assert series.values.size == 119 - 30 + 1
    for i in (0, 17, 89):
        assert series.values[i] == pytest.approx(sharpe(daily.returns[i : i + 30]).value)
        assert series.time_ns[i] == daily.time_ns[i + 30]


def test_a_window_of_equal_returns_is_not_a_number():
    series = rolling_sharpe(daily_curve([100.0] * 40 + wandering(40)), 30)
    assert np.isnan(series.values[0])
    assert np.isfinite(series.values[-1])
    assert rolling_sharpe(daily_curve([100.0] * 10), 30).values.size == 0


@pytest.mark.parametrize(
    ("equity", "why"),
    [([1.0], "there are 0"), ([1.0, 2.0], "there is 1"), (wandering(30), "there are 29"), ([7.0] * 99, "in no window")],
)
def test_a_curve_that_is_too_short_or_flat_is_explained(equity: list[float], why: str):
    curve = daily_curve(equity)
    assert why in rolling_chart(curve, width=960.0)
    assert plot_rolling_sharpe(curve).png().startswith(PNG)


@pytest.mark.parametrize("days", [31, 90, 200])
def test_a_window_that_cannot_be_filled_is_left_out(days: int):
    curve = daily_curve(wandering(days))
    chart = rolling_chart(curve, width=440.0)
    assert ("90 days" in chart) == (days > 90)
    assert plot_rolling_sharpe(curve, theme="dark").png().startswith(PNG)
