"""The tear sheet's charts as inline SVG: lines over time, fills on price, signed bars; colours come from the sheet's CSS."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np

from b25.analytics.downsample import m4
from b25.analytics.figures import number_text, time_text
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.series import FillSeries, TimeSeries
from b25.analytics.svg import area_path, drawing, line_path, step_path, tag, words
from b25.analytics.ticks import number_ticks, span_text, time_ticks

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960.0, 74.0, 14.0, 26.0, 26.0
COLUMNS = int(WIDTH - LEFT - RIGHT)
CROWDED = 90  # more marks than this of one side are drawn small, or they hide the price


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A series to draw: its CSS class, whether it is a step, and whether it is filled to a base value."""

    series: TimeSeries
    css: str
    step: bool = False
    base: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Fills of one side, gathered by pixel column so that a hundred thousand of them can still be read."""

    time_ns: IntArray
    price: FloatArray
    quantity: FloatArray
    count: IntArray
    side: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TimeChart:
    """Lines and fills over one span of time.

    Parameters
    ----------
    title, unit : str
        Written above the chart; the unit is that of the vertical axis.
    start_ns, end_ns : int
        Span of the horizontal axis.
    lines : sequence of Line
        Drawn in order.
    marks : sequence of Marks
        Fills, drawn last.
    height : float
        In units of which the chart is 960 wide.
    scale : float
        Factor from values to the numbers of the axis, e.g. 100 for per cent.
    zero : bool
        Whether a line is drawn at 0 and 0 is always within the axis.
    """

    title: str
    unit: str
    start_ns: int
    end_ns: int
    lines: Sequence[Line]
    marks: Sequence[Marks] = field(default_factory=tuple)
    height: float = 180.0
    scale: float = 1.0
    zero: bool = False


def gather(fills: FillSeries, side: Literal[1, -1], start_ns: int, end_ns: int, *, columns: int = COLUMNS // 4) -> Marks:
    """Fills of one side, summed by column of the picture: mean time, average price, total quantity, count."""
    mine = np.flatnonzero((fills.side == side) & (fills.time_ns >= start_ns) & (fills.time_ns <= end_ns))
    if not mine.size:
        return Marks(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), side)
    time_ns, quantity = fills.time_ns[mine], fills.quantity[mine]
    column = (time_ns - start_ns) // max(1, -(-(end_ns - start_ns + 1) // columns))
    begins = np.concatenate(([0], np.flatnonzero(np.diff(column)) + 1))
    count = np.diff(np.append(begins, mine.size))
    total = np.add.reduceat(quantity, begins)
    offset = np.add.reduceat(time_ns - start_ns, begins) // count
    return Marks(offset + start_ns, np.add.reduceat(quantity * fills.price[mine], begins) / total, total, count, side)


def time_chart(chart: TimeChart) -> str:
    """Markup of a chart over time."""
    low, high = _reach(chart)
    bottom = chart.height - BOTTOM
    span = max(1, chart.end_ns - chart.start_ns)

    def across(time_ns: IntArray) -> FloatArray:
        out: FloatArray = LEFT + (time_ns - chart.start_ns) / span * (WIDTH - LEFT - RIGHT)
        return out

    def down(values: FloatArray) -> FloatArray:
        out: FloatArray = bottom - (values * chart.scale - low) / (high - low) * (bottom - TOP)
        return out

    parts = [
        words(LEFT, 14.0, chart.title, class_="chart-title"),
        words(WIDTH - RIGHT, 14.0, chart.unit, class_="unit", text_anchor="end"),
    ]
    for tick in number_ticks(low, high, count=max(3, round((bottom - TOP) / 36))):
        y = float(bottom - (tick.at - low) / (high - low) * (bottom - TOP))
        css = "zero" if tick.at == 0 and chart.zero else "grid"
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_=css))
        parts.append(words(LEFT - 8, y + 3.5, tick.text.replace("-", "−"), class_="tick", text_anchor="end"))
    for tick in time_ticks(chart.start_ns, chart.end_ns):
        x = LEFT + (tick.at - chart.start_ns) / span * (WIDTH - LEFT - RIGHT)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        anchor = "start" if x < LEFT + 16 else "end" if x > WIDTH - RIGHT - 24 else "middle"
        parts.append(words(x, bottom + 17, tick.text, class_="tick", text_anchor=anchor))
    for line in chart.lines:
        parts += _line(line, across, down)
    for marks in chart.marks:
        parts += _marks(marks, across, down)
    label = f"{chart.title}, {chart.unit}, {span_text(chart.start_ns, chart.end_ns)}"
    return drawing(WIDTH, chart.height, parts, label=label, class_="chart")


def _reach(chart: TimeChart) -> tuple[float, float]:
    seen = [line.series.values for line in chart.lines] + [marks.price for marks in chart.marks]
    seen += [np.array([line.base]) for line in chart.lines if line.base is not None]
    values = np.concatenate(seen) if seen else np.zeros(0)
    values = values[np.isfinite(values)] * chart.scale
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if chart.zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(1.0, abs(high)):
        pad = max(1.0, abs(high) * 0.01)
        return (low - pad, high + pad) if not chart.zero else (-1.0, 1.0)
    room = 0.06 * (high - low)
    # A chart that ends at zero, such as the fall from a peak, keeps zero at its very edge.
    return low - room * (low != 0 or not chart.zero), high + room * (high != 0 or not chart.zero)


def _line(line: Line, across: object, down: object) -> list[str]:
    assert callable(across)
    assert callable(down)
    picked = m4(line.series.time_ns, line.series.values, columns=COLUMNS)
    if not picked.size:
        return []
    x, y = across(line.series.time_ns[picked]), down(line.series.values[picked])
    path = step_path(x, y) if line.step else line_path(x, y)
    parts = []
    if line.base is not None:
        base = float(down(np.array([line.base]))[0])
        parts.append(tag("path", d=area_path(path, float(x[0]), float(x[-1]), base), class_=f"{line.css} area"))
    return [*parts, tag("path", d=path, class_=f"{line.css} line")]


def _marks(marks: Marks, across: object, down: object) -> list[str]:
    assert callable(across)
    assert callable(down)
    css, word = ("buy", "buy") if marks.side > 0 else ("sell", "sell")
    parts = []
    crowded = marks.time_ns.size > CROWDED
    for x, y, time_ns, price, quantity, count in zip(
        across(marks.time_ns), down(marks.price), marks.time_ns, marks.price, marks.quantity, marks.count, strict=True
    ):
        size = 2.4 if crowded else 3.8 + min(2.2, 0.7 * math.log2(count))
        tip = y + marks.side * size * 0.4
        points = f"M{x:.1f} {tip - marks.side * size:.1f}l{size:.1f} {marks.side * 1.7 * size:.1f}h{-2 * size:.1f}Z"
        several = f" in {count} fills, average" if count > 1 else ""
        amount, at = number_text(float(quantity)), number_text(float(price), significant=8)
        title = f"{time_text(int(time_ns), unit='ms')}: {word} {amount}{several} at {at}"
        parts.append(tag("path", tag("title", escape(title)), d=points, class_=f"mark {css}"))
    return parts


def bar_chart(title: str, unit: str, bars: Sequence[tuple[str, float | None, str]], *, height: float = 0.0) -> str:
    """Signed horizontal bars with their figures; a bar without a value says n/a.

    Parameters
    ----------
    title, unit : str
        Written above.
    bars : sequence of (name, value, text)
        `text` is what stands at the end of the bar.
    height : float
        By default as high as the bars need.
    """
    width, row = 470.0, 24.0
    tall = height or TOP + row * len(bars) + 6
    values = [value for _, value, _ in bars if value is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    reach = (high - low) or 1.0
    left, right = 118.0 + (84 if low < 0 else 0), width - (96 if high > 0 else 12)
    zero = left + (0.0 - low) / reach * (right - left)
    parts = [words(0, 14.0, title, class_="chart-title"), words(width, 14.0, unit, class_="unit", text_anchor="end")]
    for i, (name, value, text) in enumerate(bars):
        y = TOP + i * row
        parts.append(words(0, y + 14, name, class_="tick"))
        if value is None:
            parts.append(words(zero + 6, y + 14, text, class_="tick none"))
            continue
        end = left + (value - low) / reach * (right - left)
        css = "gain" if value >= 0 else "loss"
        parts.append(
            tag("rect", x=min(zero, end), y=y + 3, width=max(1.0, abs(end - zero)), height=row - 9, rx=2, class_=f"bar {css}")
        )
        anchor, x = ("start", end + 6) if value >= 0 else ("end", end - 6)
        parts.append(words(x, y + 14, text.replace("-", "−"), class_="tick figure", text_anchor=anchor))
    parts.append(tag("line", x1=zero, x2=zero, y1=TOP, y2=tall - 6, class_="zero"))
    return drawing(width, tall, parts, label=f"{title}, {unit}", class_="chart half")
