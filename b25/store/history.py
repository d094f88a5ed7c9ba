"""The account and the sessions over time: half-minute samples written, and read back by time with a place to go on from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.account_tables import account_snapshot
from b25.store.analytics_tables import domain_event, market_analytics, system_metrics
from b25.store.history_tables import position_snapshot, session_snapshot
from b25.store.plain_rows import plain
from b25.store.store import Store
from b25.store.tables import fill, intent, order_event

After = Sequence[Any]  # time and what tells rows of one time apart
NS_PER_MS: Final = 1_000_000


class Samples:
    """Writes what was sampled; a row that is there stays as it is.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        make: Any = sqlite.insert if store.is_sqlite else postgresql.insert
        tables = (session_snapshot, position_snapshot, system_metrics, market_analytics)
        self._once = {table.name: make(table).on_conflict_do_nothing() for table in tables}

    def save(self, rows: Mapping[Table, Sequence[Mapping[str, Any]]]) -> None:
        """Add rows to some of the tables. Raises StoreFailed: none of them are there."""
        with self.store.writing():
            for table, some in rows.items():
                self.store.execute_many(self._once[table.name], some)


def session_history(
    store: Store,
    start_ns: int,
    end_ns: int,
    *,
    every_ns: int,
    after: After,
    limit: int,
    accounts: Collection[str] | None,
    session: str = "",
) -> list[dict[str, Any]]:
    """Last sample of each session and interval, oldest first, each with the change of equity since the day began.

    A day begins with its first sample; the change is None while one of the two is not known.
    """
    c = session_snapshot.c
    where = [c.ts_ns >= start_ns, c.ts_ns < end_ns, *_of(c.account, accounts), *([c.session == session] if session else [])]
    if every_ns > 1:
        lasts = select(c.session, func.max(c.ts_ns)).where(*where).group_by(c.session, c.ts_ns // every_ns)
        where.append(tuple_(c.session, c.ts_ns).in_(lasts))
    if after:
        where.append(tuple_(c.ts_ns, c.session) > tuple(after))
    rows = store.rows(select(session_snapshot).where(*where).order_by(c.ts_ns, c.session).limit(limit))
    return [plain(row) for row in rows]


def day_starts(
    store: Store, sessions: Collection[str], days_ns: Collection[int], day_ns: int
) -> dict[tuple[str, int], str | None]:
    """Equity at the first sample of each session and day; the day of a sample at midnight is the one that begins then."""
    if not sessions:
        return {}
    c = session_snapshot.c
    spans = or_(*(and_(c.ts_ns >= day, c.ts_ns < day + day_ns) for day in sorted(days_ns)))
    firsts = (
        select(c.session, func.min(c.ts_ns)).where(c.session.in_(sorted(sessions)), spans).group_by(c.session, c.ts_ns // day_ns)
    )
    rows = store.rows(select(c.session, c.ts_ns, c.equity).where(tuple_(c.session, c.ts_ns).in_(firsts)))
    return {(row.session, row.ts_ns // day_ns * day_ns): row.equity for row in rows}


def account_history(
    store: Store, venue: str, account: str, start_ns: int, end_ns: int, *, every_ns: int, after: After, limit: int
) -> list[dict[str, Any]]:
    """Last statement of an account in each interval, oldest first, as its session kept them."""
    c = account_snapshot.c
    where = [c.venue == venue, c.account == account, c.ts_ns >= start_ns, c.ts_ns < end_ns]
    if every_ns > 1:
        where.append(c.ts_ns.in_(select(func.max(c.ts_ns)).where(*where).group_by(c.ts_ns // every_ns)))
    if after:
        where.append(c.ts_ns > after[0])
    rows = store.rows(select(account_snapshot).where(*where).order_by(c.ts_ns).limit(limit))
    return [plain(row) for row in rows]


def order_history(
    store: Store, start_ns: int, end_ns: int, *, after: After, limit: int, accounts: Collection[str] | None, symbol: str = ""
) -> list[dict[str, Any]]:
    """Orders by the time of their intent, each with its last state, oldest first."""
    last = select(order_event.c.coid, func.max(order_event.c.seq).label("seq")).group_by(order_event.c.coid).subquery()
    c = intent.c
    wanted = (
        select(
            c.id, c.ts_ns, c.account, c.venue, c.strategy, c.coid.label("client_id"), c.symbol, c.side, c.type, c.tif, c.qty,
            c.price, c.stop, order_event.c.status, order_event.c.cum_qty.label("filled"), order_event.c.ts_ns.label("changed_ns"),
            order_event.c.venue_oid.label("venue_id"), order_event.c.code, order_event.c.msg.label("text"),
        )
        .outerjoin(last, last.c.coid == c.coid)
        .outerjoin(order_event, order_event.c.seq == last.c.seq)
        .where(c.kind == "NEW", c.ts_ns >= start_ns, c.ts_ns < end_ns, *_of(c.account, accounts), *_symbol(c.symbol, symbol))
    )  # fmt: skip
    return _page(store, wanted, (c.ts_ns, c.id), after, limit)


def fill_history(
    store: Store, start_ns: int, end_ns: int, *, after: After, limit: int, accounts: Collection[str] | None, symbol: str = ""
) -> list[dict[str, Any]]:
    """Fills by venue time, oldest first, each with the strategy of its order, None where no order is known."""
    c = fill.c
    wanted = (
        select(fill, intent.c.strategy)
        .outerjoin(intent, and_(intent.c.coid == c.coid, intent.c.kind == "NEW"))
        .where(c.venue_ts_ms >= -(-start_ns // NS_PER_MS), c.venue_ts_ms < -(-end_ns // NS_PER_MS))
        .where(*_of(c.account, accounts), *_symbol(c.symbol, symbol))
    )
    return _page(store, wanted, (c.venue_ts_ms, c.venue, c.account, c.symbol, c.trade_id), after, limit)


def event_history(
    store: Store,
    start_ns: int,
    end_ns: int,
    *,
    after: After,
    limit: int,
    accounts: Collection[str] | None = None,
    kind: str = "",
    symbol: str = "",
    session: str = "",
    strategy: str = "",
) -> list[dict[str, Any]]:
    """Events, oldest first; `properties` is JSON."""
    c = domain_event.c
    wanted = select(domain_event).where(c.ts_ns >= start_ns, c.ts_ns < end_ns, *_of(c.account, accounts))
    for column, value in ((c.type, kind), (c.symbol, symbol), (c.session, session), (c.strategy, strategy)):
        if value:
            wanted = wanted.where(column == value)
    return _page(store, wanted, (c.ts_ns, c.seq), after, limit)


def _page(store: Store, wanted: Select[Any], by: tuple[Any, ...], after: After, limit: int) -> list[dict[str, Any]]:
    if after:
        wanted = wanted.where(tuple_(*by) > tuple(after))
    return [plain(row) for row in store.rows(wanted.order_by(*by).limit(limit))]


def _of(column: ColumnElement[Any], accounts: Collection[str] | None) -> list[Any]:
    return [] if accounts is None else [column.in_(sorted(accounts))]


def _symbol(column: ColumnElement[Any], symbol: str) -> list[Any]:
    return [column == symbol] if symbol else []
