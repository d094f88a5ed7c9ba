"""Changes of resting orders: asked once, and done only when the venue shows the order as it was wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from b25.execution.orders.actions import Action, Query, Record, Source, Tell
from b25.execution.orders.order_trades import OrderTrades
from b25.execution.orders.own_order import Amending, OwnOrder
from b25.execution.orders.reasons import reason_of
from b25.execution.orders.states import AT_VENUE, TERMINAL, OrderState
from b25.model.event import ORDER_REPLACED, REPLACE_REJECTED
from b25.model.order import Reason, State
from b25.venue.port.outcome import Answer, Outcome, Reaction
from b25.venue.port.reports import OrderReport

S = OrderState
DONE: Final = S.NEW  # of a change's own intent
REFUSED: Final = S.REJECTED
ENDED: Final = frozenset({State.FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED})


class OrderAmends(OrderTrades):
    """The part of the order manager that changes orders in place."""

    def may_amend(self, coid: str) -> str:
        """Why an order cannot be changed now; empty when it can."""
        order = self.orders.get(coid)
        if order is None or order.state in TERMINAL:
            return "the order is over"
        if order.amending is not None or order.cancel_wanted:
            return "another request of it is under way"
        if order.state not in AT_VENUE:
            return "the venue has not told that it has it"
        return "a waiting stop cannot be changed" if order.conditional else ""

    def amend(self, coid: str, wanted: Amending) -> None:
        """Take a change whose intent is durable: it is sent next."""
        self.orders[coid].amending = wanted

    def amend_answered(self, coid: str, outcome: Outcome[OrderReport], now_ns: int) -> list[Action]:
        """What a change came to. Only a definite answer, or the order as the venue shows it, ends the asking."""
        order = self.orders.get(coid)
        if order is None or order.amending is None:
            return []
        actions = self._reactions(order.symbol, outcome) if outcome.reaction is not Reaction.NONE else []
        if outcome.answer is Answer.ACCEPTED and outcome.value is not None:
            return actions + self._changed(order, outcome.value, Source.REST) + self._ask(order, now_ns)
        if outcome.is_definite and outcome.answer is not Answer.ACCEPTED:
            return actions + self._unchanged(order, Source.REST, reason_of(outcome), outcome.text) + self._ask(order, now_ns)
        order.next_query_ns = now_ns
        return [*actions, Query(coid, order.ref)]

    def _changed(self, order: OwnOrder, report: OrderReport, source: Source) -> list[Action]:
        """Take the order as a report shows it, when that is as it was wanted."""
        wanted = order.amending
        if wanted is None or report.price is None:
            return []
        instrument = self.instruments[order.symbol]
        if report.price != instrument.price(wanted.price_ticks) or report.qty != instrument.quantity(wanted.qty_lots):
            return []
        order.amending = None
        order.new = replace(order.new, price_ticks=wanted.price_ticks, qty_lots=wanted.qty_lots)
        actions: list[Action] = [Record(wanted.coid, DONE, source, 0, order.venue_id, report.update_ms)]
        facts: dict[str, Any] = {"request_id": wanted.request_id, "side": order.new.side, "coid": order.coid}
        facts |= {"price_ticks": wanted.price_ticks, "qty_lots": wanted.qty_lots}
        if order.order_id and not order.told_end:
            actions.append(Tell(ORDER_REPLACED, order.order_id, order.symbol, **facts))
        return [*actions, *wanted.held]

    def _unchanged(self, order: OwnOrder, source: Source, reason: Reason, text: str) -> list[Action]:
        """The change was refused, or can no longer happen."""
        wanted = order.amending
        if wanted is None:
            return []
        order.amending = None
        actions: list[Action] = [Record(wanted.coid, REFUSED, source, 0, text=text)]
        if order.order_id and not order.told_end:
            facts: dict[str, Any] = {"request_id": wanted.request_id, "side": order.new.side, "coid": order.coid}
            actions.append(Tell(REPLACE_REJECTED, order.order_id, order.symbol, reason=reason, **facts))
        return [*actions, *wanted.held]

    def _amend_over(self, order: OwnOrder, report: OrderReport, source: Source, *, over: bool) -> list[Action]:
        """What a report says of a change that is under way; `over`: it was asked for after the change's last moment."""
        if order.amending is None:
            return []
        actions = self._changed(order, report, source)
        ended = report.state in ENDED
        if order.amending is not None and (over or ended):
            actions += self._unchanged(order, source, Reason.UNKNOWN_ORDER, "the order is as it was")
        return actions
