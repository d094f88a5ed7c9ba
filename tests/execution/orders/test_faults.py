"""Each fault of the list of orders and fills, one at a time: what is known after it, and what is asked for."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b25.execution.orders.actions import Alarm, Book, Halt, Hold, PullTrades, Query, SendCancel, Source, Tell
from b25.execution.orders.order_table import OrderPolicy
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.reconciling import reconcile_open
from b25.execution.orders.states import FOLLOWS, PROJECTED, TERMINAL, OrderState
from b25.model.event import BUY, CANCEL_REJECTED, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED, ORDER_REJECTED
from b25.model.instrument import Instrument
from b25.model.order import State
from b25.venue.port.outcome import Answer, Outcome, Reaction, Scope, accepted, not_sent
from b25.venue.port.reports import OrderReport, TradeReport
from b25.venue.port.requests import NewOrder

S = OrderState
SYMBOL, COID = "BTC/USDT", "b25-00000-a-0"
INSTRUMENT = Instrument(venue="binance", symbol=SYMBOL, tick="0.01", lot="0.001")
UNKNOWN = Outcome(answer=Answer.UNKNOWN, http=503, code=-1007)
NOBODY = Outcome(answer=Answer.QUERY, http=400, code=-2013)


def new(**changes):
    return NewOrder(
        **({"symbol": SYMBOL, "client_id": COID, "side": BUY, "qty_lots": 10, "price_ticks": 100, "sign_ms": 1_000} | changes)
    )


def report(state=State.OPEN, filled=0, **changes):
    base = OrderReport(
        symbol=SYMBOL, venue_id="7", client_id=COID, state=state, side=BUY, qty=Decimal("0.010"),
        filled=INSTRUMENT.quantity(filled), price=Decimal("1.00"),
    )  # fmt: skip
    return replace(base, **changes)


def trade(trade_id="1", lots=4, **changes):
    base = TradeReport(
        symbol=SYMBOL, trade_id=trade_id, venue_id="7", side=BUY, price=Decimal("1.00"), qty=INSTRUMENT.quantity(lots),
        fee=Decimal(0), fee_asset="USDT", maker=True, time_ms=5, client_id=COID,
    )  # fmt: skip
    return replace(base, **changes)


def sent(policy=None, **changes):
    manager = OrderManager({SYMBOL: INSTRUMENT}, policy)
    manager.intend(new(**changes), order_id=5, request_id=9, now_ns=0)
    manager.sending(COID, 0)
    return manager, manager.orders[COID]


def kinds(actions, of):
    return [action for action in actions if isinstance(action, of)]


def told(actions):
    return [action.kind for action in kinds(actions, Tell)]


def alarms(actions):
    return [action.kind for action in kinds(actions, Alarm)]


def test_f_or_01_a_timeout_is_unknown_holds_the_symbol_and_is_asked_for():
    manager, order = sent()
    actions = manager.answered(COID, UNKNOWN, 1)
    assert order.state is S.UNKNOWN
    assert kinds(actions, Hold)
    assert told(actions) == []
    assert manager.refuses(new(client_id="b25-00000-a-1"))
    assert not manager.refuses(new(client_id="b25-00000-a-1", reduce_only=True))
    assert kinds(manager.tick(10**9), Query)
    actions = manager.query_answered(COID, accepted(report()), started_ms=1_100, now_ns=2 * 10**9)
    assert order.state is S.NEW
    assert told(actions) == [ORDER_ACCEPTED]
    assert not manager.refuses(new(client_id="b25-00000-a-1"))


def test_f_or_01_absence_needs_two_questions_after_the_bound_a_second_apart():
    manager, order = sent()
    manager.answered(COID, UNKNOWN, 1)
    for started_ms in (2_000, 5_000, 5_001, 6_000):
        manager.query_answered(COID, NOBODY, started_ms=started_ms, now_ns=started_ms * 10**6)
        assert order.state is S.UNKNOWN
    actions = manager.query_answered(COID, NOBODY, started_ms=6_001, now_ns=6_001 * 10**6)
    assert order.state is S.NOT_ACCEPTED
    assert told(actions) == [ORDER_REJECTED]


def test_found_after_declared_absent_alarms_holds_and_cancels():
    manager, order = sent()
    manager.answered(COID, UNKNOWN, 1)
    for started_ms in (6_000, 8_000):
        manager.query_answered(COID, NOBODY, started_ms=started_ms, now_ns=1)
    actions = manager.seen(report(), Source.WS, 2)
    assert "FOUND_AFTER_ABSENT" in alarms(actions)
    assert kinds(actions, SendCancel)
    assert order.is_live
    assert manager.refuses(new(client_id="b25-00000-a-1"))
    actions = manager.trades_seen([trade()], Source.WS, 3)
    assert kinds(actions, Book)
    assert kinds(actions, Tell)[0].order_id == 0  # the world was told that there is no such order


def test_f_or_02_a_refusal_is_terminal():
    manager, order = sent()
    actions = manager.answered(COID, Outcome(answer=Answer.REJECTED, http=400, code=-2010, text="no money"), 1)
    assert order.state is S.REJECTED
    assert told(actions) == [ORDER_REJECTED]
    assert actions[0].code == -2010


def test_f_or_02_a_refusal_that_an_event_contradicts_is_asked_about():
    manager, order = sent()
    manager.seen(report(), Source.WS, 1)
    actions = manager.answered(COID, Outcome(answer=Answer.REJECTED, code=-2010), 2)
    assert order.state is S.NEW
    assert kinds(actions, Query)
    assert "CONTRADICTION" in alarms(actions)


def test_f_or_03_a_ban_halts():
    manager, order = sent()
    actions = manager.answered(COID, Outcome(answer=Answer.NOT_SENT, scope=Scope.ACCOUNT, reaction=Reaction.HALT), 1)
    assert kinds(actions, Halt)
    assert order.state is S.NOT_SENT
    assert "halted" in manager.refuses(new(client_id="b25-00000-a-1", reduce_only=True))


def test_f_or_05_a_fill_while_the_cancel_is_under_way():
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    manager.want_cancel(COID, request_id=11, now_ns=2)
    assert order.state is S.CANCELING
    manager.trades_seen([trade(lots=4)], Source.WS, 3)
    assert order.state is S.CANCELING
    manager.seen(report(), Source.WS, 3)  # an old picture does not end the cancel
    assert order.state is S.CANCELING
    actions = manager.cancel_answered(COID, accepted(report(State.CANCELLED, 6)), 4)
    assert order.state is S.CANCELED
    assert told(actions) == []  # two lots are executed that we have no trade for
    assert kinds(actions, PullTrades)
    actions = manager.trades_seen([trade("2", lots=2)], Source.RECON, 5)
    assert told(actions) == [ORDER_FILLED, ORDER_CANCELLED]
    assert alarms(actions) == []
    assert order.complete


def test_f_or_06_a_refused_cancel_is_not_the_end():
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    manager.want_cancel(COID, request_id=11, now_ns=2)
    manager.cancel_answered(COID, Outcome(answer=Answer.QUERY, code=-2011), 3)
    assert order.state is S.UNKNOWN_CANCEL
    actions = manager.query_answered(COID, accepted(report(State.FILLED, 10)), started_ms=1, now_ns=4)
    assert order.state is S.FILLED
    assert kinds(actions, PullTrades)
    assert not order.complete


def test_f_or_06_a_frozen_account_halts_and_leaves_the_order_as_it_is():
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    manager.want_cancel(COID, request_id=11, now_ns=2)
    frozen = Outcome(answer=Answer.REJECTED, code=-2011, scope=Scope.ACCOUNT, reaction=Reaction.HALT)
    actions = manager.cancel_answered(COID, frozen, 3)
    assert order.state is S.NEW
    assert kinds(actions, Halt)
    assert CANCEL_REJECTED in told(actions)


def test_a_cancel_that_was_never_sent_leaves_the_order_open():
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    manager.want_cancel(COID, request_id=11, now_ns=2)
    actions = manager.cancel_answered(COID, not_sent("no budget"), 3)
    assert order.state is S.NEW
    assert told(actions) == [CANCEL_REJECTED]


def test_f_or_07_a_trade_counts_once():
    manager, order = sent()
    assert len(kinds(manager.trades_seen([trade(), trade()], Source.WS, 1), Book)) == 1
    assert manager.trades_seen([trade(client_id="")], Source.RECON, 2) == []
    assert order.booked_lots == 4


def test_f_or_08_a_fill_comes_before_the_acknowledgement():
    manager, order = sent()
    actions = manager.trades_seen([trade(lots=10)], Source.WS, 1)
    assert told(actions) == [ORDER_ACCEPTED, ORDER_FILLED]
    assert order.state is S.FILLED
    assert told(manager.answered(COID, accepted(report()), 2)) == []
    assert order.state is S.FILLED


def test_f_or_08_a_trade_without_our_id_waits_for_the_order_it_belongs_to():
    manager, order = sent()
    manager.answered(COID, UNKNOWN, 1)
    actions = manager.trades_seen([trade(client_id="")], Source.RECON, 2)
    assert kinds(actions, Book) == []
    assert kinds(actions, Query)
    actions = manager.query_answered(COID, accepted(report(State.PART_FILLED, 4)), started_ms=1, now_ns=3)
    assert len(kinds(actions, Book)) == 1
    assert order.booked_lots == 4
    assert order.state is S.PARTIAL


def test_f_or_09_a_fill_after_the_end_is_booked_late():
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    manager.seen(report(State.CANCELLED), Source.WS, 2)
    actions = manager.trades_seen([trade()], Source.WS, 3)
    assert order.state is S.CANCELED
    assert kinds(actions, Book)[0].late
    assert "LATE_FILL" in alarms(actions)
    assert kinds(actions, Tell)[0].order_id == 0


def test_f_or_10_missing_trades_are_pulled_until_they_are_there():
    manager, order = sent()
    assert kinds(manager.answered(COID, accepted(report(State.FILLED, 10)), 0), PullTrades)
    assert kinds(manager.tick(1 * 10**9), PullTrades)
    manager.trades_seen([trade(lots=4)], Source.RECON, 1)
    assert kinds(manager.tick(9 * 10**9), PullTrades)
    manager.trades_seen([trade("2", lots=6)], Source.RECON, 1)
    assert order.complete
    assert kinds(manager.tick(30 * 10**9), PullTrades) == []


def test_f_or_12_an_acknowledged_order_that_the_venue_forgets_is_lost_and_counts():
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    actions = reconcile_open(manager, [], Source.RECON, started_ns=5, now_ns=5)
    assert kinds(actions, Query)
    for started_ms in (9_000, 10_500):
        actions = manager.query_answered(COID, NOBODY, started_ms=started_ms, now_ns=6)
    assert order.state is S.LOST
    assert "LOST" in alarms(actions)
    assert order.is_live
    assert manager.refuses(new(client_id="b25-00000-a-1"))


@pytest.mark.parametrize(("policy", "acts"), [("ignore", set()), ("alarm", {Alarm, Hold}), ("cancel", {Alarm, Hold, SendCancel})])
def test_f_or_13_foreign_orders_by_policy(policy, acts):
    manager = OrderManager({SYMBOL: INSTRUMENT}, OrderPolicy(foreign=policy))
    actions = reconcile_open(manager, [report(client_id="web_1", venue_id="3")], Source.RECON, started_ns=1, now_ns=1)
    assert {type(action) for action in actions} == acts


def test_f_or_13_an_order_with_our_prefix_is_adopted_and_can_be_cancelled():
    manager = OrderManager({SYMBOL: INSTRUMENT})
    actions = reconcile_open(manager, [report(State.PART_FILLED, 4)], Source.BOOT, started_ns=1, now_ns=1)
    order = manager.orders[COID]
    assert order.state is S.PARTIAL
    assert "ADOPTED" in alarms(actions)
    assert kinds(actions, PullTrades)
    assert kinds(manager.want_cancel(COID, request_id=-1, now_ns=2), SendCancel)


def test_f_or_16_a_trade_of_no_order_of_ours_is_booked_and_holds():
    manager = OrderManager({SYMBOL: INSTRUMENT})
    actions = manager.trades_seen([trade(client_id="autoclose-1")], Source.WS, 1)
    assert kinds(actions, Book)[0].coid == ""
    assert "UNEXPECTED_FILL" in alarms(actions)
    assert manager.refuses(new())


def test_more_than_was_asked_halts_and_is_booked():
    manager, _ = sent()
    actions = manager.trades_seen([trade(lots=11)], Source.WS, 1)
    assert kinds(actions, Halt)
    assert kinds(actions, Book)


def test_a_status_that_nobody_knows_holds_and_changes_nothing():
    manager, order = sent()
    actions = manager.seen(report(State.UNKNOWN), Source.WS, 1)
    assert order.state is S.SENDING
    assert "UNKNOWN_STATUS" in alarms(actions)


def test_an_order_is_forgotten_only_when_complete_and_reconciled():
    manager, _ = sent()
    manager.answered(COID, accepted(report(State.FILLED, 10)), 1)
    assert manager.forget(100) == []
    manager.trades_seen([trade(lots=10)], Source.RECON, 2)
    assert manager.forget(1) == []
    assert [order.coid for order in manager.forget(100)] == [COID]


def test_every_state_is_projected_and_nothing_follows_an_end_but_a_finding():
    assert set(PROJECTED) == set(FOLLOWS) == set(S)
    assert all(FOLLOWS[state] <= {S.LOST} for state in TERMINAL)
