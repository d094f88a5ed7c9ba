"""The gate refuses what adds risk and cannot be judged or is too much, names the reason, and lets every exit pass."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.engine.world import make_world
from b25.model.book import CROSSED, FAR_FULL, GAP_SEEN, NO_SNAPSHOT
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.order import AMEND, INTENT, REDUCE_ONLY, SUBMIT, Reason
from b25.risk.gate import judge
from tests.engine.runs import ONE, TENTH, book, check_sums, depth, play, trade

MS = 1_000_000
NAN, INF = math.nan, math.inf


def market(*more, end_ns=200):
    return [*book(1, {99: 50, 98: 50}, {101: 50, 102: 50}), *more, depth(end_ns, BUY, 50, 1)]


def refused(*acts, limits=None, instrument=ONE, rows=None):
    """Reasons of a script that does one thing a nanosecond, from 2 ns on."""
    script = dict(enumerate(acts, 2))
    return play(rows or market(), script, limits=limits, instrument=instrument).refused


# Every reason


DOOR_AND_GATE = [
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.buy(NAN, 99)], {}),
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.buy(1, NAN)], {}),
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.buy(INF, 99)], {}),
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.sell(1, -INF)], {}),
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.buy(NAN)], {}),
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.quote(BUY, NAN, 1)], {}),
    (Reason.NOT_A_NUMBER, [lambda ctx: ctx.buy(1, 98), lambda ctx: ctx.amend(1, NAN, 1)], {}),
    (Reason.QUANTITY_NOT_POSITIVE, [lambda ctx: ctx.buy(0, 99)], {}),
    (Reason.QUANTITY_NOT_POSITIVE, [lambda ctx: ctx.sell(-1, 101)], {}),
    (Reason.QUANTITY_NOT_POSITIVE, [lambda ctx: ctx.buy(1, 98), lambda ctx: ctx.amend(1, 98, 0)], {}),
    (Reason.QUANTITY_OFF_LOT, [lambda ctx: ctx.buy(1.5, 99)], {}),
    (Reason.QUANTITY_OFF_LOT, [lambda ctx: ctx.buy(1, 98), lambda ctx: ctx.amend(1, 98, 1.5)], {}),
    (Reason.PRICE_OUT_OF_RANGE, [lambda ctx: ctx.buy(1, 0)], {}),
    (Reason.PRICE_OUT_OF_RANGE, [lambda ctx: ctx.buy(1, -99)], {}),
    (Reason.PRICE_OUT_OF_RANGE, [lambda ctx: ctx.sell(1, 1e30)], {}),
    (Reason.PRICE_OUT_OF_RANGE, [lambda ctx: ctx.buy(1, 98), lambda ctx: ctx.amend(1, 2**31, 1)], {}),
    (Reason.QUANTITY_OUT_OF_RANGE, [lambda ctx: ctx.buy(2**31 + 1, 99)], {}),
    (Reason.QUANTITY_OUT_OF_RANGE, [lambda ctx: ctx.buy(1e30, 99)], {}),
    (Reason.UNKNOWN_INSTRUMENT, [lambda ctx: ctx.buy(1, 99, i=1)], {}),
    (Reason.UNKNOWN_INSTRUMENT, [lambda ctx: ctx.buy(1, 99, i=-1)], {}),
    (Reason.SIDE_INVALID, [lambda ctx: ctx.trade(0, 1, 99)], {}),
    (Reason.UNKNOWN_ORDER, [lambda ctx: ctx.cancel(7)], {}),
    (Reason.UNKNOWN_ORDER, [lambda ctx: ctx.amend(7, 98, 1)], {}),
    (Reason.REQUEST_PENDING, [lambda ctx: ctx.buy(1, 98), lambda ctx: [ctx.cancel(1), ctx.cancel(1)]], {}),
    (Reason.REQUEST_PENDING, [lambda ctx: ctx.buy(1, 98), lambda ctx: [ctx.amend(1, 97, 1), ctx.cancel(1)]], {}),
    (Reason.POSITION_LIMIT, [lambda ctx: ctx.buy(4, 98)], {"position_max": 3}),
    (Reason.POSITION_LIMIT, [lambda ctx: ctx.buy(3, 98), lambda ctx: ctx.amend(1, 98, 4)], {"position_max": 3}),
    (Reason.ORDER_VALUE_LIMIT, [lambda ctx: ctx.buy(11, 98)], {"order_value_max": 1_000}),
    (Reason.ORDER_VALUE_LIMIT, [lambda ctx: ctx.buy(10)], {"order_value_max": 1_000}),
    (Reason.PRICE_COLLAR, [lambda ctx: ctx.buy(1, 89)], {"collar": 0.1}),
    (Reason.PRICE_COLLAR, [lambda ctx: ctx.sell(1, 111)], {"collar": 0.1}),
    (Reason.PRICE_COLLAR, [lambda ctx: ctx.buy(1, 98), lambda ctx: ctx.amend(1, 80, 1)], {"collar": 0.1}),
    (Reason.RATE_LIMIT, [lambda ctx: [ctx.buy(1, 98), ctx.buy(1, 98)]], {"orders_per_s_max": 1}),
    (Reason.WOULD_INCREASE, [lambda ctx: ctx.buy(1, 98, reduce_only=True)], {}),
    (Reason.CONFLICTING_FLAGS, [lambda ctx: ctx.buy(1, 98, tif=b25.IOC, post_only=True)], {}),
    (Reason.CONFLICTING_FLAGS, [lambda ctx: ctx.buy(1, post_only=True)], {}),
    (Reason.OPEN_ORDERS_LIMIT, [lambda ctx: [ctx.buy(1, 98), ctx.sell(1, 102), ctx.buy(1, 97)]], {"open_orders_max": 2}),
]


@pytest.mark.parametrize(("reason", "acts", "limits"), DOOR_AND_GATE)
def test_a_refusal_names_its_reason(reason, acts, limits):
    assert refused(*acts, limits=b25.Limits(**limits)) == [reason.name]


def test_a_market_without_a_price_fails_closed():
    one_sided = [depth(1, BUY, 99, 5), depth(200, BUY, 50, 1)]
    assert refused(lambda ctx: ctx.buy(1), rows=one_sided) == ["NO_MARKET"]
    assert refused(lambda ctx: ctx.buy(1, 98), rows=one_sided) == []
    # A collar needs a mid to measure from.
    assert refused(lambda ctx: ctx.buy(1, 98), rows=one_sided, limits=b25.Limits(collar=0.5)) == ["NO_MARKET"]
    empty = [trade(1, BUY, 99, 5), depth(200, BUY, 50, 1)]
    assert refused(lambda ctx: ctx.buy(1, 98), rows=empty) == ["NO_MARKET"]


def test_an_order_below_the_venues_minimum_value_is_refused_unless_it_only_reduces():
    small = Instrument(venue="sim", symbol="ONE/USD", tick=1, lot=1, min_notional=500)
    assert refused(lambda ctx: ctx.buy(5, 99), instrument=small) == ["MIN_NOTIONAL"]
    exit_passes = (lambda ctx: ctx.buy(6, 101), lambda ctx: None, lambda ctx: ctx.sell(1, 99, reduce_only=True))
    assert refused(*exit_passes, instrument=small) == []


def test_a_full_order_table_refuses():
    hundreds = [lambda ctx: [ctx.buy(1, 97) for _ in range(250)]] * 4
    assert refused(*hundreds, lambda ctx: [ctx.buy(1, 97) for _ in range(25)]) == ["ORDER_TABLE_FULL"]


def test_an_amend_below_what_is_filled_is_refused_here_when_it_is_known():
    rows = market(trade(10, SELL, 98, 60))
    script = {2: lambda ctx: ctx.buy(3, 99), 3: lambda ctx: ctx.buy(20, 98), 12: lambda ctx: ctx.amend(2, 98, 10)}
    played = play(rows, script)
    assert played.order(2) == ("PART_FILLED", 10, "OK")
    assert played.refused == ["QUANTITY_BELOW_FILLED"]


# These are said by the venue, or by nobody yet.
BY_THE_VENUE = {Reason.POST_ONLY_WOULD_CROSS, Reason.NOTHING_TO_MATCH, Reason.CANCEL_REQUESTED}
UNUSED = {Reason.END_OF_DATA, Reason.NOT_SUPPORTED}
IN_CONTROLS = {Reason(k) for k in range(Reason.STOPPED, len(Reason))} | {Reason.SELF_CROSS}  # test_controls.py, test_selftest.py
ON_BARS = {
    Reason.STOP_WRONG_SIDE,
    Reason.INSUFFICIENT_FUNDS,
    Reason.SHORT_NOT_ALLOWED,
    Reason.WARMING_UP,
    Reason.LIQUIDATED,
}  # tests/engine/test_bar_runs.py, test_bar_money.py, test_bar_time.py
BELOW = {Reason.NO_MARKET, Reason.BOOK_SUSPECT, Reason.MIN_NOTIONAL, Reason.ORDER_TABLE_FULL, Reason.QUANTITY_BELOW_FILLED}


def test_every_reason_has_its_test():
    assert {case[0] for case in DOOR_AND_GATE} | BY_THE_VENUE | UNUSED | IN_CONTROLS | ON_BARS | BELOW | {Reason.OK} == set(
        Reason
    )


# Limits


@pytest.mark.parametrize(
    ("limits", "holds", "breaks"),
    [
        (b25.Limits(position_max=3), lambda ctx: ctx.buy(3, 98), lambda ctx: ctx.buy(4, 98)),
        (b25.Limits(order_value_max=980), lambda ctx: ctx.buy(10, 98), lambda ctx: ctx.buy(10, 99)),
        (b25.Limits(collar=0.1), lambda ctx: ctx.buy(1, 90), lambda ctx: ctx.buy(1, 89)),
        (b25.Limits(open_orders_max=1), lambda ctx: ctx.buy(1, 98), lambda ctx: [ctx.buy(1, 98), ctx.buy(1, 98)]),
    ],
)
def test_a_limit_holds_at_its_very_value(limits, holds, breaks):
    assert refused(holds, limits=limits) == []
    assert len(refused(breaks, limits=limits)) == 1


@pytest.mark.golden("G15")
def test_a_burst_is_approved_up_to_its_size_and_an_exit_passes():
    limits = b25.Limits(orders_per_s_max=10, orders_burst_max=10)
    second = 1_000 * MS
    rows = [*book(1, {99: 50, 98: 50}, {101: 50}), depth(5 * second, BUY, 50, 1)]
    script = {
        1 + 100 * MS: lambda ctx: ctx.buy(1, 101),
        1 + 2 * second: [lambda ctx: [ctx.buy(1, 98) for _ in range(15)], lambda ctx: ctx.sell(1, 103)],
        # Tokens come back in event time: one in 100 ms.
        1 + 2 * second + 100 * MS: lambda ctx: [ctx.buy(1, 98), ctx.buy(1, 98)],
    }
    played = play(rows, script, limits=limits, step_ns=100 * MS)
    reasons = [Reason(int(r)).name for r in played.outcome.effects["reason"]]
    assert reasons[1:17] == ["OK"] * 10 + ["RATE_LIMIT"] * 5 + ["OK"]
    assert reasons[17:] == ["OK", "RATE_LIMIT"]


@pytest.mark.golden("G15")
def test_a_batch_is_counted_one_by_one():
    played = play(market(), {2: lambda ctx: [ctx.buy(1, 98) for _ in range(4)]}, limits=b25.Limits(position_max=3))
    assert [int(r) for r in played.outcome.effects["reason"]] == [0, 0, 0, Reason.POSITION_LIMIT]


@pytest.mark.golden("G15")
def test_at_the_limit_an_exit_passes_and_an_addition_does_not():
    script = {2: lambda ctx: ctx.buy(1.0, 101), 5: lambda ctx: ctx.sell(0.5, 110), 6: lambda ctx: ctx.buy(0.1, 99)}
    played = play(market(), script, limits=b25.Limits(position_max=1), instrument=TENTH)
    assert played.refused == ["POSITION_LIMIT"]
    assert played.order(2)[0] == "OPEN"


@pytest.mark.golden("G16")
def test_with_every_limit_breached_only_what_reduces_passes():
    limits = b25.Limits(position_max=1, orders_per_s_max=1, order_value_max=101, collar=0.02, open_orders_max=1)
    script = {
        2: lambda ctx: ctx.buy(1.0, 101),
        5: lambda ctx: ctx.buy(0.1, 99),
        6: lambda ctx: ctx.sell(1.1, 99),
        7: lambda ctx: ctx.sell(1.0, 99, reduce_only=True),
    }
    played = play(market(), script, limits=limits, instrument=TENTH)
    reasons = [int(r) for r in played.outcome.effects["reason"]]
    assert reasons[0] == reasons[3] == 0
    assert reasons[1] != 0
    assert reasons[2] != 0
    assert played.position["position_lots"] == 0


def test_what_is_under_way_counts_twice_exits_do_not_add_up_to_a_reversal():
    # Long 3, one exit of 3 rests: a second one would carry through zero, and is judged as an addition.
    script = {2: lambda ctx: ctx.buy(3, 101), 5: lambda ctx: [ctx.sell(3, 105), ctx.sell(4, 105)]}
    assert play(market(), script, limits=b25.Limits(position_max=3)).refused == ["POSITION_LIMIT"]


# A sick book


def judged(health, *, held, side, lots, flags=0, kind=SUBMIT, order_id=1):
    """The gate's reason for one order while the book is in some state of health."""
    world = make_world([ONE], b25.Limits().record(ONE), depth_kept=False, balance=0.0)
    world.books["best_bid_ticks"], world.books["best_ask_ticks"], world.books["health"] = 99, 101, health
    world.positions["position_lots"] = held
    intent = np.zeros(1, INTENT)
    intent["kind"], intent["order_id"], intent["side"], intent["qty_lots"] = kind, order_id, side, lots
    intent["price_ticks"], intent["flags"] = 100, flags
    world.intents[0] = intent[0]
    world.head["intents"] = 1
    judge(world.context[0])
    assert world.head["intents"][0] == 0
    assert world.head["outbox"][0] == 1
    return Reason(int(world.outbox["reason"][0]))


@pytest.mark.parametrize("health", [NO_SNAPSHOT, GAP_SEEN, CROSSED, FAR_FULL, NO_SNAPSHOT | GAP_SEEN])
def test_a_suspect_book_refuses_what_adds_risk_and_lets_exits_pass(health):
    assert judged(health, held=0, side=BUY, lots=1) == Reason.BOOK_SUSPECT
    assert judged(health, held=2, side=BUY, lots=1) == Reason.BOOK_SUSPECT
    assert judged(health, held=2, side=SELL, lots=3) == Reason.BOOK_SUSPECT
    assert judged(health, held=2, side=SELL, lots=2) == Reason.OK
    assert judged(health, held=-2, side=BUY, lots=2, flags=REDUCE_ONLY) == Reason.OK
    assert judged(0, held=0, side=BUY, lots=1) == Reason.OK


def test_a_reduce_only_order_larger_than_the_position_passes_a_sick_book():
    assert judged(GAP_SEEN, held=2, side=SELL, lots=3, flags=REDUCE_ONLY) == Reason.OK


def test_a_refusal_leaves_no_trace_in_the_world():
    assert judged(0, held=0, side=BUY, lots=0, kind=AMEND, order_id=9) == Reason.UNKNOWN_ORDER
    played = play(market(), {2: lambda ctx: ctx.buy(1, 98, reduce_only=True)})
    assert played.position["open_buy_lots"] == 0
    head = played.outcome.world.head[0]
    assert (head["submits"], head["refused"], head["live_orders"]) == (0, 1, 0)


# Whatever is asked


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_the_position_never_leaves_its_limit(seed):
    """Random orders, cancels and amends in a market that trades all the time."""
    dice = random.Random(seed)
    rows = book(1, {t: 9 for t in range(90, 100)}, {t: 9 for t in range(101, 110)})
    for at in range(3, 150):
        side = dice.choice([BUY, SELL])
        ticks = dice.randint(95, 100) if side == BUY else dice.randint(101, 105)
        if dice.random() < 0.5:
            rows.append(trade(at, -side, ticks, dice.randint(1, 20)))
        else:
            rows.append(depth(at, side, ticks, dice.randint(1, 9)))
    script = {}
    for at in range(2, 150):
        side, price, lots = dice.choice([BUY, SELL]), dice.randint(95, 105), dice.randint(1, 5)
        target = dice.randint(1, at)
        script[at] = dice.choice(
            [
                lambda ctx, s=side, p=price, q=lots: ctx.trade(s, q, p),
                lambda ctx, s=side, q=lots: ctx.trade(s, q),
                lambda ctx, t=target: ctx.cancel(t),
                lambda ctx, t=target, p=price, q=lots: ctx.amend(t, p, q),
            ]
        )
    played = play(rows, script, limits=b25.Limits(position_max=5), latency=dice.choice([0, 3]))
    assert (abs(played.outcome.fills["position_lots"]) <= 5).all()
    check_sums(played.outcome)
