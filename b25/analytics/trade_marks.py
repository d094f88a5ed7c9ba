"""Trades on price: where each began and ended, and what it made; crowded ones are gathered so that they can be read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from b25.analytics.candles import Candles
from b25.analytics.figures import duration_text, money_text, number_text, time_text
from b25.analytics.frame import TOP, Frame, reach, thinned, unavailable
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.palette import Palette, Theme
from b25.analytics.picture import Picture, canvas, explained, head, line, seconds, time_axis, value_axis, within
from b25.analytics.series import InstrumentTrace
from b25.analytics.svg import tag
from b25.analytics.ticks import span_text
from b25.analytics.trades import trades_from_fills

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SINGLE_MAX: Final = 120  # trades drawn one by one; more are gathered
MARK_COLUMNS: Final = 110
CANDLES_WIDE: Final = 180
CANDLE_PIXELS: Final = 4.8
BESIDE: Final = 0.045  # of the plot's height: gathered entries stand off the price, where the exits would hide them


@dataclass(frozen=True, slots=True, eq=False)
class TradeMarks:
    """Marks of entries and exits; a mark may stand for several trades.

    Parameters
    ----------
    entry_ns, entry_price, entry_side : ndarray, shape (n,)
        Mean time and price, and +1 long or -1 short.
    entry_count : ndarray of int64, shape (n,)
        How many trades the mark stands for.
    exit_ns, exit_price, exit_net : ndarray, shape (m,)
        The same of the exits, and the net profit of their trades in the settlement currency.
    exit_count : ndarray of int64, shape (m,)
        How many trades the mark stands for.
    single : bool
        Whether mark i of the exits belongs to mark i of the entries.
    trades, closed : int
        How many trades there are, and how many of them are closed.
    """

    entry_ns: IntArray
    entry_price: FloatArray
    entry_side: IntArray
    entry_count: IntArray
    exit_ns: IntArray
    exit_price: FloatArray
    exit_net: FloatArray
    exit_count: IntArray
    single: bool
    trades: int
    closed: int


def trade_marks(
    trades: pl.DataFrame, start_ns: int, end_ns: int, *, columns: int = MARK_COLUMNS, single_max: int = SINGLE_MAX
) -> TradeMarks:
    """Marks of the trades of one instrument that touch a span.

    Parameters
    ----------
    trades : polars.DataFrame
        As made by `trades_from_fills`.
    start_ns, end_ns : int
        Span that is drawn.
    columns : int
        Width of the picture, in columns that hold one mark of each kind.
    single_max : int
        More trades than this are gathered.
    """
    begun = trades["entry_time"].cast(pl.Int64).to_numpy()
    ended = trades["exit_time"].cast(pl.Int64).fill_null(end_ns + 1).to_numpy()
    inside = (begun <= end_ns) & (ended >= start_ns)
    shown = trades.filter(pl.Series(inside)).sort(["is_open", "entry_time"])
    closed = shown.filter(~pl.col("is_open"))
    entry_ns, exit_ns = (frame[name].cast(pl.Int64).to_numpy() for frame, name in ((shown, "entry_time"), (closed, "exit_time")))
    side = np.where(shown["side"].to_numpy() == "long", 1, -1).astype(np.int64)
    entry, exits = shown["entry_price"].to_numpy(), closed["exit_price"].to_numpy()
    net = closed["net"].to_numpy()
    if shown.height <= single_max:
        ones = np.ones(shown.height, np.int64)
        return TradeMarks(
            entry_ns, entry, side, ones, exit_ns, exits, net, ones[: closed.height], True, shown.height, closed.height
        )
    step = max(1, -(-(end_ns - start_ns + 1) // columns))
    entries = _gathered((entry_ns - start_ns) // step * 2 + (side > 0), entry_ns, entry, side.astype(np.float64))
    # Winners and losers are gathered apart: their sum would hide both.
    left = _gathered((exit_ns - start_ns) // step * 2 + (net > 0), exit_ns, exits, net)
    return TradeMarks(
        entries[0], entries[1], np.sign(entries[2]).astype(np.int64), entries[3], *left, False, shown.height, closed.height
    )


def _gathered(
    group: npt.NDArray[np.integer], time_ns: IntArray, price: FloatArray, amount: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Mean time, mean price, summed amount and count of each group."""
    _, which, count = np.unique(group, return_inverse=True, return_counts=True)
    first = int(time_ns.min()) if time_ns.size else 0
    mean_ns = np.bincount(which, weights=(time_ns - first).astype(np.float64)) / count
    return (
        np.asarray(first + mean_ns.astype(np.int64), np.int64),
        np.asarray(np.bincount(which, weights=price) / count, np.float64),
        np.asarray(np.bincount(which, weights=amount), np.float64),
        count.astype(np.int64),
    )


def plot_trades(
    trace: InstrumentTrace,
    candles: Candles | None = None,
    *,
    trades: pl.DataFrame | None = None,
    currency: str = "",
    start_ns: int | None = None,
    end_ns: int | None = None,
    title: str = "",
    theme: Theme = "light",
) -> Picture:
    """Entries and exits on price; an exit has the colour of its profit or loss.

    Parameters
    ----------
    trace : InstrumentTrace
        Fills, and mids where there are no candles.
    candles : Candles, optional
        Drawn instead of the mids, merged where there are too many.
    trades : polars.DataFrame, optional
        Trades of this instrument; made of its fills when not given.
    currency : str
        Unit of the profits.
    start_ns, end_ns : int, optional
        Part to show; by default all.
    title : str
        Instead of the instrument's name.
    theme : {"light", "dark"}
        Which colours.
    """
    start, end = _bounds(trace, candles, start_ns, end_ns)
    name = title or f"{trace.name}: trades on price"
    if not trace.fills.size and candles is None and trace.mids is None:
        return explained(name, "there is neither a fill nor a price", theme=theme)
    table = trades if trades is not None else trades_from_fills(trace.fills, instrument=trace.name, mids=trace.mids)
    marks = trade_marks(table, start, end)
    with canvas(10.0, 4.2, theme) as (figure, palette):
        axes = figure.subplots()
        note = ""
        if candles is not None and candles.size:
            few = candles.between(start, end).merged(CANDLES_WIDE)[0]
            _draw_candles(axes, few, start, palette)
            note = width_note(few)
        elif trace.mids is not None:
            line(axes, within(trace.mids, start, end), start, palette.mid, width=0.9)
        _draw_marks(axes, marks, start, palette)
        head(axes, f"{name}, {marks.trades:,} trades{note}", trace.quote, palette)
        axes.margins(y=0.1)
        value_axis(axes)
        time_axis(axes, start, end, palette)
        if marks.trades:
            axes.legend(
                handles=_legend(palette, marks, currency), loc="upper left", bbox_to_anchor=(0.0, -0.09), ncols=4,
                labelcolor=palette.muted, handletextpad=0.2, columnspacing=1.2, borderaxespad=0.0,
            )  # fmt: skip
        return Picture(figure)


def _bounds(trace: InstrumentTrace, candles: Candles | None, start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    times = trace.fills.time_ns
    if candles is not None and candles.size:
        times = np.array([candles.open_ns[0], candles.close_ns[-1]])
    elif trace.mids is not None and trace.mids.time_ns.size:
        times = trace.mids.time_ns
    start = start_ns if start_ns is not None else (int(times[0]) if times.size else 0)
    end = end_ns if end_ns is not None else (int(times[-1]) if times.size else 1)
    return start, max(end, start + 1)


def width_note(candles: Candles) -> str:
    """How long a candle is, as the end of a title."""
    if not candles.size:
        return ""
    each = duration_text(float(np.median(candles.close_ns - candles.open_ns)))
    return f", candles of {re.sub(' 00 (h|min|s)$', '', each)}"


def _draw_candles(axes: Axes, candles: Candles, start_ns: int, palette: Palette) -> None:
    """Wicks and bodies; rising ones are hollow, so that they are told apart without colour."""
    left, right = seconds(candles.open_ns, start_ns), seconds(candles.close_ns, start_ns)
    middle, width = (left + right) / 2, (right - left) * 0.7
    body_low, body_high = np.minimum(candles.open, candles.close), np.maximum(candles.open, candles.close)
    axes.vlines(middle, candles.low, body_low, color=palette.mid, linewidth=0.8, zorder=1)
    axes.vlines(middle, body_high, candles.high, color=palette.mid, linewidth=0.8, zorder=1)
    for rising in (True, False):
        mine = (candles.close >= candles.open) == rising
        axes.bar(
            middle[mine], (body_high - body_low)[mine], width[mine], bottom=body_low[mine], linewidth=0.8, zorder=1,
            edgecolor=palette.mid, facecolor=palette.paper if rising else palette.mid,
        )  # fmt: skip


def _draw_marks(axes: Axes, marks: TradeMarks, start_ns: int, palette: Palette) -> None:
    if marks.single:
        for i in range(marks.exit_ns.size):
            colour = palette.equity if marks.exit_net[i] > 0 else palette.drawdown
            ends = seconds(np.array([marks.entry_ns[i], marks.exit_ns[i]]), start_ns)
            axes.plot(ends, [marks.entry_price[i], marks.exit_price[i]], color=colour, linewidth=1.0, alpha=0.65, zorder=2)
    low, high = axes.get_ylim()
    beside = 0.0 if marks.single else BESIDE * (high - low)
    area = 26.0 if marks.single else 13.0
    for side, shape in ((1, "^"), (-1, "v")):
        mine = marks.entry_side == side
        axes.scatter(
            seconds(marks.entry_ns[mine], start_ns), marks.entry_price[mine] - side * beside, s=area, marker=shape,
            color=palette.muted, edgecolors=palette.paper, linewidths=0.5, zorder=3,
        )  # fmt: skip
    for won, colour, shape in ((True, palette.equity, "o"), (False, palette.drawdown, "X")):
        mine = (marks.exit_net > 0) == won
        axes.scatter(
            seconds(marks.exit_ns[mine], start_ns), marks.exit_price[mine], s=area * 1.1, marker=shape,
            color=colour, edgecolors=palette.paper, linewidths=0.5, zorder=4,
        )  # fmt: skip


def _legend(palette: Palette, marks: TradeMarks, currency: str) -> list[object]:
    from matplotlib.lines import Line2D

    won, lost = _sums(marks, currency)
    rows = (
        ("^", palette.muted, "long entry"),
        ("v", palette.muted, "short entry"),
        ("o", palette.equity, f"exit, won ({won})"),
        ("X", palette.drawdown, f"exit, lost ({lost})"),
    )
    return [Line2D([], [], linestyle="", marker=m, color=c, markersize=5.5, markeredgewidth=0, label=t) for m, c, t in rows]


def _sums(marks: TradeMarks, currency: str) -> tuple[str, str]:
    won = float(marks.exit_net[marks.exit_net > 0].sum())
    lost = float(marks.exit_net[marks.exit_net <= 0].sum())
    return money_text(won, currency), money_text(lost, currency).replace("-", "−")


def trades_chart(
    trace: InstrumentTrace,
    trades: pl.DataFrame,
    candles: Candles | None,
    start_ns: int,
    end_ns: int,
    *,
    currency: str = "",
    width: float,
) -> str:
    """The same as inline SVG; see `plot_trades`."""
    name = f"{trace.name}: trades on price"
    columns = int(width / 9)
    marks = trade_marks(trades, start_ns, end_ns, columns=columns)
    few = candles.between(start_ns, end_ns).merged(int(width / CANDLE_PIXELS))[0] if candles is not None else None
    mids = thinned(within(trace.mids, start_ns, end_ns)) if trace.mids is not None and few is None else None
    prices = [marks.entry_price, marks.exit_price]
    prices += [few.low, few.high] if few is not None else []
    prices += [mids.values] if mids is not None else []
    seen = np.concatenate(prices)
    if not np.any(np.isfinite(seen)):
        return unavailable(name, "there is neither a trade nor a price")
    frame = Frame(width=width, height=280, x=(0.0, float(max(1, end_ns - start_ns))), y=reach(seen))
    parts = frame.head(f"{name}, {marks.trades:,} trades{width_note(few) if few is not None else ''}", trace.quote)
    parts += frame.value_marks() + frame.time_marks(start_ns, end_ns)
    if few is not None:
        parts += candle_paths(few, frame, start_ns)
    if mids is not None:
        shown = (mids.time_ns - start_ns).astype(np.float64)
        parts += frame.path(shown, mids.values, "mid", step=True)
    parts += _entry_marks(marks, frame, start_ns) + _exit_marks(marks, frame, start_ns, currency)
    return frame.drawing(parts, f"{name}, {trace.quote}, {span_text(start_ns, end_ns)}")


def candle_paths(candles: Candles, frame: Frame, start_ns: int) -> list[str]:
    """Wicks, hollow bodies of rising and full bodies of falling bars: three paths whatever their number."""
    left, right = frame.across(candles.open_ns - start_ns), frame.across(candles.close_ns - start_ns)
    middle, wide = (left + right) / 2, np.maximum((right - left) * 0.7, 0.6)
    top, low = frame.down(candles.high), frame.down(candles.low)
    upper = frame.down(np.maximum(candles.open, candles.close))
    height = np.maximum(frame.down(np.minimum(candles.open, candles.close)) - upper, 0.5)
    wicks = "".join(f"M{x:.1f} {a:.1f}V{b:.1f}" for x, a, b in zip(middle, top, low, strict=True))
    parts = [tag("path", d=wicks, class_="wick")] if candles.size else []
    rising = candles.close >= candles.open
    for mine, css in ((rising, "rising"), (~rising, "falling")):
        boxes = "".join(
            f"M{x - w / 2:.1f} {y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}Z"
            for x, w, y, h in zip(middle[mine], wide[mine], upper[mine], height[mine], strict=True)
        )
        if boxes:
            parts.append(tag("path", d=boxes, class_=f"candle {css}"))
    return parts


def _entry_marks(marks: TradeMarks, frame: Frame, start_ns: int) -> list[str]:
    parts = []
    size = 3.6 if marks.single else 1.9
    across, down = frame.across(marks.entry_ns - start_ns), frame.down(marks.entry_price)
    if not marks.single:
        down = down + marks.entry_side * BESIDE * (frame.floor - TOP)
    for i, (x, y) in enumerate(zip(across, down, strict=True)):
        side, count = int(marks.entry_side[i]), int(marks.entry_count[i])
        points = f"M{x:.1f} {y - side * size:.1f}l{size:.1f} {side * 1.7 * size:.1f}h{-2 * size:.1f}Z"
        word = ("long" if side > 0 else "short") + (" entry" if count == 1 else f" entries, {count}, average")
        at = number_text(float(marks.entry_price[i]), significant=8)
        title = tag("title", escape(f"{time_text(int(marks.entry_ns[i]))}: {word} at {at}"))
        parts.append(tag("path", title, d=points, class_="mark entry"))
    return parts


def _exit_marks(marks: TradeMarks, frame: Frame, start_ns: int, currency: str) -> list[str]:
    parts = []
    across, down = frame.across(marks.exit_ns - start_ns), frame.down(marks.exit_price)
    for i, (x, y) in enumerate(zip(across, down, strict=True)):
        net, count = float(marks.exit_net[i]), int(marks.exit_count[i])
        css = "gain" if net > 0 else "loss"
        if marks.single:
            x0, y0 = float(frame.across(marks.entry_ns[i] - start_ns)), float(frame.down(marks.entry_price[i]))
            parts.append(tag("path", d=f"M{x0:.1f} {y0:.1f}L{x:.1f} {y:.1f}", class_=f"tie {css}"))
        size = 3.2 if marks.single else 1.7 + min(1.6, 0.3 * math.log2(count))
        several = "exit" if count == 1 else f"exits, {count}"
        at = number_text(float(marks.exit_price[i]), significant=8)
        text = f"{time_text(int(marks.exit_ns[i]))}: {several} at {at}, net {money_text(net, currency)}"
        parts.append(_shape(x, y, size, css, escape(text)))
    return parts


def _shape(x: float, y: float, size: float, css: str, title: str) -> str:
    """A dot for what won, a cross for what lost: told apart without colour."""
    words = tag("title", title)
    if css == "gain":
        return tag("circle", words, cx=float(x), cy=float(y), r=f"{size:.1f}", class_=f"mark {css}")
    arm = f"M{x - size:.1f} {y - size:.1f}l{2 * size:.1f} {2 * size:.1f}m0 {-2 * size:.1f}l{-2 * size:.1f} {2 * size:.1f}"
    return tag("path", words, d=arm, class_=f"cross {css}")


MARKS_NAMES: Final = '<i>▲ long entry</i><i>▼ short entry</i><i class="g">● exit that won</i><i class="l">✕ exit that lost</i>'
