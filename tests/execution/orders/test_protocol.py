"""Which protocol is safe for one ambiguous POST: every case of a small world, for ours and for four that are not."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product

import pytest

from b25.execution.orders.actions import Query
from b25.execution.orders.order_table import OrderPolicy
from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.states import OrderState
from b25.model.event import BUY
from b25.model.instrument import Instrument
from b25.model.order import State
from b25.venue.port.outcome import Answer, Outcome, accepted
from b25.venue.port.reports import OrderReport
from b25.venue.port.requests import NewOrder

LOST = None
WINDOW, LAG_MAX, TIMEOUT = 3, 2, 1
TICK_MS = 1_000
CASES = list(
    product(
        ("none", "before intent", "after intent", "after send"), (LOST, *range(6)), (True, False), range(3), (LOST, *range(6))
    )
)
INSTRUMENT = Instrument(venue="binance", symbol="BTC/USDT", tick="0.01", lot="0.001")


@dataclass
class Venue:
    """It fills at once, so that the client id is free again: a second POST with it trades a second time."""

    lag: int
    arrivals: list[int] = field(default_factory=list)

    def post(self, sent: int, delay: int | None) -> bool:
        taken = delay is not LOST and delay <= WINDOW
        if taken:
            self.arrivals.append(sent + delay)
        return taken

    def found(self, at: int) -> bool:
        return any(arrival + self.lag <= at for arrival in self.arrivals)


def run(protocol, crash, delay, answered, lag, resend):
    """Executions at the venue, and whether we know of one."""
    venue = Venue(lag)
    if crash in ("before intent", "after intent"):
        return venue, False
    taken = venue.post(0, delay)
    heard = taken and answered and delay <= TIMEOUT and crash == "none"
    return protocol(venue, heard, resend, crash)


def no_intent_log(venue, heard, resend, crash):
    return venue, heard


def blind_retry(venue, heard, resend, crash):
    if not heard:
        venue.post(TIMEOUT, resend)
    return venue, True


def query_then_resend(at):
    def protocol(venue, heard, resend, crash):
        if not heard and not venue.found(at):
            venue.post(at, resend)
        return venue, True

    return protocol


def counts(protocol):
    runs = [run(protocol, *case) for case in CASES]
    doubles = sum(len(venue.arrivals) > 1 for venue, _ in runs)
    orphans = sum(bool(venue.arrivals) and not known for venue, known in runs)
    return len(CASES), doubles, orphans


@pytest.mark.parametrize(
    ("protocol", "doubles", "orphans"),
    [
        (no_intent_log, 0, 294),
        (blind_retry, 168, 0),
        (query_then_resend(TIMEOUT), 132, 0),
        (query_then_resend(WINDOW + 1), 16, 0),
        (query_then_resend(WINDOW + LAG_MAX + 1), 0, 0),
    ],
)
def test_naive_protocols_double_or_lose_orders(protocol, doubles, orphans):
    assert counts(protocol) == (1176, doubles, orphans)


def new_order():
    return NewOrder(
        symbol="BTC/USDT",
        client_id="b25-00000-a-0",
        side=BUY,
        qty_lots=1,
        price_ticks=100,
        sign_ms=1,
        recv_window_ms=WINDOW * TICK_MS,
    )


def filled():
    return OrderReport(
        symbol="BTC/USDT",
        venue_id="7",
        client_id="b25-00000-a-0",
        state=State.FILLED,
        side=BUY,
        qty=Decimal("0.001"),
        filled=Decimal("0.001"),
    )


def ours(crash, delay, answered, lag):
    """The real order manager in the same world, with its own intent, doubt, questions and proof."""
    venue, sends = Venue(lag), 0
    policy = OrderPolicy(margin_ms=LAG_MAX * TICK_MS)
    manager = OrderManager({"BTC/USDT": INSTRUMENT}, policy)
    if crash == "before intent":
        return venue, manager, sends
    manager.intend(new_order(), order_id=1, request_id=1, now_ns=0)
    stored = OrderState.INTENT
    if crash != "after intent":
        manager.sending(new_order().client_id, 0)
        stored, sends = OrderState.SENDING, 1
        taken = venue.post(0, delay)
        if crash == "none":
            heard = taken and answered and delay <= TIMEOUT
            outcome = accepted(filled()) if heard else Outcome(answer=Answer.UNKNOWN)
            manager.answered(new_order().client_id, outcome, TIMEOUT * 10**9)
    if crash != "none":
        manager = OrderManager({"BTC/USDT": INSTRUMENT}, policy)
        manager.restore(OwnOrder(new_order(), order_id=1, request_id=1, state=stored), TIMEOUT * 10**9)
    for at_ns in range(TIMEOUT * 10**9, 40 * 10**9, 10**8):
        for action in manager.tick(at_ns):
            if isinstance(action, Query):
                found = venue.found(at_ns // 10**9)
                answer = accepted(filled()) if found else Outcome(answer=Answer.QUERY)
                manager.query_answered(action.coid, answer, started_ms=at_ns // 10**6, now_ns=at_ns)
    return venue, manager, sends


def test_the_order_manager_neither_doubles_nor_loses_one():
    for crash, delay, answered, lag, _ in CASES:
        venue, manager, sends = ours(crash, delay, answered, lag)
        assert len(venue.arrivals) <= 1
        assert sends <= 1
        order = manager.orders.get(new_order().client_id)
        if order is None:
            assert not venue.arrivals
            continue
        known = order.state is OrderState.FILLED
        assert known == bool(venue.arrivals), (crash, delay, answered, lag, order.state)
        assert order.state in (OrderState.FILLED, OrderState.NOT_ACCEPTED, OrderState.NOT_SENT)
