"""Holds what a notebook shows now against what its file says: payloads by value, ordinary text but for what may differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from b25.research.run_record import MIME

LOOSE: Final = {"nbval-ignore-output", "nbval-skip", "raises-exception", "nbval-raises-exception"}
# What may differ between two runs: the patterns of tests/nbval.cfg, and no others.
MAY_DIFFER: Final = tuple(
    re.compile(one)
    for one in (
        r"\b\d+(\.\d+)?\s?(ms|µs|us|ns|s)\b",
        r"\b\d[\d,.]*\s?(M|k)?\s?(rows|messages)/s",
        r"0x[0-9a-fA-F]+",
        r"hash: (<code>)?[0-9a-f]{16}",
        r"hash(\s+|</td><td>)[0-9a-f]{16}",
    )
)
PARTS: Final = (
    "data",
    "parameters",
    "conditions_sha256",
    "seed",
    "events",
    "effects",
    "fills",
    "chain",
    "stream_sha256",
    "metrics",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A payload in a notebook, and the cell that it stands under."""

    cell: str
    payload: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the strategy."""
        return str(self.payload.get("strategy", {}).get("name", ""))

    @property
    def stream(self) -> str:
        """Hash of everything that it did."""
        return str(self.payload.get("stream_sha256", ""))


def shown_payloads(cells: Iterable[Any]) -> list[Shown]:
    """Every payload of a backtest in a notebook's outputs, in order."""
    found = []
    for cell in cells:
        for one in cell.get("outputs", ()) if cell.cell_type == "code" else ():
            if (payload := one.get("data", {}).get(MIME)) is not None:
                found.append(Shown(cell.id, json.loads(payload) if isinstance(payload, str) else payload))
    return found


def first_difference(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """Say where two payloads part first, in the order in which causes come before effects; empty when they are equal."""
    for side, payload in (("stored", left), ("run again", right)):
        if why := payload.get("not_recorded"):
            return f"the record: the result {side} was not recorded, {why}"
    if left.get("strategy") != right.get("strategy"):
        return "the source of the class"
    for name in PARTS:
        one, other = left.get(name), right.get(name)
        if one == other:
            continue
        if name == "chain":
            return _link(left, right)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            key = next(key for key in sorted({*one, *other}) if one.get(key) != other.get(key))
            return f"{name}.{key}: {one.get(key)} and {other.get(key)}"
        return f"{name}: {_brief(one)} and {_brief(other)}"
    return ""


def _link(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    one, other = left.get("chain") or [], right.get("chain") or []
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    per = int(left.get("records_a_link") or 1)
    effects = -(-int(left.get("effects") or 0) // per)
    kind, first = ("effects", place) if place < effects else ("fills", place - effects)
    return f"{kind} {first * per:,} to {(first + 1) * per - 1:,}"


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def drift(cells: Sequence[tuple[Any, Any]]) -> str:
    """Say which cell shows something else than was stored, and what; empty when none does.

    Cells without stored outputs, and those tagged as nbval knows it, are not compared; nor are pictures.
    """
    for stored, again in cells:
        if stored.cell_type != "code" or not stored.get("outputs") or LOOSE & set(stored.metadata.get("tags", ())):
            continue
        one, other = shown_payloads([stored]), shown_payloads([again])
        if len(one) != len(other) and one:
            return f"cell {stored.id}: {len(one)} results are stored, {len(other)} were shown"
        for number, (left, right) in enumerate(zip(one, other, strict=False), 1):
            if where := first_difference(left.payload, right.payload):
                return f"A and B differ: cell {stored.id}, result {number} ({left.name}), {where}"
        left_lines, right_lines = _lines(stored, again)
        if left_lines != right_lines:
            return f"cell {stored.id} shows something else: {_first_line(left_lines, right_lines)}"
    return ""


def _lines(stored: Any, again: Any) -> tuple[list[str], list[str]]:
    """Lines of what a cell printed and returned, then and now; the text of a result is left to its payload, and pictures are."""
    left, right = (_texts(cell) for cell in (stored, again))
    if len(left) == len(right):  # a file from before results were recorded has the same text, without the payload
        both = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
        left, right = [a for a, _ in both], [b for _, b in both]
    return _plain(left), _plain(right)


def _texts(cell: Any) -> list[str | None]:
    found: list[str | None] = []
    for one in cell.get("outputs", ()):
        data = one.get("data", {})
        if one.output_type == "stream":
            if one.get("name") != "stderr":
                found.append(one.text)
        elif MIME in data or any(name.startswith("image/") for name in data):
            found.append(None)
        else:
            found.append(str(data.get("text/plain", "")))
    return found


def _plain(texts: Iterable[str | None]) -> list[str]:
    text = "\n".join(one.strip("\n") for one in texts if one is not None)
    for pattern in MAY_DIFFER:
        text = pattern.sub("~", text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _first_line(left: list[str], right: list[str]) -> str:
    place = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    one, other = ((side[place].strip() if place < len(side) else "nothing") for side in (left, right))
    return f"line {place + 1} is stored as {one[:120]!r}, and is now {other[:120]!r}"
