"""The tear sheet's sections on how a result was found: walk-forward, parameters, and what chance would have made."""

from collections.abc import Sequence
from functools import partial
from html import escape

from b25.analytics.fan import Fan, fan_chart
from b25.analytics.frame import both_widths
from b25.analytics.heatmap import ParameterGrid, heatmap_chart
from b25.analytics.stability import StabilityCurve, stability_chart
from b25.analytics.walk_plot import WalkForward, walk_charts


def given_sections(sections: Sequence[tuple[str, str]]) -> str:
    """Sections that others wrote: the title is escaped, the markup is taken as it is."""
    return "".join(f"<section><h2>{escape(title)}</h2>{markup}</section>" for title, markup in sections)


def fan_section(fans: Sequence[Fan]) -> str:
    """Fans of resampled paths."""
    drawn = "".join(both_widths(partial(_fan, fan)) for fan in fans)
    return f"<h2>What chance would have made of it</h2>{drawn}" if drawn else ""


def walk_section(walk: WalkForward | None, currency: str) -> str:
    """Windows of a walk-forward and what they found."""
    if walk is None:
        return ""
    return f"<h2>Walk-forward</h2>{both_widths(lambda width: walk_charts(walk, currency=currency, width=width))}"


def parameter_section(grids: Sequence[ParameterGrid], stability: Sequence[StabilityCurve]) -> str:
    """Heat maps over two parameters and curves along one."""
    maps = [both_widths(partial(_grid, grid)) for grid in grids]
    drawn = "".join(maps + [both_widths(partial(_curve, curve)) for curve in stability])
    return f"<h2>Parameters around the best</h2>{drawn}" if drawn else ""


def _fan(fan: Fan, width: float) -> str:
    return fan_chart(fan, width=width)


def _grid(grid: ParameterGrid, width: float) -> str:
    return heatmap_chart(grid, width=width)


def _curve(curve: StabilityCurve, width: float) -> str:
    return stability_chart(curve, width=width)
