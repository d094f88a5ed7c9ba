"""Probabilistic and deflated Sharpe and the minimum track record, against the papers' own worked examples."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from b25.analytics.deflated import (
    SharpeMoments,
    TrialSummary,
    deflated_sharpe,
    luckiest_sharpe,
    min_track_record,
    probabilistic_sharpe,
    sharpe_moments,
)

SINES = 0.001 + 0.02 * np.sin(np.arange(1, 366))


@pytest.mark.golden("M07")
def test_probabilistic_sharpe_of_a_sine():
    found = probabilistic_sharpe(SINES).value
    # The case prints 0.9158296368; its own formula gives ...6468 in scipy, in `statistics` and by hand: one digit slipped.
    assert found == pytest.approx(0.9158296468, rel=1e-9)
    assert found == pytest.approx(0.9158296368, abs=1.1e-8)


@pytest.mark.golden("M07")
def test_the_moments_of_a_sine():
    moments, why = sharpe_moments(SINES)
    assert not why
    assert moments is not None
    assert moments.skew == pytest.approx(-0.0034733881, abs=5e-11)
    assert moments.kurtosis == pytest.approx(1.4986314346, abs=5e-11)


def test_the_deflated_sharpe_of_the_papers_example():
    # Bailey and Lopez de Prado 2014: a Sharpe of 2.5 a year over 1,250 days of 250 a year, skew -3, kurtosis 10, the best of
    # 100 trials whose yearly ratios have a variance of 1/2: S* = 0.1132 a day and a deflated Sharpe of 0.9004.
    moments = SharpeMoments(2.5 / math.sqrt(250), -3.0, 10.0, 1_250)
    benchmark = luckiest_sharpe(100, 0.5 / 250)
    assert benchmark == pytest.approx(0.1132, abs=5e-5)
    assert moments.probability_above(benchmark) == pytest.approx(0.9004, abs=5e-5)
    # With 46 trials it would have passed at 95 %.
    assert moments.probability_above(luckiest_sharpe(46, 0.5 / 250)) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize(
    ("steps", "skew", "kurtosis", "years"),
    [(250, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_minimum_track_record_of_the_papers_examples(steps: int, skew: float, kurtosis: float, years: float):
    # Bailey and Lopez de Prado 2012: a yearly Sharpe of 2 to be above 1 with 95 % confidence.
    root = math.sqrt(steps)
    assert SharpeMoments(2 / root, skew, kurtosis, 0).record_needed(1 / root) / steps == pytest.approx(years, abs=0.006)


def test_the_luckiest_trial_is_about_the_best_of_so_many_normal_draws():
    draws = np.random.default_rng(8).normal(0, 0.05, (4_000, 200)).max(axis=1)
    assert luckiest_sharpe(200, 0.05**2) == pytest.approx(draws.mean(), rel=0.02)


def test_the_deflated_sharpe_by_hand():
    trials = TrialSummary(10, 0.0, 0.0004)
    found = deflated_sharpe(SINES, trials)
    z = NormalDist().inv_cdf
    star = 0.02 * ((1 - 0.5772156649) * z(0.9) + 0.5772156649 * z(1 - 1 / (10 * math.e)))
    ratio = float(SINES.mean() / SINES.std(ddof=1))
    below = math.sqrt(1 + 0.0034733881 * ratio + (1.4986314346 - 1) / 4 * ratio**2)
    assert found["trials"].value == 10
    assert found["sharpe_by_luck"].value == pytest.approx(star * math.sqrt(365), rel=1e-9)
    assert found["deflated_sharpe"].value == pytest.approx(NormalDist().cdf((ratio - star) * math.sqrt(364) / below), rel=1e-9)


def test_one_trial_is_no_selection():
    found = deflated_sharpe(SINES, TrialSummary(1, 0.07, None))
    assert found["sharpe_by_luck"].value == 0.0
    assert found["deflated_sharpe"].value == probabilistic_sharpe(SINES).value


def test_trials_that_are_not_known_make_no_figure():
    for trials, why in [
        (None, "trials unknown: no run log was read"),
        (TrialSummary.unknown("the disk is full"), "trials unknown: the disk is full"),
        (TrialSummary(0), "trials unknown: none is in the run log"),
    ]:
        assert {metric.reason for metric in deflated_sharpe(SINES, trials).values()} == {why}
    assert "fewer than two of 3" in deflated_sharpe(SINES, TrialSummary(3, 0.1, None))["deflated_sharpe"].reason


def test_a_losing_record_is_never_long_enough():
    assert "no record is long enough" in min_track_record(-SINES).reason
    assert min_track_record(np.array([0.01])).reason == "1 daily return; at least 2 are needed"


def test_a_record_is_long_enough_when_the_probability_says_so():
    moments, _ = sharpe_moments(SINES)
    assert moments is not None
    needed = min_track_record(SINES).value
    assert needed is not None
    exact = SharpeMoments(moments.ratio, moments.skew, moments.kurtosis, needed)  # type: ignore[arg-type]
    assert exact.probability_above(0.0) == pytest.approx(0.95, rel=1e-12)
