"""One look for everything that is shown in a cell: a title, badges, figures, rows and tables, as text and as markup.

Markup has no script, asks for nothing from elsewhere, is escaped, and is the same for equal content. Its colours are those of
Jupyter where there are any, so that it is read on light and on dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

BYTES_MAX: Final = 50_000
ROWS_MAX: Final = 40
CELL_CHARS_MAX: Final = 160
COLUMNS_MAX: Final = 100
PLAIN, GOOD, WARN, BAD, LIVE = "plain", "good", "warn", "bad", "live"

# One tone of each colour stands on white and on #111 alike; everything else follows the theme.
STYLE: Final = (
    "<style>"
    ".b25-card{font-family:var(--jp-ui-font-family,system-ui,sans-serif);color:var(--jp-content-font-color1,inherit);"
    "max-width:860px;line-height:1.4;font-size:13px}"
    ".b25-card .b25-t{font-size:16px;font-weight:700}"
    ".b25-card .b25-s,.b25-card .b25-n{font-size:12px;opacity:.7}"
    ".b25-card .b25-b{display:inline-block;border:1px solid currentColor;border-radius:9px;padding:0 8px;margin-left:6px;"
    "font-size:11px;font-weight:600;line-height:17px;vertical-align:2px}"
    ".b25-card .b25-good{color:#2e9460}.b25-card .b25-warn{color:#b3800f}.b25-card .b25-bad{color:#d9503f}"
    ".b25-card .b25-live{color:#fff;background:#c23a2b;border-color:#c23a2b}"
    ".b25-card .b25-f{display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:8px 18px;margin:10px 0}"
    ".b25-card .b25-f b{display:block;font-size:15px;font-weight:600;font-variant-numeric:tabular-nums}"
    ".b25-card .b25-f span{font-size:11px;opacity:.7}"
    ".b25-card table{border-collapse:collapse;font-size:12px;margin:6px 0;font-variant-numeric:tabular-nums}"
    ".b25-card table th,.b25-card table td{text-align:left;padding:2px 14px 2px 0;vertical-align:top;background:none;"
    "border:0;color:inherit}"
    ".b25-card table th{font-weight:600;opacity:.7;border-bottom:1px solid var(--jp-border-color2,#8886)}"
    ".b25-card .b25-r td:first-child{opacity:.7;white-space:nowrap}"
    ".b25-card .b25-x{overflow-x:auto}"
    ".b25-card .b25-bar{position:relative;width:160px;height:9px;border:1px solid currentColor;border-radius:5px;overflow:hidden}"
    ".b25-card .b25-bar i{display:block;height:100%;background:currentColor}"
    ".b25-card summary{cursor:pointer;font-size:12px;opacity:.8}"
    "</style>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its name; `why` is said where there is none."""

    name: str
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under heads; more than `ROWS_MAX` are counted, not shown.

    Attributes
    ----------
    caption : str
    heads : sequence of str
    rows : sequence of sequences
        Values; None is n/a.
    is_folded : bool
        Whether it is opened by the reader.
    """

    caption: str = ""
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    is_folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """How much of a limit is used: a share from 0 on, None for not known."""

    name: str
    share: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is shown of one thing, state first.

    Attributes
    ----------
    title, subtitle : str
    badges : tuple of (word, tone)
    figures, meters : tuples
    facts : tuple of (name, text)
        One line each.
    tables : tuple of Table
    picture : str
        Markup, escaped already.
    notes : tuple of str
        Small print.
    """

    title: str
    subtitle: str = ""
    badges: tuple[tuple[str, str], ...] = ()
    figures: tuple[Figure, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    meters: tuple[Meter, ...] = ()
    tables: tuple[Table, ...] = ()
    picture: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)

    def html(self) -> str:
        """Return it as markup."""
        parts = [STYLE, '<div class="b25-card">', f'<div><span class="b25-t">{escape(self.title)}</span>{self._badges()}</div>']
        if self.subtitle:
            parts.append(f'<div class="b25-s">{escape(self.subtitle)}</div>')
        if self.picture:
            parts.append(f'<div style="margin:10px 0">{self.picture}</div>')
        if self.figures:
            parts.append(f'<div class="b25-f">{"".join(map(_figure, self.figures))}</div>')
        if self.facts:
            rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(_cut(text))}</td></tr>" for name, text in self.facts)
            parts.append(f'<table class="b25-r">{rows}</table>')
        if self.meters:
            parts.append(f'<table class="b25-r">{"".join(map(_meter, self.meters))}</table>')
        parts += [_table(one) for one in self.tables]
        parts += [f'<div class="b25-n">{escape(note)}</div>' for note in self.notes]
        return "".join(parts) + "</div>"

    def text(self) -> str:
        """Return it as lines of text."""
        badges = "".join(f" [{word}]" for word, _ in self.badges)
        lines = [f"{self.title}{badges}"]
        if self.subtitle:
            lines.append(f"  {self.subtitle}")
        said = [(one.name, f"{one.text}  {one.why}".rstrip()) for one in self.figures]
        said += [*self.facts, *((one.name, one.text) for one in self.meters)]
        width = min(max((len(name) for name, _ in said), default=0), 34)
        lines += [f"  {name:<{width}}  {text}"[:COLUMNS_MAX].rstrip() for name, text in said]
        for table in self.tables:
            lines += _table_lines(table)
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _badges(self) -> str:
        return "".join(f'<span class="b25-b b25-{escape(tone)}">{escape(word)}</span>' for word, tone in self.badges)


def _figure(one: Figure) -> str:
    why = f'<span style="display:block">{escape(one.why)}</span>' if one.why else ""
    return f"<div><span>{escape(one.name)}</span><b>{escape(one.text)}</b>{why}</div>"


def _meter(one: Meter) -> str:
    if one.share is None:
        bar = ""
    else:
        tone = BAD if one.share >= 1.0 else WARN if one.share >= 0.8 else GOOD
        bar = f'<div class="b25-bar b25-{tone}"><i style="width:{min(max(one.share, 0.0), 1.0):.0%}"></i></div>'
    return f"<tr><td>{escape(one.name)}</td><td>{bar}</td><td>{escape(one.text)}</td></tr>"


def _table(one: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in one.heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_cut(cell_text(value)))}</td>' for value in row)}</tr>" for row in one.rows[:ROWS_MAX]
    )
    left = len(one.rows) - ROWS_MAX
    more = f'<div class="b25-n">and {left:,} more</div>' if left > 0 else ""
    inner = f'<div class="b25-x"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>{more}'
    if one.is_folded:
        return f"<details><summary>{escape(one.caption)}</summary>{inner}</details>"
    return (f'<div class="b25-n" style="margin-top:8px">{escape(one.caption)}</div>' if one.caption else "") + inner


def _table_lines(one: Table) -> list[str]:
    rows = [[str(head) for head in one.heads], *([cell_text(value) for value in row] for row in one.rows[:ROWS_MAX])]
    widths = [min(max(len(row[k]) for row in rows), 40) for k in range(len(one.heads))]
    lines = ["", f"  {one.caption}"] if one.caption else [""]
    for row in rows:
        lines.append(("  " + "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True))).rstrip())
    left = len(one.rows) - ROWS_MAX
    return [*lines, f"  and {left:,} more"] if left > 0 else lines


def cell_text(value: Any) -> str:
    """A value of a table as text: None is n/a, floats have six digits."""
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= CELL_CHARS_MAX else text[: CELL_CHARS_MAX - 1] + "…"
