"""What was: bars, trades, book rows and funding of the catalog; equity, profit, orders, fills and signals of ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final

import orjson
import polars as pl
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from b25.analytics.events.buckets import DAY_NS, INTERVALS, open_of
from b25.analytics.events.order_fold import text
from b25.analytics.events.sampling import EVERY_NS
from b25.api.doors import requires
from b25.api.exports import FORMATS, Format, cursor_of, exported, place_of, span_of
from b25.api.gateway import Gateway, gateway_of
from b25.api.history_models import (
    CatalogEntry,
    HistoryBook,
    HistoryCandle,
    HistoryEquity,
    HistoryFill,
    HistoryFunding,
    HistoryOrder,
    HistoryPage,
    HistoryPnl,
    HistorySignal,
    HistoryTrade,
    signal_of,
)
from b25.api.market_history import Page, book_page, book_rows, candles_kind, decimal_text, decimal_texts, series_page, stored
from b25.api.principal import Principal
from b25.api.problems import MEDIA, Problem
from b25.api.roles import Permission
from b25.market.bar_catalog import FUNDING, TRADES, all_series
from b25.market.catalog import Catalog
from b25.market.timeframe import timeframe
from b25.store.history import account_history, day_starts, event_history, fill_history, order_history, session_history

router = APIRouter(tags=["history"], prefix="/history")

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": what, "content": {MEDIA: {"schema": {"type": "object"}}}}
    for status, what in {
        400: "misuse", 401: "not signed in", 403: "not allowed", 404: "no such data", 409: "data were imported anew",
        422: "not valid", 503: "not to be had now",
    }.items()
}  # fmt: skip
PAGED: Final[dict[int | str, dict[str, Any]]] = {**PROBLEMS, 200: {"description": "A page of rows.", "content": FORMATS}}

_OF_FILL: Final = ("venue", "account", "symbol", "trade_id", "strategy", "side", "price", "fee", "fee_asset")

Reader = Annotated[Principal, requires(Permission.READ)]
Home = Annotated[Gateway, Depends(gateway_of)]
Limit = Annotated[int, Query(ge=1, le=10_000)]
Short = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]*$")]
Time = Annotated[str, Query(max_length=40, description="ISO time in UTC, or ns since 1970; the span is [start, end)")]
Cursor = Annotated[str, Query(max_length=2_000, description="next_cursor of the page before")]
Form = Annotated[Format, Query(alias="format")]
Every = Annotated[str, Query(max_length=3, pattern="^(30s|1m|5m|15m|30m|1h|4h|1d)$")]


def _paged(rows: list[dict[str, Any]], place: list[Any] | None, notes: dict[str, Any], form: Format) -> Response:
    cursor = cursor_of(place) if place else None
    if form is Format.JSON:
        return Response(orjson.dumps({"data": rows, "next_cursor": cursor, "notes": notes}), media_type="application/json")
    return exported(rows, form, cursor=cursor, notes=notes)


def _of_frame(page: Page, rows: list[dict[str, Any]] | None, form: Format) -> Response:
    """JSON in decimals; the other forms with the very numbers that are on disk."""
    if form is Format.JSON:
        return _paged(rows or [], page.place, page.notes, form)
    return exported(page.rows, form, cursor=cursor_of(page.place) if page.place else None, notes=page.notes)


def _texts(rows: pl.DataFrame, *names: str) -> dict[str, list[str | None]]:
    return {name: decimal_texts(rows[name]) for name in names}


@router.get("/catalog", responses=PROBLEMS)
def catalog(by: Reader, home: Home) -> list[CatalogEntry]:
    """Every series and every capture that is kept."""
    held = Catalog(home.settings.catalog)
    found = [
        CatalogEntry(
            venue=one.series.instrument.venue, symbol=one.series.instrument.symbol, kind=one.kind, rows=one.series.rows,
            first_ns=one.series.files[0].first_ns if one.series.files else None, last_ns=one.series.last_ns,
            sources=list(one.series.sources),
        )
        for one in all_series(held)
    ]  # fmt: skip
    for manifest in held.manifests():
        files = [file for source in manifest.sources for file in source.files if file.kind == "l2"]
        found.append(
            CatalogEntry(
                venue=manifest.instrument.venue, symbol=manifest.instrument.symbol, kind="l2", 
                rows=sum(one.rows for one in files),
                first_ns=min((one.first_ns for one in files), default=None),
                last_ns=max((one.last_ns for one in files), default=None),
                sources=[source.name for source in manifest.sources],
            )
        )  # fmt: skip
    return found


@router.get("/candles", response_model=HistoryPage[HistoryCandle], responses=PAGED)
def candles(
    by: Reader, home: Home, symbol: Short, interval: Short = "1m", venue: Short = "", start: Time = "", end: Time = "",
    limit: Limit = 500, cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Bars as the catalog has them; larger ones are not made of smaller ones here, and nothing is filled in."""
    kind = candles_kind(interval)
    found = stored(Catalog(home.settings.catalog), symbol, venue, kind)
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=home.now_ns())
    page = series_page(found, start_ns, end_ns, place_of(cursor, [int]), limit)
    if form is not Format.JSON or not page.rows.height:
        return _of_frame(page, None, form)
    opens = page.rows["time_ns"]
    closes = timeframe(kind).next_open(opens.to_numpy()).tolist()
    columns: dict[str, list[Any]] = {"time_ns": opens.to_list(), "close_ns": closes}
    columns |= _texts(page.rows, "open", "high", "low", "close", "volume", "buy_volume")
    return _of_frame(page, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], form)


@router.get("/trades", response_model=HistoryPage[HistoryTrade], responses=PAGED)
def trades(
    by: Reader, home: Home, symbol: Short, venue: Short = "", start: Time = "", end: Time = "", limit: Limit = 500,
    cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Public trades that were downloaded."""
    found = stored(Catalog(home.settings.catalog), symbol, venue, TRADES)
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=home.now_ns())
    page = series_page(found, start_ns, end_ns, place_of(cursor, [int, str]), limit)
    rows = [
        {
            **row, "side": "buy" if row["side"] > 0 else "sell", "price": decimal_text(row["price"]),
            "amount": decimal_text(row["amount"]),
        }
        for row in page.rows.iter_rows(named=True)
    ]  # fmt: skip
    return _of_frame(page, rows, form)


@router.get("/funding", response_model=HistoryPage[HistoryFunding], responses=PAGED)
def funding(
    by: Reader, home: Home, symbol: Short, venue: Short = "", start: Time = "", end: Time = "", limit: Limit = 500,
    cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Funding rates."""
    found = stored(Catalog(home.settings.catalog), symbol, venue, FUNDING)
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=home.now_ns())
    page = series_page(found, start_ns, end_ns, place_of(cursor, [int]), limit)
    rows = [
        {"time_ns": row["time_ns"], "rate": decimal_text(row["rate"]), "mark": decimal_text(row["mark"])}
        for row in page.rows.iter_rows(named=True)
    ]
    return _of_frame(page, rows, form)


@router.get("/book", response_model=HistoryPage[HistoryBook], responses=PAGED)
def book(
    by: Reader, home: Home, symbol: Short, venue: Short = "", start: Time = "", end: Time = "", limit: Limit = 500,
    cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Rows of captures: every change of a level, in the order in which they were received."""
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=home.now_ns())
    page = book_page(Catalog(home.settings.catalog), symbol, venue, start_ns, end_ns, place_of(cursor, [str, int]), limit)
    return _of_frame(page, book_rows(page.rows, page.instrument) if form is Format.JSON else None, form)


@router.get("/equity", response_model=HistoryPage[HistoryEquity], responses=PAGED)
def equity(
    by: Reader, home: Home, session: Short = "", account: Short = "", interval: Every = "30s", start: Time = "", end: Time = "",
    limit: Limit = 500, cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """What sessions were worth at each half minute; with `account` (VENUE/NAME), an account as its statements say."""
    rows, place = _snapshots(by, home, session, account, interval, start, end, limit, cursor)
    days = {open_of(row["ts_ns"], DAY_NS) for row in rows}
    firsts = day_starts(home.store, {row["session"] for row in rows}, days, DAY_NS) if not account else {}
    told = []
    for row in rows:
        first = firsts.get((row["session"], open_of(row["ts_ns"], DAY_NS)))
        known = first is not None and row["equity"] is not None
        change = text(Decimal(row["equity"]) - Decimal(str(first))) if known else None
        told.append({**_head(row), "equity": row["equity"], "day_change": change})
    return _paged(told, place, {"kind": "equity"}, form)


@router.get("/pnl", response_model=HistoryPage[HistoryPnl], responses=PAGED)
def pnl(
    by: Reader, home: Home, session: Short = "", account: Short = "", interval: Every = "30s", start: Time = "", end: Time = "",
    limit: Limit = 500, cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Profit and loss since each session's start, of each half minute or longer interval; of an account with `account`."""
    rows, place = _snapshots(by, home, session, account, interval, start, end, limit, cursor)
    parts = ("realised", "unrealised", "fees")
    told = []
    for row in rows:
        known = all(row[name] is not None for name in parts)
        funding = Decimal(row.get("funding") or 0)
        net = Decimal(row["realised"]) + Decimal(row["unrealised"]) - Decimal(row["fees"]) + funding if known else None
        told.append({**_head(row), **{name: row[name] for name in parts}, "net": None if net is None else text(net)})
    return _paged(told, place, {"kind": "pnl"}, form)


def _head(row: dict[str, Any]) -> dict[str, Any]:
    return {"time_ns": row["ts_ns"], **{name: row[name] for name in ("session", "account", "asset", "reason")}}


def _snapshots(
    by: Principal, home: Gateway, session: str, account: str, interval: str, start: str, end: str, limit: int, cursor: str
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    every_ns = EVERY_NS if interval == "30s" else INTERVALS[interval]
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=DAY_NS)
    after = place_of(cursor, [int, str])
    if not account:
        rows = session_history(
            home.store, start_ns, end_ns, every_ns=every_ns, after=after, limit=limit + 1, accounts=by.accounts, session=session
        )
    else:
        venue, _, name = account.partition("/")
        if by.accounts is not None and name not in by.accounts:
            raise Problem(403, f"{by.name} does not see this account")
        rows = account_history(home.store, venue, name, start_ns, end_ns, every_ns=every_ns, after=after, limit=limit + 1)
        rows = [{**row, "session": "", "asset": row["quote"]} for row in rows]
    place = [rows[limit - 1]["ts_ns"], rows[limit - 1]["session"]] if len(rows) > limit else None
    return rows[:limit], place


@router.get("/orders", response_model=HistoryPage[HistoryOrder], responses=PAGED)
def orders(
    by: Reader, home: Home, symbol: Short = "", start: Time = "", end: Time = "", limit: Limit = 500, cursor: Cursor = "",
    form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Orders by the time of their intent."""
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=DAY_NS)
    after = place_of(cursor, [int, int])
    rows = order_history(home.store, start_ns, end_ns, after=after, limit=limit + 1, accounts=by.accounts, symbol=symbol)
    place = [rows[limit - 1]["ts_ns"], rows[limit - 1]["id"]] if len(rows) > limit else None
    told = [{"time_ns": row.pop("ts_ns"), "quantity": row.pop("qty"), **row} for row in rows[:limit]]
    for row in told:
        del row["id"]
    return _paged(told, place, {"kind": "orders"}, form)


@router.get("/fills", response_model=HistoryPage[HistoryFill], responses=PAGED)
def fills(
    by: Reader, home: Home, symbol: Short = "", start: Time = "", end: Time = "", limit: Limit = 500, cursor: Cursor = "",
    form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Executions of ours by venue time."""
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=DAY_NS)
    after = place_of(cursor, [int, str, str, str, str])
    rows = fill_history(home.store, start_ns, end_ns, after=after, limit=limit + 1, accounts=by.accounts, symbol=symbol)
    place = None
    if len(rows) > limit:
        place = [rows[limit - 1][name] for name in ("venue_ts_ms", "venue", "account", "symbol", "trade_id")]
    told = [
        {
            "time_ns": row["venue_ts_ms"] * 1_000_000, "client_id": row["coid"], "venue_id": row["venue_oid"], 
            "quantity": row["qty"], "is_maker": None if row["maker"] is None else bool(row["maker"]),
            "realised": row["realized"], "is_synthetic": bool(row["synthetic"]), **{name: row[name] for name in _OF_FILL},
        }
        for row in rows[:limit]
    ]  # fmt: skip
    return _paged(told, place, {"kind": "fills"}, form)


@router.get("/signals", response_model=HistoryPage[HistorySignal], responses=PAGED)
def signals(
    by: Reader, home: Home, symbol: Short = "", session: Short = "", strategy: Short = "", start: Time = "", end: Time = "",
    limit: Limit = 500, cursor: Cursor = "", form: Form = Format.JSON,
) -> Response:  # fmt: skip
    """Wishes of strategies as they were told on the bus; each wish stands in its session's journal."""
    start_ns, end_ns = span_of(start, end, now_ns=home.now_ns(), default_ns=DAY_NS)
    after = place_of(cursor, [int, int])
    rows = event_history(
        home.store, start_ns, end_ns, after=after, limit=limit + 1, accounts=by.accounts, kind="signal.generated", symbol=symbol,
        session=session, strategy=strategy,
    )  # fmt: skip
    place = [rows[limit - 1]["ts_ns"], rows[limit - 1]["seq"]] if len(rows) > limit else None
    told = [signal_of(row, orjson.loads(row["properties"])) for row in rows[:limit]]
    return _paged(told, place, {"kind": "signals"}, form)
