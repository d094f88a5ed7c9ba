"""Parameters that many routes have: words, times, and where in a long list to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from b25.api.problems import Problem

Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Nanoseconds = Annotated[int, Field(ge=0, le=2**62)]
Limit = Annotated[int, Field(ge=1, le=500)]
Place = Annotated[
    str, Field(max_length=300, pattern=r"^([0-9]{1,19}:[^\x00-\x1f\x7f]+)?$", description="`next` of the page before.")
]


def place_of(text: str) -> tuple[int, str] | None:
    """Return time and id behind which to go on; None for the beginning."""
    if not text:
        return None
    time_ns, _, name = text.partition(":")
    if not time_ns.isascii() or not time_ns.isdecimal():
        raise Problem(422, "after is no place in a list", remedy="give `next` of the page before")
    return int(time_ns), name


def next_place(rows: Sequence[Mapping[str, Any]], limit: int, time: str, name: str) -> str | None:
    """Return where the next page begins; None when this was the last one."""
    return f"{rows[-1][time]}:{rows[-1][name]}" if len(rows) == limit else None
