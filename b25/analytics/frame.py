"""The plot area of an SVG chart: where a value stands, the marks of both axes, and the head above them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

from b25.analytics.downsample import m4
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.series import TimeSeries
from b25.analytics.svg import area_path, drawing, line_path, step_path, tag, words
from b25.analytics.ticks import Tick, log_ticks, number_ticks, time_ticks

# Two drawings of one chart: text keeps its size where the screen is narrow, which scaling one drawing would not allow.
WIDE: Final = 960.0
NARROW: Final = 440.0
LEFT, RIGHT, TOP, BOTTOM = 74.0, 14.0, 26.0, 26.0
NARROW_LEFT: Final = 58.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A rectangle of numbers.

    Parameters
    ----------
    width, height : float
        Of the whole drawing, in its own units.
    x, y : (float, float)
        Values at the edges of the plot area, the lower one first.
    log : bool
        Whether the vertical axis is logarithmic; both its ends must then be positive.
    bottom : float
        Room below the plot area.
    left : float
        Room for the words of the vertical axis; by default what the width affords.
    """

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False
    bottom: float = BOTTOM
    left: float = 0.0

    @property
    def start(self) -> float:
        """Left edge of the plot area."""
        return self.left or (LEFT if self.width >= WIDE else NARROW_LEFT)

    @property
    def end(self) -> float:
        """Right edge of the plot area."""
        return self.width - RIGHT

    @property
    def floor(self) -> float:
        """Lower edge of the plot area."""
        return self.height - self.bottom

    @property
    def columns(self) -> int:
        """Pixels across, of which no more points are drawn than can be seen."""
        return int(self.end - self.start)

    def across(self, values: npt.ArrayLike) -> FloatArray:
        """Horizontal places of values."""
        low, high = self.x
        out: FloatArray = self.start + (np.asarray(values, np.float64) - low) / (high - low) * (self.end - self.start)
        return out

    def down(self, values: npt.ArrayLike) -> FloatArray:
        """Vertical places of values."""
        (low, high), wanted = self.y, np.asarray(values, np.float64)
        if self.log:
            low, high, wanted = math.log(low), math.log(high), np.log(np.maximum(wanted, low))
        out: FloatArray = self.floor - (wanted - low) / (high - low) * (self.floor - TOP)
        return out

    def head(self, title: str, unit: str) -> list[str]:
        """Title at the left and the unit of the vertical axis at the right."""
        fits = int((self.width - 6.4 * len(unit)) / 7.9) - 1
        short = title if len(title) <= fits else title[: max(1, fits - 1)] + "…"
        return [
            words(0.0 if self.width < WIDE else self.start, 14.0, short, class_="chart-title"),
            words(self.end, 14.0, unit, class_="unit", text_anchor="end"),
        ]

    def value_marks(self, *, zero: bool = False, scale: float = 1.0) -> list[str]:
        """Lines across the plot area at round values; `scale` turns a value into the number that is written."""
        parts = []
        low, high = self.y
        count = max(3, round((self.floor - TOP) / 36))
        ticks = log_ticks(low * scale, high * scale) if self.log else number_ticks(low * scale, high * scale, count=count)
        for tick in ticks:
            y = float(self.down(tick.at / scale))
            css = "zero" if zero and tick.at == 0 else "grid"
            parts.append(tag("line", x1=self.start, x2=self.end, y1=y, y2=y, class_=css))
            parts.append(words(self.start - 8, y + 3.5, tick.text.replace("-", "−"), class_="tick", text_anchor="end"))
        return parts

    def time_marks(self, start_ns: int, end_ns: int) -> list[str]:
        """Round UTC times below the plot area, whose horizontal values are nanoseconds since `start_ns`."""
        ticks = time_ticks(start_ns, end_ns, count=max(3, round(self.columns / 125), min(4, round(self.columns / 90))))
        return self._below([Tick(tick.at - start_ns, tick.text) for tick in ticks])

    def number_marks(self, name: str = "", *, scale: float = 1.0) -> list[str]:
        """Round numbers below the plot area, and at its right what they count."""
        low, high = self.x
        ticks = number_ticks(low * scale, high * scale, count=max(3, round(self.columns / 110)))
        parts = self._below([Tick(tick.at / scale, tick.text.replace("-", "−")) for tick in ticks])
        if name:
            parts.append(words(self.end, self.floor + 31, name, class_="unit", text_anchor="end"))
        return parts

    def _below(self, ticks: Sequence[Tick]) -> list[str]:
        parts = []
        for tick in ticks:
            x = float(self.across(tick.at))
            parts.append(tag("line", x1=x, x2=x, y1=self.floor, y2=self.floor + 4, class_="axis"))
            anchor = "start" if x < self.start + 16 else "end" if x > self.end - 24 else "middle"
            parts.append(words(x, self.floor + 17, tick.text, class_="tick", text_anchor=anchor))
        return parts

    def path(self, x: FloatArray, y: FloatArray, css: str, *, step: bool = False, base: float | None = None) -> list[str]:
        """Line through points, filled to `base` if there is one; it is broken where a value is not a number."""
        parts = []
        for first, last in _runs(np.isfinite(y)):
            across, down = self.across(x[first:last]), self.down(y[first:last])
            outline = step_path(across, down) if step else line_path(across, down)
            if base is not None:
                closed = area_path(outline, float(across[0]), float(across[-1]), float(self.down(base)))
                parts.append(tag("path", d=closed, class_=f"{css} area"))
            parts.append(tag("path", d=outline, class_=f"{css} line"))
        return parts

    def band(self, x: FloatArray, low: FloatArray, high: FloatArray, css: str, **more: object) -> list[str]:
        """Area between two lines, where both are known."""
        parts = []
        for first, last in _runs(np.isfinite(low) & np.isfinite(high)):
            across = self.across(x[first:last])
            there = line_path(across, self.down(high[first:last]))
            back = line_path(across[::-1], self.down(low[first:last])[::-1])
            parts.append(tag("path", d=f"{there}L{back[1:]}Z", class_=css, **more))
        return parts

    def drawing(self, parts: Sequence[str], label: str, *, css: str = "chart") -> str:
        """Return the finished element; `label` is what a screen reader says."""
        return drawing(self.width, self.height, parts, label=label, class_=css)


def _runs(known: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Bounds of the stretches without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False])).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def reach(values: FloatArray, *, zero: bool = False, log: bool = False) -> tuple[float, float]:
    """Ends of an axis that shows all values that are numbers, with some room around them.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        What is not finite is left out; 0 to 1 when nothing is left.
    zero : bool
        Whether 0 must be on the axis; it then is its very edge where no value lies beyond it.
    log : bool
        Whether the room is a factor; every value must be positive.
    """
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if log and low > 0:
        room = max((high / low) ** 0.06, 1.005)
        return low / room, high * room
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(1.0, abs(high)):
        pad = max(1.0, abs(high) * 0.01)
        return (low - pad, high + pad) if not zero else (-1.0, 1.0)
    room = 0.06 * (high - low)
    # A chart that ends at zero, such as the fall from a peak, keeps zero at its very edge.
    return low - room * (low != 0 or not zero), high + room * (high != 0 or not zero)


def both_widths(draw: Callable[[float], str]) -> str:
    """Draw a chart for a wide and for a narrow screen, of which the style sheet shows one."""
    return f'<div class="wide">{draw(WIDE)}</div><div class="narrow">{draw(NARROW)}</div>'


def thinned(series: TimeSeries, *, columns: int = int(WIDE)) -> TimeSeries:
    """Points of a series that the widest drawing can show, so that half a million are gone through once only."""
    rows: IntArray = m4(series.time_ns, series.values, columns=columns)
    return TimeSeries(series.time_ns[rows], series.values[rows])


def unavailable(title: str, why: str) -> str:
    """What stands in place of a chart that cannot be drawn: its name, and the reason."""
    return f'<p class="why"><b>{escape(title)}</b>: n/a, {escape(why)}</p>'
