"""A result in a terminal and in a notebook cell: the key figures, what is n/a and why, and a small picture of the equity."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np

from b25.analytics.curve import EquityCurve
from b25.analytics.downsample import m4
from b25.analytics.drawdown import drawdown_ratio
from b25.analytics.figures import NOT_AVAILABLE, metric_text, percent_text
from b25.analytics.honest_view import trust_lines, trust_strip
from b25.analytics.metric import FloatArray, Metric
from b25.analytics.svg import area_path, drawing, step_path, tag, words

COLUMNS_MAX: Final = 100
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Result": (
        "start_time", "end_time", "days", "starting_balance", "final_balance", "net_profit", "total_return", "cagr",
        "average_daily_profit", "market_change", "max_equity", "min_equity", "hold_value",
    ),
    "Risk": (
        "max_drawdown", "max_drawdown_peak_time", "max_drawdown_trough_time", "max_drawdown_duration", "max_drawdown_money",
        "max_drawdown_profit_at_peak", "max_drawdown_profit_at_trough", "underwater_now", "time_under_water",
        "longest_under_water", "sharpe", "sortino", "calmar", "smart_sharpe", "smart_sortino", "omega", "serenity",
        "profit_minute", "profit_volatility_minute", "profit_low", "profit_high", "exposure_gross", "turnover", "best_day",
        "worst_day", "days_won", "days_drawn", "days_lost",
    ),
    "Fills and costs": (
        "fills", "volume", "maker_share", "fees", "fees_bps", "spread_capture", "inventory_profit", "profit_fill", "profit_bps",
        "markout_1s", "markout_10s", "markout_60s",
    ),
    "Trades": (
        "trades", "trades_open", "open_profit", "trades_day", "max_open_trades", "trades_long", "trades_short", "profit_long",
        "profit_long_ratio", "profit_short", "profit_short_ratio", "win_rate", "win_rate_long", "win_rate_short", "profit_factor",
        "expectancy", "expectancy_ratio", "expected_100_trades", "mean_profit", "median_profit", "trade_volume", "sqn",
        "trade_p_value", "holding_mean", "holding_mean_winners", "holding_mean_losers", "streak_wins", "streak_losses",
        "best_trade", "worst_trade", "best_pair", "worst_pair",
    ),
    "Orders": (
        "signals", "submits", "cancels", "amends", "refused", "rejected", "timeouts_entry", "timeouts_exit", "cancelled_entries",
        "replaced_entries", "fill_ratio", "order_to_fill",
    ),
    "Position": ("position_end", "position_abs_mean", "position_max", "position_min", "time_flat"),
}  # fmt: skip
CARD: Final = (
    "net_profit", "total_return", "max_drawdown", "sharpe", "profit_volatility_minute", "fills", "maker_share", "fees",
    "profit_bps", "markout_10s", "trades", "position_abs_mean",
)  # fmt: skip
# One tone for light and dark notebooks: a cell cannot know its theme without a script. Both pass 3:1 on white and on #111.
BLUE, ORANGE = "#2b87c8", "#d9692b"
FAINT: Final = "opacity:.65"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def text_summary(
    title: str,
    metrics: Mapping[str, Metric],
    *,
    currency: str,
    base: str = "",
    notes: Sequence[tuple[str, str]] = (),
    full: bool = False,
) -> str:
    """Figures as an aligned table of plain text, at most 100 columns wide.

    Parameters
    ----------
    title : str
        First line.
    metrics : mapping of str to Metric
        As made by `metrics.all_metrics`.
    currency, base : str
        Units of money and of positions.
    notes : sequence of (name, text)
        Lines under the title: data, models, hash.
    full : bool
        Every metric there is, by its key, instead of the chosen groups.

    Returns
    -------
    str
        Lines without a final newline.
    """
    lines = [_cut(title, COLUMNS_MAX), *(_cut(f"  {name}: {text}", COLUMNS_MAX) for name, text in notes)]
    groups = {"All figures": tuple(metrics)} if full else GROUPS
    for group, names in groups.items():
        present = [metrics[name] for name in names if name in metrics]
        if not present:
            continue
        lines += ["", group]
        texts = [metric_text(metric, currency=currency, base=base) for metric in present]
        titles = [f"{metric.name}" if full else metric.title for metric in present]
        # One width for all groups, so that the figures of the whole summary stand in one column.
        for head, text, metric in zip(titles, texts, present, strict=True):
            left = f"  {_cut(head, 30):<30} {text:>24}"
            why = metric.reason or metric.note
            lines.append(f"{left}  {_cut(why, COLUMNS_MAX - len(left) - 2)}" if why else left)
    if not full and (trust := trust_lines(metrics, currency=currency, width=COLUMNS_MAX)):
        lines += ["", *trust]
    return "\n".join(line.rstrip() for line in lines)


def sparkline(curve: EquityCurve, *, width: float = 560.0, height: float = 120.0) -> str:
    """Small SVG of the equity and, below it, the fall from its peak; needs no style sheet."""
    split = height * 0.68
    picked = m4(curve.time_ns, curve.equity, columns=int(width / 2))
    span = max(1, int(curve.time_ns[-1] - curve.time_ns[0]))
    x = (curve.time_ns[picked] - curve.time_ns[0]) / span * width
    equity = curve.equity[picked]
    start = curve.starting_balance
    low, high = float(equity.min()), float(equity.max())
    reach = (high - low) or 1.0

    def down(values: FloatArray) -> FloatArray:
        out: FloatArray = split - 6 - (values - low) / reach * (split - 18)
        return out

    base = float(down(np.array([start]))[0])
    path = step_path(x, down(equity))
    parts = [
        tag("line", x1=0, x2=width, y1=base, y2=base, stroke="currentColor", stroke_opacity="0.25", stroke_dasharray="3 3"),
        tag("path", d=path, fill="none", stroke=BLUE, stroke_width="1.5", stroke_linejoin="round"),
    ]
    depth = drawdown_ratio(curve.index())
    if not np.any(np.isnan(depth)):
        rows = m4(curve.time_ns, depth, columns=int(width / 2))
        deepest = float(depth.max()) or 1.0
        across = (curve.time_ns[rows] - curve.time_ns[0]) / span * width
        fall = step_path(across, split + depth[rows] / deepest * (height - split - 3))
        parts.append(tag("path", d=area_path(fall, 0.0, float(across[-1]), split), fill=ORANGE, fill_opacity="0.3"))
        parts.append(tag("path", d=fall, fill="none", stroke=ORANGE, stroke_width="1"))
        text = f"under water, worst {percent_text(float(depth.max()))}"
        parts.append(words(4, height - 5, text, font_size="10", fill="currentColor", fill_opacity="0.65"))
    parts.append(words(4, 10.0, "equity", font_size="10", fill="currentColor", fill_opacity="0.65"))
    style = f"width:100%;max-width:{width:g}px;height:auto;display:block;font-family:system-ui,sans-serif"
    return drawing(width, height, parts, label="Equity and fall from its peak", style=style)


def html_summary(
    title: str,
    metrics: Mapping[str, Metric],
    curve: EquityCurve,
    *,
    currency: str,
    subtitle: str = "",
    base: str = "",
    notes: Sequence[tuple[str, str]] = (),
) -> str:
    """Rich display of a result: script-free, escaped, inheriting the notebook's own colours.

    Parameters
    ----------
    title, subtitle : str
        Strategy, and what it was run on.
    metrics : mapping of str to Metric
        As made by `metrics.all_metrics`.
    curve : EquityCurve
        For the small picture.
    currency, base : str
        Units of money and of positions.
    notes : sequence of (name, text)
        Small print: models, hash.
    """
    cells = []
    for metric in (metrics[name] for name in CARD if name in metrics):
        text = metric_text(metric, currency=currency, base=base)
        why = metric.reason if metric.value is None else ""
        shown = escape(f"−{text[1:]}" if text[0] == "-" else text)
        figure = f'<span style="{FAINT}">{NOT_AVAILABLE}</span>' if why else shown
        cells.append(
            f'<div style="min-width:118px" title="{escape(why or metric.formula.text)}">'
            f'<div style="font-size:11px;{FAINT}">{escape(metric.title)}</div>'
            f'<div style="font-size:15px;font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums">{figure}</div>'
            + (f'<div style="font-size:10px;max-width:150px;line-height:1.25;{FAINT}">{escape(why)}</div>' if why else "")
            + "</div>"
        )
    small = "".join(f"<div>{escape(name)}: <code>{escape(text)}</code></div>" for name, text in notes)
    return (
        '<div style="font-family:system-ui,sans-serif;color:inherit;max-width:760px;line-height:1.4">'
        f'<div style="font-size:16px;font-weight:700">{escape(title)}</div>'
        f'<div style="font-size:12px;{FAINT}">{escape(subtitle)}</div>'
        f'<div style="margin:10px 0">{sparkline(curve)}</div>'
        f'<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px 18px">'
        f"{''.join(cells)}</div>{trust_strip(metrics, currency=currency)}"
        f'<div style="font-size:11px;margin-top:10px;{FAINT}">{small}</div></div>'
    )
