"""How good the data was: gaps, repeats, outliers, silence, and how far two clocks are apart."""

from __future__ import annotations

from html import escape
from typing import Final

from b25.analytics.charts import bar_chart
from b25.analytics.figures import duration_text, time_text
from b25.analytics.sheet_tables import pairs, table
from b25.reports import page
from b25.reports.page import NA, Figure, Section
from b25.reports.records import DataQuality, Records

GAPS_SHOWN: Final = 30
FINDINGS_SHOWN: Final = 30
NO_DATA: Final = "the store keeps no market data: a session's journal or a catalog has it"


class QualityOfData:
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
        return page.head(self.records, traded=False)

    def headline(self) -> Section:
        """The figures that matter."""
        data, why_not = self.records.data, "" if self.records.data else self.records.absent.get("data", NO_DATA)
        figures = [self._sum(name, title) for name, title in (("rows", "Rows"), ("gaps", "Gaps"), ("outliers", "Outliers"))]
        figures.append(self._sum("duplicates", "Repeats"))
        waits = [one.delay_ns for one in data if one.delay_ns is not None]
        reason = (
            "" if waits else why_not or next((one.absent["arrival"] for one in data if "arrival" in one.absent), "no message")
        )
        for place, share in enumerate((50, 99)):
            value = max((wait[2 * place] for wait in waits), default=None)
            figures.append(
                Figure(name=f"arrival_p{share}", title=f"Arrival after the venue's time, p{share}", value=value, unit="ns",
                       reason=reason, note="of the slowest instrument" if len(waits) > 1 else "")
            )  # fmt: skip
        least = [one.delay_min_ns for one in data if one.delay_min_ns is not None]
        skew = max(0.0, -min(least)) if least else None
        figures.append(
            Figure(name="clock_skew", title="Clocks apart by at least", value=skew, unit="ns", reason="" if least else reason,
                   note="a message cannot arrive before it is sent" if skew else "no message arrived before it was sent")
        )  # fmt: skip
        return page.headline(figures)

    def _sum(self, name: str, title: str) -> Figure:
        data = self.records.data
        known = [one for one in data if name in one.counts]
        if not data or len(known) < len(data):
            reason = next((one.absent[name] for one in data if name in one.absent), self.records.absent.get("data", NO_DATA))
            return Figure(name=name, title=title, value=None, reason=reason)
        return Figure(name=name, title=title, value=sum(one.counts[name] for one in known))

    def instruments(self) -> Section:
        """What is known of each instrument's data."""
        if not self.records.data:
            return Section(page.absent(self.records, "data", f"Not known: {NO_DATA}."))
        return Section("".join(_instrument(one) for one in self.records.data))

    def gaps(self) -> Section:
        """Where data is missing."""
        rows = [
            (escape(one.symbol), time_text(start, unit="ms").removesuffix(" UTC"),
             duration_text(end - start) if end > start else "a moment", escape(text))
            for one in self.records.data for start, end, text in one.gaps
        ]  # fmt: skip
        if not self.records.data:
            return Section(page.absent(self.records, "data", f"Not known: {NO_DATA}."))
        if not rows:
            return Section(page.why("No gap: nothing is missing between the first and the last row."))
        left = len(rows) - GAPS_SHOWN
        note = page.why(f"{left:,} more are not shown.") if left > 0 else ""
        return Section(table(("Instrument", "From, UTC", "Length", "What"), rows[:GAPS_SHOWN], right=(2,)) + note)

    def findings(self) -> Section:
        """What a reader should know of the data."""
        said = [(one.symbol, text) for one in self.records.data for text in one.findings]
        if not said:
            none = "Nothing stands out: no outlier, no silence, no clock out of step."
            return Section(page.why(none) if self.records.data else page.absent(self.records, "data", f"Not known: {NO_DATA}."))
        left = len(said) - FINDINGS_SHOWN
        note = page.why(f"{left:,} more are not shown.") if left > 0 else ""
        return Section(pairs(said[:FINDINGS_SHOWN]) + note)


def _instrument(one: DataQuality) -> str:
    span = "no row" if not one.end_ns else f"{time_text(one.start_ns)} to {time_text(one.end_ns)}"
    facts = pairs([("venue", one.venue), ("source", one.source), ("span", span), ("data hash", one.hash[:16])])
    counted = [(escape(name), f"{count:,}") for name, count in one.counts.items()]
    counted += [
        (f'{escape(name)}<div class="why">{escape(reason)}</div>', NA) for name, reason in one.absent.items() if name != "arrival"
    ]
    counts = table((), counted, css="metrics")
    arrival = page.why(f"Arrival is not known: {one.absent['arrival']}.") if "arrival" in one.absent else ""
    if one.delay_ns is not None:
        bars = [
            (name, value / 1e6, duration_text(value) if value >= 0 else f"-{duration_text(-value)}")
            for name, value in zip(("p50", "p95", "p99"), one.delay_ns, strict=True)
        ]
        arrival = bar_chart("Arrival after the venue's own time", "ms", bars)
    return f'<h3>{escape(one.symbol)}</h3><div class="columns"><div>{facts}{arrival}</div><div>{counts}</div></div>'
