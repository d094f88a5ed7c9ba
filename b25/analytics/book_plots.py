"""Pictures of an order book: depth around the touch, the book over time, and the queue ahead of an order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from b25.analytics.figures import duration_text, number_text
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.palette import Palette, Theme
from b25.analytics.picture import Picture, canvas, head, line, price_axis, seconds, time_axis, value_axis
from b25.analytics.series import FillSeries, TimeSeries
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAT_COLUMNS_MAX: Final = 900
HEAT_ROWS_MAX: Final = 400
Levels = Sequence[tuple[float, float]] | npt.NDArray[np.float64]


def _levels(levels: Levels, which: str) -> FloatArray:
    rows = np.asarray(levels, np.float64).reshape(-1, 2) if len(levels) else np.zeros((0, 2))
    steps = np.diff(rows[:, 0]) * (-1 if which == "bids" else 1)
    if np.any(steps <= 0):
        raise Misuse(f"{which} are not in order", remedy=f"give {which} from the touch outwards, as (price, quantity)")
    return rows


def plot_depth(
    bids: Levels, asks: Levels, *, quote: str = "", base: str = "", title: str = "Depth of the book", theme: Theme = "light"
) -> Picture:
    """Quantity on each level, and cumulated from the touch outwards.

    Parameters
    ----------
    bids, asks : array_like of float64, shape (n, 2)
        (price, quantity) from the touch outwards.
    quote, base : str
        Units of price and quantity.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    sides = [(_levels(bids, "bids"), "bids"), (_levels(asks, "asks"), "asks")]
    with canvas(10.0, 4.0, theme) as (figure, palette):
        axes = figure.subplots()
        thick = min((float(np.min(np.abs(np.diff(rows[:, 0])))) for rows, _ in sides if len(rows) > 1), default=0.01)
        for (rows, word), colour in zip(sides, (palette.buy, palette.sell), strict=True):
            if not len(rows):
                continue
            total = np.cumsum(rows[:, 1])
            axes.fill_between(rows[:, 0], total, step="post", color=colour, alpha=0.16, linewidth=0)
            label = f"{word}: {number_text(float(total[-1]))} {base} on {len(rows)} levels".replace("  ", " ")
            axes.step(rows[:, 0], total, where="post", color=colour, linewidth=1.5, label=label)
            axes.bar(rows[:, 0], rows[:, 1], width=thick * 0.72, color=colour, alpha=0.85, linewidth=0)
        head(axes, title + _touch(sides, quote), base, palette)
        axes.set_xlabel(quote, loc="right", fontsize=8.5)
        axes.set_ylim(0, axes.get_ylim()[1])
        axes.margins(x=0.01)
        value_axis(axes)
        if any(len(rows) for rows, _ in sides):
            axes.legend(loc="upper center", labelcolor=palette.muted)
        price_axis(axes)
        return Picture(figure)


def _touch(sides: list[tuple[FloatArray, str]], quote: str) -> str:
    (bids, _), (asks, _) = sides
    if not len(bids) or not len(asks):
        return ", one side is empty"
    bid, ask = float(bids[0, 0]), float(asks[0, 0])
    spread, mid = ask - bid, (ask + bid) / 2
    imbalance = float((bids[0, 1] - asks[0, 1]) / (bids[0, 1] + asks[0, 1]))
    text = f": mid {number_text(mid, significant=8)} {quote}, spread {number_text(spread / mid * 1e4, significant=3)} bps"
    return f"{text}, imbalance at the touch {imbalance:+.2f}".replace("-", "\N{MINUS SIGN}")


def plot_queue(
    time_ns: IntArray,
    ahead: FloatArray,
    *,
    filled_ns: int | None = None,
    cancelled_ns: int | None = None,
    trades: tuple[IntArray, FloatArray] | None = None,
    others: Sequence[tuple[str, TimeSeries]] = (),
    base: str = "",
    title: str = "Queue ahead of our order",
    theme: Theme = "light",
) -> Picture:
    """Quantity that stood before an order, over its life.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
        When the quantity ahead changed.
    ahead : ndarray of float64, shape (n,)
        Base units ahead of the order at its price.
    filled_ns, cancelled_ns : int, optional
        When the order ended, and how.
    trades : (ndarray of int64, ndarray of float64), optional
        Times and quantities of the trades at its price, drawn as bars from below.
    others : sequence of (str, TimeSeries), optional
        What other queue models say was ahead of it, by name; drawn as thin lines.
    base : str
        Unit of quantity.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    times = np.asarray(time_ns, np.int64)
    if not times.size:
        raise Misuse("the order has no history of its queue", remedy="record the queue while the order rests")
    ends = [moment for moment in (filled_ns, cancelled_ns) if moment is not None]
    start, end = int(times[0]), max(int(times[-1]), *ends, int(times[0]) + 1)
    series = TimeSeries(np.append(times, end), np.append(np.asarray(ahead, np.float64), ahead[-1]))
    with canvas(10.0, 3.2, theme) as (figure, palette):
        axes = figure.subplots()
        line(axes, series, start, palette.equity, base=0.0, width=1.5)
        if trades is not None and trades[0].size:
            axes.vlines(
                seconds(trades[0], start),
                0,
                trades[1],
                color=palette.accent,
                linewidth=1.6,
                alpha=0.9,
                label="trades at our price",
            )
        for (name, other), style in zip(others, cycle(("--", ":", "-.")), strict=False):
            held = TimeSeries(np.append(other.time_ns, end), np.append(other.values, other.values[-1]))
            x = seconds(held.time_ns, start)
            axes.step(x, held.values, where="post", color=palette.ink, linewidth=1.0, linestyle=style, label=name)
        if others or (trades is not None and trades[0].size):
            axes.legend(loc="upper center", labelcolor=palette.muted)
        fate = "still resting"
        for moment, word, colour in ((filled_ns, "filled", palette.position), (cancelled_ns, "cancelled", palette.sell)):
            if moment is not None:
                fate = f"{word} after {duration_text(moment - start)}"
                axes.axvline((moment - start) / 1e9, color=colour, linewidth=1.4)
                axes.annotate(
                    word, ((moment - start) / 1e9, 0.97), (-5, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
                    ha="right", va="top", fontsize=8.5, color=colour,
                )  # fmt: skip
        most = max(float(np.nanmax(values)) for values in (series.values, *(other.values for _, other in others)))
        axes.set_ylim(0, max(most * (1.4 if others else 1.12), 1e-9))  # room for the legend
        head(axes, f"{title}, {fate}", base, palette)
        time_axis(axes, start, end, palette)
        axes.set_xlim(0, (end - start) / 1e9 * 1.02)
        value_axis(axes)
        return Picture(figure)


def plot_book_heatmap(
    time_ns: IntArray,
    prices: FloatArray,
    quantity: FloatArray,
    *,
    bid: FloatArray | None = None,
    ask: FloatArray | None = None,
    fills: FillSeries | None = None,
    quote: str = "",
    base: str = "",
    title: str = "The book over time",
    theme: Theme = "light",
) -> Picture:
    """Resting quantity by time and price, with the touch and our fills on it.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n_times,)
        When the book was looked at, in order.
    prices : ndarray of float64, shape (n_prices,)
        Ascending prices of equal distance.
    quantity : ndarray of float64, shape (n_times, n_prices)
        Base units on each level; 0 or NaN where there is none.
    bid, ask : ndarray of float64, shape (n_times,), optional
        Best prices, drawn as lines.
    fills : FillSeries, optional
        Our executions.
    quote, base : str
        Units.
    title : str
        Above the picture.
    theme : {"light", "dark"}
        Which colours.
    """
    times, grid = np.asarray(time_ns, np.int64), np.asarray(quantity, np.float64)
    if grid.shape != (times.size, len(prices)) or times.size < 2 or len(prices) < 2:
        raise Misuse(f"{times.size} times, {len(prices)} prices, {grid.shape} quantities", remedy="give quantity[time, price]")
    start, end = int(times[0]), int(times[-1])
    half = float(prices[1] - prices[0]) / 2
    with canvas(10.0, 4.6, theme) as (figure, palette):
        axes = figure.subplots()
        axes.grid(visible=False)
        _heat(axes, times, prices, grid, half, base, palette, theme)
        for touch, colour in ((bid, palette.buy), (ask, palette.sell)):
            if touch is not None:
                line(axes, TimeSeries(times, touch), start, colour, width=1.1)
        if fills is not None:
            for side, marker, colour in ((1, "^", palette.buy), (-1, "v", palette.sell)):
                mine = (fills.side == side) & (fills.time_ns >= start) & (fills.time_ns <= end)
                axes.scatter(
                    seconds(fills.time_ns[mine], start), fills.price[mine], s=42, marker=marker, color=colour,
                    edgecolors=palette.paper, linewidths=1.0, zorder=4,
                )  # fmt: skip
        head(axes, title, quote, palette)
        axes.set_ylim(float(prices[0]) - half, float(prices[-1]) + half)
        time_axis(axes, start, end, palette)
        value_axis(axes, count=6)
        return Picture(figure)


def _heat(
    axes: Axes, times: IntArray, prices: FloatArray, grid: FloatArray, half: float, base: str, palette: Palette, theme: Theme
) -> None:
    """Image of the quantities; more rows than pixels are gathered by their largest."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    start, end = int(times[0]), int(times[-1])
    columns = min(HEAT_COLUMNS_MAX, times.size)
    moments = start + (np.arange(columns) + 0.5) * ((end - start) / columns)
    image = np.nan_to_num(grid[np.searchsorted(times, moments, side="right") - 1].T)
    if image.shape[0] > HEAT_ROWS_MAX:
        begins = np.linspace(0, image.shape[0], HEAT_ROWS_MAX, endpoint=False).astype(np.int64)
        image = np.maximum.reduceat(image, begins, axis=0)
    strong = palette.ink if theme == "light" else "#ffe9b8"
    warm = "#b5a16a" if theme == "light" else "#7d7350"
    colours = LinearSegmentedColormap.from_list("book", [palette.paper, palette.grid, warm, strong])
    some = image[image > 0]
    top = float(np.quantile(some, 0.995)) if some.size else 1.0
    drawn = axes.imshow(
        image, origin="lower", aspect="auto", cmap=colours, norm=PowerNorm(0.65, 0.0, top), interpolation="nearest",
        extent=(0.0, (end - start) / 1e9, float(prices[0]) - half, float(prices[-1]) + half),
    )  # fmt: skip
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.012, fraction=0.03, aspect=32)
    bar.outline.set_visible(False)
    bar.ax.set_xlabel(base, fontsize=8.5, color=palette.muted)
    bar.ax.tick_params(length=0)
