"""A run as one page: no script, nothing from outside, readable in light and dark and on paper.

Whatever the notebook shows is kept as it is, and is not trusted: the page itself forbids scripts and requests, whether it is
served or opened from a mail.
"""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from nbconvert import HTMLExporter
from nbformat.v4 import new_output
from traitlets.config import Config

from b25.reports.describe import REPORT_MIME
from b25.reports.record import METRIC_MIME

TEMPLATES: Final = Path(__file__).parent / "templates"
HIDDEN: Final = ("parameters", "injected-parameters", "hide-cell")
PLACE: Final = "<!-- contents of this page -->"
HEADING: Final = re.compile(r"<h([12])\b([^>]*)>(.*?)</h\1>", re.DOTALL | re.IGNORECASE)
ID: Final = re.compile(r"""\bid\s*=\s*["']([^"']+)["']""")
TAGS: Final = re.compile(r"<[^>]+>|¶")
# These would move the page elsewhere, or have its addresses mean something else; no policy forbids the first outside a sandbox.
MOVING: Final = re.compile(r"<\s*/?\s*(?:meta|base)\b[^>]*>?", re.IGNORECASE)
CONTENTS_MIN: Final = 3
NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands around a notebook.

    Attributes
    ----------
    head, facts : sequence of (name, value)
        At its top and at its foot.
    error : str
        What failed, and where; empty when nothing did.
    error_index : int
        Of the cell; -1 for none.
    """

    report: str
    state: str
    head: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    error: str = ""
    error_index: int = -1


def render(book: Any, page: Page) -> str:
    """Return the page of an executed notebook."""
    shown = _shown(book, page)
    config = Config({"TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": set(HIDDEN)}})
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="b25", extra_template_basedirs=[str(TEMPLATES)], exclude_input=True, exclude_input_prompt=True,
        exclude_output_prompt=True, embed_images=True, config=config,
    )  # fmt: skip
    title = next(
        (line.lstrip("# ").strip() for cell in book.cells if cell.cell_type == "markdown"
         for line in cell.source.splitlines() if line.startswith("# ")), page.report,
    )  # fmt: skip
    told = {
        "title": title, "css": (TEMPLATES / "b25" / "page.css").read_text(encoding="utf-8"), "report": page.report,
        "state": page.state, "head": page.head, "facts": page.facts, "error": page.error, "place": PLACE,
    }  # fmt: skip
    body, _ = exporter.from_notebook_node(shown, resources={"b25": told, "metadata": {"name": page.report}})
    return _with_contents(body)


def head_of(described: dict[str, Any], scheduled_for_ns: int) -> list[tuple[str, str]]:
    """Return the line at the top: mode, span, and how fresh its data were when the run was due."""
    if not described:
        return [("mode", "not stated"), ("due", moment(scheduled_for_ns))]
    until_ns = int(described.get("data_until_ns") or 0)
    age = f"{moment(until_ns)}, {_age(scheduled_for_ns - until_ns)}" if until_ns else "no record was read"
    return [
        ("mode", str(described["mode"])), ("span", f"{moment(described['start_ns'])} to {moment(described['end_ns'])}"),
        ("data until", age),
    ]  # fmt: skip


def moment(time_ns: int) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(int(time_ns) / NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _age(age_ns: int) -> str:
    if age_ns < 0:
        return "after the time for which the run was due"
    minutes = age_ns // (60 * NS)
    days, hours = minutes // 1_440, minutes % 1_440 // 60
    words = f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    return f"{words} before the run was due"


def _shown(book: Any, page: Page) -> Any:
    """A copy with what is data left out, and the cell that failed shown with its source."""
    shown = copy.deepcopy(book)
    for index, cell in enumerate(shown.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs = [one for one in cell.outputs if not {METRIC_MIME, REPORT_MIME} & set(one.get("data", {}))]
        if index == page.error_index:
            what, source = html.escape(page.error), html.escape(cell.source)
            told = f'<div class="b25-failed" id="b25-failed"><p>{what}</p><pre>{source}</pre></div>'
            cell.outputs.append(new_output("display_data", {"text/html": told}))  # type: ignore[no-untyped-call]
            cell.metadata["tags"] = [tag for tag in cell.metadata.get("tags", []) if tag not in HIDDEN]
    return shown


def _with_contents(body: str) -> str:
    """The page with a list of its sections, each with an address of its own."""
    found: list[tuple[int, str, str]] = []

    def note(heading: re.Match[str]) -> str:
        level, attributes, inner = int(heading[1]), heading[2], heading[3]
        text = html.unescape(TAGS.sub("", inner)).strip()
        own = ID.search(attributes)
        name = own[1] if own else f"b25-section-{len(found) + 1}"
        if text and level == 2:
            found.append((level, name, text))
        return heading[0] if own else f'<h{level}{attributes} id="{name}">{inner}</h{level}>'

    head, place, rest = body.partition(PLACE)
    rest = HEADING.sub(note, MOVING.sub("", rest))
    rows = "".join(f'<li><a href="#{html.escape(name)}">{html.escape(text)}</a></li>' for _, name, text in found)
    contents = f'<nav aria-label="Contents"><ol>{rows}</ol></nav>' if len(found) >= CONTENTS_MIN else ""
    return f"{head}{contents}{rest}" if place else body
