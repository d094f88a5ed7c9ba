"""The figures that a notebook has recorded, read from its outputs; and two runs compared by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from b25.model.errors import Misuse
from b25.reports.describe import REPORT_MIME
from b25.reports.record import METRIC_MIME

METRICS_MAX: Final = 2_000


def metrics_in(cells: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what was recorded, in its order.

    Parameters
    ----------
    cells : sequence of mapping
        Of an executed notebook.

    Raises
    ------
    Misuse
        When a name was recorded twice, or a record is none.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, payload in _payloads(cells, METRIC_MIME):
        name, value = payload.get("name"), payload.get("value")
        if not isinstance(name, str) or not name or not (value is None or isinstance(value, bool | int | float | str)):
            raise Misuse(f"cell {number} records {payload!r:.100}, which is no figure", remedy="use b25.reports.record")
        if name in found:
            raise Misuse(f"cell {number} records {name!r} again", remedy="give each figure a name of its own")
        made = {"name": name, "value": value, "unit": str(payload.get("unit", "")), "headline": bool(payload.get("headline"))}
        found[name] = made | ({"reason": str(payload["reason"])} if payload.get("reason") else {})
        if len(found) > METRICS_MAX:
            raise Misuse(f"more than {METRICS_MAX} figures are recorded", remedy="keep rows of a table in the table")
    return list(found.values())


def description_in(cells: Sequence[Any]) -> dict[str, Any]:
    """Return the facts of `describe` that were shown last; empty when there were none."""
    found = [payload for _, payload in _payloads(cells, REPORT_MIME)]
    return found[-1] if found else {}


def headline_of(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the few figures that a list of runs shows."""
    return {one["name"]: {"value": one["value"], "unit": one["unit"]} for one in metrics if one["headline"]}


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the figures of a run's folder. Raises Misuse when they are not there."""
    try:
        held = orjson.loads((folder / "metrics.json").read_bytes())
        return [dict(one) for one in held["metrics"]]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        raise Misuse(f"{folder.name} has no figures", remedy="it did not end well, or retention has taken them") from None


def compare(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put two runs beside each other.

    Returns
    -------
    list of dict
        ``name, unit, before, after, change, share``; a change only of numbers of one unit, a share of `before` where that is
        not zero; None is not known.
    """
    first, second = ({one["name"]: one for one in rows} for rows in (before, after))
    rows = []
    for name in dict.fromkeys([*first, *second]):
        one, two = first.get(name), second.get(name)
        a, b = _number(one), _number(two)
        same = one is not None and two is not None and one["unit"] == two["unit"]
        change = b - a if same and a is not None and b is not None else None
        rows.append({
            "name": name, "unit": (two or one or {})["unit"], "before": one["value"] if one else None,
            "after": two["value"] if two else None, "change": change,
            "share": change / abs(a) if change is not None and a else None,
        })  # fmt: skip
    return rows


def _number(one: Mapping[str, Any] | None) -> float | None:
    value = one["value"] if one is not None else None
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _payloads(cells: Sequence[Any], mime: str) -> list[tuple[int, dict[str, Any]]]:
    """Every payload of a kind with the number of its cell, from 1."""
    return [
        (number, payload)
        for number, cell in enumerate(cells, start=1)
        for output in cell.get("outputs", [])
        if isinstance(payload := output.get("data", {}).get(mime), dict)
    ]
