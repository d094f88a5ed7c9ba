"""How much risk was taken, how near it came to the limits, what the gate refused, and who stopped what."""

from __future__ import annotations

from html import escape
from typing import Final

from b25.analytics.figures import percent_text
from b25.analytics.sheet_charts import curve_charts
from b25.analytics.sheet_tables import metric_rows, reason_rows
from b25.reports import page, tables
from b25.reports.page import Figure, Section
from b25.reports.pictures import exposure_chart, limit_chart
from b25.reports.records import Records

RISK: Final = (
    "max_drawdown", "max_drawdown_daily", "drawdown_daily", "volatility", "var_95", "cvar_95", "var_99", "cvar_99",
    "exposure_gross", "exposure_net", "turnover", "worst_day_profit", "position_abs_max", "position_abs_mean",
)  # fmt: skip
NO_CURVE: Final = "the account's value was not recorded"


class RiskAndLimits:
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
        found, why_not = self.records, self.records.absent.get("curve", NO_CURVE)
        figures = [
            page.of_metric(found.metrics, name, currency=found.currency, why_not=why_not)
            for name in ("max_drawdown", "exposure_gross", "worst_day_profit")
        ]
        shares = [(one.share, one) for one in found.limits if one.share is not None]
        nearest = max(shares, key=lambda pair: pair[0], default=None)
        figures.append(
            Figure(name="limit_used_max", title="Nearest to its limit", value=nearest[0], unit="ratio",
                   note=f"{nearest[1].name}, {nearest[1].symbol}")
            if nearest is not None
            else Figure(name="limit_used_max", title="Nearest to its limit", value=None,
                        reason=found.absent.get("limits", "no limit with a recorded use"))
        )  # fmt: skip
        over = sum(1 for share, _ in shares if share > 1)
        figures.append(self._count("limits_exceeded", "Limits exceeded", over, "limits" if not shares else ""))
        figures.append(self._count("refused", "Refused by the gate", sum(found.refused.values()), "refused"))
        standing = sum(1 for one in found.stops if one.state in ("latched", "halted", "killed"))
        figures.append(Figure(name="stops", title="Latches, halts and kills", value=len(found.stops)))
        figures.append(Figure(name="stops_standing", title="Of them still standing", value=standing))
        return page.headline(figures)

    def _count(self, name: str, title: str, count: int, part: str) -> Figure:
        reason = self.records.absent.get(part, "") if part else ""
        if part == "limits" and not reason:
            reason = "no limit with a recorded use"
        return Figure(name=name, title=title, value=None if reason else count, reason=reason)

    def limits(self) -> Section:
        """Bars of what was used of each limit."""
        found = self.records
        if not found.limits:
            return Section(page.absent(found, "limits", "No limit was in force. Nothing would have held an order back."))
        worst = [one for one in found.limits if one.share is not None and one.share > 1]
        said = "".join(
            f'<p><span class="bad">{escape(one.name)} of {escape(one.symbol)}</span> was exceeded: '
            f"{percent_text(one.share or 0)} of it was used. An exit is never held back by a limit.</p>"
            for one in worst
        )
        return Section(f'<div class="scroll">{limit_chart(found.limits)}</div>{said}')

    def exposure(self) -> Section:
        """Exposure over time, and what is held at the end."""
        chart = exposure_chart(self.records)
        if not chart:
            chart = page.absent(self.records, "traces", "There is no exposure to draw: nothing was held.")
        return Section(chart + tables.position_rows(self.records))

    def drawdown(self) -> Section:
        """Equity under its peak, and the figures of risk."""
        found = self.records
        if found.curve is None or found.curve.time_ns.size < 2:
            return Section(page.absent(found, "curve", "There is no course to draw: the account was not marked twice."))
        shown = [name for name in RISK if name in found.metrics]
        rows = metric_rows(found.metrics, shown, currency=found.currency, base="")
        return Section(curve_charts(found.curve, found.currency) + rows)

    def refusals(self) -> Section:
        """What the gate refused."""
        refused = {name.replace("_", " "): count for name, count in self.records.refused.items()}
        if not refused:
            return Section(page.absent(self.records, "refused", "The gate refused nothing in this span."))
        return Section(reason_rows(refused, ""))

    def stops(self) -> Section:
        """Latches, halts and kills."""
        found = self.records
        note = f"Kills are not known: {found.absent['kills']}." if "kills" in found.absent else ""
        if not found.stops:
            return Section(page.why("Nothing latched, halted or was killed in this span.") + (page.why(note) if note else ""))
        return Section(page.happenings(found.stops) + (page.why(note) if note else ""))
