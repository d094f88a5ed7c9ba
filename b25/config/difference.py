"""What differs between two values, field by field."""

from __future__ import annotations

from typing import Any, Final

from b25.config.secret import shown

ABSENT: Final = object()


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what was added, removed or changed, by path; lists are compared as a whole.

    Returns
    -------
    list of dict
        ``{"field": "a.b", "change": "added|removed|changed", "before": …, "after": …}``, by field.
    """
    was, now = _leaves(before), _leaves(after)
    found = []
    for field in sorted({*was, *now}):
        old, new = was.get(field, ABSENT), now.get(field, ABSENT)
        if type(old) is type(new) and old == new:
            continue
        change = "added" if old is ABSENT else "removed" if new is ABSENT else "changed"
        row: dict[str, Any] = {"field": field, "change": change}
        row |= {"before": None if old is ABSENT else shown(field, old), "after": None if new is ABSENT else shown(field, new)}
        found.append(row)
    return found


def _leaves(value: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in value.items():
        at = f"{path}.{name}" if path else name
        if isinstance(one, dict) and one:
            found |= _leaves(one, at)
        else:
            found[at] = one
    return found
