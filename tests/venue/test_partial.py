"""Partial fills: the compiled venue answers what its naive twin answers, in the same order, whatever is asked of it."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.model.event import BUY, CLEAR, DEPTH, SELL, TRADE
from tests.engine.naive_partial import NaiveVenue
from tests.engine.runs import Row
from tests.venue.direct import DirectVenue

QUEUES = ["risk_adverse", "power_prob:2", "power_prob_2:2", "power_prob_3:3", "log_prob", "log_prob_2"]
Step = tuple[Any, ...]


def story(seed: int, size: int) -> list[Step]:
    """Depth, prints, clears and requests in random order, around one price."""
    dice = random.Random(seed)
    low, high = dice.choice([(97, 103), (90, 110)])
    steps: list[Step] = [("on_depth", BUY, t, dice.randint(1, 9)) for t in range(low, 100)]
    steps += [("on_depth", SELL, t, dice.randint(1, 9)) for t in range(101, high)]
    terms = [(BUY, 99, 1)]  # of every order, by its id
    for _ in range(size):
        side, ticks = dice.choice([BUY, SELL]), dice.randint(low, high)
        what = dice.choice(["on_depth"] * 6 + ["on_trade"] * 4 + ["on_clear"] + ["submit"] * 6 + ["cancel", "amend", "amend"])
        if what != "on_clear" and dice.random() < 0.6:
            # Near the touch and not across it: orders that share a level, and prints that reach them.
            ticks = dice.choice([98, 99, 100] if side == (SELL if what == "on_trade" else BUY) else [100, 101, 102])
        if what == "on_depth":
            steps.append((what, side, ticks, dice.choice([0, 0, 1, 2, 5, 9, 30])))
        elif what == "on_trade":
            steps.append((what, side, ticks, dice.choice([1, 2, 5, 10, 40])))
        elif what == "on_clear":
            steps.append((what, side, ticks))
        elif what == "submit":
            tif, price, lots = (
                dice.choice(["GTC"] * 4 + ["IOC", "FOK"]),
                None if dice.random() < 0.1 else ticks,
                dice.randint(1, 9),
            )
            post_only, reduce_only = dice.random() < 0.2, dice.random() < 0.25
            stop = ticks + side * dice.randint(1, 5) if dice.random() < 0.2 else 0
            steps.append((what, len(terms), side, price, lots, tif, post_only, reduce_only, stop))
            terms.append((side, ticks, lots))
        else:
            chosen = dice.randint(max(1, len(terms) - 6), len(terms))
            if what == "cancel":
                steps.append((what, chosen))
            elif chosen < len(terms) and dice.random() < 0.6:
                # At its own price: as large, smaller or larger.
                steps.append((what, chosen, terms[chosen][1], terms[chosen][2] + dice.choice([0, 0, -1, 1])))
            else:
                steps.append((what, chosen, ticks, dice.randint(1, 12)))
    return steps


KINDS = {"on_depth": DEPTH, "on_trade": TRADE, "on_clear": CLEAR}


def tell_both(steps: list[Step], queue: str) -> dict[str, int]:
    """Tell one story to both venues and compare after every step; returns how often each answer was given."""
    shown = [(k, step) for k, step in enumerate(steps, 1) if step[0] in KINDS]
    rows: list[Row] = [(k, k, KINDS[what], side, ticks, *(rest or [0])) for k, (what, side, ticks, *rest) in shown]
    ours, twin = DirectVenue(rows, queue=queue), NaiveVenue(queue=queue)
    given_answers: dict[str, int] = {}
    for k, (what, *rest) in enumerate(steps, 1):
        if what in KINDS:
            found, expected = ours.show(k), getattr(twin, what)(*rest)
        elif what == "submit":
            order, (tif, post_only, reduce_only, stop) = rest[:4], rest[4:]
            terms = {"tif": tif, "post_only": post_only, "reduce_only": reduce_only, "stop": stop}
            found, expected = ours.submit(*order, **terms), twin.submit(*order, **terms)
        else:
            found, expected = getattr(ours, what)(*rest), getattr(twin, what)(*rest)
        assert found == expected, (k, what, rest)
        for answer in expected:
            given_answers[answer[0]] = given_answers.get(answer[0], 0) + 1
        theirs = [(o.order_id, o.ticks, o.leaves, o.front) for side in (BUY, SELL) for o in twin.resting if o.side == side]
        assert ours.resting() == theirs, (k, what, rest)
        assert ours.record["position_lots"] == twin.position
    return given_answers


@pytest.mark.parametrize("queue", QUEUES)
@settings(max_examples=100)
@given(steps=st.builds(story, st.integers(0, 2**32), st.integers(1, 150)))
def test_the_compiled_venue_answers_as_the_twin_does(queue: str, steps: list[Step]) -> None:
    tell_both(steps, queue)


def test_the_stories_reach_every_kind_of_answer() -> None:
    total: dict[str, int] = {}
    for seed in range(20):
        for word, count in tell_both(story(seed, 150), "log_prob_2").items():
            total[word] = total.get(word, 0) + count
    words = ["accepted", "filled", "triggered", "expired", "cancelled", "rejected", "replaced"]
    words += ["cancel rejected", "replace rejected"]
    assert {word: total.get(word, 0) > 3 for word in words} == dict.fromkeys(words, True), total


@pytest.mark.parametrize("queue", QUEUES)
def test_what_an_earlier_order_of_ours_took_is_known_to_the_later_ones_queue(queue: str) -> None:
    steps: list[Step] = [("on_depth", BUY, 99, 2), ("on_depth", SELL, 101, 5), ("submit", 1, BUY, 99, 3, "GTC", False, False, 0)]
    steps += [("on_depth", BUY, 99, 30), ("submit", 2, BUY, 99, 5, "GTC", False, False, 0), ("on_depth", BUY, 99, 60)]
    # Two ahead of the first, three for it; the level of the second has lost five, not two.
    steps += [("on_trade", SELL, 99, 5), ("on_depth", BUY, 99, 50), ("on_trade", SELL, 99, 9), ("on_depth", BUY, 99, 35)]
    assert tell_both(steps, queue)["filled"] == 1
