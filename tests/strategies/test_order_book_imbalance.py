"""Order-book imbalance: with the lean, off again without it, never against it."""

import b25
from strategies.order_book_imbalance import OrderBookImbalance
from tests.strategies.market import Market, live, live_at_most

UP = ([("99.99", "9"), ("99.98", "9")], [("100.00", "3"), ("100.01", "3")])
DOWN = ([("99.99", "3"), ("99.98", "3")], [("100.00", "9"), ("100.01", "9")])
LEVEL = ([("99.99", "9"), ("99.98", "9")], [("100.00", "9"), ("100.01", "9")])


def test_it_joins_the_touch_on_the_side_that_leans_and_only_there(compiled):
    life = live(OrderBookImbalance, Market().book(*UP).again(3), compiled=compiled)
    assert life.live == {b25.BUY: [99.99], b25.SELL: []}
    life = live(OrderBookImbalance, Market().book(*DOWN).again(3), compiled=compiled)
    assert life.live == {b25.BUY: [], b25.SELL: [100.0]}


def test_when_the_lean_turns_it_changes_sides(compiled):
    market = Market().book(*UP).again(3).book(*DOWN).again(3)
    life = live(OrderBookImbalance, market, compiled=compiled)
    assert life.live == {b25.BUY: [], b25.SELL: [100.0]}
    assert live_at_most(life.outcome) == 1


def test_without_a_lean_it_works_off_what_it_holds(compiled):
    market = Market().book(*UP).again(3).trade(b25.SELL, "99.98", "20").again(3).book(*LEVEL).again(3)
    life = live(OrderBookImbalance, market, compiled=compiled, quantity=0.01, max_position=0.01)
    assert life.position == 0.01
    assert life.live == {b25.BUY: [], b25.SELL: [100.0]}
    life = live(OrderBookImbalance, market.trade(b25.BUY, "100.01", "20").again(3), compiled=compiled, max_position=0.01)
    assert life.position == 0.0
    assert life.live == {b25.BUY: [], b25.SELL: []}


def test_the_largest_position_is_never_exceeded(compiled):
    market = Market().book(*UP)
    for _ in range(10):
        market.again(3).trade(b25.SELL, "99.98", "20")
    life = live(OrderBookImbalance, market.again(3), compiled=compiled, quantity=0.02, max_position=0.05)
    assert life.position == 0.04


def test_an_empty_side_takes_the_order_off(compiled):
    market = Market().book(*UP).again(3).book([("99.99", "9")], []).again(3)
    life = live(OrderBookImbalance, market, compiled=compiled)
    assert life.live == {b25.BUY: [], b25.SELL: []}
    assert life.refused == []
