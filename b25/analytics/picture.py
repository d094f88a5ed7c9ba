"""A picture that shows itself in a notebook and saves itself to a file, in the house style, without pyplot's global state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.analytics.downsample import m4
from b25.analytics.metric import NS_PER_SECOND, FloatArray, IntArray
from b25.analytics.palette import PALETTES, Palette, Theme
from b25.analytics.series import TimeSeries
from b25.analytics.ticks import log_ticks, number_ticks, span_text, time_ticks
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI: Final = 144
COLUMNS: Final = 1_400


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A drawn figure; a notebook shows it when it is the last thing in a cell.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        For those who want to draw more on it.
    """

    figure: Figure

    @property
    def still(self) -> Picture:
        """Itself, so that it may stand where one that moves was asked for."""
        return self

    def png(self) -> bytes:
        """Return the picture as a PNG file's bytes, of 256 colours: a notebook that keeps it stays small."""
        from PIL import Image  # matplotlib brings it

        full, out = BytesIO(), BytesIO()
        self.figure.savefig(full, format="png", dpi=DPI)
        colours = Image.open(full).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        colours.save(out, "png", optimize=True)
        return out.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the picture; the suffix decides the format (png, svg, pdf)."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.figure.savefig(target, dpi=DPI)
        return target

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = self.figure.get_size_inches()
        return self.png(), {"width": round(width * DPI / 2), "height": round(height * DPI / 2)}

    def __repr__(self) -> str:
        width, height = self.figure.get_size_inches()
        return f"<Picture {width:g} x {height:g} in; .save(path) writes it>"


@contextmanager
def canvas(width: float, height: float, theme: Theme) -> Iterator[tuple[Figure, Palette]]:
    """Lend an empty figure and its colours, with the house style in force.

    Parameters
    ----------
    width, height : float
        Inches; ten is the width of a notebook's cell.
    theme : {"light", "dark"}
        Which colours.

    Raises
    ------
    Misuse
        When matplotlib is not installed, or the theme is none.
    """
    if theme not in PALETTES:
        raise Misuse(f"no theme is called {theme!r}", remedy="use 'light' or 'dark'")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise Misuse("pictures need matplotlib", remedy="install b25[plot]") from None
    palette = PALETTES[theme]
    with rc_context(_style(palette)):
        yield Figure(figsize=(width, height), layout="constrained"), palette


def explained(title: str, why: str, *, theme: Theme = "light") -> Picture:
    """Picture of nothing that says why there is nothing to see."""
    with canvas(10.0, 1.1, theme) as (figure, palette):
        figure.text(0.02, 0.62, title, fontsize=10, fontweight="bold", color=palette.ink, parse_math=False)
        figure.text(0.02, 0.24, f"n/a: {why}", fontsize=9, color=palette.muted, parse_math=False)
        return Picture(figure)


def _style(palette: Palette) -> Any:  # matplotlib's own type for it lists every setting there is
    return {
        "figure.facecolor": palette.paper,
        "savefig.facecolor": palette.paper,
        "axes.facecolor": palette.paper,
        "axes.edgecolor": palette.muted,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": palette.grid,
        "grid.linewidth": 0.8,
        "text.color": palette.ink,
        "axes.labelcolor": palette.muted,
        "xtick.color": palette.muted,
        "ytick.color": palette.muted,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "ytick.major.size": 0,
        "xtick.major.size": 3,
        "xtick.major.width": 0.7,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "lines.linewidth": 1.2,
        "lines.solid_joinstyle": "round",
        "path.simplify": True,
        "svg.fonttype": "none",
        "figure.constrained_layout.h_pad": 0.07,
        "figure.constrained_layout.w_pad": 0.11,
        "figure.constrained_layout.hspace": 0.02,
    }


def head(axes: Axes, title: str, unit: str, palette: Palette) -> None:
    """Title at the left and the unit of the vertical axis at the right, both above the panel."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=palette.ink, pad=7, parse_math=False)
    axes.set_title(unit, loc="right", fontsize=8.5, color=palette.muted, pad=7, parse_math=False)


def seconds(time_ns: IntArray, start_ns: int) -> FloatArray:
    """Time on the horizontal axis: seconds from its start, which keeps nanoseconds apart where dates could not."""
    out: FloatArray = (np.asarray(time_ns, np.int64) - start_ns) / NS_PER_SECOND
    return out


def time_axis(axes: Axes, start_ns: int, end_ns: int, palette: Palette, *, labels: bool = True) -> None:
    """Round UTC times below the panel, and the date at the right end."""
    span = max(1, end_ns - start_ns) / NS_PER_SECOND
    ticks = time_ticks(start_ns, end_ns, count=8)
    axes.set_xlim(0, span)
    axes.set_xticks([(tick.at - start_ns) / NS_PER_SECOND for tick in ticks], [tick.text for tick in ticks] if labels else [])
    if labels:
        axes.set_xlabel(span_text(start_ns, end_ns), loc="right", fontsize=8.5, color=palette.muted)


def price_axis(axes: Axes) -> None:
    """Round prices below the panel, written like those beside it."""
    low, high = axes.get_xlim()
    ticks = number_ticks(low, high, count=7)
    axes.set_xticks([tick.at for tick in ticks], [tick.text.replace("-", "\N{MINUS SIGN}") for tick in ticks])
    axes.set_xlim(low, high)


def value_axis(axes: Axes, *, count: int = 5, percent: bool = False) -> None:
    """Round numbers beside the panel, with thousands separators and equal decimals."""
    low, high = axes.get_ylim()
    scale = 100.0 if percent else 1.0
    log = axes.get_yscale() == "log"
    ticks = log_ticks(low * scale, high * scale) if log else number_ticks(low * scale, high * scale, count=count)
    axes.set_yticks([tick.at / scale for tick in ticks], [tick.text.replace("-", "\N{MINUS SIGN}") for tick in ticks])
    axes.set_ylim(low, high)


def line(axes: Axes, series: TimeSeries, start_ns: int, colour: str, *, base: float | None = None, width: float = 1.2) -> None:
    """Step line of a series, thinned to what the picture can show, filled to `base` if there is one."""
    rows = m4(series.time_ns, series.values, columns=COLUMNS)
    if not rows.size:
        return
    x, y = seconds(series.time_ns[rows], start_ns), series.values[rows]
    if base is not None:
        axes.fill_between(x, y, base, step="post", color=colour, alpha=0.16, linewidth=0)
    axes.step(x, y, where="post", color=colour, linewidth=width)


def within(series: TimeSeries, start_ns: int, end_ns: int) -> TimeSeries:
    """Part of a series between two moments, with the value that is in force at the first."""
    first = max(0, int(np.searchsorted(series.time_ns, start_ns, side="right")) - 1)
    last = int(np.searchsorted(series.time_ns, end_ns, side="right"))
    times = np.maximum(series.time_ns[first:last], start_ns)
    return TimeSeries(times, series.values[first:last])
