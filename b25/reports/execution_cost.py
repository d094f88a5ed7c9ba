"""What trading cost, and how well orders were carried out: slippage in its parts, fees, fill ratio, latency, mark-outs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from html import escape
from typing import Final

import polars as pl

from b25.analytics.charts import bar_chart
from b25.analytics.cost_section import BRIDGE, MARKET, ORDERS, dearest_orders, shown
from b25.analytics.figures import money_text
from b25.analytics.metric import Metric
from b25.analytics.sheet_charts import markout_chart
from b25.analytics.sheet_tables import metric_rows, reason_rows, table
from b25.reports import page, tables
from b25.reports.daily_performance import maker_share
from b25.reports.exact import total
from b25.reports.page import NA, Figure, Section, amount
from b25.reports.records import Records

NO_COSTS: Final = "slippage needs the market at each decision, and it was not recorded"
ROUNDING: Final = 1e-9
SPLIT: Final = (("slippage_delay", "Delay"), ("slippage_spread", "Spread"), ("slippage_impact", "Impact"), ("fees", "Fees"))


class ExecutionCost:
    """Sections of the report.

    Parameters
    ----------
    records : Records
        As opened by `sources.open_source`.
    """

    def __init__(self, records: Records) -> None:
        self.records = records

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Of the costs."""
        return settled(self.records.costs.metrics) if self.records.costs is not None else {}

    def head(self) -> Section:
        """Mode, span, freshness, and what must be known first."""
        return page.head(self.records)

    def headline(self) -> Section:
        """The figures that matter."""
        found, why_not = self.records, self.records.absent.get("costs", NO_COSTS)
        names = ("slippage_bps", "slippage", "shortfall_bps")
        figures = [page.of_metric(self.metrics, name, currency=found.currency, why_not=why_not) for name in names]
        figures += [self._fees(), self._fees_bps(), maker_share(found), self._fill_ratio()]
        figures.append(Figure(name="orders", title="Orders", value=found.orders.height))
        for name, count, waits in tables.latencies(found):
            if name not in ("decision to acknowledged", "decision to first fill"):
                continue
            short = name.replace("decision to ", "").replace(" ", "_")
            reason = "" if waits else found.absent.get("acked_ns", "no order of this span has both times")
            for share, value in zip((50, 95, 99), waits or (None, None, None), strict=True):
                figures.append(
                    Figure(
                        name=f"latency_{short}_p{share}", title=f"{name.capitalize()}, p{share}", value=value, unit="ns",
                        reason=reason, note=f"{count:,} orders",
                    )
                )  # fmt: skip
        return page.headline(figures)

    def _fees(self) -> Figure:
        return Figure(name="fees", title="Fees", value=self._paid, unit=self.records.currency, reason=self._why_no_fees)

    def _fees_bps(self) -> Figure:
        volume = total(self.records.fills["notional"])
        reason = self._why_no_fees or ("" if volume else "no fill")
        value = None if reason or self._paid is None else float(self._paid / volume) * 1e4
        return Figure(name="fees_bps", title="Fees", value=value, unit="bps", reason=reason, note="of the volume")

    @property
    def _why_no_fees(self) -> str:
        fills = self.records.fills
        if "sums" in self.records.absent:
            return self.records.absent["sums"]
        foreign = fills.filter((pl.col("fee_asset") != self.records.currency) & (pl.col("fee") != 0)).height
        if foreign:
            return f"{foreign:,} fees were paid in another asset than {self.records.currency}"
        return f"not known of {fills['fee'].null_count():,} fills" if fills["fee"].null_count() else ""

    @property
    def _paid(self) -> Decimal | None:
        return None if self._why_no_fees else total(self.records.fills["fee"])

    def _fill_ratio(self) -> Figure:
        orders = self.records.orders
        if not orders.height:
            return Figure(name="fill_ratio", title="Fill ratio", value=None, reason="no order")
        several = orders["symbol"].n_unique() > 1
        ratio = (orders["filled"].cast(pl.Float64) / orders["quantity"].cast(pl.Float64)).mean() if several else None
        value = float(total(orders["filled"]) / total(orders["quantity"])) if not several else float(str(ratio))
        note = (
            "mean of the orders, as quantities of several instruments do not add up" if several else "filled of what was placed"
        )
        return Figure(name="fill_ratio", title="Fill ratio", value=value, unit="ratio", note=note)

    def split(self) -> Section:
        """Slippage against the mid at the decision, split, and the way from gross to net."""
        found = self.records
        if found.costs is None or not self.metrics:
            return Section(page.absent(found, "costs", "No order was carried out in this span."))
        bars = []
        for name, title in SPLIT:
            metric = self.metrics.get(name)
            value = None if metric is None or metric.value is None else -float(metric.value)
            bars.append((title, value, "n/a" if value is None else money_text(value)))
        total_of = self.metrics.get("slippage")
        note = "Slippage is the price that was paid against the mid at the decision: delay until the fill, then half the spread, "
        note += "then what lies beyond the touch. A negative bar is a cost."
        if total_of is not None and total_of.value is None:
            note += f" The whole is n/a: {total_of.reason}."
        chart = bar_chart("Costs by part", found.currency, bars)
        return Section(f'<div class="columns"><div>{chart}</div><div>{page.why(note)}</div></div>{bill(found)}')

    def _rows(self, names: Sequence[str]) -> str:
        return metric_rows(self.metrics, shown(self.metrics, names), currency=self.records.currency, base="")

    def instruments(self) -> Section:
        """Costs by instrument."""
        costs = self.records.costs
        if costs is None or not costs.orders.height or "slippage" not in costs.orders.columns:
            return Section(page.absent(self.records, "costs", "No order was carried out in this span."))
        filled = pl.col("filled") > 0
        grouped = (
            costs.orders.group_by("symbol", maintain_order=True)
            .agg(
                pl.len().alias("orders"), filled.sum().alias("filled"), pl.col("value").filter(filled).sum(),
                pl.col("slippage").filter(filled).sum(), pl.col("slippage").filter(filled).is_null().sum().alias("unknown"),
                pl.col("fees").sum(),
            )
        )  # fmt: skip
        rows = []
        for row in grouped.iter_rows(named=True):
            known = not row["unknown"] and row["value"]
            slippage = row["slippage"] if known else None
            rows.append(
                ("nobody's" if row["symbol"] is None else escape(row["symbol"]), f"{row['orders']:,}", f"{row['filled']:,}",
                 amount(row["value"]), amount(slippage), amount(1e4 * slippage / row["value"]) if slippage is not None else NA,
                 amount(row["fees"]))
            )  # fmt: skip
        head = ("Instrument", "Orders", "Filled", "Value at decision", "Slippage", "bps", f"Fees, {self.records.currency}")
        return Section(table(head, rows, right=range(1, 7)))

    def quality(self) -> Section:
        """What the market did after our fills."""
        if not self.metrics:
            return Section(page.absent(self.records, "costs", "No order was carried out in this span."))
        chart = markout_chart(self.metrics) if "markout_1s" in self.metrics else ""
        return Section(f'<div class="columns"><div>{chart}</div><div>{self._rows(MARKET)}</div></div>')

    def orders(self) -> Section:
        """What became of the orders, and what the gate refused."""
        refused = page.absent(self.records, "refused", "The gate refused nothing.")
        if self.records.refused:
            refused = reason_rows({name.replace("_", " "): n for name, n in self.records.refused.items()}, "")
        return Section(
            f'<div class="columns"><div><h3>How orders ended</h3>{tables.state_rows(self.records)}</div>'
            f"<div><h3>Refused by the risk gate</h3>{refused}</div></div>"
        )

    def latency(self) -> Section:
        """How long the way of an order took."""
        return Section(tables.latency_rows(self.records))


def bill(records: Records) -> str:
    """From the gross to the net profit, the orders' costs, and the dearest of them; empty where costs are not known."""
    if records.costs is None or not records.costs.metrics:
        return ""
    metrics = settled(records.costs.metrics)
    columns = "".join(
        f"<div><h3>{title}</h3>{metric_rows(metrics, shown(metrics, names), currency=records.currency, base='')}</div>"
        for title, names in (("From gross to net", BRIDGE), ("Orders", ORDERS))
    )
    return f'<div class="columns">{columns}</div>{dearest_orders(records.costs.orders, records.currency)}'


def settled(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Sums of money that are nothing but the rounding of floats become 0."""

    def is_rounding(one: Metric) -> bool:
        return one.unit == "money" and one.value is not None and abs(one.value) <= ROUNDING

    return {name: replace(one, value=0.0) if is_rounding(one) else one for name, one in metrics.items()}
