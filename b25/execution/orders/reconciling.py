"""What the venue's list of open orders says against ours: who must be asked, who is adopted, and what is foreign."""

from __future__ import annotations

from collections.abc import Iterable

from b25.execution.orders.actions import Action, Alarm, Query, SendCancel, Source
from b25.execution.orders.identity import identity_of
from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.states import AT_VENUE, TERMINAL, OrderState
from b25.model.instrument import Instrument
from b25.venue.port.reports import OrderReport
from b25.venue.port.requests import NewOrder, OrderRef


def reconcile_open(
    manager: OrderManager, reports: Iterable[OrderReport], source: Source, *, started_ns: int, now_ns: int, account: int = -1
) -> list[Action]:
    """Compare the whole list of open orders with ours.

    Parameters
    ----------
    manager : OrderManager
    reports : iterable of OrderReport
        Every open order of the account: a part of them would look like lost orders.
    source : Source
    started_ns : int
        When the question was begun. What changed since is not judged.
    now_ns : int
    account : int, optional
        Number of the account in client ids; -1 takes any of ours for ours.

    Returns
    -------
    list of Action
        An order of ours that is not listed is asked for by its id: the list may lag, and proves nothing.
    """
    actions: list[Action] = []
    listed: set[str] = set()
    foreign: dict[str, set[str]] = {}
    for report in reports:
        order = manager.find(report.symbol, report.client_id, report.venue_id)
        if order is not None:
            listed.add(order.coid)
            actions += manager.seen(report, source, now_ns)
            continue
        identity = identity_of(report.client_id)
        if report.symbol in manager.instruments and identity is not None and account in (-1, identity.account):
            actions += adopt(manager, report, source, now_ns)
            listed.add(report.client_id)
        else:
            actions += _foreign(manager, report, foreign)
    for symbol, texts in manager.foreign.items():
        actions += [manager._unhold(symbol, text) for text in texts - foreign.get(symbol, set())]
    manager.foreign = foreign
    for order in list(manager.orders.values()):
        missing = order.coid not in listed and order.state in AT_VENUE and order.changed_ns < started_ns
        if missing:
            actions.append(Query(order.coid, order.ref))
    return actions


def order_of(report: OrderReport, instrument: Instrument) -> NewOrder:
    """What must have been asked for, where only the venue knows of it."""
    return NewOrder(
        symbol=report.symbol,
        client_id=report.client_id,
        side=report.side,
        qty_lots=instrument.lots(report.qty),
        price_ticks=instrument.ticks(report.price) if report.price else 0,
        stop_ticks=instrument.ticks(report.stop) if report.stop else 0,
        reduce_only=report.reduce_only,
        sign_ms=report.time_ms,
    )


def adopt(manager: OrderManager, report: OrderReport, source: Source, now_ns: int) -> list[Action]:
    """Take an order that carries our prefix and of which we have no intent: its intent was lost after it was sent."""
    new = order_of(report, manager.instruments[report.symbol])
    order = OwnOrder(new, state=OrderState.UNKNOWN, changed_ns=now_ns, conditional=report.conditional)
    manager.orders[order.coid] = order
    return [Alarm("ADOPTED", f"{order.coid} was found at the venue without an intent"), *manager.seen(report, source, now_ns)]


def identified(
    manager: OrderManager, symbol: str, venue_id: str, report: OrderReport | None, *, account: int, now_ns: int
) -> list[Action]:
    """Take what the venue says of the order behind parked trades; None when it knows none such.

    An order that carries our prefix is adopted with its trades: one whose intent was lost, or by which the kill process closed
    what one of our strategies held.
    """
    if (symbol, venue_id) not in manager.parked:
        return []
    identity = identity_of(report.client_id) if report is not None else None
    if report is None or identity is None or identity.account != account:
        return manager.disowned(symbol, venue_id, report.client_id if report is not None else "")
    order = manager.find(symbol, report.client_id, venue_id)
    actions = manager.seen(report, Source.RECON, now_ns) if order is not None else adopt(manager, report, Source.RECON, now_ns)
    return actions + manager.trades_seen(manager.parked.pop((symbol, venue_id), []), Source.RECON, now_ns)


def _foreign(manager: OrderManager, report: OrderReport, found: dict[str, set[str]]) -> list[Action]:
    policy = manager.policy.foreign
    text = f"order {report.client_id or report.venue_id} in {report.symbol} is not ours"
    found.setdefault(report.symbol, set()).add(text)
    actions: list[Action] = []
    if policy != "ignore" and text not in manager.foreign.get(report.symbol, ()):
        actions += [Alarm("FOREIGN_ORDER", text), manager._hold(report.symbol, text)]
    if policy == "cancel":
        ref = OrderRef(symbol=report.symbol, client_id=report.client_id, venue_id=report.venue_id, conditional=report.conditional)
        actions.append(SendCancel(report.client_id, ref))
    return actions


def unresolved(manager: OrderManager) -> list[str]:
    """Ids of orders that keep the account from trading: in doubt, or with trades that are missing."""
    return [
        order.coid
        for order in manager.orders.values()
        if order.in_doubt
        or order.amending is not None
        or (order.state in TERMINAL and order.awaits_trades)
        or order.state is OrderState.SENDING
    ]
