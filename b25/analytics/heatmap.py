"""An objective over two parameters: where the best point stands, and whether its neighbours agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from b25.analytics.figures import number_text
from b25.analytics.frame import TOP, WIDE, unavailable
from b25.analytics.metric import FloatArray
from b25.analytics.palette import Palette, Theme
from b25.analytics.picture import Picture, canvas, explained, head
from b25.analytics.svg import drawing, tag, words
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TINT_MIN, TINT_MAX = 0.05, 0.95
CELLS_WIDE, CELLS_HIGH = 72, 48  # more cells than this are averaged in blocks before they are drawn as SVG
FIGURES_MAX: Final = 15  # up to so many columns, each cell says its value


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ParameterGrid:
    """Values of an objective on two parameters.

    Parameters
    ----------
    x_name, y_name : str
        Names of the parameters.
    x : sequence, length n
        Values of the first parameter, in order.
    y : sequence, length m
        Values of the second one, in order.
    z : ndarray of float64, shape (m, n)
        The objective; NaN where it is n/a. What is infinite is taken for n/a.
    objective : str
        Its name.
    lower_is_better : bool
        Whether the best point is the lowest.

    Raises
    ------
    Misuse
        When the matrix does not have a row for each `y` and a column for each `x`.
    """

    x_name: str
    y_name: str
    x: Sequence[object]
    y: Sequence[object]
    z: FloatArray
    objective: str = "objective"
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        z = np.asarray(self.z, np.float64)
        if z.shape != (len(self.y), len(self.x)):
            raise Misuse(
                f"heat map: {z.shape} values for {len(self.y)} of {self.y_name} and {len(self.x)} of {self.x_name}",
                remedy="give z a row for each y and a column for each x",
            )
        object.__setattr__(self, "z", np.where(np.isfinite(z), z, np.nan))

    @classmethod
    def of_points(
        cls,
        x_name: str,
        y_name: str,
        x: Sequence[Any],
        y: Sequence[Any],
        score: FloatArray,
        *,
        objective: str = "objective",
        lower_is_better: bool = False,
        cell: Literal["best", "mean"] = "best",
    ) -> ParameterGrid:
        """Grid of the points of a sweep, in any order; a place without a point, or without a known score, is n/a.

        Parameters
        ----------
        x_name, y_name : str
            Names of the parameters.
        x, y : sequence, length n
            Value of each parameter at each point.
        score : ndarray of float64, shape (n,)
            The objective at each point; what is not finite is left out.
        objective : str
            Its name.
        lower_is_better : bool
            Whether the best point is the lowest.
        cell : {"best", "mean"}
            What a cell shows of the points that differ in further parameters only.
        """
        across, column = np.unique(np.asarray(x), return_inverse=True)
        up, row = np.unique(np.asarray(y), return_inverse=True)
        values = np.asarray(score, np.float64)
        known = np.isfinite(values)
        place = (row * across.size + column)[known]
        count = np.bincount(place, minlength=up.size * across.size)
        if cell == "mean":
            total = np.bincount(place, weights=values[known], minlength=count.size)
            z = np.divide(total, count, out=np.full(count.size, np.nan), where=count > 0)
        else:
            z = np.full(count.size, np.inf if lower_is_better else -np.inf)
            (np.minimum if lower_is_better else np.maximum).at(z, place, values[known])
        return cls(
            x_name=x_name, y_name=y_name, x=across.tolist(), y=up.tolist(), z=z.reshape(up.size, across.size),
            objective=objective, lower_is_better=lower_is_better,
        )  # fmt: skip

    @property
    def best(self) -> tuple[int, int] | None:
        """Row and column of the best point; None when no value is known."""
        if not np.any(np.isfinite(self.z)):
            return None
        found = np.nanargmin(self.z) if self.lower_is_better else np.nanargmax(self.z)
        row, column = np.unravel_index(int(found), self.z.shape)
        return int(row), int(column)

    def neighbourhood(self) -> tuple[float, int] | None:
        """Mean of the known values around the best point, without itself, and how many they are; None without any."""
        if self.best is None:
            return None
        row, column = self.best
        around = self.z[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].copy()
        around[min(row, 1), min(column, 1)] = np.nan
        known = around[np.isfinite(around)]
        return (float(known.mean()), int(known.size)) if known.size else None

    def words(self) -> str:
        """What the best point and its neighbours are."""
        if self.best is None:
            return "no value is known"
        row, column = self.best
        best = f"best {_figure(float(self.z[row, column]))} at {self.x_name} {_label(self.x[column])}"
        text = f"{best}, {self.y_name} {_label(self.y[row])}" if len(self.y) > 1 or self.y_name else best
        around = self.neighbourhood()
        text += f"; its {around[1]} neighbours average {_figure(around[0])}" if around else "; it has no neighbour"
        absent = int(np.isnan(self.z).sum())
        return f"{text}; {absent:,} of {self.z.size:,} are n/a" if absent else text


def _figure(value: float) -> str:
    return number_text(value, significant=3).replace("-", "−")


def _decimals(z: FloatArray) -> int:
    """Decimals with which the largest value shows three digits; the same for all cells."""
    largest = float(np.max(np.abs(z[np.isfinite(z)]), initial=0.0))
    return int(np.clip(2 - np.floor(np.log10(largest)), 0, 8)) if largest > 0 else 0


def _cell_text(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.removeprefix("-")


def _label(value: object) -> str:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return str(value)
    return f"{value:g}".replace("-", "−")


def strengths(z: FloatArray) -> FloatArray:
    """Strength of each cell's colour, from 0 to 1: by size on both sides of zero, from the lowest to the highest on one.

    Notes
    -----
    What is above zero is blue and what is below is orange; the stronger, the further from zero. Where all values have
    one sign, the weakest colour belongs to the one next to zero, so that differences between them still show.
    """
    known = np.abs(z[np.isfinite(z)])
    if not known.size:
        return np.zeros(z.shape)
    low, high = float(known.min()), float(known.max())
    signs = np.sign(z[np.isfinite(z)])
    base = 0.0 if np.any(signs > 0) and np.any(signs < 0) else low
    share = (np.abs(np.nan_to_num(z)) - base) / (high - base) if high > base else np.ones(z.shape)
    out: FloatArray = np.where(np.isfinite(z), TINT_MIN + (TINT_MAX - TINT_MIN) * np.clip(share, 0.0, 1.0), 0.0)
    return out


def plot_heatmap(grid: ParameterGrid, *, title: str = "", theme: Theme = "light") -> Picture:
    """Objective over two parameters: the best point ringed, its neighbourhood framed, n/a crossed out.

    Parameters
    ----------
    grid : ParameterGrid
        Values on both parameters.
    title : str
        Instead of the objective's name.
    theme : {"light", "dark"}
        Which colours.
    """
    name = title or f"{grid.objective} over {grid.x_name} and {grid.y_name}"
    if not grid.z.size or grid.best is None:
        return explained(name, "no value is known" if grid.z.size else "there is no point", theme=theme)
    rows, columns = grid.z.shape
    with canvas(10.0, float(np.clip(1.3 + 0.32 * rows, 2.2, 7.0)), theme) as (figure, palette):
        axes = figure.subplots()
        axes.imshow(_image(grid.z, palette), aspect="auto", interpolation="nearest", origin="lower")
        blank = np.argwhere(np.isnan(grid.z))
        if blank.size and grid.z.size <= 4_000:
            size = float(np.clip(900 / max(rows, columns), 6, 60))
            axes.scatter(blank[:, 1], blank[:, 0], marker="x", s=size, color=palette.ink, linewidths=0.8)
        if columns <= FIGURES_MAX and rows <= 2 * FIGURES_MAX:
            _write_figures(axes, grid, palette)
        _mark_best(axes, grid, palette)
        axes.set_xticks(*_thin_labels(grid.x, 16))
        axes.set_yticks(*_thin_labels(grid.y, max(2, min(rows, 20))))
        axes.set_xlabel(grid.x_name, loc="right", fontsize=8.5, parse_math=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        head(axes, name, f"↑ {grid.y_name}", palette)
        figure.supxlabel(_wrapped(grid.words(), 130), x=0.012, ha="left", fontsize=8.5, color=palette.muted, parse_math=False)
        return Picture(figure)


def _wrapped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _image(z: FloatArray, palette: Palette) -> FloatArray:
    """Colours of the cells as RGB."""
    strength = strengths(z)

    def rgb(colour: str) -> FloatArray:
        return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])

    full = np.where((z >= 0)[..., None], rgb(palette.equity), rgb(palette.drawdown))
    mixed = full * strength[..., None] + rgb(palette.paper) * (1.0 - strength[..., None])
    absent = rgb(palette.mid) * 0.4 + rgb(palette.paper) * 0.6  # grey, so that it is not taken for a small value
    out: FloatArray = np.where(np.isnan(z)[..., None], absent, mixed)
    return out


def _write_figures(axes: Axes, grid: ParameterGrid, palette: Palette) -> None:
    strength, decimals = strengths(grid.z), _decimals(grid.z)
    for (i, j), value in np.ndenumerate(grid.z):
        if np.isfinite(value):
            text, ink = _cell_text(float(value), decimals), _ink(float(strength[i, j]), palette)
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=ink)


def _ink(strength: float, palette: Palette) -> str:
    return palette.paper if strength > 0.62 else palette.ink


def _mark_best(axes: Axes, grid: ParameterGrid, palette: Palette) -> None:
    from matplotlib.patches import Rectangle

    assert grid.best is not None
    row, column = grid.best
    rows, columns = grid.z.shape
    low, high = max(0, row - 1), min(rows - 1, row + 1)
    left, right = max(0, column - 1), min(columns - 1, column + 1)
    frame = Rectangle((left - 0.5, low - 0.5), right - left + 1, high - low + 1, fill=False, edgecolor=palette.ink)
    frame.set(linewidth=1.0, linestyle=(0, (3, 2)), clip_on=False)
    axes.add_patch(frame)
    best = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=palette.ink, linewidth=2.2, clip_on=False)
    axes.add_patch(best)


def _thin_labels(values: Sequence[object], count: int) -> tuple[npt.NDArray[np.int64], list[str]]:
    step = max(1, -(-len(values) // count))
    places = np.arange(0, len(values), step, dtype=np.int64)
    return places, [_label(values[i]) for i in places.tolist()]


def coarse(
    grid: ParameterGrid, *, columns: int = CELLS_WIDE, rows: int = CELLS_HIGH
) -> tuple[FloatArray, list[str], list[str], int, int]:
    """Means of blocks where there are more cells than this, their labels, and the rows and columns of a block."""
    high, wide = max(1, -(-len(grid.y) // rows)), max(1, -(-len(grid.x) // columns))
    down, across = range(0, len(grid.y), high), range(0, len(grid.x), wide)
    x, y = [_label(grid.x[j]) for j in across], [_label(grid.y[i]) for i in down]
    if high == wide == 1:
        return grid.z, x, y, 1, 1
    known = np.isfinite(grid.z)
    total = np.add.reduceat(np.add.reduceat(np.nan_to_num(grid.z), down, axis=0), across, axis=1)
    count = np.add.reduceat(np.add.reduceat(known.astype(np.float64), down, axis=0), across, axis=1)
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean, x, y, high, wide


def heatmap_chart(grid: ParameterGrid, *, width: float) -> str:
    """The same as inline SVG; more cells than can be seen are averaged in blocks."""
    name = f"{grid.objective} over {grid.x_name} and {grid.y_name}"
    if not grid.z.size or grid.best is None:
        return unavailable(name, "no value is known" if grid.z.size else "there is no point")
    narrow = width < WIDE
    z, x, y, high, wide = coarse(grid, columns=CELLS_WIDE // 2 if narrow else CELLS_WIDE)
    rows, columns = z.shape
    left = 12.0 + 6.4 * max(len(text) for text in y)
    cell_w = min((width - left - 4) / columns, 150.0)
    cell_h = float(np.clip(340.0 / rows, 8.0, 26.0))
    floor = TOP + rows * cell_h
    parts = [words(0.0, 14.0, name, class_="chart-title")]
    parts.append(words(left + columns * cell_w, 14.0, f"↑ {grid.y_name}", class_="unit", text_anchor="end"))
    strength = strengths(z)
    decimals = _decimals(z) if cell_w >= 34 and cell_h >= 13 else None
    for (i, j), value in np.ndenumerate(z):
        box = (left + j * cell_w, floor - (i + 1) * cell_h, cell_w, cell_h)
        where = f"{grid.x_name} {x[j]}, {grid.y_name} {y[i]}"
        parts.append(_cell(box, float(value), float(strength[i, j]), where, decimals))
    row, column = grid.best[0] // high, grid.best[1] // wide
    low, up, first, last = max(0, row - 1), min(rows - 1, row + 1), max(0, column - 1), min(columns - 1, column + 1)
    parts.append(
        tag(
            "rect",
            x=left + first * cell_w,
            y=floor - (up + 1) * cell_h,
            width=(last - first + 1) * cell_w,
            height=(up - low + 1) * cell_h,
            class_="around",
        )
    )
    parts.append(tag("rect", x=left + column * cell_w, y=floor - (row + 1) * cell_h, width=cell_w, height=cell_h, class_="best"))
    parts += _axis_words(x, y, left, cell_w, cell_h, floor)
    parts.append(words(left + columns * cell_w, floor + 31, grid.x_name, class_="unit", text_anchor="end"))
    blocks = f" Each cell is the mean of {high} × {wide} points." if high * wide > 1 else ""
    picture = drawing(width, floor + 38, parts, label=f"{name}: {grid.words()}", class_="chart")
    return f'{picture}<p class="why">{escape(grid.words().capitalize())}. Crossed cells are n/a.{blocks}</p>'


def _cell(box: tuple[float, float, float, float], value: float, strength: float, where: str, decimals: int | None) -> str:
    x, y, wide, high = box
    known = np.isfinite(value)
    title = tag("title", escape(f"{where}: {_figure(value) if known else 'n/a'}"))
    css = "cell none" if not known else "cell gain" if value >= 0 else "cell loss"
    opacity = f"{strength:.2f}" if known else None
    out = tag("rect", title, x=x, y=y, width=wide, height=high, fill_opacity=opacity, class_=css)
    if not known:
        reach = min(wide, high) * 0.28
        mx, my = x + wide / 2, y + high / 2
        cross = f"M{mx - reach:.1f} {my - reach:.1f}l{2 * reach:.1f} {2 * reach:.1f}"
        return out + tag("path", d=f"{cross}m0 {-2 * reach:.1f}l{-2 * reach:.1f} {2 * reach:.1f}", class_="cross none")
    if decimals is not None:
        css = "figure strong" if strength > 0.62 else "figure"
        out += words(x + wide / 2, y + high / 2 + 4, _cell_text(value, decimals), class_=css, text_anchor="middle")
    return out


def _axis_words(x: list[str], y: list[str], left: float, cell_w: float, cell_h: float, floor: float) -> list[str]:
    parts = []
    every = max(1, int(np.ceil((6.6 * max(len(text) for text in x) + 8) / cell_w)))
    for j in range(0, len(x), every):
        parts.append(words(left + (j + 0.5) * cell_w, floor + 15, x[j], class_="tick", text_anchor="middle"))
    for i in range(0, len(y), max(1, int(np.ceil(14 / cell_h)))):
        parts.append(words(left - 6, floor - (i + 0.5) * cell_h + 4, y[i], class_="tick", text_anchor="end"))
    return parts
