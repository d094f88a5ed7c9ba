"""The circuit breaker, by its rules and by whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.api.reach.breaker import GATEWAY, GENERIC, Breaker, Circuit, Terms


@pytest.mark.spec("SYS-10", "GW-11")
def test_five_failures_open_it_and_three_good_probes_close_it():
    one = Breaker(GENERIC)
    for k in range(4):
        assert one.may(float(k))
        one.told(float(k), is_good=False)
    assert one.circuit is Circuit.CLOSED
    one.told(4.0, is_good=False)
    assert one.circuit is Circuit.OPEN
    assert not one.may(33.9)
    assert [one.may(34.0) for _ in range(4)] == [True, True, True, False]
    for _ in range(3):
        one.told(34.5, is_good=True)
    assert one.circuit is Circuit.CLOSED
    one.told(35.0, is_good=False)
    assert one.circuit is Circuit.CLOSED, "what was counted before the change is forgotten"


def test_a_failure_while_probing_opens_it_anew_and_so_does_silence():
    one = Breaker(Terms(failures=1, open_s=10.0, probe_s=5.0))
    one.told(0.0, is_good=False)
    assert one.may(10.0)
    one.told(11.0, is_good=False)
    assert one.circuit is Circuit.OPEN
    assert not one.may(20.9)
    assert one.may(21.0)
    assert not one.may(26.1), "the probe never came back"
    assert one.circuit is Circuit.OPEN


def test_failures_that_are_old_do_not_count():
    one = Breaker(GENERIC)
    for k in range(20):
        one.told(k * 8.0, is_good=False)
    assert one.circuit is Circuit.CLOSED


def test_a_part_of_the_requests_opens_it():
    one = Breaker(GATEWAY)
    for is_good in (True, True, False, False):
        one.told(1.0, is_good=is_good)
    assert one.circuit is Circuit.CLOSED
    one.told(1.0, is_good=False)
    assert one.circuit is Circuit.OPEN


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=200))
def test_it_never_asks_while_it_is_open_and_always_asks_again(steps):
    one, now_s, opened_s = Breaker(GENERIC), 0.0, 0.0
    for wait_s, is_good in steps:
        now_s += wait_s
        before = one.circuit
        asked = one.may(now_s)
        if before is Circuit.OPEN:
            assert asked == (now_s - opened_s >= GENERIC.open_s)
        if before is not Circuit.OPEN and one.circuit is Circuit.OPEN:
            opened_s = now_s
        if asked:
            one.told(now_s, is_good=is_good)
            if one.circuit is Circuit.OPEN:
                opened_s = now_s
    assert one.may(now_s + GENERIC.open_s + GENERIC.probe_s + 1.0) or one.may(now_s + 3 * (GENERIC.open_s + GENERIC.probe_s))
