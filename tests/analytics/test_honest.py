"""Bootstrap and p-values."""

import numpy as np
import pytest

from b25.analytics.honest import block_indices, bootstrap_interval, mean_p_values, student_two_sided
from tests.analytics.oracle import ORACLE


def test_student_equals_an_independent_library():
    for t, degrees, expected in ORACLE["student"]:
        assert student_two_sided(t, degrees) == pytest.approx(expected, rel=1e-10, abs=1e-290)


def test_blocks_run_on_and_wrap_around():
    index = block_indices(50, rows=400, block=10, generator=np.random.default_rng(3))
    follows = (index[:, 1:] - index[:, :-1]) % 50 == 1
    assert index.min() >= 0
    assert index.max() <= 49
    assert follows.mean() == pytest.approx(0.9, abs=0.02)


def test_the_same_seed_gives_the_same_interval():
    values = np.sin(np.arange(100.0)) + 0.2
    first, again = (bootstrap_interval(values, lambda rows: rows.mean(axis=1), seed=11) for _ in range(2))
    other = bootstrap_interval(values, lambda rows: rows.mean(axis=1), seed=12)
    assert first == again
    assert first != other
    assert first is not None
    assert first.low < values.mean() < first.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(100):
        interval = bootstrap_interval(rng.normal(0.3, 1, 200), lambda rows: rows.mean(axis=1), resamples=300)
        assert interval is not None
        hits += interval.low <= 0.3 <= interval.high
    assert 85 <= hits <= 100


def test_one_trade_has_no_p_value():
    assert mean_p_values(np.array([1.0]))["trade_p_value"].reason
    assert mean_p_values(np.array([2.0, 2.0, 2.0]))["trade_p_value_bootstrap"].reason == "all trades made the same"


def test_p_values_of_a_clear_profit_are_small_and_of_none_are_large():
    rng = np.random.default_rng(2)
    clear, none = mean_p_values(rng.normal(1, 1, 100)), mean_p_values(np.tile([1.0, -1.0], 50) + 1e-3)
    assert clear["trade_p_value"].value < 1e-6
    assert clear["trade_p_value_bootstrap"].value < 0.01
    assert none["trade_p_value"].value > 0.9
