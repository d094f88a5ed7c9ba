"""Momentum: nothing before the window is full, nothing at the threshold, a tenth at a time beyond it."""

import pytest

import b25
from b25.model.order import MARKET
from strategies.momentum import Momentum
from tests.strategies.market import Market, live

STEP_NS = 100_000_000
GOLDEN = {"step_ns": STEP_NS, "lookback": 20, "threshold_bps": 200.0, "max_position": 1.0, "slippage_bps_max": 10.0}


def prices(*mids: float) -> Market:
    """A mid for each step of 100 ms, quoted one cent to either side; the first step is 100 ms after the first message."""
    market = Market(tick="0.01").touch("99.99", "100.01")
    for k, mid in enumerate(mids):
        market.touch(f"{mid - 0.01:.2f}", f"{mid + 0.01:.2f}", after_ms=99 if k == 0 else 100)
    return market.again(1, after_ms=50)


@pytest.mark.golden("G17")
def test_nothing_before_the_window_is_full(compiled):
    life = live(Momentum, prices(*[100.0] * 18, 102.01), compiled=compiled, **GOLDEN)
    assert life.sent == []


@pytest.mark.golden("G17")
def test_beyond_the_threshold_it_buys_a_tenth_of_its_largest_position(compiled):
    life = live(Momentum, prices(*[100.0] * 19, 102.01), compiled=compiled, **GOLDEN)
    (order,) = life.sent
    assert (order.side, order.quantity, order.tif) == (b25.BUY, 0.1, b25.IOC)
    assert order.price == 102.12  # 102.02 and 10 bps, rounded down
    assert not order.flags & MARKET
    assert life.position == 0.1


@pytest.mark.golden("G17")
def test_exactly_at_the_threshold_it_does_nothing(compiled):
    life = live(Momentum, prices(*[100.0] * 19, 102.0), compiled=compiled, **GOLDEN)
    assert life.sent == []


def test_it_goes_on_up_to_its_largest_position(compiled):
    rising = [100.0 + 0.25 * k for k in range(40)]
    life = live(Momentum, prices(*rising), compiled=compiled, **GOLDEN | {"max_position": 0.25})
    assert [order.quantity for order in life.sent] == [0.025] * 10
    assert life.position == 0.25


def test_the_last_order_takes_the_room_that_is_left(compiled):
    rising = [100.0 + 0.25 * k for k in range(40)]
    life = live(Momentum, prices(*rising), compiled=compiled, **GOLDEN | {"max_position": 0.025})
    assert [order.quantity for order in life.sent] == [0.002] * 12 + [0.001]  # a tenth is 2.5 lots
    assert life.position == 0.025


def test_a_fall_is_sold_below_flat_only_when_allowed(compiled):
    falling = prices(*[100.0] * 19, *[97.9] * 3)
    assert live(Momentum, falling, compiled=compiled, **GOLDEN).sent == []
    life = live(Momentum, falling, compiled=compiled, allow_short=True, **GOLDEN)
    assert [(order.side, order.quantity) for order in life.sent] == [(b25.SELL, 0.1)] * 3
    assert life.position == pytest.approx(-0.3)


def test_a_fall_after_a_rise_sells_what_is_held_and_no_more(compiled):
    there_and_back = prices(*[100.0] * 19, *[102.01] * 2, *[95.0] * 10)
    life = live(Momentum, there_and_back, compiled=compiled, **GOLDEN)
    assert [order.side for order in life.sent] == [b25.BUY] * 2 + [b25.SELL] * 2
    assert life.position == 0.0


def test_an_empty_side_begins_the_window_anew(compiled):
    market = prices(*[100.0] * 15)
    market.book([("99.99", "10")], [], after_ms=50).touch("99.99", "100.01", after_ms=100)
    for _ in range(4):
        market.touch("102.00", "102.02", after_ms=100)
    assert live(Momentum, market, compiled=compiled, **GOLDEN).sent == []
    for _ in range(16):
        market.touch("104.10", "104.12", after_ms=100)
    life = live(Momentum, market.again(1, after_ms=50), compiled=compiled, **GOLDEN)
    assert len(life.sent) > 0
