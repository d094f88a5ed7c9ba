"""The matching kernel against its naive twin: the same commands, the same events, the same state after each."""

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.model.event import BUY, SELL
from b25.model.matching import MatchKind, MatchReason, Stp
from b25.model.order import Tif
from b25.venue.exchange.matching_book import MatchingBook
from tests.kernels.naive_matching import NaiveMatchingBook
from tests.kernels.naive_matching_hash import naive_hash

# With the JIT off the kernel is as slow as its twin; the whole form runs compiled.
COMMANDS = 4_000 if os.environ.get("NUMBA_DISABLE_JIT") == "1" else 100_000


class Both:
    """A book and its twin, asked the same things."""

    def __init__(self):
        self.book, self.naive = MatchingBook(price_ticks_max=100_000), NaiveMatchingBook()

    def ask(self, method, *args, **kwargs):
        got = getattr(self.book, method)(*args, **kwargs)
        assert [tuple(e) for e in got] == [tuple(e) for e in getattr(self.naive, method)(*args, **kwargs)], (method, args, kwargs)
        assert self.book.hash == naive_hash(self.naive), (method, args, kwargs)
        return got


def random_command(dice, both, next_id):
    """One command of any kind, mostly about orders that are there."""
    naive = both.naive
    live = naive.resting or naive.waiting
    kind = dice.choices(
        ("submit", "market", "value", "stop", "cancel", "amend", "set_mark", "set_position"), (30, 8, 3, 8, 20, 12, 3, 1)
    )[0]
    side, account = dice.choice((BUY, SELL)), dice.randrange(5)
    around = 1_000 + dice.choice((0, 255, 256, 700)) if dice.random() < 0.05 else 1_000
    price = around + side * dice.randrange(-12, 6)
    qty = dice.randrange(1, 20)
    options = {"stp": Stp(dice.choices(range(5), (6, 1, 1, 1, 1))[0]), "reduce_only": dice.random() < 0.15}
    if kind in ("cancel", "amend") and live and dice.random() < 0.95:
        order = dice.choice(naive.resting + naive.waiting)
        if kind == "cancel":
            return "cancel", (order.order_id,), {}
        same = dice.random() < 0.4
        return "amend", (order.order_id, dice.randrange(0, 25), order.price if same else price), {}
    if kind == "cancel":
        return "cancel", (next_id + 5,), {}
    if kind == "amend":
        return "amend", (next_id + 5, qty, price), {}
    if kind == "market":
        bound = price if dice.random() < 0.3 else 0
        return "submit", (next_id, account, side, qty, bound), {"market": True, "tif": Tif(dice.choice((0, 2))), **options}
    if kind == "value":
        return "submit", (next_id, account, side, 0), {"market": True, "quote_ticklots": dice.randrange(1, 30_000), **options}
    if kind == "stop":
        stop = 1_000 + dice.randrange(-15, 15)
        market, rising, by_mark = dice.random() < 0.5, dice.random() < 0.5, dice.random() < 0.3
        options |= {"market": market, "rising": rising, "by_mark": by_mark, "notify_only": dice.random() < 0.2}
        return "stop", (next_id, account, side, qty, stop, 0 if market else price), options
    if kind == "set_mark":
        return "set_mark", (1_000 + dice.randrange(-15, 15),), {}
    if kind == "set_position":
        return "set_position", (dice.randrange(1, 5), dice.randrange(-10, 10)), {}
    if len(naive.resting) > 60:
        return "submit", (next_id, account, side, 10 * qty), {"market": True}
    tif = Tif(dice.choices((0, 1, 2), (8, 1, 1))[0])
    repeated = live and dice.random() < 0.01
    order_id = dice.choice(naive.resting + naive.waiting).order_id if repeated else next_id
    return "submit", (order_id, account, side, qty, price), {"tif": tif, "post_only": tif == 0 and dice.random() < 0.2, **options}


@pytest.mark.slow
def test_a_hundred_thousand_commands_leave_the_twins_state_each_time():
    dice, both, seen = random.Random(25), Both(), set()
    for k in range(1, COMMANDS + 1):
        method, args, kwargs = random_command(dice, both, k)
        seen |= {(e.kind, e.reason) for e in both.ask(method, *args, **kwargs)}
        if k % 50 == 0:
            assert both.book.take_changes() == both.naive.take_changes()
            for side in (BUY, SELL):
                assert both.book.levels(side, 10) == both.naive.levels(side, 10)
            lots = both.book.executable_lots(BUY, 1_003, 2, Stp.EXPIRE_MAKER)
            assert lots == both.naive.executable_lots(BUY, 1_003, 2, Stp.EXPIRE_MAKER)
    assert {kind for kind, _ in seen} == set(MatchKind)
    assert {reason for _, reason in seen} == set(MatchReason) - {MatchReason.INVALID}
    assert both.naive.trade_id > COMMANDS / 10


@given(st.integers(0, 2**32), st.integers(1, 120))
def test_any_short_life_is_the_twins(seed, commands):
    dice, both = random.Random(seed), Both()
    for k in range(1, commands + 1):
        method, args, kwargs = random_command(dice, both, k)
        both.ask(method, *args, **kwargs)


def test_a_better_price_comes_first_and_then_the_earlier_order():
    book = MatchingBook()
    for order_id, price in ((1, 102), (2, 101), (3, 101)):
        book.submit(order_id, order_id, SELL, 5, price)
    trades = book.submit(9, 9, BUY, 12, 102)
    assert [(t.maker_order_id, t.price_ticks, t.qty_lots) for t in trades] == [(2, 101, 5), (3, 101, 5), (1, 102, 2)]
    assert book.levels(SELL, 9) == [(102, 3)]


def test_less_at_the_same_price_keeps_the_place_and_more_loses_it():
    book = MatchingBook()
    book.submit(1, 1, SELL, 5, 100)
    book.submit(2, 2, SELL, 5, 100)
    book.amend(1, 4, 100)
    assert [t.maker_order_id for t in book.submit(3, 3, BUY, 1, 100)] == [1]
    book.amend(1, 9, 100)
    assert [t.maker_order_id for t in book.submit(4, 3, BUY, 6, 100)] == [2, 1]


def test_stops_fire_in_the_order_in_which_the_price_comes_to_them():
    book = MatchingBook()
    for order_id, price in ((1, 100), (2, 104), (3, 108)):
        book.submit(order_id, 0, SELL, 1, price)
    book.submit(4, 0, BUY, 1, 100)
    book.stop(12, 1, BUY, 1, 108, market=True)
    book.stop(11, 1, BUY, 1, 104, market=True)
    events = book.submit(5, 0, BUY, 1, 104)
    assert [e.order_id for e in events if e.kind == MatchKind.TRIGGERED] == [11, 12]
    assert [e.order_id for e in events if e.kind == MatchKind.TRADE] == [5, 11]
    assert events[-1].reason == MatchReason.NO_LIQUIDITY


def test_nonsense_is_refused_and_changes_nothing():
    book = MatchingBook(price_ticks_max=1_000)
    book.submit(1, 1, BUY, 5, 100)
    before = book.hash
    for args in (
        (2, 1, BUY, 0, 100),
        (2, 1, BUY, -1, 100),
        (2, 1, 3, 1, 100),
        (2, 1, BUY, 1, 0),
        (2, 1, BUY, 1, 10**9),
        (0, 1, BUY, 1, 9),
    ):
        (event,) = book.submit(*args)
        assert (event.kind, event.reason) == (MatchKind.REJECTED, MatchReason.INVALID), args
    assert book.stop(2, 1, BUY, 1, 0, 100)[0].reason == MatchReason.INVALID
    assert book.amend(1, 5, 10**9)[0].reason == MatchReason.INVALID
    assert book.hash == before != 0


def test_room_grows_with_the_orders_and_with_the_prices_they_are_at():
    book = MatchingBook()
    for k in range(1, 5_001):
        book.submit(k, 1 + k % 200, BUY, 1, 257 * k)
    assert book.order_count == 5_000
    assert book.best_bid_ticks == 257 * 5_000
    assert len(book.take_changes()) == 5_000
    trades = book.submit(9_999, 3, SELL, 5_000, 1)
    assert len(trades) == 5_000
    assert book.order_count == 0
    assert book.hash != 0
