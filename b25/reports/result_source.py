"""The records of a backtest, or of a session as its journal tells it; both are results of one kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from b25.analytics.curve import EquityCurve
from b25.analytics.metrics import all_metrics
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries
from b25.reports.market_data import Heard, heard_in, of_result
from b25.reports.records import FILLS, ORDERS, Profit, Records, empty
from b25.reports.result_limits import latches_of, limits_used
from b25.reports.result_money import from_fills, held_of, profit_of, standings
from b25.reports.result_tables import fills_of, orders_of
from b25.session.result import SessionResult

if TYPE_CHECKING:
    from b25.analytics.costs import CostReport
    from b25.research.result import Backtest

NO_STORE: Final = "a backtest reconciles with no venue: its own exchange is the only account"
NO_JOURNAL_STORE: Final = "the journal alone was read: comparisons with the venue are in the store"
NO_ACK: Final = "a backtest's answers take what its latency model says"


def records_of(result: Backtest, start_ns: int, end_ns: int) -> Records:
    """Cut a result to a span and lay it out for reports.

    Parameters
    ----------
    result : Backtest or SessionResult
    start_ns, end_ns : int
        Half open, on the clock of the strategy.
    """
    out, live = result.outcome, isinstance(result, SessionResult)
    until = max(int(out.end_ns), int(result.curve.time_ns[-1]))
    first, last = max(start_ns, int(out.start_ns)), min(end_ns, until + 1)
    if last <= first:
        return _nothing(result, start_ns, end_ns)
    whole = first == int(out.start_ns) and last == until + 1
    heard = (
        heard_in(result.made.path, result, first, last) if isinstance(result, SessionResult) else Heard(data=of_result(result))
    )
    fills = _within(out.fills, "local_ns", first, last)
    placed = _within(out.orders, "created_ns", first, last)
    arrivals = _arrivals(result.costs)
    bought = fills_of(fills, result.instruments, result.name)
    orders = orders_of(placed, out.fills, heard.acked, result.instruments, result.name, arrivals)
    profits, change, held = _money(result, first, max(first, last), bought)
    curve = result.curve if whole else _cut_curve(result.curve, first, last)
    traces = result.traces if whole else [_cut_trace(trace, first, last) for trace in result.traces]
    trades = result.trades
    if not whole and trades.height:
        ended = pl.col("exit_time").dt.timestamp("ns")
        trades = trades.filter((ended >= first) & (ended < last))
    refused = result.refusals.filter(pl.col("time").dt.timestamp("ns").is_between(first, last, closed="left"))
    halt = result.made.history.halt if isinstance(result, SessionResult) else None
    return Records(
        name=str(result.made.history.header["session"]) if isinstance(result, SessionResult) else result.name,
        mode=str(result.made.history.header["mode"]) if isinstance(result, SessionResult) else "backtest",
        source=result._subtitle(), currency=result.currency, start_ns=first, end_ns=max(first, last),
        as_of_ns=last - 1, fills=bought, orders=orders, profits=profits, equity_change=change,
        equity_source="the money that every fill moved, and what is held at the mids", held=held, curve=curve, traces=traces,
        trades=trades, costs=result.costs if whole else _cut_costs(result, traces, curve, first, last),
        metrics=_metrics(result, curve, traces, trades, profits, whole=whole),
        refused=dict(Counter(refused["reason"].to_list())),
        limits=limits_used(result, curve, traces, bought, orders), stops=latches_of(result, halt, until),
        data=heard.data, absent=_absent(live=live), assumptions=result.assumptions, provenance=result.provenance,
        parameters=[
            (name, f"{value:g}" if isinstance(value, float) else str(value), result.made.cls.params[name].unit)
            for name, value in result.parameters.items()
        ],
        warnings=result.warnings,
    )  # fmt: skip


def _nothing(result: Backtest, start_ns: int, end_ns: int) -> Records:
    """A span in which the result has no part."""
    header = result.made.history.header if isinstance(result, SessionResult) else {"session": result.name, "mode": "backtest"}
    return Records(
        name=str(header["session"]), mode=str(header["mode"]), source=result._subtitle(), currency=result.currency,
        start_ns=start_ns, end_ns=end_ns, as_of_ns=None, fills=empty(FILLS), orders=empty(ORDERS),
        absent=_absent(live=isinstance(result, SessionResult))
        | {"curve": "the span has no record", "limits": "the span has no record", "data": "the span has no record"},
        assumptions=result.assumptions, provenance=result.provenance,
    )  # fmt: skip


def _absent(*, live: bool) -> dict[str, str]:
    if live:
        return {"reconciliations": NO_JOURNAL_STORE, "kills": "the journal alone was read: kills are in the store"}
    return {"reconciliations": NO_STORE, "acked_ns": NO_ACK, "kills": "a backtest has no kill switch", "drift": NO_STORE}


def _money(result: Backtest, first: int, last: int, fills: pl.DataFrame) -> tuple[list[Profit], Decimal | None, list[Any]]:
    profits, held, changes = [], [], []
    for i in range(len(result.instruments)):
        span = standings(result, i, first, last)
        profit = profit_of(result, i, span)
        profits.append(profit)
        held.append(held_of(result, i, span[1]))
        changes.append(from_fills(result, i, span, profit, fills))
    known = [change for change in changes if change is not None]
    return profits, sum(known, Decimal(0)) if len(known) == len(changes) else None, held


def _within(rows: np.ndarray[Any, Any], clock: str, first: int, last: int) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = rows[(rows[clock] >= first) & (rows[clock] < last)]
    return found


def _arrivals(costs: CostReport) -> dict[int, float]:
    table = costs.orders
    if "arrival" not in table.columns:
        return {}
    return {int(order): mid for order, mid in zip(table["order_id"].to_list(), table["arrival"].to_list(), strict=True) if mid}


def _cut_curve(curve: EquityCurve, first: int, last: int) -> EquityCurve:
    """The curve from its value at the start of the span on."""
    inside = (curve.time_ns >= first) & (curve.time_ns < last)
    before = int(np.searchsorted(curve.time_ns, first, side="left")) - 1
    opened = curve.equity[max(before, 0)]
    return EquityCurve(
        np.concatenate(([first], curve.time_ns[inside])).astype(np.int64), np.concatenate(([opened], curve.equity[inside]))
    )


def _cut_trace(trace: InstrumentTrace, first: int, last: int) -> InstrumentTrace:
    fills = trace.fills
    keep = (fills.time_ns >= first) & (fills.time_ns < last)
    columns: Mapping[str, Any] = {
        name: None if (column := getattr(fills, name)) is None else column[keep]
        for name in ("time_ns", "side", "price", "quantity", "fee", "maker", "order_id", "mid", "submit_ns")
    }
    cut: FillSeries = replace(fills, **columns)
    return replace(trace, fills=cut, mids=_cut_series(trace.mids, first, last), position=trace.held(first, last))


def _cut_series(series: TimeSeries | None, first: int, last: int) -> TimeSeries | None:
    if series is None:
        return None
    start = max(0, int(np.searchsorted(series.time_ns, first, side="right")) - 1)
    end = int(np.searchsorted(series.time_ns, last, side="left"))
    return TimeSeries(series.time_ns[start:end], series.values[start:end])


def _cut_costs(
    result: Backtest, traces: Sequence[InstrumentTrace], curve: EquityCurve, first: int, last: int
) -> CostReport | None:
    """Costs of a part of a result: of the orders that were decided in it."""
    from b25.analytics.costs import CostReport

    table = result.costs.orders
    if "sent" not in table.columns:
        return None
    sent = pl.col("sent").dt.timestamp("ns")
    inside = table.filter((sent >= first) & (sent < last))
    return CostReport(inside, {}, result.currency)


def _metrics(
    result: Backtest, curve: EquityCurve, traces: Sequence[InstrumentTrace], trades: pl.DataFrame, profits: Sequence[Profit],
    *, whole: bool,
) -> Any:  # fmt: skip
    if whole:
        return result.metrics
    funding = float(sum((one.funding for one in profits), Decimal(0)))
    return all_metrics(curve, traces=traces, trades=trades, funding=funding)
