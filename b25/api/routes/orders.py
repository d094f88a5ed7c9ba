"""Orders: what the store and the sessions know of them, and orders by hand, which pass the session's own risk gate."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from b25.api.answers import SYMBOL_EXAMPLE, Given, Page, problems, symbol_of
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.commands import Asked, Commands
from b25.api.reach.pictures import Picture, Pictures
from b25.api.roles import Permission
from b25.execution.orders.states import TERMINAL
from b25.model.order import POST_ONLY, REDUCE_ONLY
from b25.store import order_views
from b25.store.order_views import OrderQuery

router = APIRouter(prefix="/orders", tags=["orders"])
Reader = Annotated[Principal, requires(Permission.READ)]
Trader = Annotated[Principal, requires(Permission.TRADE)]
Asks = Annotated[Commands, Depends(part(Commands))]
Seen = Annotated[Pictures, Depends(part(Pictures))]
Home = Annotated[Gateway, Depends(gateway_of)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
Time = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
Session = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
OrderId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="`session.number`, or the client id.", examples=["mm.42"])
]
NUMBERED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,39})\.([0-9]{1,18})")
DECIMAL: Final = r"^[0-9]{1,18}(\.[0-9]{1,18})?$"
ENDS: Final = sorted(map(str, TERMINAL))
Amount = Annotated[str, Field(pattern=DECIMAL, examples=["0.010"])]
CURSOR: Final = r"^[0-9]{1,19}$"


class Order(BaseModel):
    """An order as it stands."""

    id: str = Field(examples=["mm.42"])
    client_id: str | None
    venue_id: str | None
    session: str | None
    strategy: str | None
    account: str | None
    venue: str | None
    symbol: str
    side: str | None
    type: str | None
    tif: str | None
    quantity: str | None
    price: str | None
    stop: str | None
    filled: str | None
    status: str
    post_only: bool | None
    reduce_only: bool | None
    parent_id: str | None
    created_ns: int | None
    updated_ns: int | None
    code: str | None
    text: str | None


class OrderEvent(BaseModel):
    """Something that became known of an order."""

    time_ns: int
    venue_time_ms: int | None
    told_by: str
    status: str
    filled: str
    code: str | None
    text: str | None


class OrderFill(BaseModel):
    """An execution of an order."""

    trade_id: str
    quantity: str
    price: str
    fee: str
    fee_asset: str | None
    is_maker: bool | None
    realised: str | None
    venue_time_ms: int


class OrderDetail(Order):
    """An order, what became known of it, and its executions."""

    events: list[OrderEvent]
    fills: list[OrderFill]


class NewOrder(Given):
    """An order by hand."""

    session: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", examples=["mm"])
    symbol: str = Field(max_length=60, examples=[SYMBOL_EXAMPLE])
    side: Literal["buy", "sell"]
    type: Literal["limit", "market"] = "limit"
    quantity: Amount
    price: Amount | None = None
    tif: Literal["gtc", "ioc", "fok"] | None = None
    post_only: bool = False
    reduce_only: bool = False
    reason: str = Field(default="", max_length=500)


class Amendment(Given):
    """What is to be different."""

    price: Amount | None = None
    quantity: Amount | None = None
    reason: str = Field(default="", max_length=500)


class CancelAll(Given):
    """What to cancel: everything of a session, or of a symbol, or of every session when neither is given."""

    session: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    symbol: str | None = Field(default=None, max_length=60, examples=[SYMBOL_EXAMPLE])
    reason: str = Field(default="", max_length=500)


class OrderAnswer(BaseModel):
    """What the session answered."""

    id: str | None
    client_id: str | None
    session: str
    verdict: str = Field(description="What the risk gate said: ok.")
    command_id: str
    again: bool
    state: str | None


class Cancelled(BaseModel):
    """What each session answered to a cancel of everything."""

    sessions: dict[str, OrderAnswer]
    failed: dict[str, str] = Field(description="Sessions that did not confirm, and why.")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def order_of(row: Any) -> dict[str, Any]:
    """An order from its row."""
    name = row.life.rpartition("#")[0] if row.life else None
    return {
        "id": f"{name}.{row.order_id}" if name and row.order_id else row.coid, "client_id": row.coid, "venue_id": row.venue_oid,
        "session": name, "strategy": row.strategy, "account": row.account, "venue": row.venue, "symbol": row.symbol,
        "side": row.side, "type": (row.type or "").lower() or None, "tif": (row.tif or "").lower() or None, "quantity": row.qty,
        "price": row.price, "stop": row.stop, "filled": row.filled or "0", "status": row.status or "INTENT",
        "post_only": bool(row.flags & POST_ONLY), "reduce_only": bool(row.flags & REDUCE_ONLY),
        "parent_id": _text(row.parent_id), "created_ns": row.ts_ns, "updated_ns": row.updated_ns or row.ts_ns, "code": row.code,
        "text": row.msg,
    }  # fmt: skip


def working(picture: Picture) -> Iterator[dict[str, Any]]:
    """Orders that a session says are working: also of one on paper, whose orders are in no store."""
    if not picture.is_running:
        return
    for row in picture.status.get("picture", {}).get("orders", []):
        side = int(row.get("side", 0))
        flags = int(row.get("flags", 0))
        yield {
            "id": f"{picture.name}.{row.get('order_id')}", "client_id": None, "venue_id": None, "session": picture.name,
            "strategy": picture.status.get("strategy"), "account": picture.account or None, "venue": None,
            "symbol": row.get("symbol", ""), "side": {1: "buy", -1: "sell"}.get(side), "type": None, "tif": None,
            "quantity": row.get("quantity"), "price": row.get("price"), "stop": row.get("stop"), "filled": None,
            "status": str(row.get("state", "")).upper(), "post_only": bool(flags & POST_ONLY),
            "reduce_only": bool(flags & REDUCE_ONLY), "parent_id": _text(row.get("parent") or None), "created_ns": None,
            "updated_ns": picture.status.get("time_ns"), "code": None, "text": None,
        }  # fmt: skip


def _symbol(symbol: str | None) -> str | None:
    return None if symbol is None else symbol_of(symbol)


def _page(home: Gateway, query: OrderQuery, limit: int) -> Page[Order]:
    rows, total = order_views.orders(home.store, query, ENDS, limit=limit)
    more = str(rows[-1].id) if len(rows) == limit else None
    return Page(data=[Order(**order_of(row)) for row in rows], total=total, next=more)


@router.get("", responses=problems(422))
def listing(
    by: Reader, home: Home, symbol: Annotated[str | None, Query(max_length=60)] = None, session: Session = None,
    since_ns: Time = None, until_ns: Time = None, limit: Limit = 100,
    cursor: Annotated[str | None, Query(pattern=CURSOR)] = None,
) -> Page[Order]:  # fmt: skip
    """Orders of the store, newest first."""
    query = OrderQuery(
        accounts=by.accounts, session=session, symbol=_symbol(symbol), since_ns=since_ns, until_ns=until_ns,
        before_id=_before(cursor),
    )  # fmt: skip
    return _page(home, query, limit)


def _before(cursor: str | None) -> int | None:
    return None if cursor is None else min(int(cursor), 2**63 - 1)


@router.get("/active", responses=problems(422))
async def active(
    by: Reader, seen: Seen, symbol: Annotated[str | None, Query(max_length=60)] = None, session: Session = None
) -> Page[Order]:
    """Orders that work now, as the sessions that run say themselves; from memory, also while the database is away."""
    wanted = _symbol(symbol)
    rows = [row for one in seen.seen_by(by) if session in (None, one.name) for row in working(one)]
    found = [Order(**row) for row in rows if wanted in (None, row["symbol"])]
    return Page(data=found, total=len(found))


@router.get("/history", responses=problems(422))
def history(
    by: Reader, home: Home, symbol: Annotated[str | None, Query(max_length=60)] = None, session: Session = None,
    since_ns: Time = None, until_ns: Time = None, limit: Limit = 100,
    cursor: Annotated[str | None, Query(pattern=CURSOR)] = None,
) -> Page[Order]:  # fmt: skip
    """Orders that have ended, newest first."""
    query = OrderQuery(
        accounts=by.accounts, session=session, symbol=_symbol(symbol), since_ns=since_ns, until_ns=until_ns, ended=True,
        before_id=_before(cursor),
    )  # fmt: skip
    return _page(home, query, limit)


@router.get("/parents", responses=problems(422))
def parents(
    by: Reader, home: Home, session: Session = None, limit: Limit = 100,
    cursor: Annotated[str | None, Query(pattern=CURSOR)] = None,
) -> Page[Order]:  # fmt: skip
    """Orders that are children of a parent order (TWAP, bracket, …), newest first; `parent_id` tells which belong together."""
    query = OrderQuery(accounts=by.accounts, session=session, parent_only=True, before_id=_before(cursor))
    return _page(home, query, limit)


def _found(home: Gateway, by: Principal, order_id: str) -> Any | None:
    numbered = NUMBERED.fullmatch(order_id)
    if numbered is not None:
        row = order_views.order_of(home.store, session_name=numbered[1], order_id=int(numbered[2]), ends=ENDS)
    else:
        row = order_views.order_of(home.store, coid=order_id, ends=ENDS)
    return row if row is not None and (by.accounts is None or row.account in by.accounts) else None


@router.get("/{order_id}", responses=problems(404))
def one(order_id: OrderId, by: Reader, home: Home, seen: Seen) -> OrderDetail:
    """One order, with what became known of it and its executions."""
    row = _found(home, by, order_id)
    if row is None:
        live = next((row for one in seen.seen_by(by) for row in working(one) if row["id"] == order_id), None)
        if live is None:
            raise Problem(404, "no such order")
        return OrderDetail(**live, events=[], fills=[])
    events = [
        OrderEvent(
            time_ns=event.ts_ns, venue_time_ms=event.venue_ts_ms, told_by=event.src, status=event.status, filled=event.cum_qty,
            code=event.code, text=event.msg,
        )
        for event in order_views.events_of(home.store, row.coid)
    ]  # fmt: skip
    fills = [
        OrderFill(
            trade_id=fill.trade_id, quantity=fill.qty, price=fill.price, fee=fill.fee, fee_asset=fill.fee_asset,
            is_maker=fill.maker, realised=fill.realized, venue_time_ms=fill.venue_ts_ms,
        )
        for fill in order_views.fills_of(home.store, row.coid)
    ]  # fmt: skip
    return OrderDetail(**order_of(row), events=events, fills=fills)


async def _ask(
    asks: Commands, by: Principal, request: Request, session: str, command: str, reason: str, **more: Any
) -> OrderAnswer:
    told = await asks.ask(Asked(session=session, command=command, by=by, reason=reason, request=request, more=more))
    verdict = str(told.get("verdict", "ok"))
    if verdict != "ok":
        why = str(told.get("reason") or verdict)
        raise Problem(
            422, f"the risk gate refused it: {why}", code="ORDER_REFUSED", fields=[{"field": "verdict", "rule": verdict}]
        )
    number = told.get("order_id")
    return OrderAnswer(
        id=None if number is None else f"{session}.{number}", client_id=told.get("client_id"), session=session, verdict=verdict,
        command_id=told["command_id"], again=bool(told.get("again", False)), state=told.get("state"),
    )  # fmt: skip


@router.post("", status_code=201, responses=problems(404))
async def place(body: NewOrder, by: Trader, asks: Asks, request: Request) -> OrderAnswer:
    """Send an order by hand, through the risk gate of a session. 201 only when the session took it; 422 when the gate refused."""
    if (body.type == "limit") != (body.price is not None):
        raise Problem(
            422, "a limit order has a price, and a market order has none", fields=[{"field": "price", "rule": "by type"}]
        )
    if body.post_only and (body.type == "market" or body.tif in ("ioc", "fok")):
        raise Problem(422, "post-only is for limit orders that may rest", fields=[{"field": "post_only", "rule": "by type"}])
    more: dict[str, Any] = {"symbol": symbol_of(body.symbol), "side": body.side, "type": body.type, "quantity": body.quantity}
    more |= {name: value for name in ("price", "tif") if (value := getattr(body, name)) is not None}
    more |= {name: True for name in ("post_only", "reduce_only") if getattr(body, name)}
    return await _ask(asks, by, request, body.session, "order", body.reason, **more)


@router.post("/cancel-all", responses=problems(404))
async def cancel_all(body: CancelAll, by: Trader, asks: Asks, seen: Seen, request: Request) -> Cancelled:
    """Cancel every order of a session, of a symbol, or of all sessions that he may act on; each session is asked at once."""
    names = [body.session] if body.session else [one.name for one in seen.seen_by(by) if one.is_running]
    more: dict[str, Any] = {"all": True} if body.symbol is None else {"symbol": symbol_of(body.symbol)}
    asked = [_ask(asks, by, request, name, "cancel", body.reason, **more) for name in names]
    told = dict(zip(names, await asyncio.gather(*asked, return_exceptions=True), strict=True))
    failed = {name: fault.detail for name, fault in told.items() if isinstance(fault, Problem)}
    for fault in told.values():
        if isinstance(fault, BaseException) and not isinstance(fault, Problem):
            raise fault
    if body.session and failed:
        raise next(fault for fault in told.values() if isinstance(fault, Problem))
    return Cancelled(sessions={name: one for name, one in told.items() if isinstance(one, OrderAnswer)}, failed=failed)


async def _place_of(home: Gateway, by: Principal, order_id: str) -> tuple[str, dict[str, Any]]:
    """Return the session of an order, and how the session knows it; an id with a session needs no database."""
    if (numbered := NUMBERED.fullmatch(order_id)) is not None:
        return numbered[1], {"order_id": int(numbered[2])}
    row = await asyncio.to_thread(_found, home, by, order_id)
    if row is None or not row.life:
        raise Problem(404, "no such order")
    return row.life.rpartition("#")[0], {"order_id": int(row.order_id)}


@router.patch("/{order_id}", responses=problems(404))
async def amend(order_id: OrderId, body: Amendment, by: Trader, asks: Asks, home: Home, request: Request) -> OrderAnswer:
    """Change price or quantity of an order that works; it passes the risk gate again."""
    if body.price is None and body.quantity is None:
        raise Problem(422, "nothing is to be different", fields=[{"field": "price", "rule": "price or quantity"}])
    session, known = await _place_of(home, by, order_id)
    more = {name: value for name in ("price", "quantity") if (value := getattr(body, name)) is not None}
    return await _ask(asks, by, request, session, "amend", body.reason, **known, **more)


@router.delete("/{order_id}", responses=problems(404))
async def cancel(
    order_id: OrderId, by: Trader, asks: Asks, home: Home, request: Request,
    reason: Annotated[str, Query(max_length=500)] = "",
) -> OrderAnswer:  # fmt: skip
    """Cancel an order; answered when the session has taken it."""
    session, known = await _place_of(home, by, order_id)
    return await _ask(asks, by, request, session, "cancel", reason, **known)
