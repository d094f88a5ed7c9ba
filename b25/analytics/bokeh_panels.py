"""The panels of an interactive picture: equity, drawdown, candles with fills and trades, volume, and heat maps, in bokeh."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from bokeh.layouts import gridplot
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    CrosshairTool,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    NumeralTickFormatter,
)
from bokeh.models.annotations import Span, Title
from bokeh.models.ranges import Range1d
from bokeh.plotting import figure

from b25.analytics.candles import Candles
from b25.analytics.charts import gather
from b25.analytics.curve import EquityCurve
from b25.analytics.downsample import m4
from b25.analytics.drawdown import drawdown_ratio
from b25.analytics.figures import money_text, number_text, percent_text
from b25.analytics.heatmap import FIGURES_MAX, ParameterGrid, coarse, strengths
from b25.analytics.metric import FloatArray, IntArray
from b25.analytics.palette import Palette, blend
from b25.analytics.picture import within
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries
from b25.analytics.trade_marks import trade_marks, width_note
from b25.analytics.trades import trades_from_fills

if TYPE_CHECKING:
    from bokeh.models.ui import UIElement
    from bokeh.plotting import figure as Figure  # noqa: N812

COLUMNS: Final = 2_000
CANDLES_MAX: Final = 3_000
FILLS_MAX: Final = 6_000
TRADES_MAX: Final = 4_000
CROWDED: Final = 300  # more trades than this are drawn small, and their fills hidden until asked for
CELLS_MAX: Final = (120, 120)
WHEN: Final = "{%F %T.%3N}"
CLOCK: Final[dict[str, Any]] = {"@time": "datetime", "@entry": "datetime"}


def milliseconds(time_ns: IntArray) -> FloatArray:
    """Times as bokeh counts them."""
    out: FloatArray = np.asarray(time_ns, np.int64) / 1e6
    return out


def words(text: str) -> str:
    """Text that bokeh takes as it is: two dollar signs would call for a renderer of formulas."""
    return text.replace("$$", "$\u200b$")


def panel(title: str, unit: str, height: int, palette: Palette, linked: Figure | tuple[int, int]) -> Figure:
    """Empty panel over time in the house style; its value axis follows what is in sight."""
    shared = (
        Range1d(start=linked[0] / 1e6, end=max(linked[1], linked[0] + 1) / 1e6) if isinstance(linked, tuple) else linked.x_range
    )
    made = figure(
        height=height, x_axis_type="datetime", tools="xpan,xwheel_zoom,xbox_zoom,reset,save", active_drag="xpan",
        active_scroll="xwheel_zoom", window_axis="x", sizing_mode="stretch_width", min_border_left=78, output_backend="canvas",
        x_range=shared,
    )  # fmt: skip
    dress(made, title, unit, palette)
    made.xaxis.visible = False
    made.yaxis.ticker = BasicTicker(desired_num_ticks=max(3, height // 40))
    made.yaxis.formatter = NumeralTickFormatter(format="0,0[.]0[000]")
    return made


def dress(made: Figure, title: str, unit: str, palette: Palette) -> None:
    """House colours, title at the left, unit beside the axis."""
    made.title = Title(text=words(title), text_color=palette.ink, text_font_size="13px")
    made.yaxis.axis_label = words(unit)
    made.background_fill_color = made.border_fill_color = palette.paper
    made.outline_line_color = None
    made.xgrid.grid_line_color, made.ygrid.grid_line_color = None, palette.grid
    for axis in (*made.xaxis, *made.yaxis):
        axis.axis_line_color = axis.major_tick_line_color = palette.muted
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = palette.muted
        axis.axis_label_text_font_style = "normal"
    made.toolbar.logo = None
    made.add_tools(CrosshairTool(dimensions="height", line_color=palette.muted, line_alpha=0.5))


def _hover(made: Figure, renderer: Any, tips: list[tuple[str, str]], *, nearest: bool = False) -> None:
    tool = HoverTool(renderers=[renderer], tooltips=tips, formatters=dict(CLOCK), mode="vline" if nearest else "mouse")
    tool.point_policy = "snap_to_data" if nearest else "follow_mouse"
    tool.visible = False
    made.add_tools(tool)


def _steps(series: TimeSeries) -> ColumnDataSource:
    rows = m4(series.time_ns, series.values, columns=COLUMNS)
    return ColumnDataSource({"time": milliseconds(series.time_ns[rows]), "value": series.values[rows]})


def curve_panels(curve: EquityCurve, currency: str, palette: Palette) -> list[Figure]:
    """Equity, and the fall from its peak below it."""
    gain = f"net {money_text(curve.net_profit, currency)}"
    top = panel(f"Equity, {gain}".replace("-", "−"), currency, 210, palette, (int(curve.time_ns[0]), int(curve.time_ns[-1])))
    source = _steps(TimeSeries(curve.time_ns, curve.equity))
    drawn = top.step("time", "value", source=source, mode="after", line_color=palette.equity, line_width=1.4)
    top.add_layout(Span(location=curve.starting_balance, dimension="width", line_color=palette.muted, line_dash="dotted"))
    _hover(top, drawn, [("", f"@time{WHEN}"), ("equity", f"@value{{0,0.00}} {currency}")], nearest=True)
    index = curve.index()
    depth = -100.0 * drawdown_ratio(index)
    percent = not np.any(np.isnan(depth))
    if not percent:
        depth = index - np.maximum.accumulate(index)
    worst = f", worst {percent_text(float(-depth.min()) / 100)}" if percent else ""
    below = panel(f"Under water{worst}", "% of the peak" if percent else currency, 120, palette, top)
    fall = _steps(TimeSeries(curve.time_ns, depth))
    below.varea_step(x="time", y1=0, y2="value", source=fall, step_mode="after", fill_color=palette.drawdown, fill_alpha=0.25)
    line = below.step("time", "value", source=fall, mode="after", line_color=palette.drawdown)
    _hover(below, line, [("", f"@time{WHEN}"), ("under water", f"@value{{0.00}} {'%' if percent else currency}")], nearest=True)
    return [top, below]


def price_panels(
    trace: InstrumentTrace, candles: Candles | None, span: tuple[int, int], currency: str, palette: Palette, linked: Figure
) -> list[Figure]:
    """Candles or mids with fills and trades, and the volume below where there is one."""
    shown = candles.between(*span) if candles is not None else None
    few, each = shown.merged(CANDLES_MAX) if shown is not None else (None, 1)
    note = width_note(few) if few is not None else ""
    merged = f" (each of {each} bars)" if each > 1 else ""
    top = panel(f"{trace.name}{note}{merged}", trace.quote, 330, palette, linked)
    out = [top]
    if few is not None and few.size:
        _candles(top, few, palette)
    elif trace.mids is not None:
        source = _steps(within(trace.mids, *span))
        drawn = top.step("time", "value", source=source, mode="after", line_color=palette.mid)
        _hover(top, drawn, [("", f"@time{WHEN}"), ("mid", "@value{0,0.[00000000]}")], nearest=True)
    trades = _trades(top, trace, span, currency, palette)
    _fills(top, trace.fills, span, palette, hidden=trades > CROWDED)
    if len(top.legend):
        _legend_above(top, palette)
    if few is not None and few.volume is not None and few.size:
        out.append(_volume(few, trace.base, palette, linked))
    return out


def _legend_above(made: Figure, palette: Palette) -> None:
    legend = made.legend[0]
    legend.click_policy, legend.orientation = "hide", "horizontal"
    legend.background_fill_alpha, legend.border_line_color = 0.0, None
    legend.label_text_color, legend.label_text_font_size = palette.muted, "11px"
    legend.update(margin=0, padding=0)
    made.add_layout(legend, "above")


def _candles(made: Figure, candles: Candles, palette: Palette) -> None:
    rising = candles.close >= candles.open
    source = ColumnDataSource(
        {
            "time": milliseconds(candles.open_ns),
            "middle": (milliseconds(candles.open_ns) + milliseconds(candles.close_ns)) / 2,
            "width": (milliseconds(candles.close_ns) - milliseconds(candles.open_ns)) * 0.75,
            "open": candles.open, "high": candles.high, "low": candles.low, "close": candles.close,
            "fill": np.where(rising, palette.paper, palette.mid).tolist(),
        }
    )  # fmt: skip
    made.segment("middle", "high", "middle", "low", source=source, line_color=palette.mid)
    body = made.vbar("middle", "width", "open", "close", source=source, line_color=palette.mid, fill_color="fill", line_width=0.8)
    prices = [(name, f"@{name}{{0,0.[00000000]}}") for name in ("open", "high", "low", "close")]
    _hover(made, body, [("bar", f"@time{WHEN}"), *prices])


def _volume(candles: Candles, base: str, palette: Palette, linked: Figure) -> Figure:
    made = panel("Volume", base, 110, palette, linked)
    assert candles.volume is not None
    opened, closed = milliseconds(candles.open_ns), milliseconds(candles.close_ns)
    source = ColumnDataSource(
        {"time": opened, "middle": (opened + closed) / 2, "width": (closed - opened) * 0.75, "volume": candles.volume}
    )
    bars = made.vbar("middle", "width", "volume", 0, source=source, fill_color=palette.mid, line_color=None)
    _hover(made, bars, [("bar", f"@time{WHEN}"), ("volume", f"@volume{{0,0.[0000]}} {base}")])
    return made


def _fills(made: Figure, fills: FillSeries, span: tuple[int, int], palette: Palette, *, hidden: bool) -> None:
    """Marks at the fills; where there are too many trades they begin hidden, and the legend shows them."""
    single = fills.size <= FILLS_MAX
    for side, marker, colour, word in ((1, "triangle", palette.buy, "buy"), (-1, "inverted_triangle", palette.sell, "sell")):
        if single:
            mine = (fills.side == side) & (fills.time_ns >= span[0]) & (fills.time_ns <= span[1])
            columns: dict[str, Any] = {
                "time": milliseconds(fills.time_ns[mine]), "price": fills.price[mine], "quantity": fills.quantity[mine],
                "fee": fills.fee[mine],
            }  # fmt: skip
            count = int(mine.sum())
        else:
            marks = gather(fills, 1 if side > 0 else -1, *span, columns=FILLS_MAX // 4)
            columns = {
                "time": milliseconds(marks.time_ns),
                "price": marks.price,
                "quantity": marks.quantity,
                "count": marks.count,
            }
            count = int(marks.count.sum())
        if not count:
            continue
        last = ("fee", "@fee{0,0.[00000000]}") if single else ("fills", "@count")
        drawn = made.scatter(
            "time", "price", source=ColumnDataSource(columns), marker=marker, size=7, color=colour, line_color=palette.paper,
            line_width=0.5, legend_label=f"{word} fills ({count:,}{', click to show' if hidden else ''})",
        )  # fmt: skip
        tips = [(word, f"@time{WHEN}"), ("price", "@price{0,0.[00000000]}"), ("quantity", "@quantity{0,0.[00000000]}"), last]
        drawn.visible = not hidden
        _hover(made, drawn, tips)


def _trades(made: Figure, trace: InstrumentTrace, span: tuple[int, int], currency: str, palette: Palette) -> int:
    """Lines from entry to exit, coloured by what the trade made; marks at the exits when there are too many; their number."""
    table = trades_from_fills(trace.fills, instrument=trace.name, mids=trace.mids)
    marks = trade_marks(table, *span, columns=COLUMNS // 2, single_max=TRADES_MAX)
    size = 6 if marks.trades <= CROWDED else 4
    for won, colour, word in ((True, palette.equity, "won"), (False, palette.drawdown, "lost")):
        mine = np.flatnonzero((marks.exit_net > 0) == won)
        if not mine.size:
            continue
        count = int(marks.exit_count[mine].sum())
        columns = {
            "time": milliseconds(marks.exit_ns[mine]), "price": marks.exit_price[mine], "net": marks.exit_net[mine],
            "count": marks.exit_count[mine],
        }  # fmt: skip
        name = f"trades {word} ({count:,})"
        tips = [("exit", f"@time{WHEN}"), ("price", "@price{0,0.[00000000]}"), ("P&L, net", f"@net{{0,0.00}} {currency}")]
        if marks.single:
            columns |= {"entry": milliseconds(marks.entry_ns[mine]), "paid": marks.entry_price[mine]}
            source = ColumnDataSource(columns)
            made.segment(
                "entry", "paid", "time", "price", source=source, line_color=colour, line_width=1.4, line_alpha=0.6,
                legend_label=name,
            )  # fmt: skip
            tips = [("entry", f"@entry{WHEN}"), ("at", "@paid{0,0.[00000000]}"), *tips]
        else:
            source = ColumnDataSource(columns)
            tips.append(("trades", "@count"))
        drawn = made.scatter(
            "time", "price", source=source, marker="circle" if won else "x", size=size, color=colour, line_width=1.4,
            legend_label=name,
        )  # fmt: skip
        _hover(made, drawn, tips)
    return marks.trades


def stacked(panels: list[Figure]) -> tuple[UIElement, int]:
    """Panels below each other with one bar of tools, and the pixels that they need."""
    panels[-1].xaxis.visible = True
    panels[-1].height = (panels[-1].height or 0) + 26
    layout = gridplot([[one] for one in panels], merge_tools=True, toolbar_location="right", sizing_mode="stretch_width")
    return layout, sum(one.height or 0 for one in panels) + 24


def heat_panel(grid: ParameterGrid, title: str, palette: Palette) -> tuple[Figure, int]:
    """Heat map whose cells say their values; too many are averaged in blocks."""
    z, x, y, high, wide = coarse(grid, columns=CELLS_MAX[0], rows=CELLS_MAX[1])
    rows, columns = z.shape
    height = int(np.clip(130 + 26 * rows, 220, 620))
    made = figure(
        height=height, x_range=Range1d(start=-0.5, end=columns - 0.5), y_range=Range1d(start=-0.5, end=rows - 0.5),
        tools="pan,wheel_zoom,box_zoom,reset,save", sizing_mode="stretch_width", min_border_left=60,
    )  # fmt: skip
    dress(made, title, grid.y_name, palette)
    strength = strengths(z)
    colours = [
        blend(palette.mid, palette.paper, 0.4)
        if math.isnan(value)
        else blend(palette.equity if value >= 0 else palette.drawdown, palette.paper, float(strength[i, j]))
        for (i, j), value in np.ndenumerate(z)
    ]
    row, column = (part.reshape(-1) for part in np.indices(z.shape))
    figures = ["n/a" if math.isnan(value) else number_text(value, significant=4) for value in z.reshape(-1).tolist()]
    source = ColumnDataSource(
        {
            "column": column, "row": row, "colour": colours, "figure": figures,
            "across": [x[j] for j in column.tolist()], "up": [y[i] for i in row.tolist()],
        }
    )  # fmt: skip
    cells = made.rect("column", "row", 1, 1, source=source, fill_color="colour", line_color=None)
    tips = [("first", "@across"), ("second", "@up"), ("value", "@figure")]
    tips = [(words(name), tip) for name, (_, tip) in zip((grid.x_name, grid.y_name, grid.objective), tips, strict=True)]
    _hover(made, cells, tips)
    if columns <= FIGURES_MAX:
        source.data["ink"] = [palette.paper if share > 0.62 else palette.ink for share in strength.reshape(-1).tolist()]
        made.text(
            "column", "row", text="figure", source=source, text_color="ink", text_font_size="11px", text_align="center",
            text_baseline="middle",
        )  # fmt: skip
    assert grid.best is not None
    best = grid.best[0] // high, grid.best[1] // wide
    low, up = max(0, best[0] - 1), min(rows - 1, best[0] + 1)
    left, right = max(0, best[1] - 1), min(columns - 1, best[1] + 1)
    made.rect(
        [(left + right) / 2], [(low + up) / 2], [right - left + 1], [up - low + 1], fill_color=None, line_color=palette.ink,
        line_dash="dashed",
    )  # fmt: skip
    made.rect([best[1]], [best[0]], [1], [1], fill_color=None, line_color=palette.ink, line_width=2.4)
    _name_axes(made, x, y)
    made.xaxis.axis_label = words(f"{grid.x_name}   ({grid.words()})")
    return made, height + 12


def _name_axes(made: Figure, x: list[str], y: list[str]) -> None:
    for axis, names, count in ((made.xaxis[0], x, 16), (made.yaxis[0], y, 20)):
        step = max(1, -(-len(names) // count))
        axis.ticker = FixedTicker(ticks=list(range(0, len(names), step)))
        axis.formatter = CustomJSTickFormatter(args={"names": names}, code="return names[Math.round(tick)] ?? ''")
