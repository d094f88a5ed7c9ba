"""An objective along one parameter: a plateau can be trusted, a peak that stands alone cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.figures import number_text
from b25.analytics.frame import TOP, Frame, reach, unavailable
from b25.analytics.metric import FloatArray
from b25.analytics.palette import Theme
from b25.analytics.picture import Picture, canvas, explained, head, price_axis, value_axis
from b25.analytics.svg import tag, words
from b25.model.errors import Misuse

POINTS_MARKED_MAX: Final = 60


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StabilityCurve:
    """An objective at each value of one parameter, the others held or summed over.

    Parameters
    ----------
    name : str
        Of the parameter.
    values : ndarray of float64, shape (n,)
        Values of the parameter; sorted here.
    score : ndarray of float64, shape (n,)
        The objective; NaN where it is n/a.
    low, high : ndarray of float64, shape (n,), optional
        Its spread over the other parameters, e.g. quartiles.
    chosen : float, optional
        Value that was chosen.
    objective : str
        Name of the objective.
    band_name : str
        What `low` and `high` are.

    Raises
    ------
    Misuse
        For arrays of unequal lengths.
    """

    name: str
    values: FloatArray
    score: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None
    chosen: float | None = None
    objective: str = "objective"
    band_name: str = "middle half over the other parameters"

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float64)
        order = np.argsort(values, kind="stable")
        for name in ("values", "score", "low", "high"):
            column = getattr(self, name)
            if column is None:
                continue
            column = np.asarray(column, np.float64)
            if column.shape != values.shape:
                raise Misuse(f"stability: {values.size} values and {column.size} of {name}", remedy="give arrays of one length")
            object.__setattr__(self, name, np.where(np.isfinite(column[order]), column[order], np.nan))

    @classmethod
    def of_points(
        cls, name: str, values: FloatArray, score: FloatArray, *, chosen: float | None = None, objective: str = "objective"
    ) -> StabilityCurve:
        """Median and quartiles of the score at each value of one parameter, over the points of a sweep.

        Parameters
        ----------
        name : str
            Of the parameter.
        values, score : ndarray of float64, shape (n,)
            Its value and the objective at each point; what is not finite is left out.
        chosen : float, optional
            Value that was chosen.
        objective : str
            Name of the objective.
        """
        all_values, all_scores = np.asarray(values, np.float64), np.asarray(score, np.float64)
        places = np.unique(all_values)
        rows = np.full((3, places.size), np.nan)
        for i, place in enumerate(places):
            found = all_scores[(all_values == place) & np.isfinite(all_scores)]
            if found.size:
                rows[:, i] = np.quantile(found, (0.25, 0.5, 0.75))
        spread = all_values.size > places.size
        return cls(
            name=name, values=places, score=rows[1], low=rows[0] if spread else None, high=rows[2] if spread else None,
            chosen=chosen, objective=objective,
        )  # fmt: skip

    @property
    def title(self) -> str:
        """What the picture shows."""
        return f"{self.objective} along {self.name}"

    def why_not(self) -> str:
        """Reason for which nothing can be drawn; empty when there is something."""
        known = int(np.isfinite(self.score).sum())
        return "" if known >= 2 else f"a curve needs two known values; there {'is' if known == 1 else 'are'} {known}"

    def seen(self) -> FloatArray:
        """Everything that the vertical axis must show."""
        parts = [self.score] + [part for part in (self.low, self.high) if part is not None]
        return np.concatenate(parts)

    def chosen_words(self) -> str:
        """Name of the mark at the chosen value."""
        assert self.chosen is not None
        return f"chosen: {number_text(self.chosen)}".replace("-", "−")


def plot_stability(curve: StabilityCurve, *, theme: Theme = "light") -> Picture:
    """Objective along one parameter, with its spread and the chosen value.

    Parameters
    ----------
    curve : StabilityCurve
        What to draw.
    theme : {"light", "dark"}
        Which colours.
    """
    why = curve.why_not()
    if why:
        return explained(curve.title, why, theme=theme)
    with canvas(10.0, 2.8, theme) as (figure, palette):
        axes = figure.subplots()
        if curve.low is not None and curve.high is not None:
            axes.fill_between(
                curve.values, curve.low, curve.high, color=palette.equity, alpha=0.17, linewidth=0, label=curve.band_name
            )
        few = curve.values.size <= POINTS_MARKED_MAX
        axes.plot(
            curve.values,
            curve.score,
            color=palette.equity,
            linewidth=1.4,
            marker="o" if few else "",
            markersize=4,
            label=curve.objective,
        )
        if curve.chosen is not None:
            axes.axvline(curve.chosen, color=palette.drawdown, linewidth=1.2, linestyle=(0, (4, 2)), label=curve.chosen_words())
        low, high = reach(curve.seen(), zero=bool(np.nanmin(curve.score) <= 0 <= np.nanmax(curve.score)))
        axes.set_ylim(low, high)
        if low < 0 < high:
            axes.axhline(0, color=palette.muted, linewidth=0.7)
        head(axes, curve.title, curve.objective, palette)
        axes.set_xlabel(curve.name, loc="right", fontsize=8.5, parse_math=False)
        axes.legend(
            loc="upper left", bbox_to_anchor=(0.0, -0.13), ncols=3, labelcolor=palette.muted, borderaxespad=0.0, columnspacing=1.4
        )
        axes.margins(x=0.02)
        price_axis(axes)
        value_axis(axes)
        return Picture(figure)


def stability_chart(curve: StabilityCurve, *, width: float) -> str:
    """The same as inline SVG."""
    why = curve.why_not()
    if why:
        return unavailable(curve.title, why)
    first, last = float(curve.values[0]), float(curve.values[-1])
    if not last > first:
        return unavailable(curve.title, "all values of the parameter are equal")
    room = 0.02 * (last - first)
    y = reach(curve.seen(), zero=bool(np.nanmin(curve.score) <= 0 <= np.nanmax(curve.score)))
    frame = Frame(width=width, height=200, x=(first - room, last + room), y=y, bottom=42.0)
    parts = frame.head(curve.title, curve.objective) + frame.value_marks(zero=True) + frame.number_marks(curve.name)
    if curve.low is not None and curve.high is not None:
        parts += frame.band(curve.values, curve.low, curve.high, "fan")
        parts.append(words(frame.end, 40.0, f"▮ {curve.band_name}", class_="key equity", text_anchor="end"))
    parts += frame.path(curve.values, curve.score, "equity")
    if curve.values.size <= POINTS_MARKED_MAX:
        known = np.isfinite(curve.score)
        for x, y_at, value, score in zip(
            frame.across(curve.values[known]),
            frame.down(curve.score[known]),
            curve.values[known],
            curve.score[known],
            strict=True,
        ):
            title = tag("title", f"{number_text(float(value))}: {number_text(float(score))}")
            parts.append(tag("circle", title, cx=float(x), cy=float(y_at), r="3", class_="mark gain"))
    if curve.chosen is not None:
        at = float(frame.across(curve.chosen))
        parts.append(tag("line", x1=at, x2=at, y1=TOP, y2=frame.floor, class_="edge"))
        right = at < (frame.start + frame.end) / 2
        parts.append(
            words(
                at + (5 if right else -5),
                frame.floor - 8,
                curve.chosen_words(),
                class_="tick figure halo",
                text_anchor="start" if right else "end",
            )
        )
    return frame.drawing(parts, curve.title)
