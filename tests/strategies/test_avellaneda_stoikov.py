"""Avellaneda and Stoikov: the formulas, the wait for a full window, the limit at the touch."""

import math

import pytest

import b25
from strategies.avellaneda_stoikov import AvellanedaStoikov
from tests.strategies.market import Market, live

STEP_NS = 100_000_000
WINDOW = 300


def test_the_prices_are_those_of_the_paper():
    maker = AvellanedaStoikov(risk_aversion=0.1, decay_per_bps=1.5, horizon_s=1.0)
    # The paper's own example: s = 100, σ = 2, T = 1, γ = 0.1, k = 1.5, in bps here and in money there.
    half = 0.1 * 4.0 / 2.0 + math.log(1.0 + 0.1 / 1.5) / 0.1
    assert 2.0 * half == pytest.approx(1.6908, abs=1e-4)
    for inventory in (0.0, 3.0, -2.0):
        reservation = 100.0 * (1.0 - inventory * 0.1 * 4.0 / 1e4)
        bid, ask = maker.prices(100.0, inventory, 4.0)
        assert (bid + ask) / 2.0 == pytest.approx(reservation, abs=1e-12)
        assert (ask - bid) / 100.0 * 1e4 == pytest.approx(2.0 * half, abs=1e-9)


def zigzag(steps: int) -> Market:
    """A mid that goes up and down by 1 bps from step to step: a standard deviation of 1 bps a step."""
    market = Market(tick="0.001").touch("99.999", "100.001")
    for k in range(steps):
        low = 99.999 + 0.01 * (k % 2)
        market.touch(f"{low:.3f}", f"{low + 0.002:.3f}", after_ms=99 if k == 0 else 100)
    return market


def test_nothing_is_quoted_before_the_window_is_full(compiled):
    # 300 moves need 301 mids.
    assert live(AvellanedaStoikov, zigzag(WINDOW).again(1, after_ms=50), compiled=compiled).sent == []
    assert len(live(AvellanedaStoikov, zigzag(WINDOW + 1).again(1, after_ms=50), compiled=compiled).sent) == 2


def test_the_distance_comes_from_the_measured_volatility(compiled):
    life = live(AvellanedaStoikov, zigzag(WINDOW + 1).again(1, after_ms=50), compiled=compiled, horizon_s=2.0)
    # 1 bps² a step of 100 ms is 10 bps² a second; the mid is 100 when the window fills.
    half_bps = 0.1 * 10.0 * 2.0 / 2.0 + math.log(1.0 + 0.1 / 3.0) / 0.1
    assert half_bps == pytest.approx(1.3279, abs=1e-4)
    prices = {order.side: order.price for order in life.sent}
    assert prices[b25.BUY] == pytest.approx(100.0 * (1.0 - half_bps / 1e4), abs=0.0011)
    assert prices[b25.SELL] == pytest.approx(100.0 * (1.0 + half_bps / 1e4), abs=0.0011)


def test_an_inventory_moves_both_quotes_but_none_across_the_market(compiled):
    market = zigzag(WINDOW + 1).again(1, after_ms=50).trade(b25.SELL, "99.900", "20")
    for _ in range(4):
        market.touch("99.999", "100.001", after_ms=100)
    life = live(AvellanedaStoikov, market.again(1, after_ms=50), compiled=compiled)
    # At 10 bps² a second one order shifts the quotes by 10 bps: the offer stops one tick above the bid.
    assert life.position == 0.01
    assert life.live[b25.SELL] == [100.0]
    assert life.live[b25.BUY][0] < 99.86
    assert life.refused == []


def test_a_hole_in_the_market_is_no_move(compiled):
    market = zigzag(100)
    market.book([("99.999", "10")], [], after_ms=100)
    for k in range(WINDOW - 98):
        low = 199.999 + 0.02 * (k % 2)
        market.touch(f"{low:.3f}", f"{low + 0.002:.3f}", after_ms=100)
    life = live(AvellanedaStoikov, market.again(1, after_ms=50), compiled=compiled, horizon_s=2.0)
    prices = {order.side: order.price for order in life.sent}
    assert prices[b25.SELL] / prices[b25.BUY] - 1.0 < 4e-4  # not the 10 000 bps from 100 to 200
