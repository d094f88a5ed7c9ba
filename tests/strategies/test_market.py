"""The written markets themselves: what a strategy sees of them, and that a stacked order would be noticed."""

import numpy as np
import pytest

import b25
from tests.strategies.market import START_NS, Market, live, live_at_most


class Watcher(b25.Strategy):
    """Notes what it sees."""

    def on_book(self, ctx):
        ctx.log(1, ctx.mid())
        ctx.log(2, ctx.microprice())
        ctx.log(3, ctx.spread() / ctx.mid() * 1e4)
        ctx.log(4, ctx.imbalance(1))

    def on_trade(self, ctx):
        ctx.log(5, ctx.last_trade())


class Stacker(b25.Strategy):
    """Bids anew at every tick."""

    def on_book(self, ctx):
        ctx.buy(0.01, ctx.bid() - 1.0)


@pytest.mark.golden("F04")
def test_a_strategy_sees_the_market_as_it_was_written(compiled):
    market = Market(tick="1").book([("100", "3")], [("101", "1")]).trade(b25.SELL, "100", "2")
    notes = live(Watcher, market, compiled=compiled).outcome.notes
    assert notes["code"].tolist() == [1, 2, 3, 4, 5]
    assert notes["value"] == pytest.approx([100.5, 100.75, 99.5024875622, 0.5, 100.0], rel=1e-11)
    assert (notes["time_ns"] - START_NS).tolist() == [0, 0, 0, 0, 10_000_000]


def test_a_level_that_is_not_written_again_is_gone(compiled):
    market = Market(tick="1").book([("100", "3"), ("99", "1")], [("101", "1")]).touch("99", "103").book([("99", "1")], [])
    notes = live(Watcher, market, compiled=compiled).outcome.notes
    mids = notes["value"][notes["code"] == 1]
    assert mids[:2].tolist() == [100.5, 101.0]
    assert np.isnan(mids[2])


def test_stacked_orders_are_counted(compiled):
    life = live(Stacker, Market().touch("99.99", "100.01").again(6), compiled=compiled)
    assert live_at_most(life.outcome) == 7
