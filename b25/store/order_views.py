"""Orders as a reader wants them: the intent, the last that is known of it, whose session it was, in pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select

from b25.store.store import Store
from b25.store.tables import balance, fill, intent, order_event, session

FLAGS_POST_ONLY: Final = 1
_LAST: Final = (
    select(func.max(order_event.c.seq))
    .where(order_event.c.coid == intent.c.coid)
    .correlate(intent)
    .scalar_subquery()
    .label("last")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """What is asked for; None leaves a term out.

    Attributes
    ----------
    before_id : int
        Of an intent: those that are older than it.
    ended : bool
        True for orders that ended, False for those that may live.
    """

    accounts: Collection[str] | None = None
    session: str | None = None
    symbol: str | None = None
    ended: bool | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    before_id: int | None = None
    parent_only: bool = False


def _asked(query: OrderQuery, ends: Collection[str]) -> Select[Any]:
    joined = intent.outerjoin(order_event, order_event.c.seq == _LAST).outerjoin(
        session, and_(session.c.account == intent.c.account, session.c.epoch == intent.c.epoch)
    )
    told = (
        select(
            intent, order_event.c.status.label("status"), order_event.c.cum_qty.label("filled"), order_event.c.venue_oid,
            order_event.c.code, order_event.c.msg, order_event.c.ts_ns.label("updated_ns"), session.c.id.label("life"),
        )
        .select_from(joined)
        .where(intent.c.kind == "NEW")
    )  # fmt: skip
    if query.accounts is not None:
        told = told.where(intent.c.account.in_(list(query.accounts)))
    if query.session is not None:
        told = told.where(session.c.id.startswith(f"{query.session}#", autoescape=True))
    if query.symbol is not None:
        told = told.where(intent.c.symbol == query.symbol)
    if query.ended is not None:
        over = order_event.c.status.in_(list(ends))
        told = told.where(over if query.ended else or_(order_event.c.status.is_(None), ~over))
    if query.since_ns is not None:
        told = told.where(intent.c.ts_ns >= query.since_ns)
    if query.until_ns is not None:
        told = told.where(intent.c.ts_ns < query.until_ns)
    if query.parent_only:
        told = told.where(intent.c.parent_id.is_not(None))
    return told


def orders(store: Store, query: OrderQuery, ends: Collection[str], *, limit: int) -> tuple[list[Any], int]:
    """Return orders, newest first, and how many there are in all."""
    told = _asked(query, ends)
    total = int(store.rows(select(func.count()).select_from(told.subquery("all_orders")))[0][0])
    if query.before_id is not None:
        told = told.where(intent.c.id < query.before_id)
    return store.rows(told.order_by(intent.c.id.desc()).limit(limit)), total


def order_of(
    store: Store, *, coid: str = "", session_name: str = "", order_id: int = 0, ends: Collection[str] = ()
) -> Any | None:
    """Return one order, by its client id, or by session and number: the newest life of the session that had it."""
    told = _asked(OrderQuery(session=session_name or None), ends)
    told = told.where(intent.c.coid == coid) if coid else told.where(intent.c.order_id == order_id)
    rows = store.rows(told.order_by(intent.c.id.desc()).limit(1))
    return rows[0] if rows else None


def events_of(store: Store, coid: str, *, limit: int = 1_000) -> list[Any]:
    """Events of an order, oldest first."""
    return store.rows(select(order_event).where(order_event.c.coid == coid).order_by(order_event.c.seq).limit(limit))


def fills_of(store: Store, coid: str, *, limit: int = 1_000) -> list[Any]:
    """Fills of an order, oldest first."""
    return store.rows(select(fill).where(fill.c.coid == coid).order_by(fill.c.venue_ts_ms, fill.c.trade_id).limit(limit))


def trades(
    store: Store, *, accounts: Collection[str] | None, symbol: str | None, since_ms: int | None, before: tuple[int, str] | None,
    limit: int,
) -> list[Any]:  # fmt: skip
    """Return own fills with their strategies, newest first; `before` is the time and trade id of the last one of a page."""
    joined = fill.outerjoin(intent, and_(intent.c.coid == fill.c.coid, intent.c.kind == "NEW"))
    told = select(fill, intent.c.strategy).select_from(joined)
    if accounts is not None:
        told = told.where(fill.c.account.in_(list(accounts)))
    if symbol is not None:
        told = told.where(fill.c.symbol == symbol)
    if since_ms is not None:
        told = told.where(fill.c.venue_ts_ms >= since_ms)
    if before is not None:
        at_ms, trade_id = before
        older = and_(fill.c.venue_ts_ms == at_ms, fill.c.trade_id < trade_id)
        told = told.where(or_(fill.c.venue_ts_ms < at_ms, older))
    return store.rows(told.order_by(fill.c.venue_ts_ms.desc(), fill.c.trade_id.desc()).limit(limit))


def balances(store: Store, accounts: Collection[str] | None) -> list[Any]:
    """Return what each venue told last of each account, by asset."""
    last = (
        select(balance.c.venue, balance.c.account, func.max(balance.c.ts_ns).label("ts_ns"))
        .group_by(balance.c.venue, balance.c.account)
        .subquery("last_told")
    )
    same = and_(balance.c.venue == last.c.venue, balance.c.account == last.c.account, balance.c.ts_ns == last.c.ts_ns)
    told = select(balance).join(last, same)
    if accounts is not None:
        told = told.where(balance.c.account.in_(list(accounts)))
    return store.rows(told.order_by(balance.c.venue, balance.c.account, balance.c.asset))


def lives(store: Store, name: str = "", *, limit: int = 100) -> list[Any]:
    """Return lives of sessions, newest first."""
    told = select(session)
    if name:
        told = told.where(session.c.id.startswith(f"{name}#", autoescape=True))
    return store.rows(told.order_by(session.c.started_ns.desc()).limit(limit))


def ping(store: Store) -> None:
    """Ask the database the smallest question. Raises StoreFailed."""
    store.rows(select(1))
