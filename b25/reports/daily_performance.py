"""What a day, or any span, earned: in sum, in its parts with their proof, over time, by strategy, and fill by fill."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from b25.analytics.charts import bar_chart
from b25.analytics.figures import money_text
from b25.analytics.sheet_charts import curve_charts
from b25.analytics.sheet_tables import drawdowns
from b25.reports import page, tables
from b25.reports.exact import total
from b25.reports.page import Figure, Section
from b25.reports.records import PARTS, SIGNS, Records

TITLES: Final = {
    "realised": "Realised", "unrealised": "Unrealised", "fees": "Fees", "funding": "Funding", "borrow": "Interest",
    "insurance": "Insurance",
}  # fmt: skip
NO_CURVE: Final = "the account's value was not recorded"


class DailyPerformance:
    """Sections of the report.

    Parameters
    ----------
    records : Records
        As opened by `sources.open_source`.
    """

    def __init__(self, records: Records) -> None:
        self.records = records

    def head(self) -> Section:
        """Mode, span, freshness, and what must be known first."""
        return page.head(self.records)

    def headline(self) -> Section:
        """The figures that matter."""
        found = self.records
        why_not = found.absent.get("profits", "a price is missing")
        nets = [one.net for one in found.profits]
        net = None if not nets or any(one is None for one in nets) else sum((one for one in nets if one is not None), Decimal(0))
        figures = [Figure(name="net_profit", title="Net profit", value=net, unit=found.currency, reason=_reason(net, why_not))]
        for name in ("realised", "unrealised", "fees", "funding"):
            value = found.part(name)
            figures.append(
                Figure(name=name, title=TITLES[name], value=value, unit=found.currency, reason=_reason(value, why_not))
            )
        currency, metrics = found.currency, found.metrics
        no_metrics = found.absent.get("curve", NO_CURVE)
        figures += [
            page.of_metric(metrics, name, currency=currency, why_not=no_metrics) for name in ("total_return", "max_drawdown")
        ]
        figures.append(Figure(name="fills", title="Fills", value=found.fills.height))
        sums = found.absent.get("sums", "")
        volume = None if sums else total(found.fills["notional"])
        figures.append(Figure(name="volume", title="Volume", value=volume, unit=currency, reason=sums))
        figures.append(maker_share(found))
        return page.headline(figures)

    def profit(self) -> Section:
        """The parts of the profit, and whether they add up."""
        found = self.records
        if not found.profits:
            return Section(page.absent(found, "profits", "Nothing was earned or lost: there was no position and no fill."))
        bars = []
        for name in PARTS:
            value = found.part(name)
            if name in ("borrow", "insurance") and not value:
                continue
            signed = None if value is None else float(SIGNS[name] * value)
            bars.append((TITLES[name], signed, "n/a" if signed is None else money_text(signed)))
        chart = bar_chart("Profit by part", found.currency, bars)
        return Section(
            f'<div class="columns"><div>{chart}</div><div>{tables.proof(found)}</div></div>{tables.profit_rows(found)}'
        )

    def course(self) -> Section:
        """Equity and the fall from its peak."""
        curve = self.records.curve
        if curve is None or curve.time_ns.size < 2:
            return Section(page.absent(self.records, "curve", "There is no course to draw: the account was not marked twice."))
        return Section(curve_charts(curve, self.records.currency) + drawdowns(curve, self.records.currency))

    def positions(self) -> Section:
        """What is held at the end."""
        return Section(tables.position_rows(self.records))

    def fills(self) -> Section:
        """The last fills."""
        return Section(tables.fill_rows(self.records))


def _reason(value: Decimal | None, why_not: str) -> str:
    return why_not if value is None else ""


def maker_share(records: Records) -> Figure:
    """Share of the traded value that was maker."""
    fills, name, title = records.fills, "maker_share", "Maker share"
    if not fills.height:
        return Figure(name=name, title=title, value=None, reason="no fill")
    if "sums" in records.absent:
        return Figure(name=name, title=title, value=None, reason=records.absent["sums"])
    unknown = fills["maker"].null_count()
    if unknown:
        return Figure(name=name, title=title, value=None, reason=f"not known of {unknown:,} of {fills.height:,} fills")
    share = total(fills.filter(fills["maker"])["notional"]) / total(fills["notional"])
    return Figure(name=name, title=title, value=float(share), unit="ratio")
