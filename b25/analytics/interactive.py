"""Pictures that can be moved and pointed at in a notebook, with everything they need inside; still ones where that fails."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from b25.analytics.candles import Candles, by_name
from b25.analytics.curve import EquityCurve
from b25.analytics.heatmap import ParameterGrid, plot_heatmap
from b25.analytics.palette import PALETTES, Theme
from b25.analytics.picture import Picture
from b25.analytics.plots import PRICE_PANELS_MAX, plot_backtest
from b25.analytics.series import InstrumentTrace

if TYPE_CHECKING:
    from bokeh.model import Model

UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MODEL: Final = re.compile(r'"p[0-9]{4,}"')
# A browser unpacks the document itself: the library that draws it is a megabyte, and a notebook keeps every picture.
LOADER: Final = (
    "<!doctype html><meta charset=utf-8><body><script>(async()=>{const packed=Uint8Array.from(atob('%s'),c=>c.charCodeAt(0));"
    "const stream=new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));"
    "const text=await new Response(stream).text();document.open();document.write(text);document.close()})()</script>"
)


@dataclass(frozen=True, slots=True, eq=False)
class InteractivePicture:
    """A picture to be moved and pointed at; where no script runs, a still one stands in its place.

    Parameters
    ----------
    document : str
        Whole HTML document, which asks nobody for anything.
    height : int
        Pixels that it needs.
    still : Picture
        The same without a script.
    title : str
        What a screen reader says.
    """

    document: str
    height: int
    still: Picture
    title: str

    def save(self, path: str | Path) -> Path:
        """Write the document as one HTML file."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.document, encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        packed = b64encode(gzip.compress(self.document.encode(), mtime=0)).decode("ascii")
        inner = escape(LOADER % packed, quote=True)
        style = f"width:100%;height:{self.height}px;border:0;display:block"
        return f'<iframe title="{escape(self.title, quote=True)}" style="{style}" srcdoc="{inner}"></iframe>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, str], dict[str, Any]]:
        """Both kinds; a viewer takes the one it can show."""
        png, size = self.still._repr_png_()
        shown = {"text/html": self._repr_html_(), "image/png": b64encode(png).decode("ascii"), "text/plain": repr(self)}
        return shown, {"image/png": size}

    def __repr__(self) -> str:
        return f"<InteractivePicture of {self.title}; .save(path) writes it, .still is without script>"


def plot_interactive(
    curve: EquityCurve,
    traces: Sequence[InstrumentTrace] = (),
    bars: Candles | Mapping[str, Candles] | Sequence[Candles] | None = None,
    *,
    currency: str = "",
    title: str = "",
    start_ns: int | None = None,
    end_ns: int | None = None,
    theme: Theme = "light",
) -> InteractivePicture | Picture:
    """Equity, drawdown, and for up to three instruments candles with fills, trades and volume, on one axis to move along.

    Parameters
    ----------
    curve : EquityCurve
        Account value over time.
    traces : sequence of InstrumentTrace
        Fills, and mids where there are no candles.
    bars : Candles, or a sequence or mapping of them, optional
        Of the first instrument, of each in order, or by name. More than can be seen are merged, and the title says so:
        give `start_ns` and `end_ns` to look closer.
    currency : str
        Unit of the equity and of profits.
    title : str
        Above everything.
    start_ns, end_ns : int, optional
        Part to show; by default all.
    theme : {"light", "dark"}
        Which colours.

    Returns
    -------
    InteractivePicture or Picture
        The still picture when bokeh is not installed (`b25[dash]`).
    """
    shown = curve if start_ns is None and end_ns is None else _part(curve, start_ns, end_ns)
    still = plot_backtest(shown, traces, currency=currency, title=title, theme=theme)
    if not _can_move():
        return still
    from b25.analytics.bokeh_panels import curve_panels, price_panels, stacked

    candles = by_name(bars, [trace.name for trace in traces])
    palette = PALETTES[theme]
    panels = curve_panels(shown, currency, palette)
    for trace in traces[:PRICE_PANELS_MAX]:
        span = int(shown.time_ns[0]), int(shown.time_ns[-1])
        panels += price_panels(trace, candles.get(trace.name), span, currency, palette, panels[0])
    layout, height = stacked(panels)
    name = title or "Backtest"
    return InteractivePicture(_document(layout, name, theme), height, still, name)


def interactive_heatmap(grid: ParameterGrid, *, title: str = "", theme: Theme = "light") -> InteractivePicture | Picture:
    """Objective over two parameters; each cell says its values when one points at it.

    Parameters
    ----------
    grid : ParameterGrid
        Values on both parameters.
    title : str
        Instead of the objective's name.
    theme : {"light", "dark"}
        Which colours.

    Returns
    -------
    InteractivePicture or Picture
        The still picture when bokeh is not installed, or no value is known.
    """
    still = plot_heatmap(grid, title=title, theme=theme)
    if not _can_move() or grid.best is None:
        return still
    from b25.analytics.bokeh_panels import heat_panel

    name = title or f"{grid.objective} over {grid.x_name} and {grid.y_name}"
    panel, height = heat_panel(grid, name, PALETTES[theme])
    return InteractivePicture(_document(panel, name, theme), height, still, name)


def _part(curve: EquityCurve, start_ns: int | None, end_ns: int | None) -> EquityCurve:
    """Points within a span; at least one."""
    times = curve.time_ns
    first = 0 if start_ns is None else int(times.searchsorted(start_ns, side="left"))
    last = times.size if end_ns is None else int(times.searchsorted(end_ns, side="right"))
    first = min(first, times.size - 1)
    return EquityCurve(times[first : max(last, first + 1)], curve.index()[first : max(last, first + 1)])


def _can_move() -> bool:
    from importlib.util import find_spec

    return find_spec("bokeh") is not None


def _document(model: Model, title: str, theme: Theme) -> str:
    """Whole HTML document of a figure, library and data within.

    Bokeh's own `file_html` takes in what every library loaded beside it wants, Panel's addresses among it; this has Bokeh alone.
    """
    from html import escape

    from bokeh.embed import components
    from bokeh.resources import Resources

    script, div = components(model)
    library = Resources(mode="inline", components=["bokeh"], minified=True).js_raw
    parts = [f"<script>\n{one}\n</script>" for one in library]
    style = f"<style>body{{margin:0;background:{PALETTES[theme].paper}}}</style>"
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>{style}'
    text = f'<!DOCTYPE html>\n<html lang="en"><head>{head}{"".join(parts)}</head><body>{div}{script}</body></html>\n'
    # Identifiers are drawn at random, or go on from picture to picture; numbered ones make equal pictures equal documents.
    numbers: dict[str, str] = {}
    text = UUID.sub(lambda found: numbers.setdefault(found[0], f"00000000-0000-4000-8000-{len(numbers):012d}"), text)
    models: dict[str, str] = {}
    return MODEL.sub(lambda found: models.setdefault(found[0], f'"p{1000 + len(models)}"'), text)
