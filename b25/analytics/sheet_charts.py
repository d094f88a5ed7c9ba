"""Which charts the tear sheet has, and what is in each."""

from collections.abc import Mapping

import numpy as np

from b25.analytics.charts import Line, TimeChart, bar_chart, gather, time_chart
from b25.analytics.curve import EquityCurve
from b25.analytics.drawdown import drawdown_ratio
from b25.analytics.figures import metric_text
from b25.analytics.metric import Metric
from b25.analytics.series import InstrumentTrace, TimeSeries
from b25.analytics.ticks import span_text


def curve_charts(curve: EquityCurve, currency: str) -> str:
    """Equity, and the fall from its peak below it."""
    start, end = int(curve.time_ns[0]), int(curve.time_ns[-1])
    equity = TimeSeries(curve.time_ns, curve.equity)
    depth = TimeSeries(curve.time_ns, -drawdown_ratio(curve.index()))
    money = np.all(np.isnan(depth.values))
    if money:
        index = curve.index()
        depth = TimeSeries(curve.time_ns, index - np.maximum.accumulate(index))
    return time_chart(
        TimeChart(
            title=f"Equity ({span_text(start, end)})", unit=currency, start_ns=start, end_ns=end, height=230,
            lines=[Line(equity, "equity", step=True, base=curve.starting_balance)],
        )
    ) + time_chart(
        TimeChart(
            title="Under water", unit=currency if money else "% of the peak", start_ns=start, end_ns=end, height=130, zero=True,
            scale=1.0 if money else 100.0, lines=[Line(depth, "drawdown", step=True, base=0.0)],
        )
    )  # fmt: skip


def price_charts(trace: InstrumentTrace, start_ns: int, end_ns: int) -> str:
    """Mid with our fills on it, and the position."""
    marks = [gather(trace.fills, side, start_ns, end_ns) for side in (1, -1)]
    mids = [Line(_within(trace.mids, start_ns, end_ns), "mid", step=True)] if trace.mids is not None else []
    held = trace.held(start_ns, end_ns)
    price = TimeChart(
        title=f"{trace.name}: price and fills",
        unit=trace.quote,
        start_ns=start_ns,
        end_ns=end_ns,
        height=260,
        lines=mids,
        marks=marks,
    )
    position = TimeChart(
        title=f"{trace.name}: position", unit=trace.base or "contracts", start_ns=start_ns, end_ns=end_ns, height=140, zero=True,
        lines=[Line(held, "position", step=True, base=0.0)],
    )  # fmt: skip
    several = any(marks_of.count.max(initial=1) > 1 for marks_of in marks)
    gathered = "<i>a mark may stand for several fills, at their average price</i>" if several else ""
    legend = f'<p class="legend"><i class="b">▲ buys</i><i class="s">▼ sells</i><i class="m">— mid</i>{gathered}</p>'
    return time_chart(price) + legend + time_chart(position)


def _within(series: TimeSeries, start_ns: int, end_ns: int) -> TimeSeries:
    first, last = np.searchsorted(series.time_ns, start_ns, side="left"), np.searchsorted(series.time_ns, end_ns, side="right")
    return TimeSeries(series.time_ns[first:last], series.values[first:last])


def attribution_chart(metrics: Mapping[str, Metric], currency: str) -> str:
    """Spread, inventory, fees and funding as signed bars that add up to the net profit."""
    bars = []
    for name, title, sign in (
        ("spread_capture", "Spread capture", 1),
        ("inventory_profit", "Inventory P&L", 1),
        ("fees", "Fees", -1),
        ("funding", "Funding", 1),
        ("net_profit", "Net profit", 1),
    ):
        metric = metrics.get(name)
        if metric is None:
            continue
        value = None if metric.value is None else sign * metric.value
        text = metric_text(metric) if value is None or sign > 0 else metric_text(_negated(metric))
        bars.append((title, value, text))
    return bar_chart("Net profit by source", currency, bars)


def _negated(metric: Metric) -> Metric:
    value = -(metric.value or 0.0)
    return Metric(metric.name, value, "", metric.formula, value)


def markout_chart(metrics: Mapping[str, Metric]) -> str:
    """What a fill was worth at the mid of its moment and later, before fees."""
    names = (
        ("spread_capture_bps", "at the fill"),
        ("markout_1s", "1 s later"),
        ("markout_10s", "10 s later"),
        ("markout_60s", "60 s later"),
    )
    bars = [
        (title, metrics[name].value, metric_text(metrics[name]).removesuffix(" bps")) for name, title in names if name in metrics
    ]
    return bar_chart("Mark-out of our fills, before fees", "bps of notional", bars)
