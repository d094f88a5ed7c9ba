"""The account: what is held, owned and earned, as sessions say now and as the store has it; unknown is null."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from b25.api.answers import SYMBOL_EXAMPLE, Given, Page, problems, symbol_of
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.commands import Asked, Commands
from b25.api.reach.pictures import Picture, Pictures
from b25.api.roles import Permission
from b25.api.routes.sessions import Outcome, outcome
from b25.store import order_views
from b25.store.account_log import AccountLog, accounts_of

router = APIRouter(prefix="/account", tags=["account"])
Reader = Annotated[Principal, requires(Permission.READ)]
Seen = Annotated[Pictures, Depends(part(Pictures))]
Home = Annotated[Gateway, Depends(gateway_of)]
DAY_NS: Final = 86_400 * 10**9
DAYS_MAX: Final = 400
CURSOR: Final = r"^[0-9]{1,15}~[A-Za-z0-9._:~-]{1,80}$"
ALERTS_MAX: Final = 50


class Position(BaseModel):
    """What a session holds of one instrument."""

    session: str
    account: str
    strategy: str | None
    mode: str | None
    symbol: str = Field(examples=[SYMBOL_EXAMPLE])
    quantity: str
    account_quantity: str | None = Field(description="Of the whole account, by its books; null where the session keeps none.")
    bid: str | None
    ask: str | None
    profit: str | None = Field(description="Since its start, at the mid; null while there is no price.")
    time_ns: int | None = Field(description="When the session said so.")


class AccountView(BaseModel):
    """An account as one of its sessions says."""

    account: str
    session: str
    mode: str | None
    quote: str | None
    equity: str | None
    unknown: list[str]
    drawdown_daily: str | None
    margin_usage: float | None
    halted: str | None
    holds: dict[str, str]
    time_ns: int | None


class BalanceRow(BaseModel):
    """What a venue told last of one asset."""

    venue: str
    account: str
    asset: str
    free: str
    used: str
    total: str
    time_ns: int


class ProfitRow(BaseModel):
    """Profit and loss of an account at one moment, by its books."""

    venue: str
    account: str
    time_ns: int
    quote: str
    equity: str | None
    realised: str | None
    unrealised: str | None
    fees: str | None
    funding: str | None
    drawdown_daily: str | None
    drawdown_max: str | None


class TradeRow(BaseModel):
    """An execution of ours."""

    venue: str
    account: str
    strategy: str | None
    symbol: str
    trade_id: str
    client_id: str | None
    side: str
    quantity: str
    price: str
    fee: str
    fee_asset: str | None
    is_maker: bool | None
    realised: str | None
    venue_time_ms: int


class AccountAlert(BaseModel):
    """Something that the account's books say should be looked at."""

    account: str
    session: str
    kind: str
    severity: str
    text: str


class CloseBody(Given):
    """What to close."""

    session: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", examples=["mm"])
    symbol: str = Field(max_length=60, examples=[SYMBOL_EXAMPLE])
    reason: str = Field(default="", max_length=500)


def positions_of(one: Picture) -> list[dict[str, Any]]:
    """Positions of a session that runs."""
    if not one.is_running:
        return []
    told = one.status
    books = (told.get("ledger") or {}).get("positions") or {}
    rows = []
    for row in told.get("picture", {}).get("instruments", []):
        profit = row.get("profit")
        rows.append(
            {
                "session": one.name, "account": one.account, "strategy": told.get("strategy"), "mode": told.get("mode"),
                "symbol": row["symbol"], "quantity": row["position"], "account_quantity": books.get(row["symbol"]),
                "bid": row.get("bid"), "ask": row.get("ask"), "profit": None if profit is None else repr(float(profit)),
                "time_ns": told.get("time_ns"),
            }
        )  # fmt: skip
    return rows


def _with_books(seen: Pictures, by: Principal) -> list[tuple[Picture, dict[str, Any]]]:
    return [(one, books) for one in seen.seen_by(by) if one.is_running and (books := one.status.get("ledger"))]


@router.get("")
async def accounts(by: Reader, seen: Seen) -> Page[AccountView]:
    """Accounts of the sessions that keep books, as they stand."""
    found = [
        AccountView(
            account=one.account, session=one.name, mode=one.status.get("mode"), quote=books.get("quote"),
            equity=books.get("equity"), unknown=list(books.get("unknown") or []), drawdown_daily=books.get("drawdown_daily"),
            margin_usage=books.get("margin_usage"), halted=books.get("halted") or None,
            holds={name: str(why) for name, why in (books.get("holds") or {}).items()}, time_ns=one.status.get("time_ns"),
        )
        for one, books in _with_books(seen, by)
    ]  # fmt: skip
    return Page(data=found, total=len(found))


@router.get("/positions", response_model=Page[Position], responses=problems(422))
async def positions(
    by: Reader, seen: Seen, symbol: Annotated[str | None, Query(max_length=60)] = None,
    session: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")] = None,
) -> Response:  # fmt: skip
    """What every session holds, from memory."""
    wanted = None if symbol is None else symbol_of(symbol)
    return Response(_positions(seen, by, wanted, session), media_type="application/json")


def _positions(seen: Pictures, by: Principal, symbol: str | None, session: str | None) -> bytes:
    """The answer, made once for each look at the sessions, not once for each who asks."""
    answers, key = seen.answers, (by.accounts, symbol, session)
    if (made := answers.get(key)) is None:
        rows = [row for one in seen.seen_by(by) if session in (None, one.name) for row in positions_of(one)]
        rows = [row for row in rows if symbol in (None, row["symbol"])]
        made = answers[key] = orjson.dumps({"data": rows, "total": len(rows), "next": None})
    return made


def ready_positions(gateway: Gateway, by: Principal) -> bytes:
    """What `positions` answers without a query."""
    return _positions(gateway.part(Pictures), by, None, None)


@router.get("/balances")
def balances(by: Reader, home: Home) -> Page[BalanceRow]:
    """What each venue told last of each account."""
    rows = order_views.balances(home.store, by.accounts)
    found = [
        BalanceRow(
            venue=row.venue, account=row.account, asset=row.asset, free=row.free, used=row.used, total=row.total,
            time_ns=row.ts_ns,
        )
        for row in rows
    ]  # fmt: skip
    return Page(data=found, total=len(found))


def _profit(venue: str, account: str, row: Any) -> ProfitRow:
    names = ("quote", "equity", "realised", "unrealised", "fees", "funding", "drawdown_daily", "drawdown_max")
    return ProfitRow(venue=venue, account=account, time_ns=row.ts_ns, **{name: getattr(row, name) for name in names})


def _kept(home: Gateway, by: Principal) -> list[AccountLog]:
    named = [one for one in accounts_of(home.store) if by.accounts is None or one[1] in by.accounts]
    return [AccountLog(home.store, venue, account, now_ns=home.now_ns) for venue, account in named]


@router.get("/pnl")
def pnl(by: Reader, home: Home) -> Page[ProfitRow]:
    """The last statement of each account."""
    found = []
    for log in _kept(home, by):
        rows = log.snapshots(since_ns=home.now_ns() - 30 * DAY_NS, every_ns=2**62)
        found += [_profit(log.venue, log.account, row) for row in rows[-1:]]
    return Page(data=found, total=len(found))


@router.get("/pnl/daily", responses=problems(422))
def daily(by: Reader, home: Home, days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 30) -> Page[ProfitRow]:
    """The last statement of each day in UTC, oldest first."""
    since_ns = home.now_ns() - days * DAY_NS
    found = [
        _profit(log.venue, log.account, row)
        for log in _kept(home, by)
        for row in log.snapshots(since_ns=since_ns, every_ns=DAY_NS)
    ]
    return Page(data=found, total=len(found))


@router.get("/trades", responses=problems(422))
def trades(
    by: Reader, home: Home, symbol: Annotated[str | None, Query(max_length=60)] = None,
    since_ms: Annotated[int | None, Query(ge=0, le=2**53)] = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(pattern=CURSOR)] = None,
) -> Page[TradeRow]:  # fmt: skip
    """Own executions, newest first; `total` counts this page."""
    before = None
    if cursor is not None:
        at, _, trade_id = cursor.partition("~")
        before = (int(at), trade_id)
    wanted = None if symbol is None else symbol_of(symbol)
    rows = order_views.trades(home.store, accounts=by.accounts, symbol=wanted, since_ms=since_ms, before=before, limit=limit)
    found = [
        TradeRow(
            venue=row.venue, account=row.account, strategy=row.strategy, symbol=row.symbol, trade_id=row.trade_id,
            client_id=row.coid, side=row.side, quantity=row.qty, price=row.price, fee=row.fee, fee_asset=row.fee_asset,
            is_maker=row.maker, realised=row.realized, venue_time_ms=row.venue_ts_ms,
        )
        for row in rows
    ]  # fmt: skip
    more = f"{rows[-1].venue_ts_ms}~{rows[-1].trade_id}" if len(rows) == limit else None
    return Page(data=found, total=len(found), next=more)


@router.get("/alerts")
async def alerts(by: Reader, seen: Seen) -> Page[AccountAlert]:
    """What the books of accounts say should be looked at now."""
    found = [
        AccountAlert(account=one.account, session=one.name, kind=row["kind"], severity=row["severity"], text=row["text"])
        for one, books in _with_books(seen, by)
        for row in books.get("alerts") or []
    ]
    return Page(data=found[:ALERTS_MAX], total=len(found))


@router.post("/positions/close", responses=problems(404))
async def close(
    body: CloseBody, by: Annotated[Principal, requires(Permission.TRADE)], asks: Annotated[Commands, Depends(part(Commands))],
    request: Request,
) -> Outcome:  # fmt: skip
    """Have a session close what it holds of an instrument, at market and reduce-only."""
    more = {"symbol": symbol_of(body.symbol)}
    told = await asks.ask(Asked(session=body.session, command="close", by=by, reason=body.reason, request=request, more=more))
    if (verdict := str(told.get("verdict", "ok"))) != "ok":
        raise Problem(422, f"the risk gate refused it: {told.get('reason') or verdict}", code="ORDER_REFUSED")
    return outcome("close", told)
