"""Sections of a report: markup without a script, readable as plain text too, and the figures recorded beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape, unescape
from typing import Any, Final

from b25.analytics.figures import duration_text, money_text, number_text, percent_text, time_text
from b25.analytics.formulas import FORMULAS
from b25.analytics.metric import Metric
from b25.analytics.sheet_tables import minus
from b25.reports.describe import describe
from b25.reports.page_style import CLASS, report_css
from b25.reports.record import record
from b25.reports.records import Happening, Records

NA: Final = '<span class="na">n/a</span>'
_DRAWINGS: Final = re.compile(r"<(svg|style)\b.*?</\1>", re.DOTALL)
_ENDS: Final = re.compile(r"</(tr|p|h\d|div|dt|dd|table)>")
_TAGS: Final = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report; `markup` is safe to be shown, as everything in it was escaped."""

    markup: str
    style: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        style = f"<style>{self.style}</style>" if self.style else ""
        return {"text/html": f'{style}<section class="{CLASS}">{self.markup}</section>', "text/plain": str(self)}

    def __str__(self) -> str:
        text = _ENDS.sub("\n", _DRAWINGS.sub("", self.markup)).replace("</td>", "  ").replace("</th>", "  ")
        lines = (line.strip() for line in unescape(_TAGS.sub("", text)).splitlines())
        return "\n".join(line for line in lines if line)

    def __repr__(self) -> str:
        return str(self)

    def __add__(self, other: Section) -> Section:
        return Section(self.markup + other.markup, self.style or other.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One headline: what is recorded, and what is shown.

    Attributes
    ----------
    name, title : str
    value : number or None
        None needs a `reason`.
    unit : str
        ``ratio`` is shown as per cent, ``ns`` as a duration; a currency with its digits; empty for a count.
    note : str
        Small print below the figure.
    """

    name: str
    title: str
    value: Decimal | float | int | str | None
    unit: str = ""
    reason: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """As people read it."""
        if self.value is None:
            return "n/a"
        if isinstance(self.value, str):
            return self.value
        number = float(self.value)
        match self.unit:
            case "":
                return f"{number:,.0f}"
            case "ratio":
                return percent_text(number)
            case "ns":
                return duration_text(number)
            case "bps" | "":
                return f"{number_text(number, significant=3, decimals_min=2)} bps"
            case "number":
                return number_text(number)
        return money_text(number, self.unit)


def head(records: Records, *, traded: bool = True) -> Section:
    """First line: mode, whose, span, and how fresh; then what must be known first: also, if asked, that nothing was traded."""
    show_facts(records)
    fresh = "no record was read" if records.as_of_ns is None else f"newest record {time_text(records.as_of_ns)}"
    word = records.mode if records.mode in ("live", "paper", "backtest") else "other"
    first = (
        f'<p class="first"><span class="mode {word}">{escape(records.mode)}</span><span class="who">{escape(records.name)}</span>'
        f"<span>{escape(span_words(records))}</span><span>{escape(fresh)}</span></p>"
        f'<p class="subtitle">{escape(records.source)}</p>'
    )
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in records.warnings)
    quiet = nothing("Nothing was ordered, filled or held in this span.") if traded and records.is_empty else ""
    return Section(first + warnings + quiet, report_css())


def span_words(records: Records) -> str:
    """The span in words."""
    if records.end_ns <= records.start_ns:
        return "no span: nothing was recorded in it"
    length = duration_text(records.end_ns - records.start_ns)
    return f"{time_text(records.start_ns)} to {time_text(records.end_ns)} ({length})"


def show_facts(records: Records) -> None:
    """Tell whoever runs the notebook the mode, the span and the freshness as data."""
    from IPython.core.getipython import get_ipython

    if get_ipython() is None:
        return
    from IPython.display import display

    digest = next((text for name, text in records.provenance if name in ("result", "journal")), "")
    made = describe(
        mode=records.mode, start_ns=records.start_ns, end_ns=records.end_ns, data_until_ns=records.as_of_ns or 0,
        data_sha256=digest,
    )  # fmt: skip
    display(made)  # type: ignore[no-untyped-call]


def headline(figures: Sequence[Figure]) -> Section:
    """Record the figures, and show them as cards."""
    cards = []
    for one in figures:
        record(one.name, one.value, unit=one.unit, headline=True, reason=one.reason)
        why = one.reason or one.note
        cards.append(
            f'<div class="card{" none" if one.value is None else ""}"><div class="name">{escape(one.title)}</div>'
            f'<div class="figure">{minus(one.text)}</div>' + (f'<div class="why">{escape(why)}</div>' if why else "") + "</div>"
        )
    return Section(f'<section class="cards">{"".join(cards)}</section>')


def of_metric(metrics: Mapping[str, Metric], name: str, *, currency: str, why_not: str) -> Figure:
    """A metric as a headline."""
    metric = metrics.get(name)
    if metric is None:
        return Figure(name=name, title=_title(name), value=None, reason=why_not)
    units = {"money": currency, "ratio": "ratio", "count": "", "ns": "ns", "bps": "bps", "number": "number"}
    unit = units.get(metric.unit, "number")
    value = None if metric.value is None else round(metric.value) if metric.unit == "count" else metric.value
    return Figure(name=name, title=metric.title, value=value, unit=unit, reason=metric.reason, note=metric.note)


def _title(name: str) -> str:
    return FORMULAS[name].title if name in FORMULAS else name.replace("_", " ")


def nothing(text: str) -> str:
    """That there is nothing, said plainly."""
    return f'<p class="nothing">{escape(text)}</p>'


def why(text: str) -> str:
    """Small print."""
    return f'<p class="why">{escape(text)}</p>'


def absent(records: Records, part: str, otherwise: str) -> str:
    """That a part is not known, or that there is nothing of it."""
    reason = records.absent.get(part)
    return why(f"Not known: {reason}.") if reason else why(otherwise)


def amount(value: Decimal | float | None, *, significant: int = 6) -> str:
    """A number of a table; n/a where it is not known."""
    return NA if value is None else minus(number_text(float(value), significant=significant, decimals_min=2))


def happenings(rows: Iterable[Happening], head_words: Sequence[str] = ("Time", "Kind", "What", "By", "State")) -> str:
    """Things that happened, oldest first."""
    from b25.analytics.sheet_tables import table

    good = ("settled", "released", "re-armed", "identical", "agrees", "explained", "resolved", "no drift")
    cells = []
    for one in rows:
        css = "" if not one.state else "ok" if one.state in good else "bad"
        text = f'<div class="why">{escape(one.text)}</div>' if one.text else ""
        when = time_text(one.time_ns).removesuffix(" UTC") if one.time_ns else ""
        state = f'<span class="{css}">{escape(one.state)}</span>'
        cells.append((when, escape(one.kind), f"{escape(one.what)}{text}", escape(one.by), state))
    return table([escape(word) for word in head_words], cells)
