"""Trades, comparisons and crashes in any order: the books are the fold of the store, and the venue's, whatever was lost."""

import asyncio
import random
from decimal import Decimal
from fractions import Fraction

import pytest

from b25.model.event import BUY, SELL
from tests.session.account.desk import HOUR_MS, Desk
from tests.session.account.test_book import folded, numbers


async def story(url, seed, steps=24):
    dice = random.Random(seed)
    desk = Desk(dice.choice(["spot", "linear"]), url)
    await desk.begin()
    desk.book.mark(desk.symbol, Decimal(40_000))
    for _ in range(steps):
        act = dice.choice(["trade", "trade", "trade", "pull", "untold", "tick", "crash", "reconcile", "hours"])
        if act == "trade":
            side, qty = dice.choice((BUY, SELL)), f"0.0{dice.randint(1, 9)}"
            await desk.trade(dice.choice(["s", "t", "u", None]), side, qty, str(40_000 + 10 * dice.randint(-20, 20)))
        elif act == "pull":
            await desk.pull()
        elif act == "untold":  # the process dies between the store and the books
            await desk.pull(tell=False)
            desk.end()
            await desk.begin()
        elif act == "tick":
            desk.book.tick()
        elif act == "crash":
            desk.end()
            await desk.begin()
        elif act == "hours":
            desk.now[0] += 9 * HOUR_MS
            desk.exchange.advance(desk.now[0])
        else:
            assert (await desk.reconcile()).differences == []
        assert list(desk.book.account.unbalanced()) == []
    found = await desk.reconcile()
    assert (found.is_compared, found.differences) == (True, [])
    assert numbers(desk.book.account) == numbers(folded(desk))
    net = desk.book.account.net[desk.symbol]
    if desk.kind == "linear":
        held = (await desk.port.positions()).must()
        assert net.lots == (desk.instrument.lots(held[desk.symbol].qty) if held else 0)
    assert desk.wallet() == Fraction(await desk.venue_wallet())
    assert not desk.book.halted
    desk.end()


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_doubled_or_left_over(tmp_path, seed):
    asyncio.run(story(f"sqlite:///{tmp_path / 'store.db'}", seed))
