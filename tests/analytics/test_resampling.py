"""Resampled histories: blocks as long as the memory of the series, intervals that cover, seeds that repeat."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.analytics.block_length import block_for_returns, politis_white
from b25.analytics.resampling import INTERVALS, resample_days, resampling_metrics


def autoregression(size: int, phi: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=size)
    out = np.zeros(size)
    for i in range(1, size):
        out[i] = phi * out[i - 1] + noise[i]
    return out


@pytest.mark.parametrize("phi", [0.3, 0.5, 0.7])
def test_the_block_length_is_that_of_the_theory(phi: float):
    # For x_t = phi x_{t-1} + e the rule's own limit is (2 phi / (1 - phi^2))^(2/3) n^(1/3).
    found = np.mean([politis_white(autoregression(4_000, phi, seed)) for seed in range(12)])
    assert found == pytest.approx((2 * phi / (1 - phi**2)) ** (2 / 3) * 4_000 ** (1 / 3), rel=0.25)


def test_noise_needs_no_blocks_and_wild_days_in_a_row_do():
    noise = [politis_white(np.random.default_rng(seed).normal(size=1_000)) for seed in range(20)]
    assert np.median(noise) < 4
    rng = np.random.default_rng(3)
    clustered = rng.normal(size=1_000) * np.exp(autoregression(1_000, 0.95, 4) / 3)
    assert block_for_returns(clustered) > 8


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0], list(range(40))])
def test_any_series_has_a_block_length(values: list[float]):
    assert 1.0 <= politis_white(np.array(values)) <= max(1.0, len(values))


def test_each_history_is_measured_as_the_naive_twin_does():
    returns = np.random.default_rng(1).normal(0.001, 0.02, 40)
    drawn = resample_days(returns, resamples=50, block=1e12, seed=3)  # one endless block: rotations of the series
    rotations = [np.roll(returns, -k) for k in range(40)]
    for i in range(50):
        k = int(np.argmin([abs(_naive(r)[2] - drawn.drawdown[i]) + abs(_naive(r)[3] - drawn.lowest[i]) for r in rotations]))
        sharpe, wealth, depth, lowest = _naive(rotations[k])
        assert drawn.sharpe[i] == pytest.approx(sharpe)
        assert drawn.wealth[i] == pytest.approx(wealth)
        assert drawn.drawdown[i] == pytest.approx(depth)
        assert drawn.lowest[i] == pytest.approx(lowest)


def _naive(returns: np.ndarray) -> tuple[float, float, float, float]:
    equity, peak, depth, lowest = 1.0, 1.0, 0.0, 1.0
    for r in returns:
        equity *= 1 + r
        peak, lowest = max(peak, equity), min(lowest, equity)
        depth = max(depth, 1 - equity / peak)
    return float(returns.mean() / returns.std(ddof=1) * math.sqrt(365)), equity, depth, lowest


def test_the_interval_of_the_sharpe_ratio_covers_the_truth_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(11), 0
    for _ in range(200):
        drawn = resample_days(rng.normal(0.1, 1.0, 365) / 100, resamples=300)
        low, high = np.quantile(drawn.sharpe, (0.025, 0.975))
        hits += low <= 0.1 * math.sqrt(365) <= high
    assert 180 <= hits <= 199  # 95 % of 200, two deviations around it and a little for the method


def test_the_interval_stays_honest_when_days_remember_each_other():
    hits, phi = 0, 0.3
    truth = 0.1 * math.sqrt(365) * math.sqrt(1 - phi**2)
    for seed in range(100):
        drawn = resample_days((autoregression(600, phi, seed) + 0.1) / 100, resamples=300)
        low, high = np.quantile(drawn.sharpe, (0.025, 0.975))
        hits += low <= truth <= high
    assert hits >= 84


def test_equal_seeds_give_equal_figures_which_name_the_seed():
    returns = np.random.default_rng(2).normal(0.001, 0.02, 100)
    first, again = (resampling_metrics(returns, span_days=100, seed=7) for _ in range(2))
    other = resampling_metrics(returns, span_days=100, seed=8)
    assert first == again
    assert first["sharpe_low"].value != other["sharpe_low"].value
    assert "seed 7" in first["sharpe_low"].note
    for low, high in INTERVALS.values():
        assert first[low].value < first[high].value
    assert first["paths_return_05"].value < first["paths_return_50"].value < first["paths_return_95"].value


def test_a_gamblers_paths_are_ruined_and_a_savers_are_not():
    rng = np.random.default_rng(5)
    gambler = resampling_metrics(rng.normal(-0.005, 0.1, 200), span_days=200)
    saver = resampling_metrics(rng.normal(0.002, 0.002, 200), span_days=200)
    assert gambler["paths_ruin_probability"].value > 0.5
    assert saver["paths_ruin_probability"].value == saver["paths_loss_probability"].value == 0.0


@pytest.mark.parametrize(
    ("returns", "why"),
    [
        (np.full(29, 0.01), "29 daily returns; at least 30 are needed"),
        (np.full(40, 0.01), "all returns are equal"),
        (np.append(np.linspace(-0.1, 0.1, 39), -1.0), "the account lost everything in a day"),
    ],
)
def test_where_nothing_can_be_drawn_every_figure_says_why(returns: np.ndarray, why: str):
    assert {metric.reason for metric in resampling_metrics(returns, span_days=40).values()} == {why}


def test_a_year_takes_a_fraction_of_a_second():
    returns = np.random.default_rng(9).normal(0.001, 0.02, 365)
    took = []
    for _ in range(3):
        began = time.process_time()
        assert "2,000 histories" in resampling_metrics(returns, span_days=365)["sharpe_low"].note
        took.append(time.process_time() - began)
    assert min(took) < 0.3


@settings(max_examples=25)
@given(st.lists(st.floats(-0.99, 50, width=64), min_size=30, max_size=60), st.floats(0.01, 1e6))
def test_no_returns_make_an_exception_or_a_figure_that_is_none(values: list[float], days: float):
    for metric in resampling_metrics(np.array(values), span_days=days).values():
        assert metric.value is None or math.isfinite(metric.value)
