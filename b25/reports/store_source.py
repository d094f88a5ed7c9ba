"""The records of an account, or of a session, as the store has them; the session's journal adds the market that it saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from sqlalchemy import select

from b25.account.ledger.state import account_of
from b25.analytics.costs import CostReport, cost_report
from b25.analytics.metrics import all_metrics, trades_of
from b25.analytics.series import FillSeries, InstrumentTrace
from b25.analytics.slippage import OrderSeries, Traded
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.reports.exact import floats, total
from b25.reports.records import Happening, Records
from b25.reports.span import ALL
from b25.reports.store_money import Statements, statements_of
from b25.reports.store_rows import Scope, stored_fills, stored_orders
from b25.reports.store_watch import drift_of, reconciliations_of, stops_of
from b25.store.account_log import AccountLog
from b25.store.lives import life_id
from b25.store.store import Store
from b25.store.tables import fill, intent, session

NO_ARRIVAL: Final = "the mid at the decisions was not kept: the analytics process did not run, and the journal was not found"
NO_JOURNAL: Final = "in the session's journal, which was not found"
JOURNALS: Final = "in the journals of its sessions: make the report of session:NAME"
NO_DRIFT: Final = "no drift check was run for this span"


def instruments_of_account(store: Store, venue: str, account: str) -> dict[str, Instrument]:
    """Instruments that the account's state names; empty when there is none."""
    log = AccountLog(store, venue, account, now_ns=lambda: 0)
    told = log.state()
    kept = account_of(venue, account, told[1]) if told is not None else None
    return dict(kept.instruments) if kept is not None else {}


def lives_of(store: Store, name: str) -> list[Any]:
    """Lives of a session, oldest first.

    Raises
    ------
    Misuse
        When the store never had it.
    """
    rows = store.rows(select(session).order_by(session.c.started_ns))
    found = [row for row in rows if row.id == life_id(name, row.epoch)]
    if not found:
        names = sorted({row.id.rpartition("#")[0] for row in rows})
        raise Misuse(f"the store has no session {name!r}", remedy=f"use one of {', '.join(names[-8:]) or 'none: it is empty'}")
    return found


def journal_of(lives: Sequence[Any], name: str, folders: Sequence[Path]) -> Path | None:
    """Where a session's journal is: beside the folder that its last life named, or in one of some folders."""
    told = [Path(row.folder).parent for row in reversed(lives) if row.folder]
    bases = [*(base / one for one in told for base in (Path(), *folders)), *folders]
    return next((path for base in bases if (path := base / f"{name}.journal").is_file()), None)


def records_of_session(store: Store, lives: Sequence[Any], name: str, start_ns: int, end_ns: int) -> Records:
    """A session from the store alone."""
    last = lives[-1]
    instruments = instruments_of_account(store, last.venue, last.account)
    epochs = [int(row.epoch) for row in lives]
    scope = Scope(
        venue=last.venue, account=last.account, start_ns=start_ns, end_ns=end_ns, epochs=epochs, instruments=instruments
    )
    found = _records(store, scope, name=name, mode=last.mode, strategy=last.strategy)
    found = replace(found, source=f"session {name} · {last.account} · {last.venue} · the store")
    return _with_drift(found, drift_of(store, (name,), scope))


def _with_drift(found: Records, drift: Sequence[Happening]) -> Records:
    absent = found.absent if not drift else {name: why for name, why in found.absent.items() if name != "drift"}
    return replace(found, drift=drift, absent=absent)


def records_of_account(store: Store, venue: str, account: str, start_ns: int, end_ns: int) -> Records:
    """Everything of an account, of all its strategies."""
    rows = store.rows(select(session.c.mode).where(session.c.account == account).order_by(session.c.started_ns.desc()).limit(1))
    instruments = instruments_of_account(store, venue, account)
    scope = Scope(venue=venue, account=account, start_ns=start_ns, end_ns=end_ns, instruments=instruments)
    found = _records(store, scope, name=account, mode=rows[0].mode if rows else "live", strategy=None)
    names = {row.id.rpartition("#")[0] for row in store.rows(select(session.c.id).where(session.c.account == account))}
    return _with_drift(replace(found, source=f"account {account} · {venue} · the store"), drift_of(store, names, scope))


def with_store(found: Records, store: Store, lives: Sequence[Any]) -> Records:
    """A session's journal with what only the store has: differences from the venue, kills, alerts; and whether they agree."""
    last = lives[-1]
    scope = Scope(
        venue=last.venue, account=last.account, start_ns=found.start_ns, end_ns=found.end_ns,
        epochs=[int(row.epoch) for row in lives], instruments=instruments_of_account(store, last.venue, last.account),
    )  # fmt: skip
    kept = {name: why for name, why in found.absent.items() if name not in ("reconciliations", "kills")}
    kept |= {} if (told := reconciliations_of(store, scope)) else {"comparisons": "no comparison with the venue was stored"}
    differences = [*told, _journal_against_store(found, stored_fills(store, scope))]
    told_of = replace(
        found, stops=[*found.stops, *stops_of(store, scope)], absent={"drift": NO_DRIFT} | kept,
        reconciliations=sorted(differences, key=lambda one: one.time_ns),
    )  # fmt: skip
    return _with_drift(told_of, drift_of(store, (found.name,), scope))


def _journal_against_store(found: Records, stored: pl.DataFrame) -> Happening:
    """Whether the journal's fills are those of the store: as many, of the same quantity, value and fees."""
    heard = found.fills
    pairs = [(name, total(heard[name]), total(stored[name])) for name in ("quantity", "notional", "fee")]
    pairs.insert(0, ("fills", Decimal(heard.height), Decimal(stored.height)))
    wrong = [f"{name} {ours:f} against {theirs:f}" for name, ours, theirs in pairs if ours != theirs]
    text = "; ".join(wrong) if wrong else f"{heard.height:,} fills, their quantity, value and fees are the same"
    return Happening(
        time_ns=found.end_ns, kind="books", what="journal against store", text=text, state="differs" if wrong else "agrees"
    )  # fmt: skip


def _records(store: Store, scope: Scope, *, name: str, mode: str, strategy: str | None) -> Records:
    fills, orders = stored_fills(store, scope), stored_orders(store, scope)
    told = statements_of(store, scope, strategy)
    mixed = _mixed(fills, told)
    if mixed:  # amounts of two currencies are no sum, and no equity
        told = replace(told, profits=[])
    traces = [] if mixed else _traces(fills, scope, told)
    costs = _costs(traces, fills, orders, told)
    known = (fills["time_ns"], orders["decided_ns"], orders["ended_ns"])
    times = [at for column in known if (at := _number(column.max())) is not None]
    newest = max([*times, *([told.last_ns] if told.last_ns is not None else [])], default=None)
    begun = [at for column in (fills["time_ns"], orders["decided_ns"]) if (at := _number(column.min())) is not None]
    begun += [int(told.curve.time_ns[0])] if told.curve is not None else []
    first = scope.start_ns if scope.start_ns != ALL[0] else min(begun, default=0)
    last = scope.end_ns if scope.end_ns != ALL[1] else (newest if newest is not None else first - 1) + 1
    trades, compared = trades_of(traces), reconciliations_of(store, scope)
    metrics: Mapping[str, Any] = {}
    if told.curve is not None and told.curve.time_ns.size > 1:
        metrics = all_metrics(told.curve, traces=traces, trades=trades, funding=_funding(told))
    return Records(
        name=name, mode=mode, source="", currency=told.currency or _settle(fills, scope), start_ns=first, end_ns=max(first, last),
        as_of_ns=newest, fills=fills, orders=orders, profits=told.profits, equity_change=told.equity_change,
        equity_source=told.words, held=told.held, curve=told.curve, traces=traces, trades=trades, costs=costs, metrics=metrics,
        stops=stops_of(store, scope), reconciliations=compared,
        absent=_absent(told, costs, JOURNALS if strategy is None else NO_JOURNAL, len(compared)) | mixed,
        provenance=[("store", f"{fills.height:,} fills, {orders.height:,} orders were read")],
    )  # fmt: skip


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _absent(told: Statements, costs: CostReport | None, where: str, comparisons: int) -> dict[str, str]:
    found = {
        "refused": f"what the gate refused is {where}", "limits": f"what was used of the limits is {where}",
        "data": f"the market data is {where}", "drift": NO_DRIFT,
    }  # fmt: skip
    if not comparisons:
        found |= {"reconciliations": "no comparison with the venue was stored in this span"}
    if told.why:
        found |= {"curve": told.why}
    if told.why and not told.profits:
        found |= {"profits": told.why}
    return found | ({"costs": NO_ARRIVAL} if costs is None else {})


def _funding(told: Statements) -> float:
    return float(sum((one.funding for one in told.profits), Decimal(0)))


def _mixed(fills: pl.DataFrame, told: Statements) -> dict[str, str]:
    """Why sums are not made, where instruments settle in several currencies; empty where they are one."""
    settled = {_parts(symbol)[1] for symbol in (*fills["symbol"].unique().to_list(), *(one.symbol for one in told.profits))}
    if len(settled) < 2:
        return {}
    why = f"instruments settle in {' and '.join(sorted(settled))}: make the report of each session"
    return dict.fromkeys(("sums", "profits", "traces", "trades", "costs"), why)


def _settle(fills: pl.DataFrame, scope: Scope) -> str:
    """Settlement currency: as the symbols name it; without a fill as the account's instruments do."""
    symbols = fills["symbol"].unique().sort().to_list() or sorted(scope.instruments)
    return _parts(symbols[0])[1] if symbols else ""


def _parts(symbol: str) -> tuple[str, str]:
    """Base, and what it settles in: after the colon, else the quote."""
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    return base, (settle or quote).partition("-")[0]


def _traces(fills: pl.DataFrame, scope: Scope, told: Statements) -> list[InstrumentTrace]:
    numbers = {name: place for place, name in enumerate(fills["order"].unique(maintain_order=True).to_list())}
    found = []
    for symbol in sorted({*fills["symbol"].to_list(), *told.marks}):
        mine = fills.filter(pl.col("symbol") == symbol)
        one, (base, quote) = scope.instruments.get(symbol), _parts(symbol)
        known = not mine["maker"].null_count() and mine.height
        series = FillSeries(
            time_ns=mine["time_ns"].to_numpy(), side=mine["side"].to_numpy(), price=floats(mine["price"]),
            quantity=floats(mine["quantity"]), fee=np.nan_to_num(floats(mine["fee"])),
            maker=mine["maker"].to_numpy() if known else None,
            order_id=np.array([numbers[name] for name in mine["order"].to_list()], np.int64),
            lot=float(one.lot) if one is not None else 0.0,
            contract_size=float(one.contract_size) if one is not None else 1.0, inverse=one is not None and one.inverse,
        )  # fmt: skip
        found.append(
            InstrumentTrace(
                name=symbol, fills=series, mids=told.marks.get(symbol), quote=quote, base=base, resolution_ns=told.resolution_ns
            )
        )  # fmt: skip
    return found


def _costs(traces: Sequence[InstrumentTrace], fills: pl.DataFrame, orders: pl.DataFrame, told: Statements) -> CostReport | None:
    """Slippage against the mids that the analytics process kept of the decisions; None without them."""
    if not fills.height or not orders["arrival_mid"].drop_nulls().len():
        return None
    numbers = {name: place for place, name in enumerate(fills["order"].unique(maintain_order=True).to_list())}
    extra = [name for name in orders["order"].to_list() if name not in numbers]
    numbers |= {name: len(numbers) + place for place, name in enumerate(extra)}
    traded = []
    for trace in traces:
        mine = orders.filter(pl.col("symbol") == trace.name)
        mine = mine.with_columns(number=pl.Series([numbers[name] for name in mine["order"].to_list()], dtype=pl.Int64)).sort(
            "number"
        )
        sent = mine["decided_ns"].to_numpy()
        end = int(told.last_ns or (sent.max() if sent.size else 0))
        series = OrderSeries(
            order_id=mine["number"].to_numpy(), sent_ns=sent, ended_ns=mine["ended_ns"].fill_null(end).to_numpy(),
            side=mine["side"].to_numpy(), quantity=floats(mine["quantity"]), filled=floats(mine["filled"]),
            arrival=floats(mine["arrival_mid"]),
        )  # fmt: skip
        # Marks are half a minute apart: too far to say what lay between a decision and its fill.
        traded.append(Traded(trace=replace(trace, mids=None), orders=series))
    return cost_report(traded, curve=told.curve, currency=told.currency)


def accounts_in(store: Store) -> list[tuple[str, str]]:
    """Every venue and account of which there is a session, an order or a fill."""
    found: set[tuple[str, str]] = set()
    for table in (session, intent, fill):
        found |= {(row[0], row[1]) for row in store.rows(select(table.c.venue, table.c.account).distinct())}
    return sorted(found)
