"""Latency: constant, between recorded round trips, drawn from a distribution; nothing overtakes anything."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.model.errors import Misuse
from b25.venue.models import ConstantLatency, LognormalLatency, RecordedLatency
from b25.venue.pipes import latency_ns
from tests.engine.runs import book, depth, play


def test_a_constant_latency_is_the_same_both_ways_unless_told():
    record = ConstantLatency(7).record()[0]
    assert (latency_ns(record, True, 5), latency_ns(record, False, 5)) == (7, 7)
    record = ConstantLatency(7, 9).record()[0]
    assert (latency_ns(record, True, 5), latency_ns(record, False, 5)) == (7, 9)


@pytest.mark.parametrize("wrong", [-1, 0.5, True, 2**63])
def test_a_latency_is_whole_nanoseconds_and_never_negative(wrong):
    # A negative latency is no hidden code for "rejected".
    with pytest.raises(Misuse, match="whole nanoseconds"):
        ConstantLatency(wrong).record()


TRIPS = [(100, 110, 115), (200, 230, 290), (300, 310, 330)]


@pytest.mark.parametrize(
    ("now_ns", "entry", "expected"),
    [
        (0, True, 10),
        (100, True, 10),
        (150, True, 20),
        (175, True, 25),
        (133, True, 16),  # 16.6, truncated
        (200, True, 30),
        (250, True, 20),
        (300, True, 10),
        (9_999, True, 10),
        (0, False, 5),
        (170, False, 32),  # halfway between 110 and 230: 32.5
        (310, False, 20),
        (9_999, False, 20),
    ],
)
def test_a_recorded_latency_lies_between_its_neighbours_and_stands_still_beyond_the_ends(now_ns, entry, expected):
    model = RecordedLatency(TRIPS)
    assert latency_ns(model.record()[0], entry, now_ns) == expected


@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=20),
    st.integers(-100, 1_500),
    st.booleans(),
)
def test_a_recorded_latency_is_linear_interpolation(trips, now_ns, entry):
    requests = sorted({t[0] for t in trips})
    exch = np.maximum.accumulate([r + trips[k][1] for k, r in enumerate(requests)]).tolist()
    rows = [(r, e, e + trips[k][2]) for k, (r, e) in enumerate(zip(requests, exch, strict=True))]
    model = RecordedLatency(rows)
    found = latency_ns(model.record()[0], entry, now_ns)
    x = [r[0] if entry else r[1] for r in rows]
    y = [r[1] - r[0] if entry else r[2] - r[1] for r in rows]
    if len(set(x)) == len(x):
        assert abs(found - np.interp(now_ns, x, y)) < 1 + 1e-9
    assert min(y) <= found <= max(y)


@pytest.mark.parametrize("trips", [[], [(10, 5, 20)], [(10, 20, 15)], [(10, 20, 30), (5, 25, 30)], [(1, 20, 30), (5, 15, 30)]])
def test_recorded_round_trips_do_not_go_back_in_time(trips):
    with pytest.raises(Misuse):
        RecordedLatency(trips).record()


def test_two_instruments_that_share_a_recorded_latency_each_keep_their_table():
    model = RecordedLatency(TRIPS)
    first = model.record()
    for _ in range(50):
        model.record()
        np.full(9, 7, np.int64)  # what would take the place of a table that was let go
    assert [int(latency_ns(first[0], True, t)) for t in (100, 200, 300)] == [10, 30, 10]


def drawn(seed, count=4_000, **terms):
    record = LognormalLatency(median_ns=1_000_000, sigma=0.5, seed=seed, **terms).record()[0]
    return np.array([latency_ns(record, k % 2 == 0, 0) for k in range(count)])


def test_a_drawn_latency_is_lognormal_and_repeats_with_its_seed():
    first = drawn(25, floor_ns=100_000)
    assert (first == drawn(25, floor_ns=100_000)).all()
    assert (first != drawn(26, floor_ns=100_000)).any()
    logs = np.log(first - 100_000)
    assert (first >= 100_000).all()
    assert logs.mean() == pytest.approx(math.log(1_000_000), abs=0.03)
    assert logs.std() == pytest.approx(0.5, abs=0.03)
    # Draws do not hang together.
    assert abs(np.corrcoef(logs[:-1], logs[1:])[0, 1]) < 0.05


@pytest.mark.parametrize("terms", [{"median_ns": 0}, {"sigma": -0.1}, {"sigma": math.nan}, {"floor_ns": -1}])
def test_a_distribution_that_is_none_is_refused(terms):
    with pytest.raises(Misuse):
        LognormalLatency(**terms).record()


def test_what_is_sent_later_never_arrives_earlier():
    rows = [*book(1, {99: 5}, {101: 5}), depth(2_000, 1, 50, 1)]
    script = {at: lambda ctx: ctx.buy(1, 98) for at in range(2, 100)}
    played = play(rows, script, latency=LognormalLatency(median_ns=20, sigma=2.0))
    times = [heard[0] for heard in played.heard]
    assert [heard[2] for heard in played.heard] == list(range(1, 99))
    assert times == sorted(times)
    # Some were drawn faster than one sent before, and waited for it.
    assert 2 < len(set(times)) < 90
