"""The rules inside a bar against a price that walks tick by tick, and by hand."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from b25.kernels.bar_rules import NEVER, first_direction, leg_price, open_price, slipped
from b25.model.event import BUY, SELL
from tests.kernels import naive_bar_rules as naive

SIDES = st.sampled_from([BUY, SELL])
TICKS = st.integers(90, 110)
STOPS = st.one_of(st.just(0), TICKS)
UP, DOWN = 1, -1


def found(ticks):
    return None if ticks == NEVER else int(ticks)


@given(side=SIDES, limit=TICKS, stop=STOPS, market=st.booleans(), opened=TICKS)
def test_the_open_fills_what_the_naive_twin_fills(side, limit, stop, market, opened):
    ours = open_price(side, limit, stop, market, opened)
    assert found(ours) == naive.open_price(side, limit, stop, market, opened)


@given(
    side=SIDES, limit=TICKS, stop=STOPS, market=st.booleans(), up=st.booleans(), at=TICKS, length=st.integers(0, 12),
    by_touch=st.booleans(),
)  # fmt: skip
def test_a_leg_acts_where_a_walking_price_does(side, limit, stop, market, up, at, length, by_touch):
    direction = UP if up else DOWN
    end = at + direction * length
    ours = leg_price(side, limit, stop, market, direction, at, end, by_touch)
    assert found(ours) == naive.leg_price(side, limit, stop, market, up, at, end, by_touch)


@given(lots=st.integers(-3, 3), opened=st.integers(95, 105), up=st.integers(0, 10), down=st.integers(0, 10))
def test_a_bar_goes_against_the_holder_first(lots, opened, up, down):
    ours = first_direction(lots, opened, opened + up, opened - down)
    assert ours == naive.first_direction(lots, opened, opened + up, opened - down)


@given(
    side=SIDES,
    ticks=st.integers(1, 10_000_000),
    slippage=st.integers(0, 10**11),
    impact=st.integers(0, 10**11),
    lots=st.integers(1, 10**9),
    volume=st.integers(0, 10**9),
)
def test_slippage_is_what_fifty_digits_say_to_the_next_tick(side, ticks, slippage, impact, lots, volume):
    lots = min(lots, volume) if volume else lots
    exact = naive.exact_slip(ticks, slippage, impact, lots, volume)
    whole = round(exact)
    # So near to a whole number only the exact one is forgiven.
    assume(exact == whole or abs(exact - whole) > 1e-7)
    worse = whole if exact == whole else math.ceil(exact)
    got = slipped(side, np.int64(ticks), np.int64(slippage), np.int64(impact), np.int64(lots), np.int64(volume))
    assert got == max(1, ticks + side * worse)


@pytest.mark.parametrize(("bps", "ticks", "price"), [(10, 100_000, 100_100), (0.5, 100_000, 100_005), (1, 12_345, 12_347)])
def test_slippage_by_hand(bps, ticks, price):
    assert slipped(BUY, np.int64(ticks), np.int64(bps * 10**8), np.int64(0), np.int64(1), np.int64(10)) == price
    assert slipped(SELL, np.int64(ticks), np.int64(bps * 10**8), np.int64(0), np.int64(1), np.int64(10)) == 2 * ticks - price


def test_impact_grows_by_the_square_root_of_the_share():
    one = [slipped(BUY, np.int64(10_000), np.int64(0), np.int64(10**10), np.int64(n), np.int64(100)) for n in (1, 4, 25, 100)]
    assert one == [10_010, 10_020, 10_050, 10_100]
    assert slipped(BUY, np.int64(10_000), np.int64(0), np.int64(10**10), np.int64(1), np.int64(0)) == 10_100


@pytest.mark.golden("F01")
def test_a_resting_buy_needs_a_price_beyond_its_own():
    # O105 H106 L94 C95, buy 100.
    assert open_price(BUY, 100, 0, False, 105) == NEVER
    assert leg_price(BUY, 100, 0, False, DOWN, 105, 94, False) == 100
    assert open_price(BUY, 100, 0, False, 97) == 97
    # A low of 100 touches it, and the way up again does not make it more.
    for by_touch, price in ((False, NEVER), (True, 100)):
        assert leg_price(BUY, 100, 0, False, DOWN, 105, 100, by_touch) == price
        assert leg_price(BUY, 100, 0, False, UP, 100, 106, by_touch) == price


@pytest.mark.golden("F02")
@pytest.mark.golden("T06")
def test_a_stop_gets_its_price_or_a_worse_open():
    assert open_price(SELL, 0, 90, True, 70) == 70
    assert open_price(SELL, 0, 90, True, 95) == NEVER
    assert leg_price(SELL, 0, 90, True, DOWN, 95, 89, False) == 90
    assert leg_price(SELL, 0, 90, True, DOWN, 95, 91, False) == NEVER
    # On the way up a sell stop is not met, even when the price comes from beyond it.
    assert leg_price(SELL, 0, 90, True, UP, 85, 95, False) == NEVER
