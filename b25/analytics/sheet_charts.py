"""Which charts the tear sheet has, and what is in each."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from b25.analytics.candles import Candles
from b25.analytics.charts import COLUMNS, Line, Span, TimeChart, bar_chart, gather, time_chart
from b25.analytics.curve import EquityCurve
from b25.analytics.distribution import distribution_chart
from b25.analytics.drawdown import drawdown_ratio, drawdown_table
from b25.analytics.figures import metric_text, money_text
from b25.analytics.frame import WIDE, both_widths, thinned
from b25.analytics.metric import Metric
from b25.analytics.monthly import monthly_table
from b25.analytics.picture import within
from b25.analytics.rolling import rolling_chart
from b25.analytics.series import InstrumentTrace, TimeSeries
from b25.analytics.ticks import span_text
from b25.analytics.trade_marks import MARKS_NAMES, SINGLE_MAX, trades_chart

FALLS_SHADED = 5


def curve_charts(curve: EquityCurve, currency: str, *, log: bool = False) -> str:
    """Equity, and the fall from its peak below it; the deepest falls are shaded in both."""
    start, end = int(curve.time_ns[0]), int(curve.time_ns[-1])
    index = curve.index()
    depth = -drawdown_ratio(index)
    money = bool(np.all(np.isnan(depth)))
    if money:
        depth = index - np.maximum.accumulate(index)
    equity, fall = thinned(TimeSeries(curve.time_ns, curve.equity)), thinned(TimeSeries(curve.time_ns, depth))
    spans = [
        Span(one.peak_ns, one.end_ns, "fall", f"fall of {money_text(one.money, currency)}")
        for one in drawdown_table(curve.time_ns, index, count=FALLS_SHADED)
    ]
    base = curve.starting_balance

    def draw(width: float) -> str:
        top = TimeChart(
            title=f"Equity ({span_text(start, end)})", unit=currency, start_ns=start, end_ns=end, height=230, width=width,
            lines=[Line(equity, "equity", step=True, base=base)], spans=spans, log=log,
        )  # fmt: skip
        below = TimeChart(
            title="Under water", unit=currency if money else "% of the peak", start_ns=start, end_ns=end, height=130,
            width=width, zero=True, scale=1.0 if money else 100.0, lines=[Line(fall, "drawdown", step=True, base=0.0)],
            spans=spans,
        )  # fmt: skip
        return time_chart(top) + time_chart(below)

    count = f"the {len(spans)} deepest falls" if len(spans) > 1 else "the deepest fall"
    shaded = f'<p class="legend"><i class="l">▮ {count}, peak to recovery</i></p>' if spans else ""
    return both_widths(draw) + shaded


def return_charts(curve: EquityCurve) -> str:
    """Returns by month or day, the rolling Sharpe ratio, and how daily returns are distributed."""
    over_time = both_widths(lambda width: rolling_chart(curve, width=width))
    spread = both_widths(lambda width: distribution_chart(curve, width=width))
    return monthly_table(curve) + over_time + spread


def price_charts(trace: InstrumentTrace, start_ns: int, end_ns: int) -> str:
    """Mid with our fills on it, and the position."""
    mids = [Line(thinned(within(trace.mids, start_ns, end_ns)), "mid", step=True)] if trace.mids is not None else []
    held = thinned(trace.held(start_ns, end_ns))
    several = False

    def draw(width: float) -> str:
        nonlocal several
        marks = [gather(trace.fills, side, start_ns, end_ns, columns=int(COLUMNS / 4 * width / WIDE)) for side in (1, -1)]
        several = several or any(marks_of.count.max(initial=1) > 1 for marks_of in marks)
        price = TimeChart(
            title=f"{trace.name}: price and fills", unit=trace.quote, start_ns=start_ns, end_ns=end_ns, height=260, width=width,
            lines=mids, marks=marks,
        )  # fmt: skip
        position = TimeChart(
            title=f"{trace.name}: position", unit=trace.base or "contracts", start_ns=start_ns, end_ns=end_ns, height=140,
            width=width, zero=True, lines=[Line(held, "position", step=True, base=0.0)],
        )  # fmt: skip
        return time_chart(price) + time_chart(position)

    drawn = both_widths(draw)
    gathered = "<i>a mark may stand for several fills, at their average price</i>" if several else ""
    return f'{drawn}<p class="legend"><i class="b">▲ buys</i><i class="s">▼ sells</i><i class="m">— mid</i>{gathered}</p>'


def trade_charts(
    trace: InstrumentTrace, trades: pl.DataFrame, candles: Candles | None, span: tuple[int, int], currency: str
) -> str:
    """Trades of one instrument on its price."""
    mine = trades.filter(pl.col("instrument") == trace.name)
    if not mine.height:
        return ""
    drawn = both_widths(lambda width: trades_chart(trace, mine, candles, *span, currency=currency, width=width))
    several = "<i>a mark may stand for several trades</i>" if mine.height > SINGLE_MAX else ""
    return f'{drawn}<p class="legend">{MARKS_NAMES}{several}</p>'


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
