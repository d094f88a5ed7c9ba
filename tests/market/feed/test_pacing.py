"""Waits double and stay bounded; budgets are kept; lateness is learned from what is usual."""

import random

import pytest

from b25.market.feed.arrivals import ENOUGH, Arrivals
from b25.market.feed.pacing import NS_PER_S, Backoff, Budget, Recently, ns
from b25.market.feed.settings import FeedSettings
from b25.model.errors import Misuse


def test_waits_double_up_to_the_longest_and_begin_again():
    backoff = Backoff(1.0, 8.0, lambda: 0.5)
    assert [backoff.next_ns() / NS_PER_S for _ in range(5)] == [1, 2, 4, 8, 8]
    backoff.reset()
    assert backoff.next_ns() == NS_PER_S


def test_waits_are_spread_by_a_quarter_to_both_sides():
    waits = [Backoff(1.0, 8.0, random.Random(seed).random).next_ns() / NS_PER_S for seed in range(200)]
    assert min(waits) >= 0.75
    assert max(waits) < 1.25
    assert len(set(waits)) > 150


def test_a_budget_is_never_exceeded_in_any_span():
    budget, taken = Budget(5, 1.0), []
    for at in range(0, 5 * NS_PER_S, NS_PER_S // 50):
        if budget.take(at):
            taken.append(at)
    assert all(late - early >= NS_PER_S for early, late in zip(taken, taken[5:], strict=False))
    assert len(taken) == 25


def test_only_what_is_recent_is_counted():
    recently = Recently(10.0)
    assert [recently.add(ns(at)) for at in (1, 2, 3, 20)] == [1, 2, 3, 1]


def test_a_stream_is_late_after_three_times_what_nearly_never_happens():
    arrivals, at, dice = Arrivals(), 0, random.Random(1)
    gaps = [dice.expovariate(1.0) for _ in range(20_000)]
    for gap in gaps:
        at += ns(gap)
        arrivals.add(at)
    exact = sorted(gaps)[int(len(gaps) * 0.999)]
    assert 3 * exact <= arrivals.late_after_ns(3.0, 0) / NS_PER_S <= 3 * exact * 1.3


def test_nothing_is_late_before_enough_is_known_nor_below_the_floor():
    arrivals = Arrivals()
    for k in range(ENOUGH):
        arrivals.add(1 + k * NS_PER_S // 100)
        assert arrivals.late_after_ns(3.0, ns(5)) is None
    arrivals.add(1 + ENOUGH * NS_PER_S // 100)
    assert arrivals.late_after_ns(3.0, ns(5)) == ns(5)


def test_days_long_gone_count_for_less():
    arrivals, at = Arrivals(), 0
    for _ in range(2000):
        at += 60 * NS_PER_S
        arrivals.add(at)
    for _ in range(400_000):
        at += NS_PER_S
        arrivals.add(at)
    assert arrivals.late_after_ns(1.0, 0) <= 2 * NS_PER_S


@pytest.mark.parametrize("wrong", [{"sockets": 3}, {"hold_after_s": 20.0}, {"halt_after_s": 1.0}, {"hold_after_s": 0.0}])
def test_settings_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(Misuse):
        FeedSettings(**wrong)
