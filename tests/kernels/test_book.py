"""The compiled book equals its naive twin under any stream of rows, wherever its ladder stands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.kernels.book import (
    CLEAR_CROSSED,
    KEEP_CROSSED,
    clear_all,
    clear_side,
    end_message,
    level_lots,
    make_ladder,
    push_crossed,
    recentre,
    set_level,
)
from b25.kernels.book_reads import book_digest, books_equal, cost_to_fill, depth_to, imbalance, microprice, top
from b25.model.book import FAR_FULL, LEVEL
from b25.model.errors import Misuse
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS, PRICE_TICKS_MAX

from .naive_book import NaiveBook

SIZE = 256  # small, so that far levels and re-centring are the rule

# Mostly near the touch, sometimes far away, sometimes at the ends of the range of ticks.
PRICES = st.one_of(
    st.integers(980, 1020),
    st.integers(800, 1300),
    st.integers(1, 5_000),
    st.sampled_from([1, 63, 64, 65, 255, 256, 257, NO_ASK_TICKS - 1]),
)
COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 1), PRICES, st.integers(0, 5)),
        st.tuples(st.just("set"), st.integers(0, 1), PRICES, st.integers(0, 5)),
        st.tuples(st.just("delete_best"), st.integers(0, 1)),
        st.tuples(st.just("clear"), st.integers(0, 1), PRICES),
        st.tuples(st.just("clear_side"), st.integers(0, 1)),
        st.tuples(st.just("clear_all")),
        st.tuples(st.just("push"), st.integers(0, 1)),
        st.tuples(st.just("end"), st.sampled_from([CLEAR_CROSSED, KEEP_CROSSED])),
        st.tuples(st.just("recentre"), st.integers(-100, 6_000)),
    ),
    max_size=60,
)


def contents(ladder):
    """Every level of both sides as two dicts."""
    sides = ({}, {})
    head = ladder.head[0]
    for side in range(2):
        for slot in np.flatnonzero(ladder.lots[side]):
            assert int(ladder.bits[side, slot >> 6]) >> int(slot & 63) & 1
            sides[side][int(head["base_ticks"] + slot)] = int(ladder.lots[side, slot])
        count = head["far_bids" if side == 0 else "far_asks"]
        far = ladder.far[side, :count]
        assert np.all(np.diff(far["price_ticks"]) > 0)
        for level in far:
            assert not head["base_ticks"] <= level["price_ticks"] < head["base_ticks"] + ladder.lots.shape[1]
            sides[side][int(level["price_ticks"])] = int(level["qty_lots"])
        assert sum(int(w).bit_count() for w in ladder.bits[side]) + count == len(sides[side])
        assert head["bid_levels" if side == 0 else "ask_levels"] == len(sides[side])
    return sides


def perform(command, ladder, naive):
    """Do one command on both books; what they answer must be equal."""
    verb, *rest = command
    book = ladder.book
    if verb == "set":
        assert set_level(*book, *rest) == naive.set_level(*rest)
    elif verb == "delete_best":
        side = rest[0]
        best = naive.best[side]
        if best not in (NO_BID_TICKS, NO_ASK_TICKS):
            assert set_level(*book, side, best, 0) == naive.set_level(side, best, 0)
    elif verb == "clear":
        assert clear_side(*book, *rest) == naive.clear_side(*rest)
    elif verb == "clear_side":
        up_to = (NO_BID_TICKS, NO_ASK_TICKS)[rest[0]]
        assert clear_side(*book, rest[0], up_to) == naive.clear_side(rest[0], up_to)
    elif verb == "clear_all":
        assert clear_all(*book) == naive.clear_side(0, NO_BID_TICKS) + naive.clear_side(1, NO_ASK_TICKS)
    elif verb == "push":
        push_crossed(*book, rest[0])
        naive.push_crossed(rest[0])
    elif verb == "end":
        assert end_message(*book, rest[0]) == naive.end_message(keep=rest[0] == KEEP_CROSSED)
    elif verb == "recentre":
        recentre(*book, rest[0])


def walk(ladder, side, n=500):
    out = np.zeros(n, LEVEL)
    count = top(*ladder.book, side, out)
    return [(int(p), int(q)) for p, q in out[:count]]


def assert_same(ladder, naive):
    head = ladder.head[0]
    assert contents(ladder) == naive.sides
    assert [head["best_bid_ticks"], head["best_ask_ticks"]] == naive.best
    assert walk(ladder, 0) == naive.walk(0)
    assert walk(ladder, 1) == naive.walk(1)


@settings(deadline=None, max_examples=300)
@given(COMMANDS)
def test_a_book_equals_its_naive_twin_after_every_command(commands):
    ladder, naive = make_ladder(SIZE, 128), NaiveBook()
    for command in commands:
        perform(command, ladder, naive)
        assert_same(ladder, naive)
    assert ladder.head[0]["crossed_messages"] == naive.crossed_messages
    assert ladder.head[0]["cleared_levels"] == naive.cleared_levels


@settings(deadline=None, max_examples=100)
@given(COMMANDS, st.integers(1, 6), PRICES, st.integers(0, 40))
def test_what_is_read_from_a_book_equals_its_naive_twin(commands, levels, price, quantity):
    ladder, naive = make_ladder(SIZE, 128), NaiveBook()
    for command in commands:
        perform(command, ladder, naive)
    got = imbalance(*ladder.book, levels)
    assert got == naive.imbalance(levels) or (np.isnan(got) and naive.imbalance(levels) is None)
    for side in range(2):
        assert depth_to(*ladder.book, side, price) == naive.depth_to(side, price)
        assert cost_to_fill(*ladder.book, side, quantity) == naive.cost_to_fill(side, quantity)
        assert level_lots(*ladder.book, side, price) == naive.sides[side].get(price, 0)


@settings(deadline=None, max_examples=100)
@given(COMMANDS, st.lists(st.integers(-200, 6_000), min_size=1, max_size=4))
def test_recentring_changes_nothing_that_can_be_observed(commands, bases):
    moved, still, naive = make_ladder(SIZE, 256), make_ladder(8192, 16), NaiveBook()
    for i, command in enumerate(commands):
        if command[0] != "recentre":
            perform(command, moved, naive)
            recentre(*moved.book, bases[i % len(bases)])
            verb = NaiveBook()
            verb.sides, verb.best = tuple(dict(s) for s in naive.sides), list(naive.best)
    for side in range(2):
        for price, lots in naive.sides[side].items():
            set_level(*still.book, side, price, lots)
    assert_same(moved, naive)
    assert book_digest(*moved.book) == book_digest(*still.book)
    assert books_equal(*moved.book, *still.book)


def filled(*levels, size=SIZE, far_cap=16):
    ladder = make_ladder(size, far_cap)
    for side, price, lots in levels:
        set_level(*ladder.book, side, price, lots)
    return ladder


@pytest.mark.golden("F04")
def test_microprice_and_imbalance_lean_to_the_thinner_side():
    ladder = filled((0, 10_000, 3), (1, 10_100, 1))
    assert microprice(*ladder.book) == 10_075.0
    assert imbalance(*ladder.book, 1) == 0.5


def test_an_empty_side_has_no_microprice_and_an_empty_book_no_imbalance():
    assert np.isnan(microprice(*filled((0, 100, 1)).book))
    assert np.isnan(imbalance(*make_ladder(SIZE).book, 5))
    assert imbalance(*filled((0, 100, 1)).book, 5) == 1.0


@pytest.mark.parametrize("side", [0, 1])
def test_a_side_is_cleared_up_to_a_price_and_the_next_level_becomes_best(side):
    # hftbacktest skips a level here: cleared up to 99 with levels at 98 and 97, its best is 97.
    sign = 1 if side == 0 else -1
    ladder = filled(*[(side, 1000 + sign * d, 1) for d in (0, -1, -2, -3)])
    assert clear_side(*ladder.book, side, 1000 - sign) == 2
    assert walk(ladder, side) == [(1000 - 2 * sign, 1), (1000 - 3 * sign, 1)]
    assert clear_side(*ladder.book, side, (NO_BID_TICKS, NO_ASK_TICKS)[side]) == 2
    assert walk(ladder, side) == []


def test_a_message_that_leaves_the_book_crossed_is_counted_and_the_older_side_cleared():
    ladder = filled((0, 1000, 1), (1, 1001, 1), (1, 1002, 2), (1, 1005, 3))
    set_level(*ladder.book, 0, 1003, 7)
    assert end_message(*ladder.book, CLEAR_CROSSED)
    head = ladder.head[0]
    assert (head["best_bid_ticks"], head["best_ask_ticks"], head["best_bid_lots"], head["best_ask_lots"]) == (1003, 1005, 7, 3)
    assert (head["crossed_messages"], head["cleared_levels"], head["ask_levels"]) == (1, 2, 1)


def test_crossing_within_a_message_is_no_crossing():
    ladder = filled((0, 1000, 1), (1, 1001, 1), (1, 1005, 3))
    set_level(*ladder.book, 0, 1003, 7)
    set_level(*ladder.book, 1, 1001, 0)
    assert not end_message(*ladder.book, CLEAR_CROSSED)
    assert ladder.head[0]["crossed_messages"] == 0


def test_a_far_level_becomes_best_when_the_ladder_is_empty():
    ladder = filled((0, 1000, 1), (0, 10, 5))
    assert ladder.head[0]["far_bids"] == 1
    set_level(*ladder.book, 0, 1000, 0)
    assert ladder.head[0]["best_bid_ticks"] == 10
    end_message(*ladder.book, CLEAR_CROSSED)
    assert (ladder.head[0]["far_bids"], ladder.head[0]["best_bid_lots"]) == (0, 5)


def test_a_full_far_table_says_what_it_lost():
    ladder = filled((0, 10_000, 1), (0, 30, 1), (0, 20, 2), far_cap=2)
    assert ladder.head[0]["health"] == 0
    set_level(*ladder.book, 0, 10, 4)  # the furthest: itself lost
    set_level(*ladder.book, 0, 40, 8)  # nearer: the furthest stored one makes room
    head = ladder.head[0]
    assert (head["lost_levels"], head["lost_lots"], head["health"]) == (2, 6, FAR_FULL)
    assert walk(ladder, 0) == [(10_000, 1), (40, 8), (30, 1)]


def test_an_impossible_ladder_is_refused():
    with pytest.raises(Misuse, match="multiple of 64"):
        make_ladder(1000)


def test_a_bid_at_the_highest_price_moves_the_ladder_no_further_than_prices_go():
    ladder, naive = make_ladder(SIZE, 128), NaiveBook()
    for command in [("set", 1, 1014, 5), ("set", 0, PRICE_TICKS_MAX, 5), ("end", 0)]:
        perform(command, ladder, naive)
    assert_same(ladder, naive)
