"""One class, two lives: machine code and plain Python leave the same bytes, on every occasion and with every method."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.model.event import CLEAR
from b25.venue.models import ConstantLatency, Fees, LognormalLatency, Models, Queue
from tests.engine.runs import check_sums, run, track_of
from tests.engine.test_whole_fills import market
from tests.strategy.busy import Busy, Pair


def bytes_of(outcome):
    """Everything that a run leaves behind, the strategy's own record and the whole world included."""
    logs = (outcome.fills, outcome.orders, outcome.effects, outcome.marks, outcome.notes, outcome.strategy)
    return [log.tobytes() for log in logs] + [outcome.world.snapshot()]


MODELS = [
    Models(fees=Fees(-0.0001, 0.0005), latency=ConstantLatency(0), queue=Queue("log_prob_2")),
    Models(fees=Fees(0.0001, 0.0005), latency=LognormalLatency(40, 0.7), queue=Queue("power_prob_3:3.0")),
    Models(fees=Fees(0.0, 0.0005), latency=ConstantLatency(25), queue=Queue("risk_adverse"), fills="whole"),
]
LIMITS = b25.Limits(position_max=0.02, order_value_max=0.05, collar=0.5, open_orders_max=12)


@pytest.mark.parametrize("models", MODELS, ids=["at once", "drawn", "whole"])
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 300))
def test_both_lives_leave_the_same_bytes(models, seed, size):
    track = track_of(market(seed, size))
    params = {"period_ns": random.Random(seed).choice([7, 30, 100])}
    compiled, plain = (
        run(Busy, track, params, models=models, limits=LIMITS, compiled=how, sample_ns=500) for how in (True, False)
    )
    for ours, theirs in zip(bytes_of(compiled), bytes_of(plain), strict=True):
        assert ours == theirs
    check_sums(compiled)


def test_the_busy_strategy_is_busy():
    outcome = run(Busy, track_of(market(3, 4_000)), {"period_ns": 7}, models=MODELS[0])
    assert set(outcome.notes["code"].tolist()) == set(range(1, 8))
    assert outcome.fills.size > 100
    assert {1, 2, 3} <= set(outcome.effects["kind"].tolist())
    assert outcome.strategy["told"][0]
    check_sums(outcome)


def test_a_second_run_in_one_process_equals_the_first():
    track = track_of(market(5, 2_000))
    first, second = (bytes_of(run(Busy, track, models=MODELS[1], sample_ns=500)) for _ in range(2))
    assert first == second


def touch_and_book(rows):
    return [bytes_of(run(Pair, track_of(rows), models=MODELS[0], depth=kept, sample_ns=500))[:4] for kept in (False, True)]


def test_keeping_the_depth_changes_nothing():
    by_touch, by_book = touch_and_book([row for row in market(6, 2_000) if row[2] != CLEAR])
    assert by_touch == by_book
    assert len(by_touch[0]) > 0


def test_keeping_the_depth_changes_nothing_when_a_crossed_book_is_cleared():
    by_touch, by_book = touch_and_book(market(6, 2_000))
    assert by_touch == by_book
