"""The tear sheet's tables and cards: figures with their units, n/a with its reason, everything escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Final

import polars as pl

from b25.analytics.curve import EquityCurve
from b25.analytics.drawdown import drawdown_table
from b25.analytics.figures import column_texts, duration_text, metric_text, money_text, number_text, percent_text, time_text
from b25.analytics.metric import Metric

TRADES_SHOWN: Final = 12
DRAWDOWNS_SHOWN: Final = 5


def minus(text: str) -> str:
    """Escaped text with a typographic minus before figures."""
    return escape(text.replace("-", "−", 1) if text.startswith("-") else text)


def cards(metrics: Mapping[str, Metric], names: Iterable[str], *, currency: str, base: str) -> str:
    """Headline figures, each with its name; n/a with its reason."""
    parts = []
    for name in names:
        metric = metrics.get(name)
        if metric is None:
            continue
        why = metric.reason or metric.note
        parts.append(
            f'<div class="card{" none" if metric.value is None else ""}"><div class="name">{escape(metric.title)}</div>'
            f'<div class="figure">{minus(metric_text(metric, currency=currency, base=base))}</div>'
            + (f'<div class="why">{escape(why)}</div>' if why else "")
            + "</div>"
        )
    return f'<section class="cards">{"".join(parts)}</section>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = (), css: str = "") -> str:
    """Table of texts that are markup already; `right` are the columns of numbers."""

    def cells(kind: str, row: Sequence[str]) -> str:
        opened = [f'<{kind} class="right">' if i in right else f"<{kind}>" for i in range(len(row))]
        return "".join(f"{start}{cell}</{kind}>" for start, cell in zip(opened, row, strict=True))

    top = f"<thead><tr>{cells('th', head)}</tr></thead>" if head else ""
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    opened = f'<table class="{css}">' if css else "<table>"
    return f'<div class="scroll">{opened}{top}<tbody>{body}</tbody></table></div>'


def metric_rows(metrics: Mapping[str, Metric], names: Iterable[str], *, currency: str, base: str) -> str:
    """Two columns: what, and how much; then what is n/a, gathered by reason."""
    rows: list[tuple[str, str]] = []
    absent: dict[str, list[str]] = {}
    for metric in (metrics[name] for name in names if name in metrics):
        if metric.value is None:
            absent.setdefault(metric.reason, []).append(metric.title)
            continue
        note = f'<div class="why">{escape(metric.note)}</div>' if metric.note else ""
        text = minus(metric_text(metric, currency=currency, base=base))
        rows.append((f"{escape(metric.title)}{note}", text))
    for reason, titles in absent.items():
        rows.append((f'{escape(", ".join(titles))}<div class="why">{escape(reason)}</div>', '<span class="na">n/a</span>'))
    return table((), rows, css="metrics")


def pairs(rows: Iterable[tuple[str, str]], *, css: str = "") -> str:
    """Two columns of text."""
    cells = [(escape(name), f'<span class="{css}">{escape(text)}</span>' if css else escape(text)) for name, text in rows]
    return table((), cells, css="pairs")


def reason_rows(counts: Mapping[str, int], nothing: str) -> str:
    """Reasons with their counts, most frequent first."""
    rows = [(escape(reason), f"{count:,}") for reason, count in sorted(counts.items(), key=lambda item: -item[1]) if count]
    return table((), rows, right=(1,)) if rows else f'<p class="why">{escape(nothing)}</p>'


def drawdowns(curve: EquityCurve, currency: str) -> str:
    """Deepest falls from a peak with their dates."""
    index = curve.index()
    rows = []
    for fall in drawdown_table(curve.time_ns, index, count=DRAWDOWNS_SHOWN):
        rows.append(
            (
                money_text(fall.money, currency),
                percent_text(fall.ratio) if fall.ratio is not None else '<span class="na">n/a</span>',
                time_text(fall.peak_ns),
                time_text(fall.trough_ns),
                time_text(fall.recovery_ns) if fall.recovery_ns is not None else '<span class="na">not yet</span>',
                duration_text(fall.duration_ns),
                minus(money_text(fall.profit_at_peak)),
                minus(money_text(fall.profit_at_trough)),
            )
        )
    if not rows:
        return '<p class="why">The account was never below its peak.</p>'
    head = ("Depth", "Of the peak", "Peak", "Trough", "Recovered", "Duration", "Profit at peak", "at trough")
    return table([escape(word) for word in head], rows, right=(0, 1, 5, 6, 7))


def trade_rows(trades: pl.DataFrame, currency: str) -> str:
    """Trades with the largest profit or loss; how many were left out stands below."""
    shown = trades.sort(pl.col("net").abs(), descending=True, nulls_last=True).head(TRADES_SHOWN).sort("entry_time")
    several = trades["instrument"].n_unique() > 1
    figures = {
        name: [minus(text) for text in column_texts(shown[name].to_list(), significant=significant)]
        for name, significant in (("entry_price", 7), ("exit_price", 7), ("gross", 5), ("fees", 5), ("net", 5))
    }
    rows = []
    for i, row in enumerate(shown.iter_rows(named=True)):
        cells = [
            _clock(row["entry_time"]),
            "open" if row["is_open"] else _clock(row["exit_time"]),
            escape(row["side"]),
            number_text(row["max_quantity"]),
            figures["entry_price"][i],
            figures["exit_price"][i],
            str(row["fills"]),
            duration_text(row["holding_ns"]),
            *(figures[name][i] for name in ("gross", "fees", "net")),
        ]
        rows.append([escape(row["instrument"]), *cells] if several else cells)
    head = [
        "Entry, UTC",
        "Exit",
        "Side",
        "Largest",
        "Entry price",
        "Exit price",
        "Fills",
        "Held",
        "Gross",
        "Fees",
        f"Net, {currency}",
    ]
    head = ["Instrument", *head] if several else head
    shift = int(several)
    left_out = trades.height - shown.height
    note = f'<p class="why">The {shown.height} largest by net result; {left_out:,} more are not shown.</p>' if left_out else ""
    return table([escape(word) for word in head], rows, right=[i + shift for i in range(3, 11)]) + note


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def glossary(metrics: Mapping[str, Metric]) -> str:
    """Definition of every metric on the sheet."""
    entries = []
    for metric in metrics.values():
        source = f" ({escape(metric.formula.source)})" if metric.formula.source else ""
        entries.append(f"<div><dt>{escape(metric.title)}</dt><dd>{escape(metric.formula.text)}{source}</dd></div>")
    return f'<dl class="glossary">{"".join(entries)}</dl>'
