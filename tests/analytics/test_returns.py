"""Ratios of daily returns: golden figures, an independent library's answers, and n/a where there is no answer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics import returns
from b25.analytics.metrics import return_metrics
from tests.analytics.oracle import ORACLE, series

SINES = 0.001 + 0.02 * np.sin(np.arange(1, 366))


@pytest.mark.golden("M02")
@pytest.mark.parametrize(
    ("start", "end", "days", "expected"),
    [
        (64_900, 176_000, 1_095, 0.3945),
        (64_900, 176_000, 365, 1.7119),
        (1_000, 1_500, 365, 0.5),
        (1_000, 1_500, 100, 3.3927),
        (0.01, 0.01762792, 120, 4.6087),
        (1_000, 1_000, 365, 0.0),
    ],
)
def test_cagr_is_counted_on_a_year_of_365_days(start: float, end: float, days: float, expected: float):
    assert returns.cagr(start, end, days).value == pytest.approx(expected, abs=5e-5)


@pytest.mark.golden("M07")
def test_sharpe_and_sortino_of_a_sine():
    assert returns.sharpe(SINES).value == pytest.approx(1.3800675594, rel=1e-9)
    assert returns.sharpe(SINES, ddof=0).value == pytest.approx(1.3819619564, rel=1e-9)
    assert returns.sortino(SINES).value == pytest.approx(2.0878303693, rel=1e-9)


@pytest.mark.golden("M09")
def test_sharpe_and_sortino_of_three_days():
    assert returns.sharpe(np.array([0.01, -0.02, 0.015])).value == pytest.approx(1.6820990947, rel=1e-9)
    assert returns.sortino(np.array([0.01, -0.02, 0.015])).value == pytest.approx(2.7575653513, rel=1e-9)


@pytest.mark.golden("M09")
@pytest.mark.golden("T03")
def test_a_nan_at_the_head_changes_nothing():
    plain, headed = return_metrics(SINES), return_metrics(np.concatenate(([np.nan, np.nan], SINES)))
    assert {name: metric.value for name, metric in plain.items()} == {name: metric.value for name, metric in headed.items()}


def test_a_nan_in_the_middle_is_named():
    broken = SINES.copy()
    broken[7] = np.nan
    assert returns.sharpe(broken).reason == "return 8 of 365 is not a number"


@pytest.mark.golden("M09")
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "0 daily returns"),
        ([0.01], "1 daily return;"),
        ([0.01] * 40, "all returns are equal"),
        ([0.0] * 40, "all returns are equal"),
    ],
)
def test_sharpe_without_a_spread_is_not_available(values: list[float], why: str):
    metric = returns.sharpe(np.array(values))
    assert metric.value is None
    assert metric.reason.startswith(why)


def test_returns_that_differ_by_rounding_only_are_equal():
    equity = 1000 * 1.0001 ** np.arange(400)
    assert returns.sharpe(equity[1:] / equity[:-1] - 1).reason == "all returns are equal"


def test_sortino_and_omega_without_a_loss_are_not_available():
    assert "below" in returns.sortino(np.array([0.01, 0.02])).reason
    assert "below" in returns.omega(np.array([0.01, 0.02])).reason


@pytest.mark.parametrize("kind", ["waves", "jumps", "falling"])
def test_ratios_equal_those_of_an_independent_library(kind: str):
    values, oracle = series(kind), ORACLE[kind]
    found = return_metrics(values)
    for name in ("sharpe", "sortino", "volatility", "omega", "var_95", "var_99", "cvar_95"):
        assert found[name].value == pytest.approx(oracle[name], rel=1e-9), name
    assert returns.sharpe(values, risk_free=0.0002).value == pytest.approx(oracle["sharpe_rf"], rel=1e-9)
    assert returns.sortino(values, acceptable=0.001).value == pytest.approx(oracle["sortino_mar"], rel=1e-9)
    assert returns.against_market(values, series("waves")[::-1])["beta"].value == pytest.approx(oracle["beta"], rel=1e-9)


@pytest.mark.golden("L11")
def test_normal_value_at_risk_uses_the_desks_quantiles():
    values = np.array([0.02, -0.02] * 200)
    sigma = float(np.std(values, ddof=1))
    found = returns.tail_risk(values)
    assert found["var_95_normal"].value * 10_000 * 0.02 / sigma == pytest.approx(330)
    assert found["var_99_normal"].value * 10_000 * 0.02 / sigma == pytest.approx(466)


def test_the_normal_tail_is_the_mean_of_a_normal_law_beyond_its_quantile():
    found = returns.tail_risk(SINES)
    sigma = float(np.std(SINES, ddof=1))
    draws = np.random.default_rng(1).normal(0, sigma, 2_000_000)
    for level, z in ((95, 1.65), (99, 2.33)):
        # The quantile is the desk's rounded one, the share beyond it the exact 5 % or 1 %.
        tail = draws[draws < -z * sigma]
        share = tail.size / draws.size / (1 - level / 100)
        assert found[f"cvar_{level}_normal"].value == pytest.approx(-float(tail.mean()) * share, rel=0.01)


def test_a_tail_of_too_few_days_is_not_available():
    found = returns.tail_risk(SINES[:50])
    assert found["var_95"].value is not None
    assert found["var_99"].reason == "a 99 % tail needs 100 daily returns; there are 50"


def test_the_autocorrelation_penalty_only_lowers_a_ratio():
    assert returns.autocorrelation_penalty(np.array([0.01, -0.02, 0.03, 0.0, 0.02])) >= 1.0
    trending = np.cumsum(np.sin(np.arange(200) / 30)) / 1000
    assert returns.autocorrelation_penalty(trending) > 2.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=60))
def test_no_series_makes_an_exception_or_a_figure_that_is_none(values: list[float]):
    with np.errstate(all="ignore"):
        for metric in return_metrics(np.array(values, float)).values():
            assert metric.value is None or math.isfinite(metric.value)
            assert (metric.value is None) == bool(metric.reason)
