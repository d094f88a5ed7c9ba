"""One HTML file that says what a result is, under which assumptions, and how far to trust it; it needs nothing else."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

import polars as pl

from b25.analytics.candles import Candles
from b25.analytics.curve import EquityCurve
from b25.analytics.fan import Fan
from b25.analytics.formulas import EQUITY, FILLS, TRADES
from b25.analytics.heatmap import ParameterGrid
from b25.analytics.metric import Metric
from b25.analytics.order_metrics import OrderCounts
from b25.analytics.series import InstrumentTrace
from b25.analytics.sheet_breakdown import breakdown_section, usual_breakdowns
from b25.analytics.sheet_charts import (
    attribution_chart,
    curve_charts,
    markout_chart,
    price_charts,
    return_charts,
    trade_charts,
)
from b25.analytics.sheet_research import fan_section, given_sections, parameter_section, walk_section
from b25.analytics.sheet_style import SHEET_CSS
from b25.analytics.sheet_tables import cards, drawdowns, glossary, metric_rows, pairs, reason_rows, trade_rows
from b25.analytics.stability import StabilityCurve
from b25.analytics.walk_plot import WalkForward

HEADLINE: Final = (
    "net_profit", "total_return", "max_drawdown", "sharpe", "profit_minute", "profit_volatility_minute", "fills", "maker_share",
    "profit_bps", "markout_10s", "fees", "position_abs_mean",
)  # fmt: skip
# What matters after a month or more; second by second figures say little there.
LONG_HEADLINE: Final = (
    "net_profit", "total_return", "cagr", "max_drawdown", "sharpe", "sortino", "calmar", "psr", "trades", "win_rate",
    "profit_factor", "fees",
)  # fmt: skip
COSTS: Final = (
    "volume", "gross_profit", "spread_capture", "inventory_profit", "fees", "funding", "fees_bps", "spread_capture_bps",
    "markout_1s", "markout_10s", "markout_60s", "profit_fill", "profit_bps",
)  # fmt: skip
CHARTED_INSTRUMENTS_MAX: Final = 4


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TearSheetData:
    """Everything a tear sheet shows; texts are escaped when it is written.

    Parameters
    ----------
    title : str
        Name of the strategy.
    subtitle : str
        What it was run on, in words.
    currency : str
        Settlement currency of the curve.
    curve : EquityCurve
        Account value over time.
    metrics : mapping of str to Metric
        As made by `metrics.all_metrics`; the sheet computes none of its own.
    traces : sequence of InstrumentTrace
        Fills, mids and positions of each instrument; the first four are drawn.
    trades : polars.DataFrame, optional
        As made by `metrics.trades_of`.
    orders : OrderCounts, optional
        For refusals by reason.
    assumptions : sequence of (name, text)
        Models: fees, latency, queue, fill rule, what is not modelled.
    parameters : sequence of (name, value, unit)
        The strategy's parameters.
    provenance : sequence of (name, text)
        Data span and hash, result hash, versions; shown in fixed width.
    warnings : sequence of str
        What the reader must know before the figures.
    headline : sequence of str, optional
        Names of the metrics at the top, of which those that are absent are left out; by default as fits the length.
    candles : mapping of str to Candles
        Bars by the name of their trace, on which its trades are drawn; without them, on the mids.
    breakdowns : mapping of str to polars.DataFrame, optional
        Tables by title; by default those of `sheet_breakdown.usual_breakdowns`.
    sections : sequence of (title, markup)
        Sections after the first charts, in order, e.g. honest statistics. **The markup is written as it is**: who makes it
        escapes it, and uses no script and nothing from outside.
    fans : sequence of Fan
        Bands of resampled paths.
    walk : WalkForward, optional
        Windows of a walk-forward.
    grids : sequence of ParameterGrid
        Heat maps of the sweep that the parameters come from.
    stability : sequence of StabilityCurve
        The objective along single parameters.
    log : bool
        Whether the equity is drawn on a logarithmic axis.
    """

    title: str
    currency: str
    curve: EquityCurve
    metrics: Mapping[str, Metric]
    subtitle: str = ""
    traces: Sequence[InstrumentTrace] = ()
    trades: pl.DataFrame | None = None
    orders: OrderCounts | None = None
    assumptions: Sequence[tuple[str, str]] = ()
    parameters: Sequence[tuple[str, str, str]] = ()
    provenance: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    headline: Sequence[str] | None = None
    candles: Mapping[str, Candles] = field(default_factory=dict)
    breakdowns: Mapping[str, pl.DataFrame] | None = None
    sections: Sequence[tuple[str, str]] = ()
    fans: Sequence[Fan] = ()
    walk: WalkForward | None = None
    grids: Sequence[ParameterGrid] = ()
    stability: Sequence[StabilityCurve] = ()
    log: bool = False


def tearsheet(data: TearSheetData) -> str:
    """Return the tear sheet as one HTML document: inline style and SVG, no script, no request to anywhere."""
    base = data.traces[0].base if len(data.traces) == 1 else ""
    headline = data.headline or (HEADLINE if data.curve.is_short else LONG_HEADLINE)
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in data.warnings)
    body = [
        f'<header><h1>{escape(data.title)}</h1><p class="subtitle">{escape(data.subtitle)}</p></header>',
        warnings,
        cards(data.metrics, headline, currency=data.currency, base=base),
        f"<h2>Course</h2>{curve_charts(data.curve, data.currency, log=data.log)}",
        given_sections(data.sections),
        f"<h2>Returns</h2>{return_charts(data.curve)}",
        _prices(data),
        fan_section(data.fans),
        walk_section(data.walk, data.currency),
        parameter_section(data.grids, data.stability),
        _assumptions(data),
        _costs(data, base),
        _tables(data, base),
        f"<h2>Drawdowns</h2>{drawdowns(data.curve, data.currency)}",
        _trades(data),
        f"<h2>Formulas</h2>{glossary(data.metrics)}",
        "<footer>Made by b25. Figures marked n/a are undefined or unfit to be shown; the reason stands beside them.</footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(data.title)} - b25 tear sheet</title><style>{SHEET_CSS}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def write_tearsheet(data: TearSheetData, path: str | Path) -> Path:
    """Write the tear sheet; the file is whole or absent, never half-written.

    Parameters
    ----------
    data : TearSheetData
        What to show.
    path : str or Path
        Where to write; missing folders are made.

    Returns
    -------
    Path
        The file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_text(tearsheet(data), encoding="utf-8")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _prices(data: TearSheetData) -> str:
    span = int(data.curve.time_ns[0]), int(data.curve.time_ns[-1])
    drawn = ""
    for trace in data.traces[:CHARTED_INSTRUMENTS_MAX]:
        drawn += price_charts(trace, *span)
        if data.trades is not None:
            drawn += trade_charts(trace, data.trades, data.candles.get(trace.name), span, data.currency)
    left_out = len(data.traces) - CHARTED_INSTRUMENTS_MAX
    note = f'<p class="why">{left_out} more instruments are not drawn.</p>' if left_out > 0 else ""
    return f"<h2>Fills and trades on price</h2>{drawn}{note}" if drawn else ""


def _assumptions(data: TearSheetData) -> str:
    parameters = [(name, f"{value} {unit}".strip()) for name, value, unit in data.parameters]
    blocks = []
    if data.assumptions:
        blocks.append(f"<div><h3>Models</h3>{pairs(data.assumptions)}</div>")
    if parameters:
        blocks.append(f"<div><h3>Parameters</h3>{pairs(parameters)}</div>")
    if data.provenance:
        blocks.append(f"<div><h3>Data and result</h3>{pairs(data.provenance, css='hash')}</div>")
    return f'<h2>Assumptions</h2><div class="columns">{"".join(blocks)}</div>' if blocks else ""


def _costs(data: TearSheetData, base: str) -> str:
    bars = f"<div>{attribution_chart(data.metrics, data.currency)}{markout_chart(data.metrics)}</div>"
    table = f"<div>{metric_rows(data.metrics, COSTS, currency=data.currency, base=base)}</div>"
    return f'<h2>Where the money came from</h2><div class="columns">{bars}{table}</div>'


def _tables(data: TearSheetData, base: str) -> str:
    fills = [name for name in FILLS if name not in COSTS]
    blocks = [
        ("Equity and risk", metric_rows(data.metrics, tuple(EQUITY), currency=data.currency, base=base)),
        ("Trades", metric_rows(data.metrics, tuple(TRADES), currency=data.currency, base=base)),
        ("Fills, orders and position", metric_rows(data.metrics, fills, currency=data.currency, base=base)),
    ]
    if data.orders is not None:
        blocks.append(("Refused by the gate", reason_rows(data.orders.refused, "nothing was refused")))
        blocks.append(("Rejected by the venue", reason_rows(data.orders.rejected, "nothing was rejected")))
    first = f"<div><h3>{blocks[0][0]}</h3>{blocks[0][1]}</div>"
    rest = "".join(f"<h3>{title}</h3>{table}" for title, table in blocks[1:])
    return f'<h2>Figures</h2><div class="columns">{first}<div>{rest}</div></div>'


def _trades(data: TearSheetData) -> str:
    frames = data.breakdowns
    if frames is None:
        frames = usual_breakdowns(data.trades) if data.trades is not None else {}
    listed = ""
    if data.trades is not None and data.trades.height:
        listed = f"<h2>Trades</h2>{trade_rows(data.trades, data.currency)}"
    return listed + breakdown_section(frames)
