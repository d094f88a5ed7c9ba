"""The account's own statements: what it was worth over time, and the change of each strategy's line between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
import orjson
from sqlalchemy import func, select

from b25.account.ledger.amounts import decimal_of as atoms_as_decimal
from b25.analytics.curve import EquityCurve
from b25.analytics.figures import time_text
from b25.analytics.series import TimeSeries
from b25.reports.records import Held, Profit
from b25.reports.store_rows import NS_PER_MS, Scope
from b25.store.account_tables import account_entry, account_snapshot
from b25.store.store import Store

POINTS_MAX: Final = 5_000
ALL_PARTS: Final = ("realised", "unrealised", "fees", "funding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What the statements of a span say.

    Attributes
    ----------
    equity_change : Decimal or None
        From the first to the last, transfers taken out.
    marks : mapping of str to TimeSeries
        Prices by symbol at which the statements valued what was held.
    resolution_ns : int
        How far the statements that were read are apart.
    why : str
        What is missing; empty when nothing is.
    """

    currency: str = ""
    profits: list[Profit] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    equity_change: Decimal | None = None
    words: str = ""
    curve: EquityCurve | None = None
    marks: Mapping[str, TimeSeries] = field(default_factory=dict)
    resolution_ns: int = 0
    last_ns: int | None = None
    why: str = ""


def statements_of(store: Store, scope: Scope, strategy: str | None) -> Statements:
    """Read the statements of an account.

    Parameters
    ----------
    store : Store
    scope : Scope
    strategy : str, optional
        Whose lines; None is all of the account, of which alone the equity is known.
    """
    rows = _rows(store, scope)
    if not rows:
        return Statements(why="the account has no statement in this span")
    first, last = orjson.loads(rows[0].body), orjson.loads(rows[-1].body)
    transfers = _transfers(store, scope, rows[0].ts_ns, rows[-1].ts_ns, rows[-1].quote)
    change = None
    if strategy is None and rows[0].equity is not None and rows[-1].equity is not None:
        moved = sum((amount for _, amount in transfers), Decimal(0))
        change = Decimal(rows[-1].equity) - Decimal(rows[0].equity) - moved
    between = f"{time_text(rows[0].ts_ns)} and {time_text(rows[-1].ts_ns)}"
    known = [row for row in rows if row.equity is not None]
    times = np.array([row.ts_ns for row in known], np.int64)
    curve = None
    if strategy is None and known:
        flow = np.array([float(amount) for _, amount in transfers])
        curve = EquityCurve(
            times, np.array([float(row.equity) for row in known]),
            flow_ns=np.array([time_ns for time_ns, _ in transfers], np.int64) if transfers else None,
            flow=flow if transfers else None,
        )  # fmt: skip
    return Statements(
        currency=rows[-1].quote, profits=_profits(first, last, strategy), held=_held(last, strategy), equity_change=change,
        words=f"its own statements of {between}", curve=curve, marks=_marks(rows),
        resolution_ns=int(np.median(np.diff(times))) if times.size > 1 else 0, last_ns=int(rows[-1].ts_ns),
        why="" if strategy is None else "the account's equity is not that of one strategy",
    )  # fmt: skip


def _rows(store: Store, scope: Scope) -> list[Any]:
    """The last statement before the span, if there is one, and at most some thousand of it, the last one among them."""
    c = account_snapshot.c
    mine = [c.venue == scope.venue, c.account == scope.account]
    before = store.rows(select(account_snapshot).where(*mine, c.ts_ns < scope.start_ns).order_by(c.ts_ns.desc()).limit(1))
    inside = [*mine, c.ts_ns >= scope.start_ns, c.ts_ns < scope.end_ns]
    count, low, high = store.rows(select(func.count(), func.min(c.ts_ns), func.max(c.ts_ns)).where(*inside))[0]
    wanted = select(account_snapshot).where(*inside)
    if count > POINTS_MAX:
        every = max(1, (int(high) - int(low)) // POINTS_MAX)
        lasts = select(func.max(c.ts_ns)).where(*inside).group_by((c.ts_ns - int(low)) // every)
        wanted = wanted.where(c.ts_ns.in_(lasts))
    return [*before, *store.rows(wanted.order_by(c.ts_ns))]


def _transfers(store: Store, scope: Scope, start_ns: int, end_ns: int, quote: str) -> list[tuple[int, Decimal]]:
    """Money that was moved in and out; what the books opened with is none of it."""
    c = account_entry.c
    wanted = select(account_entry).where(c.venue == scope.venue, c.account == scope.account, c.kind == "TRANSFER")
    wanted = wanted.where(c.asset == quote, c.time_ms * NS_PER_MS > start_ns, c.time_ms * NS_PER_MS <= end_ns)
    rows = store.rows(wanted.order_by(c.time_ms, c.ref))
    return [
        (row.time_ms * NS_PER_MS, atoms_as_decimal(int(row.amount)))
        for row in rows
        if orjson.loads(row.body).get("source") != "opening"
    ]


def _lines(body: Mapping[str, Any], strategy: str | None) -> dict[tuple[str, str], Mapping[str, Any]]:
    lines = body.get("strategies") or body.get("positions") or []
    return {(one["strategy"], one["symbol"]): one for one in lines if strategy is None or one["strategy"] == strategy}


def _profits(first: Mapping[str, Any], last: Mapping[str, Any], strategy: str | None) -> list[Profit]:
    begun, ended = _lines(first, strategy), _lines(last, strategy)
    found = []
    for key in sorted({*begun, *ended}):
        change = {name: _change(begun.get(key), ended.get(key), name) for name in ALL_PARTS}
        found.append(
            Profit(
                strategy=key[0], symbol=key[1], realised=change["realised"], unrealised=change["unrealised"],
                fees=change["fees"] or Decimal(0), funding=change["funding"] or Decimal(0),
            )
        )  # fmt: skip
    return found


def _change(begun: Mapping[str, Any] | None, ended: Mapping[str, Any] | None, name: str) -> Decimal | None:
    """Change of a part of a line; a line that was not there yet began with nothing, and one without a position is at 0."""
    values = [Decimal(0) if line is None else _part(line, name) for line in (begun, ended)]
    return None if values[0] is None or values[1] is None else values[1] - values[0]


def _part(line: Mapping[str, Any], name: str) -> Decimal | None:
    value = line.get(name)
    if value is None and name == "unrealised" and line.get("quantity") in ("0", None):
        return Decimal(0)
    return None if value is None else Decimal(value)


def _held(last: Mapping[str, Any], strategy: str | None) -> list[Held]:
    found = []
    for (whose, symbol), line in sorted(_lines(last, strategy).items()):
        quantity, mark = Decimal(line["quantity"] or 0), line.get("mark")
        found.append(
            Held(
                strategy=whose, symbol=symbol, quantity=quantity, entry=_decimal(line.get("entry")), mark=_decimal(mark),
                worth=None if mark is None else quantity * Decimal(mark), unrealised=_decimal(line.get("unrealised")),
            )
        )  # fmt: skip
    return found


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _marks(rows: list[Any]) -> dict[str, TimeSeries]:
    """Marks by symbol, of every statement that was read."""
    seen: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for line in orjson.loads(row.body).get("positions") or []:
            if line.get("mark") is not None:
                seen.setdefault(line["symbol"], []).append((row.ts_ns, float(line["mark"])))
    return {
        symbol: TimeSeries(np.array([time_ns for time_ns, _ in told], np.int64), np.array([mark for _, mark in told]))
        for symbol, told in seen.items()
    }
