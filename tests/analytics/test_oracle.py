"""Ratios of random series equal those of empyrical-reloaded, asked live; its answers to fixed series are in oracle.json."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.analytics.metrics import equity_metrics, return_metrics
from b25.analytics.returns import against_market, omega, sharpe, sortino
from tests.analytics.curves import daily_curve

empyrical = pytest.importorskip("empyrical", reason="empyrical-reloaded is in the development lock")

YEAR = 365


def drawn(seed: int, days: int, kind: str) -> np.ndarray:
    """Daily returns of one of the shapes that markets have."""
    rng = np.random.default_rng(seed)
    values = {
        "normal": rng.normal(0.0005, 0.02, days),
        "wild": np.clip(rng.standard_t(3, days) * 0.015, -0.6, 2.0),
        "rare": np.where(rng.random(days) < 0.7, 0.0, rng.normal(0.001, 0.03, days)),
        "small": rng.normal(1e-7, 1e-6, days),
        "ladder": np.round(rng.normal(0.0, 0.01, days), 2),
    }[kind]
    values[:2] = (-0.01, 0.02)  # a loss, and a spread
    return values


SERIES = st.builds(
    drawn, st.integers(0, 2**32), st.integers(31, 900), st.sampled_from(["normal", "wild", "rare", "small", "ladder"])
)


def series(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.date_range("2024-01-01", periods=values.size, freq="D"))


def close(expected: float) -> object:
    return pytest.approx(expected, rel=1e-9, abs=1e-11)


@given(SERIES)
def test_ratios_of_returns(values: np.ndarray):
    found, other = return_metrics(values), series(values)
    assert found["volatility"].value == close(empyrical.annual_volatility(other, annualization=YEAR))
    assert found["sharpe"].value == close(empyrical.sharpe_ratio(other, annualization=YEAR))
    assert found["sortino"].value == close(empyrical.sortino_ratio(other, annualization=YEAR))
    assert found["omega"].value == close(empyrical.omega_ratio(other, annualization=YEAR))
    assert found["var_95"].value == close(-empyrical.value_at_risk(other, 0.05))
    assert found["cvar_95"].value == close(-empyrical.conditional_value_at_risk(other, 0.05))
    if values.size >= 100:
        assert found["var_99"].value == close(-empyrical.value_at_risk(other, 0.01))
        assert found["cvar_99"].value == close(-empyrical.conditional_value_at_risk(other, 0.01))


@given(SERIES, st.floats(-0.001, 0.001))
def test_ratios_against_a_rate(values: np.ndarray, rate: float):
    other = series(values)
    assert sharpe(values, risk_free=rate).value == close(empyrical.sharpe_ratio(other, risk_free=rate, annualization=YEAR))
    assert sortino(values, acceptable=rate).value == close(
        empyrical.sortino_ratio(other, required_return=rate, annualization=YEAR)
    )
    # The other library takes a yearly threshold; one of a day is what is left after taking its root.
    yearly = (1 + rate) ** YEAR - 1
    expected = empyrical.omega_ratio(other, required_return=yearly, annualization=YEAR)
    assert omega(values, threshold=rate).value == pytest.approx(expected, rel=1e-6)


@settings(max_examples=30)
@given(SERIES)
def test_growth_and_drawdown_of_the_curve(values: np.ndarray):
    other = series(values)
    found = equity_metrics(daily_curve(list(1_000 * np.cumprod(np.concatenate(([1.0], 1 + values))))))
    fall = empyrical.max_drawdown(other)
    assert found["max_drawdown"].value == close(-fall)
    assert found["drawdown_daily_close"].value == close(-fall)
    assert found["total_return"].value == close(empyrical.cum_returns_final(other))
    growth = empyrical.cagr(other, annualization=YEAR)
    assert found["cagr"].value == pytest.approx(growth, rel=1e-8, abs=1e-11)
    assert found["calmar"].value == pytest.approx(empyrical.calmar_ratio(other, annualization=YEAR), rel=1e-8, abs=1e-9)


@given(SERIES, st.integers(0, 1_000))
def test_beta_to_a_market(values: np.ndarray, seed: int):
    market = np.random.default_rng(seed).normal(0, 0.02, values.size)
    mine = 0.5 * market + values
    expected = empyrical.beta(series(mine), series(market))
    assert against_market(mine, market)["beta"].value == pytest.approx(expected, rel=1e-9)
