"""A strategy's tear sheet as sections of a report: figures, course, returns, how far to trust them, costs, trades, terms."""

from __future__ import annotations

from html import escape
from typing import Final

import polars as pl

from b25.analytics.honest_view import honest_section
from b25.analytics.sheet_breakdown import breakdown_section, usual_breakdowns
from b25.analytics.sheet_charts import attribution_chart, curve_charts, price_charts, return_charts, trade_charts
from b25.analytics.sheet_tables import drawdowns, glossary, metric_rows, pairs, trade_rows
from b25.analytics.tearsheet import CHARTED_INSTRUMENTS_MAX, COSTS, HEADLINE, LONG_HEADLINE
from b25.reports import page
from b25.reports.execution_cost import bill
from b25.reports.page import Section
from b25.reports.records import Records

NO_CURVE: Final = "the account's value was not recorded"


class StrategyTearsheet:
    """Sections of the report.

    Parameters
    ----------
    records : Records
        As opened by `sources.open_source`.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self.base = records.traces[0].base if len(records.traces) == 1 else ""

    def head(self) -> Section:
        """Mode, span, freshness, and what must be known first."""
        return page.head(self.records)

    def headline(self) -> Section:
        """The figures that matter for a span of this length."""
        found = self.records
        names = HEADLINE if found.curve is None or found.curve.is_short else LONG_HEADLINE
        why_not = found.absent.get("curve", NO_CURVE)
        return page.headline([page.of_metric(found.metrics, name, currency=found.currency, why_not=why_not) for name in names])

    def course(self) -> Section:
        """Equity, the fall from its peak, returns."""
        found = self.records
        if found.curve is None or found.curve.time_ns.size < 2:
            return Section(page.absent(found, "curve", "There is no course to draw: the account was not marked twice."))
        return Section(
            curve_charts(found.curve, found.currency) + return_charts(found.curve) + drawdowns(found.curve, found.currency)
        )

    def honest(self) -> Section:
        """How far to trust the figures."""
        if not self.records.metrics:
            return Section(page.absent(self.records, "curve", "Nothing was measured."))
        section = honest_section(self.records.metrics, currency=self.records.currency, base=self.base)
        return Section(section.partition("</h2>")[2] or section)

    def prices(self) -> Section:
        """Fills and trades on the price."""
        found = self.records
        if found.curve is None or not any(trace.mids is not None for trace in found.traces):
            return Section(page.absent(found, "traces", "There is no price to draw on."))
        span = int(found.curve.time_ns[0]), int(found.curve.time_ns[-1])
        drawn = "".join(price_charts(trace, *span) for trace in found.traces[:CHARTED_INSTRUMENTS_MAX])
        if found.trades is not None:
            for trace in found.traces[:CHARTED_INSTRUMENTS_MAX]:
                drawn += trade_charts(trace, found.trades, None, span, found.currency)
        left = len(found.traces) - CHARTED_INSTRUMENTS_MAX
        return Section(drawn + (page.why(f"{left} more instruments are not drawn.") if left > 0 else ""))

    def costs(self) -> Section:
        """Where the money came from and what trading cost."""
        found = self.records
        if not found.metrics:
            return Section(page.absent(found, "costs", "Nothing was traded."))
        bars = attribution_chart(found.metrics, found.currency)
        rows = metric_rows(found.metrics, COSTS, currency=found.currency, base=self.base)
        drawn = f'<div class="columns"><div>{bars}</div><div>{rows}</div></div>'
        return Section(drawn + bill(found))

    def trades(self) -> Section:
        """Trades from flat to flat, and what they have in common."""
        trades = self.records.trades
        if trades is None or not trades.height:
            return Section(page.absent(self.records, "trades", "No trade began in this span."))
        closed = trades.filter(~pl.col("is_open")).height
        said = page.why(f"{trades.height:,} trades, {closed:,} of them closed.")
        return Section(said + trade_rows(trades, self.records.currency) + breakdown_section(usual_breakdowns(trades)))

    def terms(self) -> Section:
        """What was assumed, with which parameters, on which data."""
        found = self.records
        blocks = []
        if found.assumptions:
            blocks.append(f"<div><h3>Models</h3>{pairs(found.assumptions)}</div>")
        if found.parameters:
            rows = [(name, f"{value} {unit}".strip()) for name, value, unit in found.parameters]
            blocks.append(f"<div><h3>Parameters</h3>{pairs(rows)}</div>")
        if found.provenance:
            blocks.append(f"<div><h3>Data and result</h3>{pairs(found.provenance, css='hash')}</div>")
        if not blocks:
            return Section(page.why(f"Of {escape(found.name)} the store keeps no assumptions: its journal has them."))
        return Section(f'<div class="columns">{"".join(blocks)}</div>')

    def formulas(self) -> Section:
        """Definition of every figure."""
        return Section(glossary(self.records.metrics))
