"""The probability of overfitting: even odds on noise, none on a real edge, and n/a where there is no choice."""

import math
from itertools import combinations

import numpy as np
import pytest

from b25.analytics import overfitting as module
from b25.analytics.overfitting import block_sums, overfitting, overfitting_fault
from b25.model.errors import Misuse


def brute_force(returns: np.ndarray, blocks: int) -> tuple[list[float], float]:
    """The definition word by word: logits of all halves, and their share at or below 0."""
    parts = np.array_split(returns, blocks)
    logits = []
    for half in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[b] for b in half])
        outside = np.concatenate([parts[b] for b in range(blocks) if b not in half])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1)))
        ratios = (outside.mean(axis=0) / outside.std(axis=0, ddof=1)).tolist()
        w = (sorted(ratios).index(ratios[best]) + 1) / (len(ratios) + 1)
        logits.append(math.log(w / (1 - w)))
    return logits, sum(logit <= 0 for logit in logits) / len(logits)


@pytest.mark.parametrize(("seed", "points", "blocks", "steps"), [(1, 7, 6, 61), (2, 12, 8, 100), (3, 3, 4, 40)])
def test_it_equals_the_definition(seed: int, points: int, blocks: int, steps: int):
    returns = np.random.default_rng(seed).normal(0.0002, 0.01, (steps, points))
    found = overfitting(block_sums(returns, blocks=blocks))
    logits, probability = brute_force(returns, blocks)
    assert sorted(found.logits) == pytest.approx(sorted(logits), abs=1e-12)
    assert found.probability == probability
    assert found.slope == pytest.approx(float(np.polyfit(found.inside, found.outside, 1)[0]), rel=1e-6)
    assert found.loss_probability == float(np.mean(found.outside < 0))


def test_on_noise_the_winner_is_as_often_below_the_middle_as_above():
    probabilities = []
    for seed in range(60):
        returns = np.random.default_rng(seed).normal(0, 0.01, (320, 40))
        probabilities.append(overfitting(block_sums(returns, blocks=8)).probability)
    assert np.mean(probabilities) == pytest.approx(0.5, abs=0.06)


def test_one_real_edge_is_found_in_every_half():
    returns = np.random.default_rng(4).normal(0, 0.01, (1_600, 50))
    returns[:, 17] += 0.004
    found = overfitting(block_sums(returns))
    assert found.logits.size == 12_870
    assert found.probability < 0.001
    assert found.loss_probability < 0.001
    assert set(found.winners) == {17}


def test_an_edge_that_cannot_repeat_is_overfitted():
    # Each point earns in its own block of time only: whatever won will lose.
    returns = np.random.default_rng(5).normal(0, 0.001, (320, 16)) - 0.001
    for i in range(16):
        returns[20 * i : 20 * i + 20, i] += 0.02
    found = overfitting(block_sums(returns))
    assert found.probability > 0.95
    assert found.loss_probability > 0.95


def test_points_that_never_traded_have_the_ratio_zero():
    returns = np.random.default_rng(6).normal(-0.002, 0.01, (160, 5))
    returns[:, 3] = 0.0
    found = overfitting(block_sums(returns, blocks=4))
    assert np.all(found.inside >= 0.0)
    assert np.all(np.isfinite(found.logits))


def test_of_many_points_the_best_is_always_judged(monkeypatch: pytest.MonkeyPatch):
    returns = np.random.default_rng(7).normal(0, 0.01, (160, 200))
    returns[:, 101] += 0.02
    monkeypatch.setattr(module, "POINTS_MAX", 20)
    found = overfitting(block_sums(returns, blocks=4))
    assert (found.points, found.points_of) == (20, 200)
    assert set(found.winners) == {101}


@pytest.mark.parametrize(
    ("returns", "why"),
    [(np.ones((40, 1)), "1 point; a choice"), (np.tile(np.arange(40.0)[:, None], 3), "all points made the same returns")],
)
def test_without_a_choice_there_is_no_probability(returns: np.ndarray, why: str):
    sums = block_sums(returns, blocks=4)
    assert overfitting_fault(sums).startswith(why)
    with pytest.raises(Misuse, match=why):
        overfitting(sums)


def test_what_is_no_table_of_block_sums_is_refused():
    with pytest.raises(Misuse, match="shape"):
        overfitting(np.zeros((3, 16)))
    with pytest.raises(Misuse, match="even number"):
        overfitting(np.ones((3, 5, 3)))
    with pytest.raises(Misuse, match="not a number"):
        overfitting(np.full((3, 4, 3), np.nan))
    with pytest.raises(Misuse, match="at least 32"):
        block_sums(np.zeros((20, 3)))
    assert "at least 2 are needed" in overfitting_fault(np.ones((3, 4, 3)))
