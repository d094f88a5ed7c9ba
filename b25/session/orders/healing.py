"""What a world has not heard: the store and the order manager against what its journal and its order table say.

Pure: rows in, events out. Each execution that the store booked and the world has not heard of is told once, in the ledger's
order; an order that the world takes for live gets its acceptance or its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np

from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.reasons import end_reason
from b25.execution.orders.states import AT_VENUE, TERMINAL, OrderState
from b25.model.event import (
    MAKER,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    REPLACE_REJECTED,
)
from b25.model.instrument import Instrument
from b25.model.order import Pending, Reason, State
from b25.session.gateway import order_event
from b25.session.orders.money import fee_e8
from b25.session.resume import Fill, fill_of
from b25.store.strategy_fills import BookedFill

S = OrderState
MS_NS: Final = 1_000_000
ENDS: Final = {S.CANCELED: ORDER_CANCELLED, S.EXPIRED: ORDER_EXPIRED}
Event = np.ndarray[Any, Any]


@dataclass(slots=True)
class Healing:
    """What must be told and done so that a world is as the store and the venue are.

    Attributes
    ----------
    events : list of EVENT
        To be delivered in this order.
    cancels : list of (str, int)
        Client ids whose cancel may never have left, with the world's request.
    notes : list of str
        What was found, for people.
    """

    events: list[Event] = field(default_factory=list)
    cancels: list[tuple[str, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def fill_event(row: Any, one: Instrument, i: int, order_id: int, *, told: Callable[[str], None] = lambda text: None) -> Event:
    """Return the event of a booked fill."""
    price = Decimal(row.price)
    fee = fee_e8(Decimal(row.fee), row.fee_asset or one.settle, price, one)
    if fee is None:
        told(f"{one.symbol}: a fee of {row.fee} {row.fee_asset} stands in the ledger, and is not in the session's own account")
    return order_event(
        ORDER_FILLED, order_id, instrument=i, side=1 if row.side == "buy" else -1, price_ticks=one.ticks(row.price),
        qty_lots=one.lots(row.qty), amount=fee or 0, flags=MAKER if row.maker else 0, exch_ns=row.venue_ts_ms * MS_NS,
    )  # fmt: skip


def heal(
    orders: Iterable[Any],
    heard: Counter[Fill],
    booked: Sequence[BookedFill],
    intents: Mapping[int, Any],
    known: Mapping[str, OwnOrder],
    changes: Mapping[str, Sequence[tuple[Any, list[Any]]]],
    instruments: Sequence[Instrument],
    epochs: frozenset[int],
) -> Healing:
    """Compare.

    Parameters
    ----------
    orders : iterable of ORDER
        What the world takes for live or on its way.
    heard : Counter of Fill
        Executions that the world has heard of.
    booked : sequence of BookedFill
        Of the strategy since the session began, in the ledger's order.
    intents : mapping
        Of the session's lives, by the world's order id.
    known : mapping
        Every order that the manager knows, or that the store says has ended, by client id.
    changes : mapping
        Intents to change an order with their events, by client id.
    instruments : sequence of Instrument
    epochs : frozenset of int
        Of the session's lives.
    """
    return _Healer(orders, heard, intents, known, changes, instruments, epochs).run(booked)


class _Healer:
    """One comparison under way."""

    def __init__(
        self,
        orders: Iterable[Any],
        heard: Counter[Fill],
        intents: Mapping[int, Any],
        known: Mapping[str, OwnOrder],
        changes: Mapping[str, Sequence[tuple[Any, list[Any]]]],
        instruments: Sequence[Instrument],
        epochs: frozenset[int],
    ) -> None:
        self.waiting = {int(row["order_id"]): row for row in orders}
        self.heard, self.intents, self.known, self.changes = heard.copy(), intents, known, changes
        self.instruments, self.epochs = instruments, epochs
        self.found = Healing()
        self.accepted: set[int] = set()
        self.changed: set[int] = set()
        self.leaves = {order_id: int(row["leaves_lots"]) for order_id, row in self.waiting.items()}

    def run(self, booked: Sequence[BookedFill]) -> Healing:
        """Changes first, since they say how much an order may fill; then executions, then ends."""
        for order_id, row in self.waiting.items():
            self._change_done(order_id, row)
        places = {one.symbol: i for i, one in enumerate(self.instruments)}
        for fill in booked:
            if fill.row.symbol in places:
                self._fill(fill, places[fill.row.symbol])
        if left := sum(self.heard.values()):
            self.found.notes.append(f"the world has heard of {left} executions that the store does not have")
        for order_id, row in sorted(self.waiting.items()):
            self._order(order_id, row)
        return self.found

    def _fill(self, fill: BookedFill, i: int) -> None:
        order_id = fill.order_id if fill.epoch in self.epochs and self.leaves.get(fill.order_id, 0) > 0 else 0
        event = fill_event(fill.row, self.instruments[i], i, order_id, told=self.found.notes.append)
        key = fill_of(event[0])
        if self.heard[key]:
            self.heard[key] -= 1
            return
        if order_id:
            self._accept(order_id)
            self.leaves[order_id] -= int(event["qty_lots"][0])
        self.found.events.append(event)

    def _accept(self, order_id: int) -> None:
        row = self.waiting[order_id]
        if int(row["state"]) == State.CREATED and order_id not in self.accepted:
            self.accepted.add(order_id)
            self.found.events.append(_about(ORDER_ACCEPTED, row, request=int(self.intents[order_id].request_id)))

    def _change_done(self, order_id: int, row: Any) -> None:
        """Tell that a change was done, when the store has it."""
        intent = self.intents.get(order_id)
        if intent is None or int(row["pending"]) != Pending.MODIFY:
            return
        for change, events in self.changes.get(intent.coid, ()):
            if int(change.request_id) == int(row["request_id"]) and events and events[-1].status == S.NEW:
                wanted = {"price_ticks": int(row["want_price_ticks"]), "qty_lots": int(row["want_qty_lots"])}
                self.found.events.append(_about(ORDER_REPLACED, row, request=int(row["request_id"]), **wanted))
                self.leaves[order_id] = wanted["qty_lots"] - int(row["filled_lots"])
                self.changed.add(order_id)

    def _order(self, order_id: int, row: Any) -> None:
        """What one order that the world takes for live has come to."""
        intent, request = self.intents.get(order_id), int(row["request_id"])
        if intent is None:
            self.found.events.append(_about(ORDER_REJECTED, row, request=request, reason=Reason.STOPPED))
            return
        order = self.known.get(intent.coid)
        if order is None:
            self.found.notes.append(f"{intent.coid}: an intent which the order manager does not know")
            return
        if order.acknowledged or order.state in AT_VENUE:
            self._accept(order_id)
        pending = int(row["pending"])
        if order.state in TERMINAL:
            if not order.awaits_trades and self.leaves[order_id] > 0:
                self.found.events.append(_end(row, order))
        elif pending == Pending.CANCEL:
            self.found.cancels.append((intent.coid, request))
        elif pending == Pending.MODIFY and order.amending is None and order_id not in self.changed:
            self.found.events.append(_about(REPLACE_REJECTED, row, request=request, reason=Reason.STOPPED))


def _end(row: Any, order: OwnOrder) -> Event:
    request = int(row["request_id"])
    if order.state in ENDS:
        why = end_reason(order.state, order.new, filled_lots=order.cum_lots)
        return _about(ENDS[order.state], row, request=request, reason=why)
    if order.state is S.FILLED:  # the venue says so, and its trades are those that the world has: it asked for more than that
        return _about(ORDER_EXPIRED, row, request=request, reason=Reason.NOTHING_TO_MATCH)
    return _about(ORDER_REJECTED, row, request=request, reason=Reason(order.reason or Reason.UNKNOWN_ORDER))


def _about(kind: int, row: Any, *, request: int, **more: Any) -> Event:
    facts: dict[str, Any] = {"instrument": int(row["instrument"]), "side": int(row["side"]), "request_id": request}
    return order_event(kind, int(row["order_id"]), **facts, **more)
