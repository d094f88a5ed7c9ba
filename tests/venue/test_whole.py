"""Whole fills at the venue alone: every answer and every queue position, after every row and request, as the twin has them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.model.event import BUY, CLEAR, DEPTH, SELL, TRADE
from tests.engine import naive, naive_venue
from tests.engine.runs import Row
from tests.venue.direct import DirectVenue

QUEUES = ["risk_adverse", "power_prob:2", "power_prob_2:2", "power_prob_3:3", "log_prob", "log_prob_2"]


def tell_both(seed: int, size: int, queue: str) -> int:
    """Rows and requests in random order to both venues; returns the number of fills."""
    dice = random.Random(seed)
    kinds = [dice.choice([DEPTH] * 6 + [TRADE] * 6 + [CLEAR, "new", "new", "new", "cancel"]) for _ in range(size)]
    # Every row at its own time, so that requests fall between them.
    rows: dict[int, Row] = {}
    for k, kind in enumerate(kinds, 1):
        if isinstance(kind, int):
            side, ticks, lots = dice.choice([BUY, SELL]), dice.randint(97, 104), dice.randint(0, 30)
            if kind == DEPTH and dice.random() < 0.7:
                ticks = min(ticks, 100) if side == BUY else max(ticks, 101)
            if kind == TRADE and dice.random() < 0.8:
                # Small prints at the touch, so that a queue is passed slowly and its fractions show.
                ticks, lots = (99 if side == SELL else 102), dice.randint(1, 3)
            rows[k] = (k, k, kind, side, ticks, {CLEAR: 0, TRADE: max(lots, 1)}.get(kind, lots))
    ours = DirectVenue(list(rows.values()) or [(1, 1, DEPTH, BUY, 1, 1)], queue=queue, fills="whole")
    twin = naive_venue.Venue(naive.Book(), queue=queue, lot="0.001")
    orders = fills = 0
    for k, kind in enumerate(kinds, 1):
        if k in rows:
            found, expected = ours.show(k), twin.on_row(rows[k])
        elif kind == "new":
            orders += 1
            side, lots = dice.choice([BUY, SELL]), dice.randint(1, 9)
            ticks = dice.randint(97, 104) if dice.random() < 0.4 else 99 if side == BUY else 102
            tif = dice.choice(["GTC", "GTC", "GTX", "IOC", "FOK"])
            found = ours.submit(orders, side, ticks, lots, tif="GTC" if tif == "GTX" else tif, post_only=tif == "GTX")
            expected = [twin.on_request(("new", naive_venue.Order(orders, side, ticks, lots, tif)), k)]
        else:
            chosen = dice.randint(1, orders + 1)
            found, expected = ours.cancel(chosen), [twin.on_request(("cancel", chosen), k)]
        theirs = [{"accepted": "open"}.get(answer[0], answer[0]) for answer in found]
        assert [(what, answer[1]) for what, answer in zip(theirs, found, strict=True)] == [
            (answer["what"], answer["order_id"]) for answer in expected
        ]
        filled = [answer["fill"] for answer in expected if answer["what"] == "filled"]
        assert [answer[2:5] for answer in found if answer[0] == "filled"] == [
            (fill["price_ticks"], fill["qty_lots"], fill["maker"]) for fill in filled
        ]
        waiting = [(o.order_id, o.ticks, o.lots, o.front) for s in (BUY, SELL) for o in twin.resting.values() if o.side == s]
        assert ours.resting() == waiting
        fills += len(filled)
    return fills


@pytest.mark.parametrize("queue", QUEUES)
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 200))
def test_the_compiled_venue_answers_as_the_twin_does(queue: str, seed: int, size: int) -> None:
    tell_both(seed, size, queue)


def test_the_stories_fill_orders() -> None:
    assert sum(tell_both(seed, 200, "log_prob_2") for seed in range(10)) > 100
