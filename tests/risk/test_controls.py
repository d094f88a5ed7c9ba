"""Every control in a running market: it refuses by name, a latch stays closed until it is re-armed, exits always pass."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.engine.apply import apply_order
from b25.engine.step import apply_event
from b25.engine.world import make_world
from b25.model.event import BUY, COMMAND, EVENT, ORDER_CANCELLED, ORDER_FILLED, ORDER_REJECTED, SELL
from b25.model.order import CANCEL, INTENT, MARKET, ORDER, REDUCE_ONLY, SUBMIT, Reason
from b25.model.risk import LATCHING, REARM, REASON_OF, REDUCING, SET_STATE, STOPPED, Control
from b25.risk.gate import judge
from b25.risk.status import bits_of, controls_of, decisions, risk_status
from tests.engine.runs import ONE
from tests.risk.naive_gate import NaiveGate

SECOND = 10**9
START = 1_700_000_000 * SECOND


class Desk:
    """A world at 99 / 101, played by hand."""

    def __init__(self, balance=10_000.0, **limits):
        self.limits = b25.Limits(**limits)
        self.world = make_world([ONE], self.limits.record(ONE), depth_kept=False, balance=balance)
        self.market(99, 101)
        self.at(0)

    def at(self, seconds):
        self.now_ns = START + int(seconds * SECOND)
        self.world.head["now_ns"] = self.world.context["now_ns"] = self.now_ns
        self.world.books["local_ns"] = self.world.books["exch_ns"] = self.now_ns

    def market(self, bid, ask, lots=1_000):
        book = self.world.books[0]
        book["best_bid_ticks"], book["best_ask_ticks"], book["best_bid_lots"], book["best_ask_lots"] = bid, ask, lots, lots
        book["last_trade_ticks"], book["health"] = bid, 0

    def ask_for(self, side, lots, price=0, flags=0, kind=SUBMIT, order_id=0):
        """Reason for one intent, and its verdict."""
        intent = np.zeros(1, INTENT)
        intent["kind"], intent["side"], intent["qty_lots"], intent["price_ticks"] = kind, side, lots, price
        intent["flags"] = flags if price else flags | MARKET
        intent["order_id"] = order_id or self.world.head["next_order_id"]
        self.last = int(intent["order_id"][0])
        if not order_id:
            self.world.head["next_order_id"] += 1
        self.world.intents[0] = intent[0]
        self.world.head["intents"], self.world.head["outbox"] = 1, 0
        judge(self.world.context[0])
        self.verdict = controls_of(int(self.world.verdicts[0]))
        return Reason(int(self.world.outbox["reason"][0]))

    def answer(self, kind, order_id, lots=0, price=0):
        event, done = np.zeros(1, EVENT), np.zeros(1, ORDER)
        event["kind"], event["order_id"], event["qty_lots"], event["price_ticks"] = kind, order_id, lots, price
        orders = self.world.orders
        event["seq"] = orders["request_id"][orders["order_id"] == order_id].sum()
        apply_order(self.world.context[0], event[0], done[0])

    def trade(self, side, lots, price):
        """Buy or sell, filled at once."""
        reason = self.ask_for(side, lots, price)
        if reason == Reason.OK:
            self.answer(ORDER_FILLED, self.last, lots, price)
        return reason

    def command(self, status, amount):
        event, done = np.zeros(1, EVENT), np.zeros(1, ORDER)
        event["kind"], event["status"], event["amount"], event["local_ns"] = COMMAND, status, amount, self.now_ns
        addresses = (np.uintp(a.ctypes.data) for a in (self.world.context, event, done))
        assert apply_event.code()(*addresses) == 0


def test_what_a_price_may_be():
    desk = Desk(through_max=0.02, spread_max=0.05, divergence_max=0.1)
    assert desk.ask_for(BUY, 1, 103) == Reason.OK
    assert desk.ask_for(BUY, 1, 104) == Reason.PRICE_THROUGH_MARKET
    assert desk.ask_for(SELL, 1, 97) == Reason.PRICE_THROUGH_MARKET
    desk.market(95, 105)
    assert desk.ask_for(BUY, 1, 95) == Reason.SPREAD_LIMIT
    desk.market(99, 101)
    desk.world.books["last_trade_ticks"] = 80
    assert desk.ask_for(BUY, 1, 99) == Reason.PRICE_DIVERGENCE
    desk.world.books["last_trade_ticks"] = 0
    assert desk.ask_for(BUY, 1, 99) == Reason.PRICE_DIVERGENCE  # no trade yet: nothing to compare with


def test_a_market_order_pays_no_more_than_the_book_shows():
    desk = Desk(slippage_max=0.01)
    assert desk.ask_for(BUY, 1_000) == Reason.OK
    assert desk.ask_for(BUY, 1_001) == Reason.SLIPPAGE_LIMIT
    desk.market(97, 103)
    assert desk.ask_for(SELL, 1) == Reason.SLIPPAGE_LIMIT


def test_sizes():
    desk = Desk(order_qty_max=5, adv=400, adv_share_max=0.01)
    assert desk.ask_for(BUY, 4, 99) == Reason.OK
    assert desk.ask_for(BUY, 5, 99) == Reason.ADV_SHARE_LIMIT
    assert desk.ask_for(BUY, 6, 99) == Reason.ORDER_QUANTITY_LIMIT
    assert desk.verdict == (Control.ORDER_QTY, Control.ADV_SHARE)  # both stand in the verdict


def test_old_data_and_a_wrong_clock_fail_closed():
    desk = Desk(data_age_max_s=2, clock_skew_max_s=1)
    desk.world.books["local_ns"] = desk.world.books["exch_ns"] = desk.now_ns - 2 * SECOND
    assert desk.ask_for(BUY, 1, 99) == Reason.OK
    desk.world.books["local_ns"] = desk.world.books["exch_ns"] = desk.now_ns - 2 * SECOND - 1
    assert desk.ask_for(BUY, 1, 99) == Reason.STALE_DATA
    desk.at(1)
    desk.world.books["exch_ns"] -= SECOND + 1
    assert desk.ask_for(BUY, 1, 99) == Reason.CLOCK_SKEW
    desk.world.books["exch_ns"] += 3 * SECOND
    assert desk.ask_for(BUY, 1, 99) == Reason.CLOCK_SKEW


def test_no_order_meets_one_of_ours():
    desk = Desk(no_self_cross=True)
    assert desk.ask_for(SELL, 1, 101) == Reason.OK
    assert desk.ask_for(BUY, 1, 100) == Reason.OK
    assert desk.ask_for(BUY, 1, 101) == Reason.SELF_CROSS
    assert desk.ask_for(BUY, 1) == Reason.SELF_CROSS
    assert desk.ask_for(SELL, 1, 100) == Reason.SELF_CROSS
    desk.answer(ORDER_CANCELLED, 1)
    assert desk.ask_for(BUY, 1, 101) == Reason.OK


def test_the_same_order_again_and_again():
    desk = Desk(duplicates_max=3)
    assert [desk.ask_for(BUY, 1, 99) for _ in range(4)] == [Reason.OK] * 3 + [Reason.DUPLICATE_ORDER]
    assert desk.ask_for(BUY, 1, 98) == Reason.OK
    desk.at(1)
    assert desk.ask_for(BUY, 1, 99) == Reason.OK


def test_exposure_counts_what_is_under_way():
    desk = Desk(gross_max=1_000, net_max=900)
    assert desk.ask_for(BUY, 9, 99) == Reason.OK
    assert desk.ask_for(BUY, 1, 99) == Reason.NET_LIMIT
    assert desk.ask_for(BUY, 2, 99) == Reason.GROSS_LIMIT
    assert desk.ask_for(SELL, 9, 101) == Reason.OK
    lever = Desk(balance=500.0, leverage_max=2.0, concentration_max=1.0)
    assert lever.ask_for(BUY, 5, 99) == Reason.OK
    assert lever.ask_for(BUY, 1, 99) == Reason.CONCENTRATION_LIMIT
    assert lever.ask_for(BUY, 6, 99) == Reason.CONCENTRATION_LIMIT
    assert lever.verdict == (Control.CONCENTRATION, Control.LEVERAGE)


def test_the_pace_of_requests_holds_back_neither_cancels_nor_exits():
    desk = Desk(messages_per_s_max=2)
    desk.trade(BUY, 2, 101)
    assert desk.ask_for(BUY, 1, 98) == Reason.OK
    resting = desk.last
    desk.answer(24, resting)
    assert desk.ask_for(BUY, 1, 98) == Reason.MESSAGE_RATE_LIMIT
    assert desk.ask_for(SELL, 1, 99) == Reason.OK
    assert desk.ask_for(0, 0, 1, kind=CANCEL, order_id=resting) == Reason.OK
    desk.at(0.6)
    assert desk.ask_for(BUY, 1, 98) == Reason.OK


# Latches


def test_a_loss_of_the_day_latches_until_a_person_re_arms_it():
    desk = Desk(daily_loss_max=50.0)
    assert desk.trade(BUY, 10, 101) == Reason.OK
    desk.market(96, 98)  # 40 below: the limit stands
    assert desk.ask_for(BUY, 1, 96) == Reason.OK
    assert [str(w) for w in risk_status(desk.world.risk, desk.world.limits).warnings] == ["daily_loss: 80% of the limit is used"]
    desk.market(94, 96)
    assert desk.ask_for(BUY, 1, 94) == Reason.DAILY_LOSS_LIMIT
    desk.market(120, 122)  # it came back, and changes nothing; nor does the next day
    desk.at(86_400)
    assert desk.ask_for(BUY, 1, 120) == Reason.DAILY_LOSS_LIMIT
    assert desk.trade(SELL, 4, 120) == Reason.OK
    assert risk_status(desk.world.risk, desk.world.limits).latched == (Control.DAILY_LOSS,)
    desk.command(REARM, bits_of((Control.DRAWDOWN,)))
    assert desk.ask_for(BUY, 1, 120) == Reason.DAILY_LOSS_LIMIT
    desk.command(REARM, bits_of((Control.DAILY_LOSS,)))
    assert desk.ask_for(BUY, 1, 120) == Reason.OK


def test_a_drawdown_is_measured_from_the_peak():
    desk = Desk(balance=1_000.0, drawdown_max=0.1)
    desk.trade(BUY, 10, 101)
    desk.market(140, 142)
    assert desk.ask_for(BUY, 1, 140) == Reason.OK  # 1400 is seen
    desk.market(126, 128)
    assert desk.ask_for(BUY, 1, 126) == Reason.OK
    desk.market(125, 127)
    assert desk.ask_for(BUY, 1, 125) == Reason.DRAWDOWN_LIMIT
    desk.command(REARM, bits_of((Control.DRAWDOWN,)))
    assert desk.ask_for(BUY, 1, 125) == Reason.OK  # measured anew from here
    assert desk.world.risk["peak"][0] == 1_250.0


def test_a_position_without_a_mark_fails_closed():
    desk = Desk(daily_loss_max=50.0)
    desk.trade(BUY, 10, 101)
    desk.world.books["best_ask_ticks"] = 2**31 - 1
    assert desk.ask_for(BUY, 1, 99) == Reason.EQUITY_UNKNOWN
    assert desk.ask_for(SELL, 10, 99) == Reason.OK


@pytest.mark.parametrize(("limit", "reason"), [("executions_max", "EXECUTION_LIMIT"), ("turnover_max", "TURNOVER_LIMIT")])
def test_too_many_executions_stop_the_machine(limit, reason):
    desk = Desk(**{limit: 5 if limit == "executions_max" else 500, "executions_window_s": 60})
    for k in range(30):  # one every 15 s: never more than 5 a minute
        desk.at(15 * k)
        assert desk.trade(BUY if k % 2 else SELL, 1, 100) == Reason.OK
    for k in range(10):
        desk.at(450 + k)
        found = desk.trade(BUY, 1, 100)
    assert found.name == reason
    desk.at(10_000)
    assert desk.ask_for(BUY, 1, 100).name == reason
    desk.command(REARM, bits_of(LATCHING))
    assert desk.ask_for(BUY, 1, 100) == Reason.OK


def test_a_venue_that_rejects_everything_is_left_alone():
    desk = Desk(reject_ratio_max=0.5, reject_window=10)
    for _ in range(10):
        assert desk.ask_for(BUY, 1, 99) == Reason.OK
        desk.answer(ORDER_REJECTED, desk.last)
    assert desk.ask_for(BUY, 1, 99) == Reason.REJECT_RATIO


def test_many_orders_and_no_fill():
    desk = Desk(orders_per_fill_max=5)
    assert [desk.ask_for(BUY, 1, 90 + k) for k in range(6)] == [Reason.OK] * 5 + [Reason.ORDERS_PER_FILL]
    desk.command(REARM, bits_of((Control.ORDERS_PER_FILL,)))
    assert desk.ask_for(BUY, 1, 90) == Reason.OK


def test_states():
    desk = Desk()
    desk.trade(BUY, 4, 101)
    desk.command(SET_STATE, REDUCING)
    assert desk.ask_for(BUY, 1, 99) == Reason.REDUCING
    assert desk.trade(SELL, 1, 99) == Reason.OK
    desk.command(SET_STATE, STOPPED)
    assert desk.ask_for(SELL, 1, 99) == Reason.STOPPED
    desk.command(SET_STATE, 77)  # no state at all stops
    assert risk_status(desk.world.risk, desk.world.limits).state == "stopped"
    desk.command(SET_STATE, 0)
    desk.command(5, 2)  # a command of the session is not the gate's
    assert desk.ask_for(BUY, 1, 99) == Reason.OK
    [said] = decisions(desk.world.outbox, desk.world.verdicts, 1, desk.world.limits)
    assert (said.approved, said.broken, said.reason) == (True, (), Reason.OK)


def test_every_control_has_a_reason():
    assert set(REASON_OF) == set(Control)


# Whatever is asked


NAIVE = {
    "position_max": [5], "order_value_max": [400], "collar": [0.1], "open_orders_max": [4], "order_qty_max": [3],
    "gross_max": [450], "net_max": [420], "leverage_max": [0.5], "concentration_max": [0.45], "daily_loss_max": [9.0],
    "drawdown_max": [0.01],
    "through_max": [0.02], "spread_max": [0.03], "duplicates_max": [2], "no_self_cross": [True], "orders_per_fill_max": [4],
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_gate_says_what_its_naive_twin_says_and_lets_every_exit_pass(seed):
    dice = random.Random(seed)
    names = dice.sample(sorted(NAIVE), dice.randint(0, len(NAIVE)))
    limits = {name: NAIVE[name][0] for name in names}
    if "gross_max" in limits and "order_value_max" not in limits:
        limits["order_value_max"] = 400
    desk = Desk(balance=1_000.0, **limits)
    twin = NaiveGate(1_000.0, limits)
    clock = 0.0
    for _ in range(60):
        clock += dice.choice([0, 0.1, 2, 40_000])
        desk.at(clock)
        bid = dice.randint(96, 101)
        ask = bid + dice.choice([1, 2, 2, 5])
        desk.market(bid, ask)
        act = dice.random()
        if act < 0.7:
            side, lots = dice.choice([BUY, SELL]), dice.randint(1, 6)
            price = dice.choice([0, dice.randint(80, 115)])
            only = REDUCE_ONLY if dice.random() < 0.1 else 0
            broken = twin.judge(clock, bid, ask, side, lots, price, reduce_only=only != 0)
            reason = desk.ask_for(side, lots, price, only)
            if reason == Reason.WOULD_INCREASE:
                assert broken == {"WOULD_INCREASE"}
            else:
                assert {c.name for c in desk.verdict} == broken
                assert (reason == Reason.OK) == (not broken)
            if twin.reduces(side, lots):
                assert reason in (Reason.OK, Reason.WOULD_INCREASE)
            if not broken:
                twin.took(desk.last, clock, side, lots, price, reduce_only=only != 0)
        elif twin.live:
            order_id = dice.choice(sorted(twin.live))
            order = twin.live[order_id]
            if dice.random() < 0.6:
                price = order["price"] or ask
                desk.answer(ORDER_FILLED, order_id, order["lots"], price)
                twin.filled(order_id, price)
            else:
                desk.answer(ORDER_CANCELLED, order_id)
                del twin.live[order_id]
        assert int(desk.world.positions[0]["position_lots"]) == twin.held
        if "position_max" in limits and not twin.ever_reduce_only:
            assert abs(twin.held) <= 5
