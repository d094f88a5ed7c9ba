"""What holds now of orders and fills, for whoever begins to look: orders that have not ended, and the last fills."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, func, select

from b25.store.store import Store
from b25.store.tables import fill, intent, order_event


def open_orders(store: Store, ended: Iterable[str], limit: int) -> list[dict[str, Any]]:
    """Return the last event of every order that has not ended, with what was intended, the newest first.

    Parameters
    ----------
    store : Store
    ended : iterable of str
        Statuses after which nothing follows.
    limit : int

    Returns
    -------
    list of dict
        Columns of `order_event` and `intent`; an order without an event yet has status ``INTENT``.
    """
    over = select(order_event.c.seq).where(order_event.c.coid == intent.c.coid, order_event.c.status.in_(list(ended)))
    last = select(func.max(order_event.c.seq)).where(order_event.c.coid == intent.c.coid).correlate(intent).scalar_subquery()
    shared = ("coid", "ts_ns")
    events = [column for column in order_event.c if column.name not in shared]
    found = (
        select(intent, *events, order_event.c.ts_ns.label("event_ns"))
        .join_from(intent, order_event, and_(order_event.c.coid == intent.c.coid, order_event.c.seq == last), isouter=True)
        .where(intent.c.kind == "NEW", ~over.correlate(intent).exists())
        .order_by(intent.c.ts_ns.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in store.rows(found)]


def last_fills(store: Store, limit: int) -> list[dict[str, Any]]:
    """Return the last fills, the oldest of them first: columns of `fill`, and the strategy of its order."""
    found = (
        select(fill, intent.c.strategy)
        .join_from(fill, intent, and_(intent.c.coid == fill.c.coid, intent.c.kind == "NEW"), isouter=True)
        .order_by(fill.c.venue_ts_ms.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in reversed(store.rows(found))]
