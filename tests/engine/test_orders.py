"""Orders as a trader lives them: takers and makers, races of cancels with fills, amends, reduce-only, late answers."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.engine.apply import CALL_FILL, CALL_ORDER, apply_order
from b25.engine.world import make_world
from b25.model.event import (
    BUY,
    CANCEL_REJECTED,
    EVENT,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    REPLACE_REJECTED,
    SELL,
)
from b25.model.order import AMEND, CANCEL, INTENT, ORDER, SUBMIT, Pending, State
from b25.risk.gate import judge
from tests.engine.runs import ETH, ONE, TENTH, book, check_sums, depth, play, trade

FAR_AWAY = 10_000  # the data ends here


def market(asks=None, bids=None, *more):
    """A book at 1 ns, what comes after, and something that keeps time going."""
    return [*book(1, bids or {99: 50}, asks or {101: 50}), *more, depth(FAR_AWAY // 10, BUY, 50, 1)]


# Takers


@pytest.mark.golden("F03")
@pytest.mark.parametrize("fills", ["partial", "whole"])
def test_a_buy_limit_above_the_ask_pays_the_ask(fills):
    played = play(market({100: 5}), {2: lambda ctx: ctx.buy(1, 110)}, fills=fills)
    assert played.fills() == [(100, 1)]
    assert not played.outcome.fills["maker"][0]


@pytest.mark.golden("F03")
def test_a_market_order_walks_the_book_one_fill_a_level():
    played = play(market({100: 1, 101: 2, 102: 5}), {2: lambda ctx: ctx.buy(4)})
    assert played.fills() == [(100, 1), (101, 2), (102, 1)]
    order = played.outcome.orders[0]
    assert order["filled_ticklots"] / order["filled_lots"] == 101
    assert played.order(1) == ("FILLED", 4, "OK")
    check_sums(played.outcome)


@pytest.mark.golden("F03")
def test_a_market_order_on_a_side_that_empties_on_its_way_is_rejected():
    rows = market({101: 5}, None, depth(3, SELL, 101, 0))
    assert play(rows, {2: lambda ctx: ctx.buy(1)}, latency=5).order(1) == ("REJECTED", 0, "NOTHING_TO_MATCH")
    assert play(rows, {4: lambda ctx: ctx.buy(1)}, latency=5).refused == ["NO_MARKET"]


@pytest.mark.golden("L07")
def test_the_average_of_partial_fills_is_weighted():
    played = play(market({10: 100, 20: 300}, {9: 1}), {2: lambda ctx: ctx.buy(400, 20)})
    order = played.outcome.orders[0]
    assert order["filled_ticklots"] / order["filled_lots"] == 17.5
    assert played.position["cost"] / played.position["position_lots"] == 17.5


def test_what_an_ioc_cannot_take_expires():
    played = play(market({101: 2, 102: 1, 103: 9}), {2: lambda ctx: ctx.buy(5, 102, tif=b25.IOC)})
    assert played.fills() == [(101, 2), (102, 1)]
    assert played.order(1) == ("EXPIRED", 3, "NOTHING_TO_MATCH")
    check_sums(played.outcome)


@pytest.mark.parametrize(("quantity", "state"), [(3, "FILLED"), (4, "EXPIRED")])
def test_fill_or_kill_is_all_or_nothing(quantity, state):
    played = play(market({101: 2, 102: 1, 103: 9}), {2: lambda ctx: ctx.buy(quantity, 102, tif=b25.FOK)})
    assert played.order(1)[0] == state
    assert sum(lots for _, lots in played.fills()) == (quantity if state == "FILLED" else 0)


@pytest.mark.parametrize("tif", [b25.IOC, b25.FOK])
def test_an_order_that_may_not_rest_and_does_not_cross_expires(tif):
    assert play(market(), {2: lambda ctx: ctx.buy(1, 100, tif=tif)}).order(1) == ("EXPIRED", 0, "NOTHING_TO_MATCH")


def test_displayed_lots_are_sold_once():
    script = {2: [lambda ctx: ctx.buy(2, 101, tif=b25.IOC), lambda ctx: ctx.buy(2, 101, tif=b25.IOC)]}
    played = play(market({101: 3}), script)
    assert played.fills() == [(101, 2), (101, 1)]
    shown_again = play(market({101: 3}, None, depth(3, SELL, 101, 3)), {**script, 4: lambda ctx: ctx.buy(3, 101, tif=b25.IOC)})
    assert shown_again.fills(3) == [(101, 3)]


def test_the_rest_of_a_taker_rests_first_at_its_price_and_becomes_a_maker():
    played = play(market({101: 2}, None, trade(5, SELL, 101, 1)), {2: lambda ctx: ctx.buy(4, 101)})
    assert played.fills() == [(101, 2), (101, 1)]
    assert played.outcome.fills["maker"].tolist() == [0, 1]
    assert [heard[1] for heard in played.heard] == ["fill", "fill"]
    check_sums(played.outcome)


def test_post_only_expires_rather_than_takes():
    played = play(market(), {2: lambda ctx: ctx.buy(1, 101, post_only=True), 3: lambda ctx: ctx.buy(1, 100, post_only=True)})
    assert played.order(1) == ("EXPIRED", 0, "POST_ONLY_WOULD_CROSS")
    assert played.order(2) == ("OPEN", 0, "OK")


# Races of requests with fills


def test_a_fill_that_crosses_the_acknowledgement_finds_the_order_created():
    # The order arrives at 12 and rests; the print at 13 fills it; both answers are on their way until 22 and 23.
    rows = [*book(1, {98: 1}, {101: 5}), trade(13, SELL, 99, 5), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(3, 99)}, latency=10)
    assert [heard[:2] for heard in played.heard] == [(22, "OPEN"), (23, "fill"), (23, "FILLED")]
    assert played.order(1) == ("FILLED", 3, "OK")


@pytest.mark.golden("O07")
@pytest.mark.golden("F03")
def test_a_cancel_that_crosses_a_partial_fill_leaves_what_was_filled():
    # 1.0 at 99; the cancel of 100 ns arrives at 110, the print of 0.4 at 105.
    rows = [*book(1, {98: 1}, {101: 500}), trade(105, SELL, 99, 4), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(1.0, 99), 100: lambda ctx: ctx.cancel(1)}, latency=10, instrument=TENTH)
    assert played.order(1) == ("CANCELLED", 4, "CANCEL_REQUESTED")
    assert played.heard == [
        (22, "OPEN", 1, 1.0, "OK"),
        (115, "fill", 1, 99.0, 0.4, True),
        (120, "CANCELLED", 1, 0.6, "CANCEL_REQUESTED"),
    ]
    assert played.position["position_lots"] == 4
    assert played.position["open_buy_lots"] == 0
    check_sums(played.outcome)


def test_a_fill_does_not_clear_a_pending_cancel():
    rows = [*book(1, {98: 1}, {101: 500}), trade(105, SELL, 99, 4), depth(FAR_AWAY, BUY, 50, 1)]
    script = {2: lambda ctx: ctx.buy(10, 99), 100: lambda ctx: ctx.cancel(1), 116: lambda ctx: ctx.cancel(1)}
    assert play(rows, script, latency=10).refused == ["REQUEST_PENDING"]


def test_a_cancel_that_finds_its_order_filled_is_refused_by_the_venue_and_changes_nothing():
    rows = [*book(1, {98: 1}, {101: 500}), trade(105, SELL, 99, 40), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(10, 99), 100: lambda ctx: ctx.cancel(1)}, latency=10)
    assert played.order(1) == ("FILLED", 10, "OK")
    assert [heard[1] for heard in played.heard] == ["OPEN", "fill", "FILLED"]
    assert played.outcome.world.head[0]["live_orders"] == 0
    check_sums(played.outcome)


def test_an_order_that_is_not_acknowledged_cannot_be_cancelled():
    played = play(market(), {2: lambda ctx: ctx.buy(1, 99), 5: lambda ctx: ctx.cancel(1)}, latency=10)
    assert played.refused == ["REQUEST_PENDING"]


def test_requests_of_one_time_are_handled_in_the_order_sent():
    rows = market({101: 1})
    both = [lambda ctx: ctx.buy(1, 101, tif=b25.IOC), lambda ctx: ctx.buy(1, 101, tif=b25.IOC)]
    played = play(rows, {2: both}, latency=7)
    assert (played.order(1)[0], played.order(2)[0]) == ("FILLED", "EXPIRED")


def test_an_order_that_arrives_with_a_row_sees_the_changed_book():
    rows = [*book(1, {98: 1}, {101: 5}), depth(12, SELL, 101, 0), depth(12, SELL, 103, 5), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(1, 102, tif=b25.IOC)}, latency=10)
    assert played.order(1) == ("EXPIRED", 0, "NOTHING_TO_MATCH")


# Amends


def test_an_amend_keeps_its_place_only_at_the_same_price_and_not_larger():
    ahead = [*book(1, {99: 5}, {101: 5})]
    end = [trade(50, SELL, 99, 7), depth(FAR_AWAY, BUY, 50, 1)]
    # Another 20 lots join behind us at 10 ns.
    joined = [*ahead, depth(10, BUY, 99, 25)]
    smaller = play([*joined, *end], {2: lambda ctx: ctx.buy(4, 99), 20: lambda ctx: ctx.amend(1, 99, 3)})
    assert smaller.fills() == [(99, 2)]
    larger = play([*joined, *end], {2: lambda ctx: ctx.buy(4, 99), 20: lambda ctx: ctx.amend(1, 99, 5)})
    assert larger.fills() == []
    elsewhere = play([*joined, *end], {2: lambda ctx: ctx.buy(4, 98), 20: lambda ctx: ctx.amend(1, 99, 4)})
    assert elsewhere.fills() == []


def test_an_amend_counts_from_the_total_and_executes_what_it_asks_for():
    # From 1 to 5, after a fill of 1 of 2: 4 remain.
    rows = [*book(1, {98: 1}, {101: 5}), trade(10, SELL, 99, 1), trade(50, SELL, 98, 100), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(2, 99), 20: lambda ctx: ctx.amend(1, 99, 5)})
    assert played.fills() == [(99, 1), (99, 4)]
    check_sums(played.outcome)


def test_an_amend_across_the_touch_takes():
    played = play(market({101: 2}), {2: lambda ctx: ctx.buy(3, 99), 5: lambda ctx: ctx.amend(1, 101, 3)})
    assert played.fills() == [(101, 2)]
    assert played.order(1) == ("PART_FILLED", 2, "OK")
    expired = play(market({101: 2}), {2: lambda ctx: ctx.buy(3, 99, post_only=True), 5: lambda ctx: ctx.amend(1, 101, 3)})
    assert expired.order(1) == ("EXPIRED", 0, "POST_ONLY_WOULD_CROSS")
    check_sums(expired.outcome)


def test_an_amend_that_crosses_the_last_fill_is_refused_by_the_venue():
    rows = [*book(1, {98: 1}, {101: 500}), trade(105, SELL, 98, 9), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(3, 99), 100: lambda ctx: ctx.amend(1, 99, 9)}, latency=10)
    assert played.order(1) == ("FILLED", 3, "OK")
    assert played.position["open_buy_lots"] == 0
    check_sums(played.outcome)


def test_an_amend_below_what_was_filled_meanwhile_is_refused_by_the_venue():
    rows = [*book(1, {98: 1}, {101: 500}), trade(105, SELL, 99, 3), depth(FAR_AWAY, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(5, 99), 100: lambda ctx: ctx.amend(1, 99, 2)}, latency=10)
    assert played.heard[-1] == (120, "PART_FILLED", 1, 2.0, "QUANTITY_BELOW_FILLED")
    check_sums(played.outcome)


# Reduce-only


def test_a_reduce_only_order_never_turns_the_position_around():
    # Two exits for one holding: what the first took is not there for the second.
    exits = [lambda ctx: ctx.sell(3, 99, reduce_only=True), lambda ctx: ctx.sell(3, 99, reduce_only=True)]
    played = play(market({101: 50}, {99: 50}), {2: lambda ctx: ctx.buy(3, 101), 10: exits}, latency=1)
    assert played.position["position_lots"] == 0
    assert played.order(3) == ("REJECTED", 0, "WOULD_INCREASE")
    check_sums(played.outcome)


def test_a_resting_reduce_only_order_gives_up_what_is_no_longer_held():
    rows = market({101: 50}, {99: 50}, trade(60, BUY, 106, 9))
    script = {2: lambda ctx: ctx.buy(3, 101), 10: lambda ctx: ctx.sell(3, 105, reduce_only=True), 20: lambda ctx: ctx.sell(2, 99)}
    played = play(rows, script)
    assert played.fills(2) == [(105, 1)]
    assert played.order(2) == ("EXPIRED", 1, "WOULD_INCREASE")
    assert played.position["position_lots"] == 0


def test_close_closes_whatever_is_held():
    played = play(market({101: 50}, {99: 50}), {2: lambda ctx: ctx.buy(3, 101), 10: lambda ctx: ctx.close()})
    assert played.position["position_lots"] == 0
    assert played.fills(2) == [(99, 3)]


# Any answers in any order

ANSWERS = [
    ORDER_ACCEPTED,
    ORDER_REJECTED,
    ORDER_EXPIRED,
    ORDER_CANCELLED,
    ORDER_REPLACED,
    ORDER_FILLED,
    CANCEL_REJECTED,
    REPLACE_REJECTED,
]
MAY_BECOME = {
    State.CREATED: {State.CREATED, State.OPEN, State.PART_FILLED, State.FILLED, State.REJECTED, State.EXPIRED, State.CANCELLED},
    State.OPEN: {State.OPEN, State.PART_FILLED, State.FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED},
    State.PART_FILLED: {State.PART_FILLED, State.FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED},
}


def ask(world, kind, order_id, side=BUY, lots=5, price=100):
    """One intent, judged at once."""
    intent = np.zeros(1, INTENT)
    intent["kind"], intent["order_id"], intent["side"], intent["qty_lots"], intent["price_ticks"] = (
        kind,
        order_id,
        side,
        lots,
        price,
    )
    world.intents[0] = intent[0]
    world.head["intents"], world.head["outbox"] = 1, 0
    judge(world.context[0])


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_answers_in_any_order_never_lose_a_lot(seed, size):
    """Late, repeated and contradictory answers: totals only grow, a final state is final, nothing stays reserved."""
    dice = random.Random(seed)
    world = make_world([ETH], b25.Limits().record(ETH), depth_kept=False, balance=0.0)
    world.books["best_bid_ticks"], world.books["best_ask_ticks"], world.books["health"] = 99, 101, 0
    finished, done, signed, submitted = np.zeros(1, ORDER), {}, 0, 0
    for _ in range(size):
        if dice.random() < 0.4:
            submitted += 1
            ask(world, SUBMIT, submitted, dice.choice([BUY, SELL]), dice.randint(1, 9))
        elif dice.random() < 0.4:
            ask(world, dice.choice([CANCEL, AMEND]), dice.randint(1, submitted + 1), lots=dice.randint(1, 12))
        live = world.orders[world.orders["state"] != 0]
        event = np.zeros(1, EVENT)
        event["kind"], event["order_id"] = dice.choice(ANSWERS), dice.randint(1, submitted + 1)
        mine = live[live["order_id"] == event["order_id"]]
        event["seq"] = mine["request_id"][0] if mine.size and dice.random() < 0.6 else dice.randint(0, 20)
        event["price_ticks"] = dice.randint(95, 105)
        most = int(mine["leaves_lots"][0]) if mine.size and event["kind"] == ORDER_FILLED else 12
        event["qty_lots"] = dice.randint(1, most)
        if mine.size and event["kind"] == ORDER_REPLACED:
            event["qty_lots"] = mine["filled_lots"][0] + dice.randint(1, 9)
        calls = apply_order(world.context[0], event[0], finished[0])
        order_id = int(event["order_id"][0])
        if not mine.size:
            assert calls == 0, "an answer about a finished order is late"
            assert finished["state"] == 0
            continue
        before, state = State(int(mine["state"][0])), int(finished["state"][0])
        if event["kind"] == ORDER_FILLED:
            signed += int(mine["side"][0]) * int(event["qty_lots"][0])
            assert calls & CALL_FILL
        now = world.orders[(world.orders["order_id"] == order_id) & (world.orders["state"] != 0)]
        after = State(state) if state else State(int(now["state"][0]))
        assert after in MAY_BECOME[before]
        if state:
            assert calls & CALL_ORDER
            assert order_id not in done
            done[order_id] = after
        else:
            answered = mine["request_id"][0] == event["seq"][0] or (
                event["kind"] == ORDER_FILLED and mine["pending"] == Pending.NEW
            )
            assert now["pending"][0] == (0 if answered else mine["pending"][0]) or mine["pending"][0] == 0
        live = world.orders[world.orders["state"] != 0]
        assert (live["filled_lots"] + live["leaves_lots"] == live["qty_lots"]).all()
        for side, name in ((BUY, "open_buy_lots"), (SELL, "open_sell_lots")):
            own = live[live["side"] == side]
            wanted = np.where(own["pending"] == 3, np.maximum(own["want_qty_lots"] - own["qty_lots"], 0), 0)
            assert world.positions[0][name] == own["leaves_lots"].sum() + wanted.sum()
        assert world.positions[0]["position_lots"] == signed
        assert world.head[0]["live_orders"] == live.size


def test_an_empty_market_is_no_price():
    assert play(
        [depth(1, BUY, 99, 5), depth(FAR_AWAY // 10, BUY, 50, 1)], {2: lambda ctx: ctx.buy(1)}, instrument=ONE
    ).refused == ["NO_MARKET"]
