"""How daily returns are distributed, beside the normal law, and where the bad end begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.curve import EquityCurve
from b25.analytics.figures import percent_text
from b25.analytics.frame import TOP, WIDE, Frame, unavailable
from b25.analytics.metric import FloatArray, IntArray, all_equal
from b25.analytics.palette import Theme
from b25.analytics.picture import Picture, canvas, explained, head, price_axis, value_axis
from b25.analytics.returns import tail_risk
from b25.analytics.svg import tag, words

TITLE: Final = "Daily returns"
BINS_MIN, BINS_MAX = 9, 61
RETURNS_MIN: Final = 5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Distribution:
    """Histogram of daily returns with the normal law of the same mean and deviation.

    Parameters
    ----------
    edges : ndarray of float64, shape (n + 1,)
        Bounds of the bins, ratios.
    counts : ndarray of int64, shape (n,)
        Days in each bin.
    mean, spread : float
        Of the returns; the deviation has ddof 1.
    skew, kurtosis : float
        Population moments; a normal law has 0 and 3.
    tails : tuple of (name, place)
        Value at risk as returns, which are negative for a loss; only those that enough days support.
    """

    edges: FloatArray
    counts: IntArray
    mean: float
    spread: float
    skew: float
    kurtosis: float
    tails: tuple[tuple[str, float], ...]

    def normal(self, x: FloatArray) -> FloatArray:
        """Days a bin would hold under the normal law, at each return."""
        width = float(self.edges[1] - self.edges[0])
        density = np.exp(-(((x - self.mean) / self.spread) ** 2) / 2) / (self.spread * math.sqrt(2 * math.pi))
        out: FloatArray = float(self.counts.sum()) * width * density
        return out


def distribution(curve: EquityCurve) -> tuple[Distribution | None, str]:
    """Distribution of a curve's daily returns, or why there is none.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time; at least five days.
    """
    found = curve.daily().returns
    values = found[np.isfinite(found)]
    if values.size < RETURNS_MIN:
        return None, f"a histogram needs {RETURNS_MIN} daily returns; there {'is' if values.size == 1 else 'are'} {values.size}"
    if all_equal(values):
        return None, f"all {values.size} daily returns are equal: {percent_text(float(values[0]))}"
    low, high = float(values.min()), float(values.max())
    quarter = float(np.subtract(*np.quantile(values, (0.75, 0.25))))
    # Freedman and Diaconis: bins as narrow as the number of days supports.
    wanted = (high - low) / (2 * quarter / values.size ** (1 / 3)) if quarter > 0 else BINS_MIN
    counts, edges = np.histogram(values, bins=int(np.clip(math.ceil(wanted), BINS_MIN, BINS_MAX)))
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    score = (values - mean) / float(values.std())
    risk = tail_risk(values)
    names = (("VaR 95 %", "var_95"), ("VaR 99 %", "var_99"))
    tails = tuple((name, -value) for name, key in names if (value := risk[key].value) is not None)
    return Distribution(
        edges=edges, counts=counts.astype(np.int64), mean=mean, spread=spread, skew=float(np.mean(score**3)),
        kurtosis=float(np.mean(score**4)), tails=tails,
    ), ""  # fmt: skip


def _note(made: Distribution) -> list[str]:
    shape = f"skew {made.skew:.2f}, kurtosis {made.kurtosis:.1f}".replace("-", "−")
    return [f"{int(made.counts.sum()):,} days", shape, "(a normal law: 0 and 3)"]


def _span(made: Distribution) -> FloatArray:
    """Returns at which the normal law is drawn."""
    return np.linspace(float(made.edges[0]), float(made.edges[-1]), 160)


def _tail_texts(made: Distribution) -> list[tuple[str, float]]:
    return [(f"{name}: {percent_text(-place)}".replace("-", "−"), place) for name, place in made.tails]


def plot_daily_returns(curve: EquityCurve, *, title: str = TITLE, theme: Theme = "light") -> Picture:
    """Histogram of daily returns, the normal law of the same mean and deviation, and the value at risk.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    made, why = distribution(curve)
    if made is None:
        return explained(title, why, theme=theme)
    with canvas(10.0, 3.3, theme) as (figure, palette):
        axes = figure.subplots()
        edges = 100 * made.edges
        gains = (made.edges[:-1] + made.edges[1:]) / 2 > 0
        for mine, colour in ((gains, palette.equity), (~gains, palette.drawdown)):
            axes.bar(
                edges[:-1][mine],
                made.counts[mine],
                np.diff(edges)[mine],
                align="edge",
                color=colour,
                alpha=0.55,
                edgecolor=palette.paper,
                linewidth=0.7,
            )
        x = _span(made)
        axes.plot(100 * x, made.normal(x), color=palette.accent, linewidth=1.5, label="normal law")
        top = max(float(made.counts.max()), float(made.normal(x).max())) * 1.16
        axes.set_ylim(0, top)
        for i, (text, place) in enumerate(_tail_texts(made)):
            axes.axvline(100 * place, color=palette.ink, linewidth=1.0, linestyle=(0, (4, 2)))
            axes.text(100 * place, top * (0.97 - 0.1 * i), f"{text} ", ha="right", va="top", fontsize=8.5, color=palette.ink)
        axes.text(
            0.99, 0.95, "\n".join(_note(made)), ha="right", va="top", fontsize=8.5, color=palette.muted, transform=axes.transAxes
        )
        axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.72), labelcolor=palette.muted)
        left = min([float(edges[0]), *(100 * place for _, place in made.tails)])
        room = 0.14 * (float(edges[-1]) - left) if made.tails else 0.0
        axes.set_xlim(left - room, float(edges[-1]))
        head(axes, title, "days", palette)
        axes.set_xlabel("return of a day, %", loc="right", fontsize=8.5)
        price_axis(axes)
        value_axis(axes, count=4)
        return Picture(figure)


def distribution_chart(curve: EquityCurve, *, width: float) -> str:
    """The same as inline SVG."""
    made, why = distribution(curve)
    if made is None:
        return unavailable(TITLE, why)
    x = _span(made)
    normal = made.normal(x)
    # Where the screen is narrow, the words stand above the bars instead of beside them.
    top = max(float(made.counts.max()), float(normal.max())) * (1.16 if width >= WIDE else 1.75)
    left = float(made.edges[0]) - (0.12 * float(made.edges[-1] - made.edges[0]) if made.tails else 0.0)
    frame = Frame(width=width, height=220, x=(left, float(made.edges[-1])), y=(0.0, top), bottom=42.0)
    parts = frame.head(TITLE, "days") + frame.value_marks(zero=True) + frame.number_marks("return of a day, %", scale=100.0)
    across, down = frame.across(made.edges), frame.down(made.counts)
    for i, count in enumerate(made.counts.tolist()):
        if count:
            css = "gain" if made.edges[i] + made.edges[i + 1] > 0 else "loss"
            text = f"{percent_text(float(made.edges[i]))} to {percent_text(float(made.edges[i + 1]))}: {count} days"
            parts.append(
                tag(
                    "rect",
                    tag("title", text),
                    x=float(across[i]),
                    y=float(down[i]),
                    height=float(frame.floor - down[i]),
                    width=float(across[i + 1] - across[i]),
                    class_=f"column {css}",
                )
            )
    parts += frame.path(x, normal, "accent")
    for i, (text, place) in enumerate(_tail_texts(made)):
        at = float(frame.across(place))
        parts.append(tag("line", x1=at, x2=at, y1=TOP, y2=frame.floor, class_="edge"))
        parts.append(words(at - 5, TOP + 12 + 15 * i, text, class_="tick figure halo", text_anchor="end"))
    for i, text in enumerate([*_note(made), "— normal law"]):
        css = "key accent" if text.startswith("—") else "tick"
        parts.append(words(frame.end, TOP + 12 + 15 * i, text, class_=css, text_anchor="end"))
    return frame.drawing(parts, TITLE)
