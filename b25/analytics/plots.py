"""Pictures of a result: equity, the fall from its peak, fills on price, position, and how a series is distributed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from b25.analytics.charts import CROWDED, gather
from b25.analytics.curve import EquityCurve
from b25.analytics.drawdown import drawdown_ratio, drawdown_table
from b25.analytics.figures import duration_text, money_text, number_text, percent_text
from b25.analytics.metric import FloatArray
from b25.analytics.palette import Palette, Theme
from b25.analytics.picture import Picture, canvas, head, line, seconds, time_axis, value_axis, within
from b25.analytics.series import InstrumentTrace, TimeSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 10.0
MARK_COLUMNS: Final = 260
PRICE_PANELS_MAX: Final = 3


def plot_backtest(
    curve: EquityCurve, traces: Sequence[InstrumentTrace] = (), *, currency: str = "", title: str = "", theme: Theme = "light"
) -> Picture:
    """Equity, drawdown, and for up to three instruments price with fills and position, on one time axis.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    traces : sequence of InstrumentTrace
        Fills, mids and positions.
    currency : str
        Unit of the equity.
    title : str
        Above everything.
    theme : {"light", "dark"}
        Which colours.
    """
    start, end = int(curve.time_ns[0]), int(curve.time_ns[-1])
    shown = traces[:PRICE_PANELS_MAX]
    ratios = [2.6, 1.1] + [3.0, 1.2] * len(shown)
    with canvas(WIDTH, 0.86 * sum(ratios) + 0.9, theme) as (figure, palette):
        panels = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        _equity(panels[0], curve, currency, palette)
        _under_water(panels[1], curve, currency, palette)
        for i, trace in enumerate(shown):
            _price(panels[2 + 2 * i], trace, start, end, palette)
            _position(panels[3 + 2 * i], trace, start, end, palette)
        for panel in panels:
            time_axis(panel, start, end, palette, labels=panel is panels[-1])
        figure.suptitle(
            title or "Backtest", x=0.012, ha="left", fontsize=13, fontweight="bold", color=palette.ink, parse_math=False
        )
        return Picture(figure)


def plot_equity(
    curve: EquityCurve,
    *,
    currency: str = "",
    title: str = "Equity",
    log: bool = False,
    falls: int = 0,
    theme: Theme = "light",
) -> Picture:
    """Equity and the fall from its peak.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    currency : str
        Unit of the equity.
    title : str
        Above the picture.
    log : bool
        Whether equal ratios are drawn equally high; not possible where the account was worth nothing or less.
    falls : int
        How many of the deepest falls are shaded, from their peak to their recovery.
    theme : {"light", "dark"}
        Which colours.
    """
    start, end = int(curve.time_ns[0]), int(curve.time_ns[-1])
    with canvas(WIDTH, 3.9, theme) as (figure, palette):
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        for fall in drawdown_table(curve.time_ns, curve.index(), count=falls) if falls else ():
            edges = seconds(np.array([fall.peak_ns, fall.end_ns]), start)
            for panel in (top, below):
                panel.axvspan(*edges, color=palette.drawdown, alpha=0.11, linewidth=0)
        _equity(top, curve, currency, palette, title=title, log=log and float(curve.equity.min()) > 0)
        _under_water(below, curve, currency, palette)
        time_axis(top, start, end, palette, labels=False)
        time_axis(below, start, end, palette)
        return Picture(figure)


def plot_fills(
    trace: InstrumentTrace, *, start_ns: int | None = None, end_ns: int | None = None, title: str = "", theme: Theme = "light"
) -> Picture:
    """Price with our fills, and the position they made.

    Parameters
    ----------
    trace : InstrumentTrace
        Fills, and mids if there are any.
    start_ns, end_ns : int, optional
        Part to show; by default all mids, or all fills.
    title : str
        Instead of the instrument's name.
    theme : {"light", "dark"}
        Which colours.
    """
    times = trace.mids.time_ns if trace.mids is not None and trace.mids.time_ns.size else trace.fills.time_ns
    start = start_ns if start_ns is not None else (int(times[0]) if times.size else 0)
    end = end_ns if end_ns is not None else (int(times[-1]) if times.size else 1)
    with canvas(WIDTH, 4.4, theme) as (figure, palette):
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        _price(top, trace, start, end, palette, title=title)
        _position(below, trace, start, end, palette)
        time_axis(top, start, end, palette, labels=False)
        time_axis(below, start, end, palette)
        return Picture(figure)


def plot_distribution(
    values: FloatArray, *, unit: str = "", title: str = "Distribution", bins: int = 61, theme: Theme = "light"
) -> Picture:
    """Histogram on a logarithmic scale beside the normal law of the same mean and deviation: fat tails show.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        E.g. returns or P&L of equal steps; what is not finite is left out.
    unit : str
        Of the values.
    title : str
        Above the picture.
    bins : int
        Number of bars.
    theme : {"light", "dark"}
        Which colours.
    """
    series = np.asarray(values, np.float64)
    series = series[np.isfinite(series)]
    with canvas(WIDTH * 0.62, 3.3, theme) as (figure, palette):
        axes = figure.subplots()
        head(axes, title, "count, logarithmic", palette)
        axes.set_xlabel(unit, loc="right", fontsize=8.5)
        if not series.size:
            axes.text(0.5, 0.5, "no value", ha="center", color=palette.muted, transform=axes.transAxes)
            return Picture(figure)
        counts, edges = np.histogram(series, bins=bins)
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=palette.equity, alpha=0.75, linewidth=0)
        mean, spread = float(series.mean()), float(series.std())
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_ylim(0.7, max(2.0, float(counts.max()) * 1.7))
        if spread > 0:
            x = np.linspace(edges[0], edges[-1], 300)
            normal = (
                series.size
                * (edges[1] - edges[0])
                * np.exp(-(((x - mean) / spread) ** 2) / 2)
                / (spread * math.sqrt(2 * math.pi))
            )
            axes.plot(x, normal, color=palette.sell, linewidth=1.4, label="normal law")
            score = (series - mean) / spread
            note = f"n {series.size:,}\nskew {np.mean(score**3):.2f}\nkurtosis {np.mean(score**4):.1f} (normal 3)"
            axes.text(0.985, 0.95, note, ha="right", va="top", fontsize=8.5, color=palette.muted, transform=axes.transAxes)
            axes.legend(loc="upper left", labelcolor=palette.muted)
        return Picture(figure)


def _equity(axes: Axes, curve: EquityCurve, currency: str, palette: Palette, *, title: str = "Equity", log: bool = False) -> None:
    start = int(curve.time_ns[0])
    if log:
        axes.set_yscale("log")
        axes.minorticks_off()
    line(axes, TimeSeries(curve.time_ns, curve.equity), start, palette.equity, base=curve.starting_balance, width=1.4)
    axes.axhline(curve.starting_balance, color=palette.muted, linewidth=0.7)
    gain = f"net {'+' if curve.net_profit > 0 else ''}{money_text(curve.net_profit, currency)}"
    if curve.starting_balance > 0:
        gain += f" ({percent_text(curve.net_profit / curve.starting_balance)})"
    head(
        axes,
        f"{title}, {gain.replace('-', chr(0x2212))} in {duration_text(curve.time_ns[-1] - curve.time_ns[0])}",
        f"{currency}, logarithmic".lstrip(", ") if log else currency,
        palette,
    )
    axes.margins(y=0.08)
    value_axis(axes)


def _under_water(axes: Axes, curve: EquityCurve, currency: str, palette: Palette) -> None:
    start = int(curve.time_ns[0])
    index = curve.index()
    depth = -drawdown_ratio(index)
    percent = not np.any(np.isnan(depth))
    if not percent:
        depth = index - np.maximum.accumulate(index)
    line(axes, TimeSeries(curve.time_ns, depth), start, palette.drawdown, base=0.0, width=1.0)
    worst = float(np.nanmin(depth)) if depth.size else 0.0
    text = percent_text(-worst) if percent else money_text(-worst, currency)
    head(axes, f"Under water, worst {text}", "% of the peak" if percent else currency, palette)
    axes.set_ylim(worst * 1.12 if worst else -1e-4, 0.0)
    value_axis(axes, count=3, percent=percent)


def _price(axes: Axes, trace: InstrumentTrace, start: int, end: int, palette: Palette, *, title: str = "") -> None:
    if trace.mids is not None:
        line(axes, within(trace.mids, start, end), start, palette.mid, width=0.9)
    total = 0
    for side, marker, colour, word in ((1, "^", palette.buy, "buy"), (-1, "v", palette.sell, "sell")):
        marks = gather(trace.fills, 1 if side > 0 else -1, start, end, columns=MARK_COLUMNS)
        total += int(marks.count.sum())
        size = 9.0 if marks.count.size > CROWDED else 28 + 10 * np.log2(np.maximum(marks.count, 1))
        axes.scatter(
            seconds(marks.time_ns, start), marks.price, s=size, marker=marker, color=colour, edgecolors=palette.paper,
            linewidths=0.5, zorder=3, label=f"{word} ({int(marks.count.sum()):,})",
        )  # fmt: skip
    on_what = " on mid" if trace.mids is not None else ""
    head(axes, title or f"{trace.name}, {total:,} fills{on_what}", trace.quote, palette)
    if total:
        axes.legend(loc="best", ncols=2, labelcolor=palette.muted, handletextpad=0.2, columnspacing=1.0)
    axes.margins(y=0.1)
    value_axis(axes)


def _position(axes: Axes, trace: InstrumentTrace, start: int, end: int, palette: Palette) -> None:
    held = trace.held(start, end)
    line(axes, held, start, palette.position, base=0.0, width=1.1)
    axes.axhline(0, color=palette.muted, linewidth=0.7)
    low, high = number_text(float(held.values.min())), number_text(float(held.values.max()))
    head(axes, f"Position, {low.replace('-', chr(0x2212))} to {high}", trace.base or "contracts", palette)
    axes.margins(y=0.12)
    value_axis(axes, count=3)
