"""The tear sheet's charts as inline SVG: lines over time, fills on price, signed bars; colours come from the sheet's CSS."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np

from b25.analytics.downsample import m4
from b25.analytics.figures import number_text, time_text
from b25.analytics.frame import LEFT, RIGHT, TOP, WIDE, Frame, reach
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.series import FillSeries, TimeSeries
from b25.analytics.svg import drawing, tag, words
from b25.analytics.ticks import span_text

COLUMNS = int(WIDE - LEFT - RIGHT)
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


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time to be shaded over the whole height, and what it is called when one points at it."""

    start_ns: int
    end_ns: int
    css: str
    title: str = ""
    label: str = ""


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
    spans : sequence of Span
        Stretches of time, drawn first.
    height, width : float
        In units of the drawing.
    scale : float
        Factor from values to the numbers of the axis, e.g. 100 for per cent.
    zero : bool
        Whether a line is drawn at 0 and 0 is always within the axis.
    log : bool
        Whether the vertical axis is logarithmic; it is not when a value is not positive.
    """

    title: str
    unit: str
    start_ns: int
    end_ns: int
    lines: Sequence[Line]
    marks: Sequence[Marks] = field(default_factory=tuple)
    spans: Sequence[Span] = field(default_factory=tuple)
    height: float = 180.0
    width: float = WIDE
    scale: float = 1.0
    zero: bool = False
    log: bool = False


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
    values = _values(chart)
    known = values[np.isfinite(values)]
    log = chart.log and bool(known.size) and bool(np.all(known > 0))
    span = max(1, chart.end_ns - chart.start_ns)
    y = reach(values, zero=chart.zero, log=log)
    frame = Frame(width=chart.width, height=chart.height, x=(0.0, float(span)), y=y, log=log)
    unit = f"{chart.unit}, logarithmic" if log else chart.unit
    parts = frame.head(chart.title, unit)
    for shaded in chart.spans:
        parts += _span(shaded, frame, chart.start_ns)
    parts += frame.value_marks(zero=chart.zero) + frame.time_marks(chart.start_ns, chart.end_ns)
    for line in chart.lines:
        rows = m4(line.series.time_ns, line.series.values, columns=frame.columns)
        x, height = line.series.time_ns[rows] - chart.start_ns, line.series.values[rows] * chart.scale
        base = None if line.base is None else line.base * chart.scale
        parts += frame.path(x.astype(np.float64), height, line.css, step=line.step, base=base)
    for marks in chart.marks:
        parts += _marks(marks, frame, chart)
    return frame.drawing(parts, f"{chart.title}, {unit}, {span_text(chart.start_ns, chart.end_ns)}")


def _values(chart: TimeChart) -> FloatArray:
    """Everything that the vertical axis must show, in its own numbers."""
    seen = [line.series.values for line in chart.lines] + [marks.price for marks in chart.marks]
    seen += [np.array([line.base]) for line in chart.lines if line.base is not None]
    return (np.concatenate(seen) if seen else np.zeros(0)) * chart.scale


def _span(shaded: Span, frame: Frame, start_ns: int) -> list[str]:
    first, last = np.clip(frame.across([shaded.start_ns - start_ns, shaded.end_ns - start_ns]), frame.start, frame.end).tolist()
    title = [tag("title", escape(shaded.title))] if shaded.title else []
    parts = [
        tag("rect", *title, x=first, y=TOP, width=max(1.0, last - first), height=frame.floor - TOP, class_=f"span {shaded.css}")
    ]
    if shaded.label and last - first > 6.0 * len(shaded.label):
        parts.append(words((first + last) / 2, TOP + 12, shaded.label, class_="tick", text_anchor="middle"))
    return parts


def _marks(marks: Marks, frame: Frame, chart: TimeChart) -> list[str]:
    css, word = ("buy", "buy") if marks.side > 0 else ("sell", "sell")
    parts = []
    crowded = marks.time_ns.size > CROWDED * frame.width / WIDE
    across, down = frame.across(marks.time_ns - chart.start_ns), frame.down(marks.price * chart.scale)
    for x, y, time_ns, price, quantity, count in zip(
        across, down, marks.time_ns, marks.price, marks.quantity, marks.count, strict=True
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
