"""The market maker: where it quotes, how it leans, when it stays away."""

import random

import pytest

import b25
from strategies.market_maker import MarketMaker
from tests.strategies.market import Market, live, live_at_most

# Half-spread 0.001 and skew 0.5, as the golden case has them; nothing is kept that is not where it should be.
GOLDEN = {"half_spread_bps": 10.0, "skew": 0.5, "requote_bps": 0.0, "market_spread_bps_min": 0.0}


def around_100() -> Market:
    return Market(tick="0.001").touch("99.999", "100.001")


@pytest.mark.golden("F04")
def test_flat_it_quotes_half_a_spread_on_either_side(compiled):
    life = live(MarketMaker, around_100().again(3), compiled=compiled, quantity=1.0, max_position=2.0, **GOLDEN)
    assert life.live == {b25.BUY: [99.9], b25.SELL: [100.1]}


@pytest.mark.golden("F04")
def test_short_half_of_its_largest_position_it_leans_up(compiled):
    market = around_100().trade(b25.BUY, "100.2").again(4)
    life = live(MarketMaker, market, compiled=compiled, quantity=1.0, max_position=2.0, **GOLDEN)
    assert life.position == -1.0
    assert life.live == {b25.BUY: [99.925], b25.SELL: [100.125]}


@pytest.mark.golden("F04")
def test_at_its_largest_position_it_leans_down_and_only_offers(compiled):
    market = around_100().trade(b25.SELL, "99.8", "5").again(4)
    life = live(MarketMaker, market, compiled=compiled, quantity=1.0, max_position=1.0, **GOLDEN)
    assert life.position == 1.0
    assert life.live == {b25.BUY: [], b25.SELL: [100.05]}


@pytest.mark.golden("F04")
@pytest.mark.parametrize(
    ("share", "bid", "ask"), [(0.0, 99.9, 100.1), (1.0, 99.85, 100.05), (-0.5, 99.925, 100.125), (7.0, 99.85, 100.05)]
)
def test_prices_lean_with_the_inventory_and_no_further_than_a_full_one(share, bid, ask):
    maker = MarketMaker(max_position=2.0, **GOLDEN)
    assert maker.prices(100.0, share * 2.0) == pytest.approx((bid, ask), abs=1e-9)


def test_prices_are_rounded_away_from_the_mid(compiled):
    market = Market(tick="0.1").touch("99.9", "100.0").again(3)  # mid 99.95: 99.85005 and 100.04995 before rounding
    life = live(MarketMaker, market, compiled=compiled, **GOLDEN | {"half_spread_bps": 9.995})
    assert life.live == {b25.BUY: [99.8], b25.SELL: [100.1]}


@pytest.mark.golden("G16")
def test_it_never_has_two_orders_on_a_side(compiled):
    dice = random.Random(16)
    market, mid = Market().touch("99.99", "100.01"), 10_000
    for _ in range(100):
        mid += dice.choice([-9, -2, 0, 0, 2, 9])
        market.touch(f"{(mid - 1) / 100:.2f}", f"{(mid + 1) / 100:.2f}", after_ms=dice.choice([0.5, 1, 3, 10]))
        if dice.random() < 0.2:
            side = dice.choice([b25.BUY, b25.SELL])
            market.trade(side, f"{(mid + side * 6) / 100:.2f}", "0.05", after_ms=0.3)
    life = live(MarketMaker, market, compiled=compiled, half_spread_bps=3.0, requote_bps=1.0)
    assert live_at_most(life.outcome) == 1
    assert len(life.sent) > 40
    assert len(life.outcome.fills) > 5
    assert life.refused == []


def test_a_quote_stays_while_the_price_wanted_is_near_it(compiled):
    market = Market().touch("99.99", "100.01").again(2).touch("100.02", "100.04").again(2)
    wide = live(MarketMaker, market, compiled=compiled, half_spread_bps=10.0, requote_bps=5.0)
    assert len(wide.sent) == 2
    assert wide.live == {b25.BUY: [99.9], b25.SELL: [100.1]}
    narrow = live(MarketMaker, market, compiled=compiled, half_spread_bps=10.0, requote_bps=0.5)
    assert len(narrow.sent) == 4
    assert narrow.live == {b25.BUY: [99.92], b25.SELL: [100.14]}  # 99.92997 and 100.13003 before rounding


def test_it_stays_away_from_a_market_that_is_too_tight_and_takes_its_quotes_off(compiled):
    tight = Market().touch("99.99", "100.01").again(5)
    assert live(MarketMaker, tight, compiled=compiled, market_spread_bps_min=3.0).sent == []
    narrowing = Market().touch("99.90", "100.10").again(3).touch("99.99", "100.01").again(3)
    life = live(MarketMaker, narrowing, compiled=compiled, market_spread_bps_min=3.0)
    assert len(life.sent) == 2
    assert life.live == {b25.BUY: [], b25.SELL: []}


def test_it_takes_its_quotes_off_when_a_side_is_empty(compiled):
    market = Market().touch("99.99", "100.01").again(3)
    market.book([("99.99", "10")], []).again(2)
    life = live(MarketMaker, market, compiled=compiled)
    assert len(life.sent) == 2
    assert life.live == {b25.BUY: [], b25.SELL: []}
    assert life.refused == []


def test_the_largest_position_is_never_exceeded(compiled):
    market = Market().touch("99.99", "100.01")
    for _ in range(20):
        market.trade(b25.SELL, "99.50", "5").again(3)
    life = live(MarketMaker, market, compiled=compiled, quantity=0.02, max_position=0.05, half_spread_bps=10.0)
    assert life.position == 0.04
    assert life.live[b25.BUY] == []
