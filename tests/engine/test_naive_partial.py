"""The twin of the partial-fill model keeps its promises on any sequence of rows and requests, and on the known traps."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.model.event import BUY, SELL
from b25.model.order import Reason
from tests.engine.naive_partial import Answer, NaiveVenue


def venue(*, bids: dict[int, int], asks: dict[int, int], **policy: Any) -> NaiveVenue:
    made = NaiveVenue(**policy)
    for side, levels in ((BUY, bids), (SELL, asks)):
        for ticks, lots in levels.items():
            made.on_depth(side, ticks, lots)
    return made


def fills(answers: list[Answer]) -> list[tuple[int, int, int]]:
    return [(answer[1], answer[2], answer[3]) for answer in answers if answer[0] == "filled"]


def test_a_print_is_shared_in_time_priority_after_the_quantity_ahead() -> None:
    there = venue(bids={100: 5}, asks={110: 5})
    there.submit(1, BUY, 100, 2)
    there.submit(2, BUY, 100, 3)
    # 5 ahead of both, then 2 for the first and 1 for the second.
    assert fills(there.on_trade(SELL, 100, 8)) == [(1, 100, 2), (2, 100, 1)]
    assert fills(there.on_trade(SELL, 100, 8)) == [(2, 100, 2)]


def test_a_print_of_exactly_the_quantity_ahead_fills_nothing() -> None:
    there = venue(bids={100: 5}, asks={110: 5})
    there.submit(1, BUY, 100, 2)
    assert there.on_trade(SELL, 100, 5) == []
    assert fills(there.on_trade(SELL, 100, 1)) == [(1, 100, 1)]


def test_a_taker_walks_the_book_one_fill_a_level_and_its_rest_waits_first_in_line() -> None:
    there = venue(bids={100: 5}, asks={103: 2, 104: 1, 106: 9})
    answers = there.submit(1, BUY, 105, 5)
    assert answers == [("filled", 1, 103, 2, False, 2), ("filled", 1, 104, 1, False, 3), ("accepted", 1)]
    # The lots it took are not there a second time, until the level is shown again.
    assert there.submit(2, BUY, 104, 1, tif="IOC") == [("expired", 2, 1, Reason.NOTHING_TO_MATCH)]
    assert there.on_depth(SELL, 104, 1) == [("filled", 1, 105, 1, True, 4)]


def test_fill_or_kill_counts_first() -> None:
    there = venue(bids={}, asks={103: 2, 104: 1})
    assert there.submit(1, BUY, 104, 4, tif="FOK") == [("expired", 1, 4, Reason.NOTHING_TO_MATCH)]
    assert fills(there.submit(2, BUY, 104, 3, tif="FOK")) == [(2, 103, 2), (2, 104, 1)]


def test_a_market_order_on_an_empty_side_is_rejected_and_its_walk_is_bounded() -> None:
    there = venue(bids={}, asks={103: 2, 2_000: 5})
    assert there.submit(1, SELL, None, 1) == [("rejected", 1, Reason.NOTHING_TO_MATCH)]
    assert there.submit(2, BUY, None, 3) == [("filled", 2, 103, 2, False, 2), ("expired", 2, 1, Reason.NOTHING_TO_MATCH)]


def test_a_crossing_best_gives_what_it_displays_to_the_best_price_first() -> None:
    there = venue(bids={100: 1}, asks={110: 5})
    there.submit(1, BUY, 101, 2)
    there.submit(2, BUY, 102, 2)
    assert fills(there.on_depth(SELL, 101, 3)) == [(2, 102, 2), (1, 101, 1)]


@pytest.mark.parametrize(("through", "expected"), [("full", [(1, 101, 4)]), ("traded", [(1, 101, 3)])])
def test_a_print_through_the_price_follows_the_policy(through: str, expected: list[tuple[int, int, int]]) -> None:
    there = venue(bids={101: 50, 100: 50}, asks={110: 5}, through=through)
    there.submit(1, BUY, 101, 4)
    assert fills(there.on_trade(SELL, 100, 3)) == expected


def test_an_amend_keeps_its_place_only_at_the_same_price_and_not_larger() -> None:
    there = venue(bids={100: 5}, asks={110: 5})
    there.submit(1, BUY, 100, 4)
    there.on_trade(SELL, 100, 6)  # five ahead, one of ours
    assert there.amend(1, 100, 1) == [("replace rejected", 1, Reason.QUANTITY_BELOW_FILLED)]
    there.amend(1, 100, 3)
    assert fills(there.on_trade(SELL, 100, 1)) == [(1, 100, 1)]
    there.amend(1, 100, 7)  # 2 filled, 5 left, behind the 5 shown
    assert fills(there.on_trade(SELL, 100, 9)) == [(1, 100, 4)]


def test_a_reduce_only_order_never_turns_the_position_around() -> None:
    there = venue(bids={100: 9}, asks={110: 9})
    assert there.submit(1, SELL, 120, 1, reduce_only=True) == [("rejected", 1, Reason.WOULD_INCREASE)]
    there.submit(2, BUY, 110, 3)
    answers = there.submit(3, SELL, 100, 5, reduce_only=True)
    assert answers == [("filled", 3, 100, 3, False, 3), ("expired", 3, 2, Reason.WOULD_INCREASE)]
    assert there.position == 0


SIDES = st.sampled_from([BUY, SELL])
TICKS = st.integers(95, 105)
IDS = st.integers(1, 12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("on_depth"), SIDES, TICKS, st.integers(0, 9)),
        st.tuples(st.just("on_trade"), SIDES, TICKS, st.integers(1, 12)),
        st.tuples(st.just("on_clear"), SIDES, TICKS),
        st.tuples(
            st.just("submit"),
            SIDES,
            TICKS | st.none(),
            st.integers(1, 9),
            st.sampled_from(["GTC", "IOC", "FOK"]),
            st.booleans(),
            st.booleans(),
        ),
        st.tuples(st.just("cancel"), IDS),
        st.tuples(st.just("amend"), IDS, TICKS, st.integers(1, 12)),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(
    STEPS,
    st.sampled_from(["risk_adverse", "power_prob:2", "power_prob_2:2", "power_prob_3:3", "log_prob", "log_prob_2"]),
    st.sampled_from(["full", "traded"]),
    st.sampled_from(["full", "displayed"]),
)
def test_quantities_add_up_whatever_happens(steps: list[tuple[Any, ...]], queue: str, through: str, crossing: str) -> None:
    there = NaiveVenue(queue=queue, through=through, crossing=crossing)
    quantity: dict[int, int] = {}
    limit: dict[int, tuple[int, int | None]] = {}
    filled: dict[int, int] = defaultdict(int)
    final: set[int] = set()
    position = 0
    for step, *rest in steps:
        if step == "submit":
            side, ticks, lots, tif, post_only, reduce_only = rest
            order_id = len(quantity) + 1
            quantity[order_id], limit[order_id] = lots, (side, ticks)
            answers = there.submit(order_id, side, ticks, lots, tif=tif, post_only=post_only, reduce_only=reduce_only)
        else:
            answers = getattr(there, step)(*rest)
        for answer in answers:
            what, order_id = answer[:2]
            if what == "replaced":
                limit[order_id], quantity[order_id] = (limit[order_id][0], rest[1]), rest[2]
            if what in ("accepted", "filled", "expired", "cancelled", "replaced"):
                assert order_id not in final, "a final state is final"
            if what == "filled":
                side, ticks = limit[order_id]
                filled[order_id] += answer[3]
                position += side * answer[3]
                assert answer[5] == filled[order_id]
                assert ticks is None or (ticks - answer[2]) * side >= 0, "no fill beyond the limit"
            if what in ("expired", "cancelled"):
                assert answer[2] == quantity[order_id] - filled[order_id] > 0
            if what in ("expired", "cancelled", "rejected") or filled[order_id] == quantity.get(order_id):
                final.add(order_id)
        if step == "on_trade" and through == "traded":
            assert sum(lots for _, _, lots in fills(answers)) <= rest[2], "a print is not sold twice"
        if step == "on_depth" and crossing == "displayed":
            assert sum(lots for _, _, lots in fills(answers)) <= rest[2], "shown lots are not sold twice"
        assert all(order.leaves > 0 and order.order_id not in final for order in there.resting)
        assert all(quantity[order.order_id] - filled[order.order_id] == order.leaves for order in there.resting)
    assert there.position == position
