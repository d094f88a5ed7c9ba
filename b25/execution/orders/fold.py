"""An order's state from what was stored of it: the intent, its events in their order, and its fills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from b25.execution.orders.own_order import Amending, OwnOrder
from b25.execution.orders.states import AT_VENUE, TERMINAL, OrderState
from b25.venue.port.requests import NewOrder

S = OrderState
TRIGGERED = "triggered"  # text of the event that tells it
LIVED = AT_VENUE | {S.FILLED, S.CANCELED, S.EXPIRED, S.LOST}


@dataclass(frozen=True, slots=True)
class Stored:
    """One row of `order_event`, in lots."""

    state: OrderState
    cum_lots: int
    venue_id: str = ""
    venue_ms: int = 0
    triggered: bool = False


def fold(
    new: NewOrder,
    events: Iterable[Stored],
    fills: Iterable[tuple[str, int]],
    *,
    order_id: int = 0,
    request_id: int = 0,
    amending: Amending | None = None,
) -> OwnOrder:
    """Rebuild an order.

    Parameters
    ----------
    new : NewOrder
        Of the intent.
    events : iterable of Stored
        Oldest first.
    fills : iterable of (trade id, lots)
    order_id, request_id : int
        Of the intent.
    amending : Amending, optional
        A change of it that was never answered; `new` has those that were done.

    Returns
    -------
    OwnOrder
        To be given to `OrderManager.restore`, which puts what was on its way into doubt.
    """
    order = OwnOrder(new, order_id=order_id, request_id=request_id, amending=amending)
    order.conditional = new.stop_ticks > 0 and ":" in new.symbol
    for event in events:
        order.state = event.state
        order.cum_lots = max(order.cum_lots, event.cum_lots)
        order.venue_id = event.venue_id or order.venue_id
        order.update_ms = max(order.update_ms, event.venue_ms)
        order.acknowledged = order.acknowledged or event.state in LIVED
        if event.triggered:
            order.conditional, order.triggered = False, True
        order.cancel_wanted = order.cancel_wanted or event.state is S.CANCELING
    for trade_id, lots in fills:
        order.trade_ids.add(trade_id)
        order.booked_lots += lots
    if order.booked_lots and order.state not in TERMINAL:
        # Fills are stored with their event; one without is of a crash between the two.
        order.acknowledged = True
        order.cum_lots = max(order.cum_lots, order.booked_lots)
        if order.booked_lots >= order.qty_lots_max:
            order.state = S.FILLED
        elif order.state in (S.INTENT, S.SENDING, S.UNKNOWN, S.NEW):
            order.state = S.PARTIAL
    order.cum_lots = max(order.cum_lots, order.booked_lots)
    order.told_open = order.acknowledged
    order.told_end = order.state in TERMINAL and not order.awaits_trades
    return order
