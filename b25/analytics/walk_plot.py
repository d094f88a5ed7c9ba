"""Walk-forward as a picture: which part of the data each window learned from and was tried on, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from b25.analytics.charts import Line, Span, TimeChart, time_chart
from b25.analytics.curve import EquityCurve
from b25.analytics.figures import money_text, number_text, time_text
from b25.analytics.frame import Frame, reach, thinned, unavailable
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.palette import Palette, Theme
from b25.analytics.picture import Picture, canvas, explained, head, line, seconds, time_axis, value_axis
from b25.analytics.series import TimeSeries
from b25.analytics.svg import tag, words
from b25.analytics.ticks import span_text
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = "Walk-forward"
TIMES: Final = ("train_start_ns", "train_end_ns", "test_start_ns", "test_end_ns")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WalkForward:
    """Windows of a walk-forward and what was found in them.

    Parameters
    ----------
    train_start_ns, train_end_ns : ndarray of int64, shape (n,)
        What each window learned from.
    test_start_ns, test_end_ns : ndarray of int64, shape (n,)
        What it was tried on.
    equity : EquityCurve, optional
        Account value over the out-of-sample parts, joined.
    train_score, test_score : ndarray of float64, shape (n,), optional
        The objective in and out of sample; NaN where it is n/a.
    objective : str
        Its name.

    Raises
    ------
    Misuse
        For arrays of unequal lengths, or a window that ends before it begins.
    """

    train_start_ns: IntArray
    train_end_ns: IntArray
    test_start_ns: IntArray
    test_end_ns: IntArray
    equity: EquityCurve | None = None
    train_score: FloatArray | None = None
    test_score: FloatArray | None = None
    objective: str = "objective"

    def __post_init__(self) -> None:
        size = np.asarray(self.train_start_ns).size
        for name in (*TIMES, "train_score", "test_score"):
            column = getattr(self, name)
            if column is None:
                continue
            column = np.asarray(column, np.int64 if name in TIMES else np.float64)
            if column.shape != (size,):
                raise Misuse(f"walk-forward: {size} windows and {column.size} of {name}", remedy="give arrays of one length")
            object.__setattr__(self, name, column)
        bad = np.flatnonzero((self.train_end_ns < self.train_start_ns) | (self.test_end_ns < self.test_start_ns))
        if bad.size:
            raise Misuse(f"walk-forward: window {int(bad[0]) + 1} ends before it begins", remedy="give starts and ends in order")

    @property
    def size(self) -> int:
        """Number of windows."""
        return int(self.train_start_ns.size)

    @property
    def span(self) -> tuple[int, int]:
        """First and last moment of all windows."""
        return int(self.train_start_ns.min()), int(self.test_end_ns.max())

    def scored(self) -> bool:
        """Whether any score is known."""
        return any(part is not None and bool(np.any(np.isfinite(part))) for part in (self.train_score, self.test_score))

    def efficiency(self) -> str:
        """Mean score out of sample beside that in sample, in words; empty when one is unknown."""
        if self.train_score is None or self.test_score is None:
            return ""
        known = np.isfinite(self.train_score) & np.isfinite(self.test_score)
        if not np.any(known):
            return ""
        inside, outside = float(self.train_score[known].mean()), float(self.test_score[known].mean())
        text = f"mean {number_text(inside, significant=3)} in sample, {number_text(outside, significant=3)} out of sample"
        return text.replace("-", "−")


def plot_walk_forward(walk: WalkForward, *, currency: str = "", title: str = TITLE, theme: Theme = "light") -> Picture:
    """Out-of-sample equity over its windows, the windows themselves, and their scores in and out of sample.

    Parameters
    ----------
    walk : WalkForward
        Windows and what was found.
    currency : str
        Unit of the equity.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    if not walk.size:
        return explained(title, "there is no window", theme=theme)
    start, end = walk.span
    ratios = [2.4] * (walk.equity is not None) + [0.5 + 0.17 * min(walk.size, 14)] + [1.5] * walk.scored()
    with canvas(10.0, 0.9 + 0.9 * sum(ratios), theme) as (figure, palette):
        panels = list(figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0])
        for panel in panels:
            for i in range(walk.size):
                if i % 2 == 0:
                    edges = seconds(np.array([walk.test_start_ns[i], walk.test_end_ns[i]]), start)
                    panel.axvspan(*edges, color=palette.muted, alpha=0.1, linewidth=0)
        rest = list(panels)
        if walk.equity is not None:
            axes = rest.pop(0)
            curve = walk.equity
            line(axes, TimeSeries(curve.time_ns, curve.equity), start, palette.equity, base=curve.starting_balance, width=1.3)
            gain = money_text(curve.net_profit, currency).replace("-", "−")
            head(axes, f"{title}: equity out of sample, net {gain}", currency, palette)
            axes.margins(y=0.08)
            value_axis(axes)
        _draw_windows(rest[0], walk, start, palette)
        if walk.scored():
            _draw_scores(rest[1], walk, start, palette)
        for panel in panels:
            time_axis(panel, start, end, palette, labels=panel is panels[-1])
        return Picture(figure)


def _draw_windows(axes: Axes, walk: WalkForward, start: int, palette: Palette) -> None:
    rows = np.arange(walk.size)
    for first, last, colour, alpha, word in (
        (walk.train_start_ns, walk.train_end_ns, palette.mid, 0.55, "in sample"),
        (walk.test_start_ns, walk.test_end_ns, palette.equity, 1.0, "out of sample"),
    ):
        left = seconds(first, start)
        axes.barh(rows, seconds(last, start) - left, 0.66, left=left, color=colour, alpha=alpha, linewidth=0, label=word)
    axes.set_ylim(walk.size - 0.4, -0.6)
    axes.set_yticks([])
    axes.grid(visible=False)
    head(axes, f"{walk.size} windows", "", palette)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, labelcolor=palette.muted, borderaxespad=0.1)


def _draw_scores(axes: Axes, walk: WalkForward, start: int, palette: Palette) -> None:
    middle = seconds((walk.test_start_ns // 2 + walk.test_end_ns // 2), start)
    if walk.train_score is not None and walk.test_score is not None:
        axes.vlines(middle, walk.train_score, walk.test_score, color=palette.muted, linewidth=1.0)
    for score, colour, shape, word in (
        (walk.train_score, palette.mid, "D", "in sample"),
        (walk.test_score, palette.equity, "o", "out of sample"),
    ):
        if score is not None:
            axes.scatter(middle, score, s=26, marker=shape, color=colour, zorder=3, label=word, linewidths=0)
    axes.axhline(0, color=palette.muted, linewidth=0.7)
    head(axes, f"{walk.objective}, {walk.efficiency()}".rstrip(", "), walk.objective, palette)
    axes.margins(y=0.16)
    value_axis(axes, count=3)


def walk_charts(walk: WalkForward, *, currency: str = "", width: float) -> str:
    """The same as inline SVG."""
    if not walk.size:
        return unavailable(TITLE, "there is no window")
    start, end = walk.span
    spans = [
        Span(int(walk.test_start_ns[i]), int(walk.test_end_ns[i]), "test", f"out of sample, window {i + 1}")
        for i in range(0, walk.size, 2)
    ]
    out = ""
    if walk.equity is not None:
        curve = walk.equity
        gain = money_text(curve.net_profit, currency).replace("-", "−")
        equity = thinned(TimeSeries(curve.time_ns, curve.equity))
        out += time_chart(
            TimeChart(
                title=f"Equity out of sample, net {gain}",
                unit=currency,
                start_ns=start,
                end_ns=end,
                height=220,
                width=width,
                lines=[Line(equity, "equity", step=True, base=curve.starting_balance)],
                spans=spans,
            )
        )
    return out + _window_chart(walk, width) + (_score_chart(walk, width) if walk.scored() else "")


def _window_chart(walk: WalkForward, width: float) -> str:
    start, end = walk.span
    row = float(np.clip(200.0 / walk.size, 3.0, 14.0))
    frame = Frame(width=width, height=52.0 + row * walk.size, x=(0.0, float(max(1, end - start))), y=(0.0, float(walk.size)))
    parts = frame.head(f"{walk.size} windows", "")
    parts.append(words(frame.end - 104, 14.0, "▮ in sample", class_="key mid", text_anchor="end"))
    parts.append(words(frame.end, 14.0, "▮ out of sample", class_="key equity", text_anchor="end"))
    for i in range(walk.size):
        y = float(frame.down(walk.size - i)) + row * 0.14
        for first, last, css, word in (
            (walk.train_start_ns[i], walk.train_end_ns[i], "train", "in sample"),
            (walk.test_start_ns[i], walk.test_end_ns[i], "gain", "out of sample"),
        ):
            left, right = (float(frame.across(int(at) - start)) for at in (first, last))
            title = tag("title", escape(f"window {i + 1}, {word}: {time_text(int(first))} to {time_text(int(last))}"))
            box = tag("rect", title, x=left, y=y, width=max(0.8, right - left), height=row * 0.72, class_=f"window {css}")
            parts.append(box)
    parts += frame.time_marks(start, end)
    return frame.drawing(parts, f"Windows of the walk-forward, {span_text(start, end)}")


def _score_chart(walk: WalkForward, width: float) -> str:
    start, end = walk.span
    known = [part for part in (walk.train_score, walk.test_score) if part is not None]
    frame = Frame(width=width, height=150, x=(0.0, float(max(1, end - start))), y=reach(np.concatenate(known), zero=True))
    parts = frame.head(f"{walk.objective}, {walk.efficiency()}".rstrip(", "), "◆ in, ● out of sample")
    parts += frame.value_marks(zero=True) + frame.time_marks(start, end)
    across = frame.across(walk.test_start_ns // 2 + walk.test_end_ns // 2 - start)
    for i, x in enumerate(across.tolist()):
        inside = float(walk.train_score[i]) if walk.train_score is not None else np.nan
        outside = float(walk.test_score[i]) if walk.test_score is not None else np.nan
        places = frame.down([inside, outside])
        if np.isfinite(inside) and np.isfinite(outside):
            parts.append(tag("line", x1=x, x2=x, y1=float(places[0]), y2=float(places[1]), class_="axis"))
        if np.isfinite(inside):
            title = tag("title", escape(f"window {i + 1}, in sample: {number_text(inside)}"))
            parts.append(tag("path", title, d=f"M{x:.1f} {places[0] - 4:.1f}l4 4l-4 4l-4 -4Z", class_="mark train"))
        if np.isfinite(outside):
            title = tag("title", escape(f"window {i + 1}, out of sample: {number_text(outside)}"))
            parts.append(tag("circle", title, cx=x, cy=float(places[1]), r="3.6", class_="mark gain"))
    return frame.drawing(parts, f"{walk.objective} in and out of sample, {span_text(start, end)}")
