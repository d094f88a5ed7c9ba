"""Markdown of people as HTML that can do no harm: everything is escaped first, then a few marks are given their meaning.

Known are **strong**, *emphasis*, `code`, fenced code, lists with a dash, and links to https or http addresses. There is no
way to write an element, an attribute, an image, or an address of another kind.
"""

from __future__ import annotations

import html
import re
from typing import Final

FENCE: Final = re.compile(r"^```[^\n]*\n(.*?)(?:^```[ ]*$|\Z)", re.DOTALL | re.MULTILINE)
CODE: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(r"\[([^\[\]\n]{1,200})\]\((https?://[^\s()<>\"']{1,500})\)")
STRONG: Final = re.compile(r"\*\*([^*\n]+)\*\*")
EMPHASIS: Final = re.compile(r"(?<![*\w])\*([^*\n]+)\*(?![*\w])")
HELD: Final = re.compile("\ue000(\\d+)\ue001")


def render(text: str) -> str:
    """Return HTML of a text; what is no mark stands as it was written."""
    held: list[str] = []

    def hold(piece: str) -> str:
        held.append(piece)
        return f"\ue000{len(held) - 1}\ue001"

    told = text.replace("\ue000", "").replace("\ue001", "")
    told = FENCE.sub(lambda found: hold(f"<pre><code>{html.escape(found[1])}</code></pre>"), told)
    told = CODE.sub(lambda found: hold(f"<code>{html.escape(found[1])}</code>"), told)
    told = LINK.sub(
        lambda found: hold(
            f'<a href="{html.escape(found[2])}" rel="noopener noreferrer nofollow" target="_blank">{html.escape(found[1])}</a>'
        ),
        told,
    )
    told = html.escape(told)
    told = EMPHASIS.sub(r"<em>\1</em>", STRONG.sub(r"<strong>\1</strong>", told))
    blocks = [_block(one, held) for one in re.split(r"\n{2,}", told.strip()) if one.strip()]
    whole = "".join(blocks)
    for _ in range(3):  # a code within a link's words
        whole = HELD.sub(lambda found: held[int(found[1])], whole)
    return whole


def _block(text: str, held: list[str]) -> str:
    lines = text.split("\n")
    if all(line.startswith("- ") for line in lines):
        return f"<ul>{''.join(f'<li>{line[2:]}</li>' for line in lines)}</ul>"
    if (found := HELD.fullmatch(text)) and held[int(found[1])].startswith("<pre>"):
        return text
    return f"<p>{'<br>'.join(lines)}</p>"
