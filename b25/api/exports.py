"""Tables as JSON, CSV, Parquet or an Arrow stream; a text cell that a spreadsheet would run is made harmless in CSV."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import orjson
import polars as pl
from fastapi.responses import Response

from b25.api.problems import Problem
from b25.market.timerange import time_ns
from b25.model.errors import Misuse

CURSOR_LENGTH_MAX: Final = 2_000
NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
NEXT: Final = "X-B25-Next-Cursor"
NOTES: Final = "X-B25-Notes"


class Format(StrEnum):
    """Forms of a table."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA: Final = {
    Format.JSON: "application/json", Format.CSV: "text/csv", Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}  # fmt: skip
FORMATS: Final[dict[str, Any]] = {
    MEDIA[one]: {"schema": {"type": "string", **({} if one is Format.CSV else {"format": "binary"})}}
    for one in (Format.CSV, Format.PARQUET, Format.ARROW)
}


def harmless(text: str) -> str:
    """A cell of CSV: what is no number and begins as a formula does gets an apostrophe in front."""
    return f"'{text}" if text.startswith(STARTS) and not NUMBER.fullmatch(text) else text


def exported(
    rows: Sequence[dict[str, Any]] | pl.DataFrame, form: Format, *, cursor: str | None, notes: dict[str, Any]
) -> Response:
    """Return rows in a form other than JSON; the cursor and the notes stand in the head."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(list(rows), infer_schema_length=None)
    head = {NOTES: base64.b64encode(orjson.dumps(notes)).decode()} | ({NEXT: cursor} if cursor else {})
    if form is Format.CSV:
        texts = [name for name, kind in frame.schema.items() if kind == pl.String]
        calm = frame.with_columns(pl.col(name).map_elements(harmless, return_dtype=pl.String) for name in texts)
        return Response(calm.write_csv(), headers=head, media_type=MEDIA[form])
    into = io.BytesIO()
    if form is Format.PARQUET:
        frame.write_parquet(into)
    else:
        frame.write_ipc_stream(into)
    return Response(into.getvalue(), headers=head, media_type=MEDIA[form])


def cursor_of(place: Sequence[Any]) -> str:
    """Text of a place to go on from."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def place_of(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """Return the place that a cursor says; empty for none. Raises Problem for one that is none of ours."""
    if not cursor:
        return []
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor[:CURSOR_LENGTH_MAX] + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        place = None
    if (
        not isinstance(place, list)
        or [type(one) for one in place] != list(kinds)
        or any(abs(n) >= 2**63 for n in place if type(n) is int)
    ):
        raise Problem(
            422, "the cursor is none of this list's", remedy="give next_cursor of the page before, with the same question"
        )
    if any("\0" in text for text in place if type(text) is str):
        raise Problem(422, "the cursor is none of this list's", remedy="give next_cursor of the page before")
    return place


def span_of(start: str, end: str, *, now_ns: int, default_ns: int) -> tuple[int, int]:
    """Return the span [start, end) that was asked for, in ns; left out, it ends now and is of the default length.

    Raises
    ------
    Problem
        For what is no time, and a span that is empty.
    """
    end_ns = _time(end, "end") if end else now_ns
    start_ns = _time(start, "start") if start else max(0, end_ns - default_ns)
    if start_ns >= end_ns:
        raise Problem(422, "the span is empty: end is not after start", fields=[{"field": "query.end", "rule": "after start"}])
    return start_ns, end_ns


def _time(text: str, name: str) -> int:
    try:
        found = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else time_ns(text)
    except (Misuse, ValueError, OverflowError):
        found = -1
    if not 0 <= found < 2**62:
        rule = "ISO time in UTC, or nanoseconds since 1970"
        raise Problem(422, f"{name} is no time", remedy=f"give {rule}", fields=[{"field": f"query.{name}", "rule": rule}])
    return found
