"""What chance alone would have made of a result: quantile bands of many resampled paths, and the path that was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.frame import Frame, reach, unavailable
from b25.analytics.metric import FloatArray
from b25.analytics.palette import Theme
from b25.analytics.picture import Picture, canvas, explained, head, price_axis, seconds, time_axis, value_axis
from b25.analytics.svg import tag, words
from b25.analytics.ticks import span_text
from b25.model.errors import Misuse

POINTS_MAX: Final = 400


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fan:
    """Quantiles of paths, step by step.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Steps (trades, days), or UTC epoch ns when `over_time`; ascending.
    levels : sequence of float, length k
        Quantiles in ascending order, e.g. 0.05, 0.25, 0.5, 0.75, 0.95.
    bands : ndarray of float64, shape (k, n)
        Value of each quantile at each step; NaN where it is unknown.
    actual : ndarray of float64, shape (n,), optional
        The path that was taken.
    over_time : bool
        Whether `x` is time.
    title, unit, x_name : str
        Above the picture, of the values, and what the steps are.
    note : str
        How the paths were made: method, number, seed.

    Raises
    ------
    Misuse
        When the arrays do not fit each other, or the levels are not in order.
    """

    x: np.ndarray[tuple[int], np.dtype[np.generic]]
    levels: tuple[float, ...]
    bands: FloatArray
    actual: FloatArray | None = None
    over_time: bool = False
    title: str = "Monte Carlo"
    unit: str = ""
    x_name: str = "steps"
    note: str = ""

    def __post_init__(self) -> None:
        x, bands = np.asarray(self.x), np.asarray(self.bands, np.float64)
        object.__setattr__(self, "x", x.astype(np.int64 if self.over_time else np.float64))
        object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))
        object.__setattr__(self, "bands", bands)
        if bands.shape != (len(self.levels), x.size):
            raise Misuse(
                f"fan: {bands.shape} values for {len(self.levels)} levels and {x.size} steps",
                remedy="give bands a row for each level and a column for each step",
            )
        if any(b <= a for a, b in zip(self.levels, self.levels[1:], strict=False)):
            raise Misuse(f"fan: the levels {self.levels} are not in order", remedy="give them ascending")
        if self.actual is not None:
            actual = np.asarray(self.actual, np.float64)
            if actual.shape != x.shape:
                raise Misuse(f"fan: {x.size} steps and {actual.size} of the path", remedy="give arrays of one length")
            object.__setattr__(self, "actual", actual)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Rows that bound a band, widest first; a middle row is a line of its own."""
        return [(i, len(self.levels) - 1 - i) for i in range(len(self.levels) // 2)]

    @property
    def middle(self) -> int | None:
        """Row of the middle line, when there is one."""
        return len(self.levels) // 2 if len(self.levels) % 2 else None

    def why_not(self) -> str:
        """Reason for which nothing can be drawn; empty when there is something."""
        if self.x.size < 2:
            return f"a fan needs two steps; there {'is' if self.x.size == 1 else 'are'} {self.x.size}"
        return "" if np.any(np.isfinite(self.bands)) else "no quantile is known"

    def few(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.generic]], FloatArray, FloatArray | None]:
        """Steps, bands and path at as many steps as a picture can show, the first and last among them."""
        rows = np.unique(np.linspace(0, self.x.size - 1, min(self.x.size, POINTS_MAX)).round().astype(np.int64))
        return self.x[rows], self.bands[:, rows], None if self.actual is None else self.actual[rows]

    def band_name(self, low: int, high: int) -> str:
        """Share of the paths within a band."""
        return f"{100 * (self.levels[high] - self.levels[low]):.3g} % of the paths"


def plot_fan(fan: Fan, *, theme: Theme = "light") -> Picture:
    """Quantile bands, their middle, and the path that was taken.

    Parameters
    ----------
    fan : Fan
        Quantiles, step by step.
    theme : {"light", "dark"}
        Which colours.
    """
    why = fan.why_not()
    if why:
        return explained(fan.title, why, theme=theme)
    x, bands, actual = fan.few()
    start, end = int(fan.x[0]), int(fan.x[-1])
    with canvas(10.0, 3.4, theme) as (figure, palette):
        axes = figure.subplots()
        across = seconds(x.astype(np.int64), start) if fan.over_time else x.astype(np.float64)
        for depth, (low, high) in enumerate(fan.pairs):
            axes.fill_between(
                across,
                bands[low],
                bands[high],
                color=palette.equity,
                alpha=0.14 + 0.1 * depth,
                linewidth=0,
                label=fan.band_name(low, high),
            )
        if fan.middle is not None:
            axes.plot(across, bands[fan.middle], color=palette.equity, linewidth=1.1, linestyle="--", label="median")
        if actual is not None:
            axes.plot(across, actual, color=palette.drawdown, linewidth=1.5, label="as it was")
        axes.legend(loc="upper left", labelcolor=palette.muted)
        head(axes, f"{fan.title}{f' ({fan.note})' if fan.note else ''}", fan.unit, palette)
        axes.margins(y=0.08)
        value_axis(axes)
        if fan.over_time:
            time_axis(axes, start, end, palette)
        else:
            axes.set_xlim(float(across[0]), float(across[-1]))
            axes.set_xlabel(fan.x_name, loc="right", fontsize=8.5)
            price_axis(axes)
        return Picture(figure)


def fan_chart(fan: Fan, *, width: float) -> str:
    """The same as inline SVG."""
    why = fan.why_not()
    if why:
        return unavailable(fan.title, why)
    x, bands, actual = fan.few()
    start, end = int(fan.x[0]), int(fan.x[-1])
    across = (x.astype(np.int64) - start).astype(np.float64) if fan.over_time else x.astype(np.float64)
    seen = bands.reshape(-1) if actual is None else np.concatenate((bands.reshape(-1), actual))
    bottom = 26.0 if fan.over_time else 42.0
    frame = Frame(width=width, height=240, x=(float(across[0]), float(across[-1])), y=reach(seen), bottom=bottom)
    parts = frame.head(f"{fan.title}{f' ({fan.note})' if fan.note and width > 500 else ''}", fan.unit)
    parts += frame.value_marks()
    parts += frame.time_marks(start, end) if fan.over_time else frame.number_marks(fan.x_name)
    keys: list[tuple[str, str]] = []
    place, dense = frame.start + 8, 0.0
    for depth, (low, high) in enumerate(fan.pairs):
        opacity = 0.14 + 0.1 * depth
        parts += frame.band(across, bands[low], bands[high], "fan", fill_opacity=f"{opacity:.2f}")
        dense = 1.0 - (1.0 - dense) * (1.0 - opacity)  # an inner band lies on those around it
        parts.append(tag("rect", x=place, y=34.0 + 15 * len(keys), width=10, height=9, class_="fan", fill_opacity=f"{dense:.2f}"))
        keys.append((f"     {fan.band_name(low, high)}", "equity"))
    if fan.middle is not None:
        parts += frame.path(across, bands[fan.middle], "equity dashed")
        keys.append(("- -  median", "equity"))
    if actual is not None:
        parts += frame.path(across, actual, "drawdown")
        keys.append(("—  as it was", "drawdown"))
    for i, (text, css) in enumerate(keys):
        shift = 17.0 if text.startswith(" ") else 0.0
        parts.append(words(place + shift, 42.0 + 15 * i, text.strip(), class_=f"key {css}"))
    label = f"{fan.title}, {fan.note}, {span_text(start, end) if fan.over_time else fan.x_name}"
    return frame.drawing(parts, label)
