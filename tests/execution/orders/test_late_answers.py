"""Answers that come when the order is over, or that say nothing of it."""

from b25.execution.orders.actions import Hold, Query, Source
from b25.execution.orders.states import OrderState
from b25.model.event import ORDER_CANCELLED
from b25.model.order import State
from b25.venue.port.outcome import Answer, Outcome, accepted
from tests.execution.orders.test_faults import COID, kinds, report, sent, told, trade

S = OrderState
SECOND_NS = 1_000_000_000


def test_the_answer_to_an_order_that_is_over_and_forgotten_changes_nothing():
    manager, order = sent()
    manager.trades_seen([trade(lots=10)], Source.WS, 1)
    assert order.complete
    assert manager.forget(2) == [order]
    for late in (accepted(report(State.FILLED, 10)), Outcome(answer=Answer.UNKNOWN), Outcome(answer=Answer.REJECTED)):
        assert manager.answered(COID, late, 3) == []
    assert not manager.halted


def test_a_cancel_that_is_only_acknowledged_is_asked_about_and_holds_nothing():
    """As of every stop: the venue says that it took the cancel, and no more."""
    manager, order = sent()
    manager.answered(COID, accepted(report()), 1)
    manager.want_cancel(COID, request_id=11, now_ns=2)
    actions = manager.cancel_answered(COID, Outcome(answer=Answer.ACCEPTED), 3)
    assert order.state is S.CANCELING
    assert kinds(actions, Query)
    assert not kinds(actions, Hold)
    manager.query_answered(COID, accepted(report()), started_ms=1, now_ns=4)  # a picture of the past
    assert order.state is S.CANCELING
    assert kinds(manager.tick(3 + SECOND_NS), Query)  # it is asked about until it has ended
    actions = manager.query_answered(COID, accepted(report(State.CANCELLED)), started_ms=9, now_ns=5 + SECOND_NS)
    assert order.state is S.CANCELED
    assert told(actions) == [ORDER_CANCELLED]
    assert not kinds(manager.tick(9 * SECOND_NS), Query)
