"""The scalper: in at a price that can fill, out once, by target, stop or time."""

import pytest

import b25
from b25.model.order import MARKET, REDUCE_ONLY
from strategies.scalper import Scalper
from tests.strategies.market import Market, live

# The spread of these markets is 1 bps or less; entry at 100.00 when long, at 99.99 when short.
PARAMS = {"spread_bps_max": 2.0, "target_bps": 10.0, "stop_bps": 5.0, "levels": 1, "threshold": 0.3}


def leaning_up() -> Market:
    """A bid three times the ask, from which a long position is bought at 100.00; then a lean of nothing."""
    return Market().book([("99.99", "9")], [("100.00", "3")]).touch("99.99", "100.00")


def leaning_down() -> Market:
    return Market().book([("99.99", "3")], [("100.00", "9")]).touch("99.99", "100.00")


def test_a_lean_is_entered_at_a_price_that_can_fill(compiled):
    life = live(Scalper, leaning_up().again(3), compiled=compiled, **PARAMS)
    (entry,) = life.sent
    assert (entry.side, entry.price, entry.tif) == (b25.BUY, 100.0, b25.IOC)
    assert life.position == 0.01
    life = live(Scalper, leaning_down().again(3), compiled=compiled, **PARAMS)
    (entry,) = life.sent
    assert (entry.side, entry.price, entry.tif) == (b25.SELL, 99.99, b25.IOC)
    assert life.position == -0.01


@pytest.mark.golden("G16")
def test_at_the_target_there_is_one_exit_and_no_second_while_it_is_under_way(compiled):
    market = leaning_up().touch("100.09", "100.10").again(3).touch("100.10", "100.11")
    market.again(5, after_ms=0.1)  # the exit takes 2 ms to the venue and back
    life = live(Scalper, market, compiled=compiled, **PARAMS)
    entry, exit_ = life.sent
    assert entry.side == b25.BUY
    assert (exit_.side, exit_.quantity, exit_.flags) == (b25.SELL, 0.01, MARKET | REDUCE_ONLY)
    assert exit_.time_ns == market.now_ns - 500_000  # the very message that showed 100.10
    assert life.position == 0.0
    assert life.refused == []


def test_the_short_side_is_the_mirror(compiled):
    market = leaning_down().touch("99.90", "99.91").again(3).touch("99.88", "99.89")  # 99.89001 is the target
    life = live(Scalper, market.again(5, after_ms=0.1), compiled=compiled, **PARAMS)
    assert [order.side for order in life.sent] == [b25.SELL, b25.BUY]
    assert life.position == 0.0
    market = leaning_down().touch("100.02", "100.03").again(3).touch("100.03", "100.05")  # 100.039995 is the stop
    life = live(Scalper, market.again(2), compiled=compiled, **PARAMS)
    assert [order.side for order in life.sent] == [b25.SELL, b25.BUY]


def test_at_the_stop_it_leaves(compiled):
    market = leaning_up().touch("99.96", "99.97").again(3)
    assert len(live(Scalper, market, compiled=compiled, **PARAMS).sent) == 1
    life = live(Scalper, market.touch("99.95", "99.96").again(2), compiled=compiled, **PARAMS)
    assert [order.side for order in life.sent] == [b25.BUY, b25.SELL]
    assert life.position == 0.0


@pytest.mark.golden("G16")
def test_the_hold_limit_is_event_time_and_needs_no_message(compiled):
    market = leaning_up().again(1, after_ms=61_000)
    life = live(Scalper, market, compiled=compiled, **PARAMS)
    entry, exit_ = life.sent
    known_ns = int(life.outcome.fills["local_ns"][0])
    assert entry.side == b25.BUY
    assert 60_000_000_000 <= exit_.time_ns - known_ns < 60_100_000_000
    assert life.position == 0.0


def test_what_an_exit_leaves_is_asked_for_again(compiled):
    market = leaning_up().book([("100.10", "0.004")], [("100.11", "0.004")]).again(10)
    life = live(Scalper, market, compiled=compiled, **PARAMS)
    assert [order.quantity for order in life.sent] == [0.01, 0.01, 0.006, 0.002]
    assert life.position == 0.0


def test_nothing_is_entered_in_a_wide_market_or_without_a_lean(compiled):
    wide = Market().book([("99.90", "9")], [("100.00", "3")]).again(5)
    assert live(Scalper, wide, compiled=compiled, **PARAMS).sent == []
    level = Market().book([("99.99", "9")], [("100.00", "5")]).again(5)
    assert live(Scalper, level, compiled=compiled, **PARAMS).sent == []
