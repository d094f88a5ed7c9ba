"""The histogram counts every day, the normal law has the days' moments, and the lines stand at the metrics' value at risk."""

import numpy as np
import pytest

from b25.analytics.distribution import distribution, distribution_chart, plot_daily_returns
from b25.analytics.metrics import equity_metrics
from tests.analytics.curves import daily_curve
from tests.analytics.test_rolling import wandering

PNG = b"\x89PNG\r\n"


def test_every_day_is_counted_once():
    curve = daily_curve(wandering(300))
    made, why = distribution(curve)
    assert made is not None
    assert not why
    assert made.counts.sum() == curve.daily().returns.size
    x = np.linspace(made.mean - 8 * made.spread, made.mean + 8 * made.spread, 20_001)
    area = float(np.sum(made.normal(x)) * (x[1] - x[0])) / float(made.edges[1] - made.edges[0])
    assert area == pytest.approx(299, rel=1e-6)


def test_the_lines_stand_at_the_value_at_risk_of_the_metrics():
    curve = daily_curve(wandering(300))
    made, _ = distribution(curve)
    metrics = equity_metrics(curve)
    assert made is not None
    assert [place for _, place in made.tails] == pytest.approx([-metrics["var_95"].value, -metrics["var_99"].value])


def test_a_tail_that_too_few_days_support_has_no_line():
    made, _ = distribution(daily_curve(wandering(60)))
    assert made is not None
    assert [name for name, _ in made.tails] == ["VaR 95 %"]
    made, _ = distribution(daily_curve(wandering(10)))
    assert made is not None
    assert made.tails == ()


@pytest.mark.parametrize(
    ("equity", "why"), [([1.0], "there are 0"), ([1, 2], "there is 1"), ([0, -1, 2, 3, 4], "daily returns"), ([5.0] * 9, "equal")]
)
def test_what_has_no_distribution_is_explained(equity: list[float], why: str):
    curve = daily_curve(equity)
    assert why in distribution_chart(curve, width=960.0)
    assert plot_daily_returns(curve).png().startswith(PNG)


@pytest.mark.parametrize("width", [960.0, 440.0])
def test_a_chart_names_its_axes(width: float):
    chart = distribution_chart(daily_curve(wandering(200)), width=width)
    assert "return of a day, %" in chart
    assert "VaR 99 %" in chart
    assert plot_daily_returns(daily_curve(wandering(200)), theme="dark").png().startswith(PNG)
