"""What events came to: orders, strategies, markets, components, and the few figures of the first screen; read only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import func, select, tuple_

from b25.store.analytics_tables import domain_event, market_analytics, order_analytics, strategy_performance, system_metrics
from b25.store.event_rules import DAY_NS, open_of
from b25.store.plain_rows import plain
from b25.store.store import Store

Accounts = Collection[str] | None
PROFITS_MAX: Final = 10_000


def orders(
    store: Store,
    start_ns: int,
    end_ns: int,
    *,
    after: list[Any],
    limit: int,
    accounts: Accounts,
    symbol: str = "",
    strategy: str = "",
) -> list[dict[str, Any]]:
    """Orders by when something was last told of them, oldest first."""
    c = order_analytics.c
    wanted = select(order_analytics).where(c.seen_ns >= start_ns, c.seen_ns < end_ns)
    if accounts is not None:
        wanted = wanted.where(c.account.in_(sorted(accounts)))
    for column, value in ((c.symbol, symbol), (c.strategy, strategy)):
        if value:
            wanted = wanted.where(column == value)
    by = (c.seen_ns, c.account, c.client_id)
    if after:
        wanted = wanted.where(tuple_(*by) > tuple(after))
    return [plain(row) for row in store.rows(wanted.order_by(*by).limit(limit))]


def performance(
    store: Store, start_ns: int, end_ns: int, *, accounts: Accounts, strategy: str = "", limit: int
) -> list[dict[str, Any]]:
    """Days of strategies, oldest first."""
    c = strategy_performance.c
    wanted = select(strategy_performance).where(c.day_ns >= open_of(start_ns, DAY_NS), c.day_ns < end_ns)
    if accounts is not None:
        wanted = wanted.where(c.account.in_(sorted(accounts)))
    if strategy:
        wanted = wanted.where(c.strategy == strategy)
    rows = store.rows(wanted.order_by(c.day_ns, c.account, c.strategy, c.symbol).limit(limit))
    return [plain(row) for row in rows]


def properties(
    store: Store, kind: str, start_ns: int, end_ns: int, *, accounts: Accounts, strategy: str = ""
) -> list[tuple[str, str]]:
    """Strategy and properties (JSON) of the newest events of a type and span, oldest first."""
    c = domain_event.c
    wanted = select(c.strategy, c.properties).where(c.type == kind, c.ts_ns >= start_ns, c.ts_ns < end_ns)
    if accounts is not None:
        wanted = wanted.where(c.account.in_(sorted(accounts)))
    if strategy:
        wanted = wanted.where(c.strategy == strategy)
    rows = store.rows(wanted.order_by(c.ts_ns.desc(), c.seq.desc()).limit(PROFITS_MAX))
    return [(row[0], row[1]) for row in reversed(rows)]


def market(store: Store, start_ns: int, end_ns: int, *, symbol: str = "", limit: int) -> list[dict[str, Any]]:
    """Closed candles of sessions, with what was seen of the spread."""
    c = market_analytics.c
    wanted = select(market_analytics).where(c.open_ns >= start_ns, c.open_ns < end_ns)
    if symbol:
        wanted = wanted.where(c.symbol == symbol)
    return [plain(row) for row in store.rows(wanted.order_by(c.open_ns, c.symbol, c.close_ns, c.source).limit(limit))]


def system(store: Store, start_ns: int, end_ns: int, *, component: str = "", limit: int) -> list[dict[str, Any]]:
    """How components were at each half minute."""
    c = system_metrics.c
    wanted = select(system_metrics).where(c.ts_ns >= start_ns, c.ts_ns < end_ns)
    if component:
        wanted = wanted.where(c.component == component)
    return [plain(row) for row in store.rows(wanted.order_by(c.ts_ns, c.component).limit(limit))]


def active(store: Store, column: str, since_ns: int, accounts: Accounts) -> int:
    """How many principals or strategies there are events of since a time."""
    of = domain_event.c[column]
    wanted = select(func.count(of.distinct())).where(domain_event.c.ts_ns >= since_ns, of != "")
    if accounts is not None:
        wanted = wanted.where(domain_event.c.account.in_(sorted(accounts)))
    return int(store.rows(wanted)[0][0])
