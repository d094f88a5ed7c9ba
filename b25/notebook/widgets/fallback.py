"""What stands in a widget's place where no widget can run: plain tables and drawings, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

ROWS_SHOWN: Final = 20
STYLE: Final = "font-variant-numeric:tabular-nums;border-collapse:collapse;font-size:12px"
CELL: Final = "padding:2px 10px;text-align:right;border-bottom:1px solid rgba(128,128,128,.25)"


def html_card(title: str, facts: Sequence[tuple[str, str]] = (), *parts: str) -> str:
    """Return a card: a title, facts in one line, then parts that are HTML already."""
    said = " · ".join(f"<span style='opacity:.7'>{escape(name)}</span> {escape(text)}" for name, text in facts)
    line = f"<div style='font-size:12px;margin:2px 0 6px'>{said}</div>" if said else ""
    return f'<div class="b25-static"><b>{escape(title)}</b>{line}{"".join(parts)}</div>'


def html_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, of: int | None = None) -> str:
    """Return a table of the first rows, and how many more there are."""
    head = "".join(f"<th style='{CELL}'>{escape(one)}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td style='{CELL}'>{escape(one)}</td>" for one in row) + "</tr>" for row in rows[:ROWS_SHOWN]
    )
    more = (len(rows) if of is None else of) - min(len(rows), ROWS_SHOWN)
    rest = f"<div style='font-size:11px;opacity:.7'>and {more:,} more</div>" if more > 0 else ""
    return f"<table style='{STYLE}'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def text_card(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """Return the same as plain text."""
    return "\n".join([title, *(f"  {name}: {text}" for name, text in facts)])
