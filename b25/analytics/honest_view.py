"""How far to trust a result, as people see it: a few lines of text, a strip in a notebook cell, a section of the tear sheet."""

import textwrap
from collections.abc import Mapping
from html import escape
from typing import Final

from b25.analytics.figures import metric_text, number_text, percent_text
from b25.analytics.honest_formulas import HONEST
from b25.analytics.metric import Metric
from b25.analytics.sheet_tables import metric_rows

TITLE: Final = "How far to trust it"
# One name is shown as it is; two are the ends of an interval, under a title of its own.
ROWS: Final[tuple[tuple[str, ...], ...]] = (
    ("trials",),
    ("sharpe_low", "sharpe_high"),
    ("psr",),
    ("sharpe_by_luck",),
    ("deflated_sharpe",),
    ("min_track_record_days",),
    ("drawdown_low", "drawdown_high"),
    ("monte_carlo_drawdown_95",),
    ("random_entry_percentile",),
    ("random_entry_p_value",),
    ("pbo",),
)
INTERVAL_TITLES: Final = {"sharpe_low": "Sharpe, 95 % interval", "drawdown_low": "Drawdown, 95 % interval"}
GROUPS: Final = {
    "Trials and selection": (
        "trials", "psr", "sharpe_by_luck", "deflated_sharpe", "min_track_record_days", "pbo", "pbo_loss_probability", "pbo_slope",
    ),
    "Intervals of 95 %": ("sharpe_low", "sharpe_high", "cagr_low", "cagr_high", "drawdown_low", "drawdown_high"),
    "Other paths": (
        "paths_return_05", "paths_return_50", "paths_return_95", "paths_drawdown_95", "paths_loss_probability",
        "paths_ruin_probability",
    ),
    "Other sequences of trades": (
        "monte_carlo_drawdown_05", "monte_carlo_drawdown_50", "monte_carlo_drawdown_95", "monte_carlo_profit_05",
        "monte_carlo_profit_50", "monte_carlo_profit_95", "monte_carlo_loss_probability",
    ),
    "Timing and regimes": (
        "random_entry_profit", "random_entry_percentile", "random_entry_p_value", "best_regime_share", "best_month_share",
    ),
}  # fmt: skip
assert {name for names in GROUPS.values() for name in names} == set(HONEST)


def verdict(metrics: Mapping[str, Metric]) -> str:
    """One sentence on what the trials and the length of the record leave of the Sharpe ratio; empty when they say nothing."""
    deflated, trials, luck = (metrics.get(name) for name in ("deflated_sharpe", "trials", "sharpe_by_luck"))
    if deflated is None or deflated.value is None or trials is None or trials.value is None:
        return ""
    count = f"{round(trials.value):,} trial{'s' if trials.value != 1 else ''} on this data"
    chance = percent_text(deflated.value)
    if deflated.value >= 0.95:
        return f"After {count} the Sharpe ratio is above what luck would show, with {chance} probability."
    if luck is not None and luck.value:
        best = number_text(luck.value, significant=3)
        return (
            f"After {count} luck alone would show a Sharpe of {best}; this one is above it with {chance} probability, not 95 %."
        )
    return f"After {count} the Sharpe ratio is above 0 with {chance} probability, not 95 %: the record is too short or too poor."


def _rows(metrics: Mapping[str, Metric], currency: str) -> tuple[list[tuple[str, str, str]], dict[str, list[str]]]:
    """Title, text and small print of what there is; titles of what there is not, gathered by reason."""
    there: list[tuple[str, str, str]] = []
    absent: dict[str, list[str]] = {}
    for names in ROWS:
        if any(name not in metrics for name in names):
            continue
        ends = [metrics[name] for name in names]
        title = INTERVAL_TITLES.get(names[0], ends[0].title)
        reason = next((metric.reason for metric in ends if metric.value is None), "")
        if reason:
            absent.setdefault(reason, []).append(title)
        else:
            there.append((title, " … ".join(metric_text(metric, currency=currency) for metric in ends), ends[0].note))
    return there, absent


def trust_lines(metrics: Mapping[str, Metric], *, currency: str = "", width: int = 100) -> list[str]:
    """Lines of plain text under the title, at most `width` columns wide; none when no honest statistic was made.

    Parameters
    ----------
    metrics : mapping of str to Metric
        As made by `metrics.all_metrics` or `honest_metrics`.
    currency : str
        Unit of money.
    width : int
        Columns.
    """
    there, absent = _rows(metrics, currency)
    if not there and not absent:
        return []
    lines = [TITLE]
    if said := verdict(metrics):
        lines += textwrap.wrap(said, width, initial_indent="  ", subsequent_indent="  ")
    for title, text, note in there:
        left = f"  {title[:32]:<32} {text:>22}"
        room = width - len(left) - 2
        rest = textwrap.shorten(note, room, placeholder="…") if room > 10 else ""
        lines.append(f"{left}  {rest}".rstrip())
    for reason, titles in absent.items():
        text = f"n/a: {', '.join(titles)} ({reason})"
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_long_words=True)
    return lines


def trust_strip(metrics: Mapping[str, Metric], *, currency: str = "") -> str:
    """Markup for a notebook cell, in the cell's own colours, with everything escaped; empty when there is nothing to say."""
    there, absent = _rows(metrics, currency)
    if not there and not absent:
        return ""
    faint = "opacity:.65"
    cells = "".join(
        f'<div title="{escape(note)}"><div style="font-size:11px;{faint}">{escape(title)}</div>'
        f'<div style="font-size:13px;font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums">'
        f"{escape(_minus(text))}</div></div>"
        for title, text, note in there
    )
    why = "".join(f"<div>n/a: {escape(', '.join(titles))} ({escape(reason)})</div>" for reason, titles in absent.items())
    said = verdict(metrics)
    sentence = f'<div style="font-size:12px">{escape(said)}</div>' if said else ""
    return (
        f'<div style="margin-top:12px"><div style="font-size:12px;font-weight:700">{TITLE}</div>{sentence}'
        f'<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:6px 18px;margin:4px 0">'
        f"{cells}</div>"
        f'<div style="font-size:10px;line-height:1.3;{faint}">{why}</div></div>'
    )


def _minus(text: str) -> str:
    return " … ".join(f"−{part[1:]}" if part.startswith("-") else part for part in text.split(" … "))


def honest_section(metrics: Mapping[str, Metric], *, currency: str = "", base: str = "") -> str:
    """Section of the tear sheet: the verdict, then every honest statistic with what it was made with, or why it is n/a.

    Parameters
    ----------
    metrics : mapping of str to Metric
        As made by `metrics.all_metrics`.
    currency, base : str
        Units of money and of positions.

    Returns
    -------
    str
        Markup in the tear sheet's classes, everything escaped; empty when no honest statistic was made.
    """
    if not any(name in metrics for name in HONEST):
        return ""
    blocks = [
        f"<div><h3>{escape(title)}</h3>{metric_rows(metrics, names, currency=currency, base=base)}</div>"
        for title, names in GROUPS.items()
    ]
    said = verdict(metrics)
    sentence = f"<p>{escape(said)}</p>" if said else ""
    return f'<h2>{TITLE}</h2>{sentence}<div class="columns">{"".join(blocks)}</div>'
