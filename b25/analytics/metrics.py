"""All metrics of a result in one call, from one equity curve; below 30 days no annualised figure is shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from b25.analytics import holdings, returns
from b25.analytics.curve import DailyPoints, EquityCurve
from b25.analytics.deflated import TrialSummary
from b25.analytics.drawdown import drawdown_metrics, drawdown_ratio
from b25.analytics.fill_metrics import fill_metrics
from b25.analytics.formulas import EQUITY, explain, measured, missing
from b25.analytics.honest import SEED, bootstrap_interval
from b25.analytics.honest_metrics import honest_metrics
from b25.analytics.metric import (
    DAYS_PER_YEAR,
    NS_PER_MINUTE,
    NS_PER_SECOND,
    FloatArray,
    Metric,
    all_equal,
)
from b25.analytics.order_metrics import OrderCounts, order_metrics
from b25.analytics.series import InstrumentTrace
from b25.analytics.shown import shown
from b25.analytics.trade_metrics import trade_metrics
from b25.analytics.trades import COLUMNS, trades_from_fills

__all__ = [
    "all_metrics", "compared", "equity_metrics", "explain", "metrics_frame", "reasons", "return_metrics", "summary", "trades_of",
]  # fmt: skip


COMPARED = (
    "trades", "net_profit", "total_return", "cagr", "max_drawdown", "sharpe", "sortino", "calmar", "deflated_sharpe", "win_rate",
    "profit_factor", "holding_mean", "fees",
)  # fmt: skip
STEPS_MAX = 1_000
STEPS_MIN = 30


def return_metrics(daily_returns: FloatArray, *, risk_free: float = 0.0, acceptable: float = 0.0) -> dict[str, Metric]:
    """Every ratio that needs nothing but daily returns; annualised whatever their number.

    Parameters
    ----------
    daily_returns : ndarray of float64, shape (n,)
        NaN at the head is ignored.
    risk_free, acceptable : float
        Risk-free and minimum acceptable return of one day.
    """
    sharpe = returns.sharpe(daily_returns, risk_free=risk_free)
    sortino = returns.sortino(daily_returns, acceptable=acceptable)
    return {
        "volatility": returns.volatility(daily_returns),
        "sharpe": sharpe,
        "sortino": sortino,
        "smart_sharpe": returns.smart(sharpe, daily_returns),
        "smart_sortino": returns.smart(sortino, daily_returns),
        "omega": returns.omega(daily_returns),
        **returns.tail_risk(daily_returns),
        **returns.days(daily_returns),
    }


def _divided(name: str, above: Metric, below: float | None, why_not: str) -> Metric:
    if above.value is None:
        return missing(name, above.reason)
    return measured(name, above.value / below) if below else missing(name, why_not)


def _pain(curve: EquityCurve, daily: DailyPoints, found: Mapping[str, Metric], risk_free: float) -> dict[str, Metric]:
    """Return over pain: Calmar, Ulcer, Martin and Serenity."""
    growth = returns.cagr(curve.starting_balance, float(daily.equity[-1]), curve.span_days)
    out = {"cagr": growth, "calmar": _divided("calmar", growth, found["max_drawdown"].value, "there is no drawdown")}
    depth = drawdown_ratio(daily.equity)[1:]
    if not depth.size or np.any(np.isnan(depth)):
        why = "no daily return" if not depth.size else "equity was never positive"
        return out | {name: missing(name, why) for name in ("ulcer", "martin", "serenity")}
    ulcer = math.sqrt(float(np.mean(depth**2)))
    out["ulcer"] = measured("ulcer", ulcer)
    excess = growth if growth.value is None else replace(growth, value=growth.value - ((1 + risk_free) ** DAYS_PER_YEAR - 1))
    out["martin"] = _divided("martin", excess, ulcer, "there is no drawdown on daily points")
    spread = 0.0 if daily.returns.size < 2 or all_equal(daily.returns) else float(np.std(daily.returns, ddof=1))
    tail = float(np.mean(depth[depth >= np.quantile(depth, 0.95)]))
    pain = ulcer * tail / spread if spread else 0.0
    if not pain > 0:
        why = returns.few(daily.returns.size) if daily.returns.size < 2 else "a factor of its denominator is 0"
        return out | {"serenity": missing("serenity", why)}
    gain = float(np.sum(daily.returns)) - risk_free * daily.returns.size
    return out | {"serenity": measured("serenity", gain / pain)}


def _step_ns(curve: EquityCurve) -> int:
    """Whole seconds, as few as give at most `STEPS_MAX` steps."""
    span = int(curve.time_ns[-1] - curve.time_ns[0])
    return max(1, -(-span // (STEPS_MAX * NS_PER_SECOND))) * NS_PER_SECOND


def _short_run(curve: EquityCurve) -> dict[str, Metric]:
    """Figures that mean something after five minutes: nothing here is annualised."""
    names = ("profit_volatility_minute", "profit_low", "profit_high")
    minutes = float(curve.time_ns[-1] - curve.time_ns[0]) / NS_PER_MINUTE
    out = {
        "profit_minute": measured("profit_minute", curve.net_profit / minutes)
        if minutes
        else missing("profit_minute", "no length")
    }
    step = _step_ns(curve)
    change = np.diff(curve.sampled(step))
    if change.size < STEPS_MIN or np.any(np.isnan(change)):
        why = f"{change.size} steps of {step // NS_PER_SECOND} s; at least {STEPS_MIN} are needed"
        return out | {name: missing(name, why) for name in names}
    note = f"{change.size} × {step // NS_PER_SECOND} s"
    out[names[0]] = measured(names[0], float(np.std(change, ddof=1)) * math.sqrt(NS_PER_MINUTE / step), note=note)
    interval = bootstrap_interval(change, lambda rows: np.sum(rows, axis=1))
    if interval is None or not np.any(change):
        return out | {name: missing(name, "the account never moved") for name in names[1:]}
    note += f", {interval.resamples} resamples, seed {SEED}, mean block {interval.block:g}"
    out[names[1]] = measured(names[1], interval.low, note=note)
    out[names[2]] = measured(names[2], interval.high, note=note)
    return out


def _per_day(curve: EquityCurve) -> Metric:
    name, start = "average_daily_profit", curve.starting_balance
    if start <= 0 or not curve.span_days:
        return missing(name, "the starting balance is not positive" if start <= 0 else "the curve has no length")
    return measured(name, curve.net_profit / start / curve.span_days)


def _day_profits(daily: DailyPoints) -> dict[str, Metric]:
    """Money of the best and the worst day, each with its date."""
    names = ("best_day_profit", "worst_day_profit")
    change = np.diff(daily.equity)
    if not change.size or np.any(np.isnan(change)):
        return {
            name: missing(name, "there is no daily return" if not change.size else "equity was not positive") for name in names
        }
    rows = (int(np.argmax(change)), int(np.argmin(change)))
    dates = [str(np.datetime64(int(daily.time_ns[row]), "ns").astype("datetime64[D]")) for row in rows]
    return {name: measured(name, float(change[row]), note=date) for name, row, date in zip(names, rows, dates, strict=True)}


def _balance(curve: EquityCurve) -> dict[str, Metric]:
    high, low = int(np.argmax(curve.equity)), int(np.argmin(curve.equity))
    return {
        "starting_balance": measured("starting_balance", curve.starting_balance),
        "final_balance": measured("final_balance", curve.final_balance),
        "start_time": measured("start_time", int(curve.time_ns[0])),
        "end_time": measured("end_time", int(curve.time_ns[-1])),
        "days": measured("days", curve.span_days),
        "net_profit": measured("net_profit", curve.net_profit),
        "average_daily_profit": _per_day(curve),
        "max_equity": measured("max_equity", float(curve.equity[high])),
        "min_equity": measured("min_equity", float(curve.equity[low])),
        "max_equity_time": measured("max_equity_time", int(curve.time_ns[high])),
        "min_equity_time": measured("min_equity_time", int(curve.time_ns[low])),
    }


def equity_metrics(
    curve: EquityCurve, *, traces: Sequence[InstrumentTrace] = (), risk_free: float = 0.0, acceptable: float = 0.0
) -> dict[str, Metric]:
    """Every metric of an equity curve.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time; the one source of every ratio.
    traces : sequence of InstrumentTrace
        What was traded, for exposure, turnover and the market's own change; without it those are n/a.
    risk_free, acceptable : float
        Risk-free and minimum acceptable return of one day, as ratios; noted in the metrics that use them.

    Returns
    -------
    dict of str to Metric
        Every metric of `formulas.EQUITY`; what is undefined is n/a with a reason, never 0, NaN or infinite.
    """
    daily = curve.daily()
    found = _balance(curve) | _day_profits(daily) | drawdown_metrics(curve.time_ns, curve.index(), daily.equity)
    broke = np.flatnonzero(~(daily.equity > 0))
    if broke.size:
        day = np.datetime_as_string(np.datetime64(int(daily.time_ns[broke[0]]), "ns"), unit="D")
        why = f"equity was not positive on {day}"
        found |= {
            name: missing(name, why) for name in (*return_metrics(np.zeros(0)), "total_return", "ulcer", "martin", "serenity")
        }
        found["cagr"] = returns.cagr(curve.starting_balance, float(daily.equity[-1]), curve.span_days)
        found["calmar"] = missing("calmar", why)
    else:
        found |= return_metrics(daily.returns, risk_free=risk_free, acceptable=acceptable)
        found["total_return"] = measured("total_return", float(daily.equity[-1] / daily.equity[0] - 1.0))
        found |= _pain(curve, daily, found, risk_free)
    found |= _short_run(curve) | _against(curve, daily, traces)
    return shown({name: found[name] for name in EQUITY}, curve)


def _against(curve: EquityCurve, daily: DailyPoints, traces: Sequence[InstrumentTrace]) -> dict[str, Metric]:
    names = ("exposure_gross", "exposure_net", "turnover", "turnover_year", "market_change", "beta", "correlation", "hold_value")
    if not traces:
        return {name: missing(name, "fills and mid prices were not given") for name in names}
    net, gross = holdings.position_values(traces, curve.time_ns)
    out = holdings.exposure(curve.time_ns, curve.equity, net, gross)
    out["hold_value"] = measured("hold_value", float(gross[-1]), why_not="no mid price at the end")
    out |= holdings.turnover(sum(float(trace.fills.notional.sum()) for trace in traces), curve)
    out["market_change"] = holdings.market_change(traces, curve)
    market = holdings.market_index(traces, daily.time_ns)
    return out | returns.against_market(daily.returns, market[1:] / market[:-1] - 1.0)


def trades_of(traces: Sequence[InstrumentTrace]) -> pl.DataFrame:
    """Trades of all instruments in order of entry."""
    tables = [trades_from_fills(trace.fills, instrument=trace.name, mids=trace.mids) for trace in traces]
    return pl.concat(tables or [pl.DataFrame(schema=COLUMNS)]).sort("entry_time", maintain_order=True)


def all_metrics(
    curve: EquityCurve,
    *,
    traces: Sequence[InstrumentTrace] = (),
    trades: pl.DataFrame | None = None,
    orders: OrderCounts | None = None,
    funding: float = 0.0,
    risk_free: float = 0.0,
    acceptable: float = 0.0,
    trials: TrialSummary | None = None,
    blocks: FloatArray | None = None,
    seed: int = SEED,
) -> dict[str, Metric]:
    """Equity, trade, fill, order and position metrics of a result, and how far to trust them.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    traces : sequence of InstrumentTrace
        Fills and mids of each instrument; all settle in the curve's currency.
    trades : polars.DataFrame, optional
        As made by `trades_of`; made here when not given.
    orders : OrderCounts, optional
        What was asked for; without it the order metrics are absent.
    funding : float
        Funding received (+) or paid (-).
    risk_free, acceptable : float
        Returns of one day to compare with.
    trials : TrialSummary, optional
        What was ever tried on the same data, from the run log.
    blocks : ndarray of float64, shape (points, blocks, 3), optional
        Block sums of the sweep that this result is the best point of; see `overfitting`.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    dict of str to Metric
        By name. Position metrics are present for a single instrument only: quantities of two do not add up.
    """
    found = equity_metrics(curve, traces=traces, risk_free=risk_free, acceptable=acceptable)
    table = trades if trades is not None else trades_of(traces)
    found |= trade_metrics(table, span_days=curve.span_days, starting_balance=curve.starting_balance)
    found |= fill_metrics(traces, net_profit=curve.net_profit, funding=funding)
    if orders is not None:
        found |= order_metrics(orders, fills=sum(trace.fills.size for trace in traces))
    if len(traces) == 1:
        found |= holdings.position_metrics(traces[0].held(int(curve.time_ns[0]), int(curve.time_ns[-1])))
    return found | honest_metrics(curve, trades=table, traces=traces, trials=trials, blocks=blocks, seed=seed)


def summary(metrics: Mapping[str, Metric]) -> dict[str, float | None]:
    """Numbers by name; None where n/a."""
    return {name: metric.value for name, metric in metrics.items()}


def reasons(metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Why each missing figure is missing."""
    return {name: metric.reason for name, metric in metrics.items() if metric.value is None}


def metrics_frame(metrics: Mapping[str, Metric]) -> pl.DataFrame:
    """Every metric as a row, fit for Parquet: name, title, value, unit, reason, note, formula."""
    rows = [
        (name, m.title, None if m.value is None else float(m.value), m.unit, m.reason, m.note, m.formula.text)
        for name, m in metrics.items()
    ]
    kinds: dict[str, type[pl.DataType]] = dict.fromkeys(
        ("name", "title", "value", "unit", "reason", "note", "formula"), pl.String
    )
    return pl.DataFrame(rows, schema=kinds | {"value": pl.Float64}, orient="row")


def compared(results: Mapping[str, Mapping[str, Metric]], names: Sequence[str] = COMPARED) -> pl.DataFrame:
    """Several results side by side: one row a result, one column a metric; null where n/a.

    Parameters
    ----------
    results : mapping of str to mapping of str to Metric
        Metrics of each strategy, or of each version of one, by its name.
    names : sequence of str
        Which metrics; those that a result lacks are null.
    """
    columns = {name: [_number(found.get(name)) for found in results.values()] for name in names}
    return pl.DataFrame({"result": list(results), **columns}, schema_overrides=dict.fromkeys(names, pl.Float64))


def _number(metric: Metric | None) -> float | None:
    return None if metric is None or metric.value is None else float(metric.value)
