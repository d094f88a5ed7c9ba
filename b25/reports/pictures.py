"""Charts of reports that the tear sheet has not: how much of each limit was used, and exposure over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from b25.analytics.charts import Line, TimeChart, time_chart
from b25.analytics.figures import number_text, percent_text
from b25.analytics.frame import both_widths, thinned
from b25.analytics.holdings import position_values
from b25.analytics.series import TimeSeries
from b25.analytics.svg import drawing, tag, words
from b25.reports.records import LimitUse, Records

NEAR = 0.8


def limit_chart(limits: Sequence[LimitUse]) -> str:
    """A bar for each limit: the track is the limit, the filled part the most that was used of it."""
    width, row, left, right = 960.0, 26.0, 300.0, 690.0
    parts = [words(0, 14.0, "Used of each limit, at most", class_="chart-title")]
    for place, one in enumerate(limits):
        y = 26.0 + place * row
        name = f"{one.name} · {one.symbol}"
        short = name if len(name) <= 44 else name[:43] + "…"
        parts.append(words(0, y + 14, short, class_="tick"))
        parts.append(tag("rect", x=left, y=y + 4, width=right - left, height=row - 12, rx=3, class_="track"))
        told = f"limit {number_text(float(one.limit))} {one.unit}"
        if one.used is None or one.share is None:
            parts.append(words(left + 8, y + 15, f"n/a: {one.reason}", class_="tick none"))
            parts.append(words(right + 10, y + 14, told, class_="tick"))
            continue
        css = "loss" if one.share > 1 else "near" if one.share >= NEAR else "gain"
        length = max(1.0, min(1.0, one.share) * (right - left))
        parts.append(tag("rect", x=left, y=y + 4, width=length, height=row - 12, rx=3, class_=f"bar {css}"))
        used = f"{number_text(float(one.used))} of {number_text(float(one.limit))} {one.unit} ({percent_text(one.share)})"
        parts.append(words(right + 10, y + 14, used, class_="tick figure"))
    return drawing(width, 32.0 + row * len(limits), parts, label="Used of each limit", class_="chart")


def exposure_chart(records: Records) -> str:
    """Gross and net exposure over time, at the mids; empty where they are not known."""
    if records.curve is None or not records.traces:
        return ""
    times = records.curve.time_ns
    net, gross = position_values(records.traces, times)
    if not np.isfinite(gross).any():
        return ""
    start, end = int(times[0]), int(times[-1])
    series = [TimeSeries(times, np.where(np.isfinite(values), values, np.nan)) for values in (gross, net)]

    def draw(width: float) -> str:
        return time_chart(
            TimeChart(
                title="Exposure at the mids", unit=records.currency, start_ns=start, end_ns=end, height=190, width=width,
                zero=True,
                lines=[Line(thinned(series[0]), "equity", step=True), Line(thinned(series[1]), "accent", step=True)],
            )
        )  # fmt: skip

    named = '<p class="legend"><i class="g">— gross</i><i style="color:var(--accent)">— net</i></p>'
    return both_widths(draw) + named
