"""The bill: per order and in sum, what trading cost against the mids it was decided at, and how that adds up to the profit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from b25.analytics.capacity import capacity_metrics
from b25.analytics.cost_section import cost_section, shown
from b25.analytics.curve import EquityCurve
from b25.analytics.figures import metric_text
from b25.analytics.fill_metrics import NO_FILL, fill_metrics
from b25.analytics.formulas import measured, missing
from b25.analytics.holdings import turnover
from b25.analytics.metric import FloatArray, Metric
from b25.analytics.slippage import MARKOUT_BARS, FillCosts, Traded, fill_costs, last_known, markouts, order_costs

PARTS: Final = ("delay", "latency", "spread", "impact")
TEXT_SHOWN: Final = (
    "profit_arrival", "slippage", "slippage_bps", "slippage_delay", "slippage_latency", "slippage_spread", "slippage_impact",
    "fees", "fees_maker", "fees_taker", "funding", "borrow", "insurance", "net_profit", "unexplained", "opportunity", "shortfall",
    "shortfall_bps", "maker_share", "markout_1s", "markout_10s", "markout_60s", "markout_1bar", "markout_5bar", "markout_15bar",
    "turnover", "participation", "participation_max", "impact_estimate", "capacity",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CostReport:
    """What trading cost.

    Parameters
    ----------
    orders : polars.DataFrame
        One row an order: `order_id, symbol, side, sent, quantity, filled, arrival, average_price, value, slippage_bps,
        slippage, delay, latency, spread, impact, fees, maker_share, opportunity, shortfall` and mark-outs; money in the
        settlement currency, positive is a cost (mark-outs: positive is good for us).
    metrics : dict of str to Metric
        In sum: every metric of `cost_formulas.COSTS`, and fees, funding, maker share, mark-outs, turnover and net profit.
    currency : str
        Settlement currency.
    """

    orders: pl.DataFrame
    metrics: dict[str, Metric]
    currency: str = ""

    @property
    def summary(self) -> dict[str, float | None]:
        """Numbers by name; None where n/a."""
        return {name: metric.value for name, metric in self.metrics.items()}

    def __repr__(self) -> str:
        lines = [f"Costs of {self.orders.height:,} orders, {int(self.orders['filled'].gt(0).sum()):,} of them filled"]
        for name in shown(self.metrics, TEXT_SHOWN):
            metric = self.metrics[name]
            figure = metric_text(metric, currency=self.currency)
            lines.append(f"  {metric.title:<32} {figure:>18}  {metric.reason or metric.note}".rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return cost_section(self.metrics, self.orders, currency=self.currency)

    def section(self) -> str:
        """Markup of the tear sheet's section on costs."""
        return cost_section(self.metrics, self.orders, currency=self.currency)


def cost_report(
    traded: Sequence[Traded],
    *,
    curve: EquityCurve | None = None,
    funding: float = 0.0,
    borrow: float = 0.0,
    insurance: float = 0.0,
    currency: str = "",
) -> CostReport:
    """Measure what trading cost, per order and in sum.

    Parameters
    ----------
    traded : sequence of Traded
        Fills, orders and market of each instrument; all settle in one currency.
    curve : EquityCurve, optional
        Account value over time; without it profit, turnover and capacity are n/a.
    funding, borrow, insurance : float
        Funding received (+) or paid (-), interest paid on what was borrowed (+), and what the venue bore of liquidations (+),
        settlement currency.
    currency : str
        For display.

    Notes
    -----
    ``slippage = delay + spread + impact`` and ``net profit = gross P&L at arrival - slippage - fees + funding - borrow +
    insurance``, both exact but for rounding: the first because each part runs from one reference price to the next, the
    second because a fill at its arrival mid instead of its price is worth its slippage more.
    """
    split = [fill_costs(one) for one in traded]
    tables = [order_costs(one, costs) for one, costs in zip(traded, split, strict=True)]
    orders = pl.concat(tables, how="diagonal") if tables else pl.DataFrame(schema={"order_id": pl.Int64, "filled": pl.Float64})
    net = curve.net_profit if curve is not None else None
    found = fill_metrics([one.trace for one in traded], net_profit=net, funding=funding)
    kept = ("fills", "volume", "maker_share", "fees", "fees_bps", "funding", "markout_1s", "markout_10s", "markout_60s")
    metrics = {name: found[name] for name in kept}
    metrics |= _slippage(split) | _shortfall(traded, orders) | _fees(traded)
    metrics |= {"borrow": measured("borrow", borrow), "insurance": measured("insurance", insurance)}
    metrics |= _bar_markouts(traded)
    metrics |= _bridge(traded, split, metrics, net, borrow - funding - insurance)
    metrics |= capacity_metrics(
        traded,
        orders,
        net_profit=net,
        balance=curve.starting_balance if curve is not None else None,
        span_days=curve.span_days if curve is not None else 0.0,
    )
    if curve is not None:
        metrics["net_profit"] = measured("net_profit", curve.net_profit)
        metrics["turnover"] = turnover(found["volume"].value or 0.0, curve)["turnover"]
    return CostReport(orders, metrics, currency)


def _joined(split: Sequence[FillCosts], name: str) -> FloatArray:
    return np.concatenate([getattr(costs, name) for costs in split]) if split else np.zeros(0)


def _slippage(split: Sequence[FillCosts]) -> dict[str, Metric]:
    names = {"slippage": "slippage", **{part: f"slippage_{part}" for part in PARTS}}
    whole, value = _joined(split, "slippage"), _joined(split, "arrival_value")
    if not whole.size:
        return {name: missing(name, NO_FILL) for name in (*names.values(), "slippage_bps")}
    out = {}
    for part, name in names.items():
        money = _joined(split, part)
        unknown = int(np.isnan(money).sum())
        if unknown:
            out[name] = missing(name, _why_unknown(part, unknown, money.size))
        else:
            out[name] = measured(name, float(money.sum()))
    known = ~np.isnan(whole)
    if not known.any():
        out["slippage_bps"] = missing("slippage_bps", "no arrival mid is known")
    else:
        note = "" if known.all() else f"{int(known.sum()):,} of {whole.size:,} fills"
        out["slippage_bps"] = measured("slippage_bps", float(whole[known].sum() / value[known].sum() * 1e4), note=note)
    return out


def _why_unknown(part: str, unknown: int, size: int) -> str:
    if part == "impact" and unknown == size:
        return "the touch at the fills is not known: what lies beyond it is in the spread"
    if part == "latency":
        return "it is not known when the orders could first trade"
    return f"a mid is unknown for {unknown:,} of {size:,} fills"


def _shortfall(traded: Sequence[Traded], orders: pl.DataFrame) -> dict[str, Metric]:
    names = ("opportunity", "shortfall", "shortfall_bps")
    if not orders.height:
        return {name: missing(name, "no order") for name in names}
    out = {}
    for name in names[:2]:
        unknown = int(orders[name].null_count())
        out[name] = (
            missing(name, f"the mid is unknown for {unknown:,} of {orders.height:,} orders")
            if unknown
            else measured(name, float(orders[name].sum()))
        )
    if out["shortfall"].value is None:
        return out | {"shortfall_bps": missing("shortfall_bps", out["shortfall"].reason)}
    ordered = 0.0
    for one in traded:
        mine = orders.filter(pl.col("symbol") == one.trace.name)
        ordered += float(np.sum(np.abs(one.trace.fills.worth(mine["arrival"].to_numpy())) * mine["quantity"].to_numpy()))
    return out | {"shortfall_bps": measured("shortfall_bps", out["shortfall"].value / ordered * 1e4 if ordered else None)}


def _fees(traded: Sequence[Traded]) -> dict[str, Metric]:
    names = ("fees_maker", "fees_taker")
    series = [one.trace.fills for one in traded]
    if any(fills.maker is None for fills in series):
        return {name: missing(name, "it is not known which fills were maker") for name in names}
    made = sum(float(fills.fee[fills.maker].sum()) for fills in series)
    return {
        "fees_maker": measured("fees_maker", made),
        "fees_taker": measured("fees_taker", sum(float(f.fee.sum()) for f in series) - made),
    }


def _bar_markouts(traded: Sequence[Traded]) -> dict[str, Metric]:
    out = {}
    for bars in MARKOUT_BARS:
        name = f"markout_{bars}bar"
        if not traded or any(not one.bar_ns for one in traded):
            out[name] = missing(name, "prices do not come from bars of a fixed length")
            continue
        money = np.concatenate([markouts(one).get(name, np.full(one.trace.fills.size, np.nan)) for one in traded])
        value = np.concatenate([one.trace.fills.notional for one in traded])
        known = ~np.isnan(money)
        if not known.any():
            out[name] = missing(name, NO_FILL if not money.size else f"no price {bars} bars after any fill")
        else:
            note = "" if known.all() else f"{int(known.sum()):,} of {money.size:,} fills"
            out[name] = measured(name, float(money[known].sum() / value[known].sum() * 1e4), note=note)
    return out


def _bridge(
    traded: Sequence[Traded],
    split: Sequence[FillCosts],
    found: dict[str, Metric],
    net: float | None,
    carried: float,
) -> dict[str, Metric]:
    """From the gross P&L at arrival to the net profit."""
    names = ("profit_arrival", "costs", "costs_share", "unexplained")
    slippage, fees = found["slippage"], found["fees"].value or 0.0
    if slippage.value is None and slippage.reason != NO_FILL:
        return {name: missing(name, slippage.reason) for name in names}
    gross = 0.0
    for one, costs in zip(traded, split, strict=True):
        fills = one.trace.fills
        if not fills.size:
            continue
        mids = one.trace.mids
        mark = last_known(mids, mids.time_ns[-1:]) if mids is not None and mids.time_ns.size else np.full(1, np.nan)
        if np.isnan(mark[0]):
            return {name: missing(name, f"{one.trace.name}: no last mid to value the position at") for name in names}
        gross += float(np.sum(fills.side * (fills.worth(mark) - fills.worth(costs.arrival)) * fills.quantity))
    total = (slippage.value or 0.0) + fees + carried
    out = {"profit_arrival": measured("profit_arrival", gross), "costs": measured("costs", total)}
    out["costs_share"] = measured("costs_share", total / gross) if gross > 0 else missing("costs_share", "no gross profit")
    out["unexplained"] = (
        measured("unexplained", net - (gross - total))
        if net is not None
        else missing("unexplained", "the net profit was not given")
    )
    return out
