"""The table of our orders: which state may follow which, what is recorded of it, what the world is told, and what is on hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from b25.execution.orders import proof
from b25.execution.orders.actions import Action, Alarm, Halt, Hold, PullTrades, Query, Record, SendCancel, Source, Tell
from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.reasons import end_reason
from b25.execution.orders.states import AT_VENUE, FOLLOWS, IN_DOUBT, TERMINAL, OrderState
from b25.model.event import CANCEL_REJECTED, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_EXPIRED, ORDER_REJECTED
from b25.model.instrument import Instrument
from b25.model.order import Reason
from b25.venue.port.outcome import Outcome, Reaction, Scope
from b25.venue.port.reports import TradeReport
from b25.venue.port.requests import NewOrder

S = OrderState
TRADES_KEPT: Final = 100_000
END_EVENTS: Final = {S.CANCELED: ORDER_CANCELLED, S.EXPIRED: ORDER_EXPIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPolicy:
    """What is decided once.

    Attributes
    ----------
    margin_ms : int
        Of the proof of absence; raised by `proof.margin_ms` when reads are seen to lag.
    foreign : str
        ``"ignore"``, ``"alarm"`` (and hold the symbol) or ``"cancel"`` orders of the account that are not ours.
    """

    margin_ms: int = proof.MARGIN_MS_MIN
    foreign: str = "alarm"


class OrderTable:
    """Orders, holds and trades of one account, and the moves between states.

    Parameters
    ----------
    instruments : dict of str to Instrument
        By unified symbol.
    policy : OrderPolicy, optional
    """

    def __init__(self, instruments: dict[str, Instrument], policy: OrderPolicy | None = None) -> None:
        self.instruments = instruments
        self.policy = policy or OrderPolicy()
        self.orders: dict[str, OwnOrder] = {}
        self.by_venue_id: dict[tuple[str, str], str] = {}
        self.holds: dict[str, set[str]] = {}
        self.halted = ""
        self.foreign: dict[str, set[str]] = {}  # open orders that are not ours, in words, as they were listed last
        self.trade_ids: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.parked: dict[tuple[str, str], list[TradeReport]] = {}
        self.pull_at_ns: dict[str, int] = {}
        self.pulls: dict[str, int] = {}

    # -- what is known ----------------------------------------------------------------------------

    def live(self, symbol: str | None = None) -> Iterator[OwnOrder]:
        """Orders that count in exposure, those in doubt among them."""
        return (order for order in self.orders.values() if order.is_live and symbol in (None, order.symbol))

    def refuses(self, new: NewOrder) -> str:
        """Why an order must not leave now; empty when it may."""
        if self.halted:
            return f"halted: {self.halted}"
        causes = self.holds.get(new.symbol) or self.holds.get("")
        if causes and not new.reduce_only:
            return f"{new.symbol} is on hold: {', '.join(sorted(causes))}"
        return f"{new.client_id} is used already" if new.client_id in self.orders else ""

    def find(self, symbol: str, client_id: str, venue_id: str) -> OwnOrder | None:
        """Our order of either id."""
        return self.orders.get(client_id) or self.orders.get(self.by_venue_id.get((symbol, venue_id), ""))

    def want_cancel(self, coid: str, *, request_id: int, now_ns: int, bound_ms: int = 0) -> list[Action]:
        """Cancel an order. One in doubt is cancelled too, by our id, and stays in doubt."""
        order = self.orders.get(coid)
        if order is None or order.state in TERMINAL:
            return []
        order.cancel_request_id = request_id
        order.cancel_wanted = True
        order.cancel_bound_ms = max(order.cancel_bound_ms, bound_ms)
        actions: list[Action] = []
        if order.state in AT_VENUE and order.state is not S.CANCELING:
            actions += self._move(order, S.CANCELING, Source.REST, now_ns)
        return [*actions, SendCancel(coid, order.ref)]

    # -- inside -----------------------------------------------------------------------------------

    def _move(
        self,
        order: OwnOrder,
        state: OrderState,
        source: Source,
        now_ns: int,
        *,
        venue_ms: int = 0,
        code: Any = None,
        text: str = "",
    ) -> list[Action]:
        """Change a state, if it may follow, and record it."""
        if state is not order.state and state not in FOLLOWS[order.state]:
            return [Alarm("ILLEGAL_TRANSITION", f"{order.coid}: {order.state} to {state}")]
        was_in_doubt, was_unknown = order.in_doubt, order.state is S.UNKNOWN
        order.state, order.changed_ns = state, now_ns
        if state in AT_VENUE or state in (S.FILLED, S.CANCELED, S.EXPIRED):
            order.acknowledged = True
        if state in TERMINAL:
            order.ended_ns = now_ns
        actions: list[Action] = [Record(order.coid, state, source, order.cum_lots, order.venue_id, venue_ms, code, text)]
        if was_in_doubt and state not in IN_DOUBT:
            actions.append(self._unhold(order.symbol, f"{order.coid} is in doubt"))
            order.asked, order.absence = 0, None
        if was_unknown and order.cancel_wanted and state in (S.NEW, S.PARTIAL):
            actions += self.want_cancel(order.coid, request_id=order.cancel_request_id, now_ns=now_ns)
        return actions + self._told(order, now_ns)

    def _doubt(
        self, order: OwnOrder, state: OrderState, source: Source, now_ns: int, text: str, code: Any = None
    ) -> list[Action]:
        order.asked, order.next_query_ns, order.absence = 0, now_ns + proof.wait_ns(0), None
        actions = self._move(order, state, source, now_ns, text=text, code=code)
        return [*actions, self._hold(order.symbol, f"{order.coid} is in doubt")]

    def _cancel_failed(self, order: OwnOrder, source: Source, now_ns: int, text: str) -> list[Action]:
        request, order.cancel_request_id, order.cancel_wanted = order.cancel_request_id, -1, False
        actions = self._move(order, S.PARTIAL if order.cum_lots else S.NEW, source, now_ns, text=text)
        if request >= 0 and order.order_id:
            why: dict[str, Any] = {"request_id": request, "reason": Reason.NOT_SUPPORTED, "coid": order.coid}
            actions.append(Tell(CANCEL_REJECTED, order.order_id, order.symbol, **why))
        return actions

    def _told(self, order: OwnOrder, now_ns: int) -> list[Action]:
        """Tell the world what it does not know yet. An end waits for the trades that come before it."""
        actions: list[Action] = []
        if not order.order_id or order.told_end:
            order.told_end = order.told_end or order.state in TERMINAL
            return actions

        def tell(kind: int, request_id: int, reason: Reason) -> Tell:
            facts: dict[str, Any] = {"request_id": request_id, "side": order.new.side, "reason": reason, "coid": order.coid}
            return Tell(kind, order.order_id, order.symbol, **facts)

        lived = order.state in AT_VENUE or order.state in (S.FILLED, S.CANCELED, S.EXPIRED)
        if lived and not order.told_open:
            order.told_open = True
            actions.append(self._accepted(order))
        if order.state not in TERMINAL or order.awaits_trades:
            return actions
        order.told_end = True
        if order.state in END_EVENTS:
            why = end_reason(order.state, order.new, filled_lots=order.cum_lots)
            request = order.cancel_request_id if order.cancel_wanted else order.request_id
            actions.append(tell(END_EVENTS[order.state], max(request, 0), why))
        elif order.state is not S.FILLED:
            actions.append(tell(ORDER_REJECTED, order.request_id, Reason(order.reason or Reason.UNKNOWN_ORDER)))
        return actions

    def _accepted(self, order: OwnOrder) -> Tell:
        facts: dict[str, Any] = {"request_id": order.request_id, "side": order.new.side, "coid": order.coid}
        return Tell(ORDER_ACCEPTED, order.order_id, order.symbol, **facts)

    def _ask(self, order: OwnOrder, now_ns: int) -> list[Action]:
        return [Query(order.coid, order.ref)]

    def _reactions(self, symbol: str, outcome: Outcome[Any]) -> list[Action]:
        actions: list[Action] = []
        text = f"{outcome.answer.name} {outcome.http} {outcome.code}: {outcome.text}"
        if outcome.alarm:
            actions.append(Alarm("VENUE_ANSWER", text))
        if outcome.reaction is Reaction.HALT:
            self.halted = self.halted or text
            actions.append(Halt(text))
        elif outcome.reaction is Reaction.HOLD:
            actions.append(self._hold("" if outcome.scope is Scope.ACCOUNT else symbol, text))
        return actions

    def _hold(self, symbol: str, cause: str) -> Hold:
        self.holds.setdefault(symbol, set()).add(cause)
        return Hold(symbol, cause)

    def _unhold(self, symbol: str, cause: str) -> Hold:
        causes = self.holds.get(symbol, set())
        causes.discard(cause)
        if not causes:
            self.holds.pop(symbol, None)
        return Hold(symbol, cause, on=False)

    def _pull(self, order: OwnOrder, now_ns: int) -> PullTrades:
        self.pull_at_ns.setdefault(order.symbol, now_ns + proof.wait_ns(0))
        return PullTrades(order.symbol)

    def _parked(self, symbol: str) -> bool:
        return any(key[0] == symbol for key in self.parked)

    def _remember(self, symbol: str, trade_id: str) -> None:
        self.trade_ids[(symbol, trade_id)] = None
        if len(self.trade_ids) > TRADES_KEPT:
            self.trade_ids.popitem(last=False)
