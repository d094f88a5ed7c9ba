"""Aggregates: the golden bucket, equal to brute force whatever comes, and aligned as the clock is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.events.aggregation import DIMENSIONS, FIGURES, Numbers, aggregates, plain
from b25.analytics.events.buckets import DAY_NS, INTERVALS, MINUTE_NS, is_due, open_of, touched
from b25.analytics.events.measures import measures
from b25.model.errors import Misuse


def numbers_of(rows):
    made = Numbers()
    for time_ns, value, strategy, symbol in rows:
        made.add("custom.thing", time_ns, {"x": value}, account="a", session="", strategy=strategy, symbol=symbol)
    return made.frame()


@pytest.mark.golden("G25")
@pytest.mark.spec("AN-04")
def test_one_to_a_hundred_in_one_bucket_and_a_late_one():
    rows = [(MINUTE_NS + i, float(i), "", "") for i in range(1, 101)]

    def of_all(some):
        found = aggregates(numbers_of(some), "1m", [MINUTE_NS])
        return next(one for one in found if one["name"] == "custom.thing.x" and one["dimension"] == "all")

    one = of_all(rows)
    assert [one[name] for name in FIGURES] == [100, 5_050, 50.5, 1, 100, 50.5, pytest.approx(95.05), pytest.approx(99.01)]
    late = of_all([*rows, (MINUTE_NS + 5, 1_000.0, "", "")])
    assert (late["count"], late["max"]) == (101, 1_000)


times = st.integers(0, 3 * DAY_NS // 1_000).map(lambda n: n * 1_000)
values = st.floats(-1e6, 1e6, allow_nan=False)
events = st.lists(st.tuples(times, values, st.sampled_from(["", "s", "t"]), st.sampled_from(["BTC", "ETH"])), max_size=40)


@pytest.mark.spec("AN-04")
@given(events, st.sampled_from(sorted(INTERVALS)))
def test_aggregates_equal_brute_force(rows, interval):
    span = INTERVALS[interval]
    opens = {row[0] // span * span for row in rows}
    found = {
        (one["open_ns"], one["dimension"], one["member"]): one
        for one in aggregates(numbers_of(rows), interval, opens)
        if one["name"] == "custom.thing.x"
    }
    expected = {}
    for open_ns in opens:
        inside = [row for row in rows if open_ns <= row[0] < open_ns + span]
        for dimension, place in (("all", None), ("strategy", 2), ("symbol", 3)):
            for member in {"" if place is None else row[place] for row in inside}:
                if dimension == "all" or member:
                    some = [row[1] for row in inside if place is None or row[place] == member]
                    expected[open_ns, dimension, member] = plain(np.array(some))
    assert {key for key in found if key[1] in ("all", "strategy", "symbol")} == set(expected)
    for key, figures in expected.items():
        for name in FIGURES:
            assert found[key][name] == pytest.approx(figures[name], rel=1e-9, abs=1e-6), (key, name)
    assert {key[1] for key in found} <= set(DIMENSIONS)


@given(times)
def test_a_time_is_in_one_bucket_of_each_length_and_on_a_border_in_the_later_one(time_ns):
    buckets = touched([("k", time_ns)])
    assert len(buckets) == len(INTERVALS)
    for interval, open_ns, _ in buckets:
        assert open_ns <= time_ns < open_ns + INTERVALS[interval]
        assert open_ns % INTERVALS[interval] == 0
    assert open_of(MINUTE_NS, MINUTE_NS) == MINUTE_NS


def test_a_bucket_that_ended_is_due_at_once_and_an_open_one_after_a_sixtieth_of_it():
    assert is_due("1d", 0, now_ns=DAY_NS, last_ns=DAY_NS - 1)
    assert not is_due("1d", 0, now_ns=DAY_NS - 1, last_ns=DAY_NS - 2)
    assert is_due("1d", 0, now_ns=DAY_NS // 2, last_ns=DAY_NS // 2 - DAY_NS // 60)


def test_the_numbers_of_a_fill_are_its_decimals_and_what_follows_from_them():
    told = {"quantity": "0.5", "price": "100.5", "fee": "0.01", "realised": None, "side": "buy", "is_maker": True, "mid": "100"}
    found = measures("fill.executed", told)
    assert found["fill.executed"] == 1
    assert found["fill.executed.notional"] == 50.25
    assert found["fill.executed.slippage_bps"] == pytest.approx(50)
    assert "fill.executed.realised" not in found
    assert "fill.executed.slippage_bps" not in measures("fill.executed", told | {"mid": None})


def test_the_numbers_of_a_custom_event_are_those_that_json_calls_numbers():
    assert measures("page.view", {"ms": 3, "who": "7", "yes": True, "nan": float("nan")}) == {
        "page.view": 1.0,
        "page.view.ms": 3.0,
    }


def test_an_interval_that_is_not_kept_is_refused():
    from b25.analytics.events.buckets import length_ns

    with pytest.raises(Misuse, match="interval"):
        length_ns("2m")
