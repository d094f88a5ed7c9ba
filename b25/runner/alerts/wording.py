"""What an alert says of itself, in the words of its rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from b25.runner.alerts.rules import AlertRule

TEXT_MAX: Final = 600


def text_of(rule: AlertRule, key: str, fields: Mapping[str, Any]) -> str:
    """What is said; a field that this message does not have is told as unknown."""
    words = {"rule": rule.name, "about": key, "severity": str(rule.severity), "value": ""}
    told = rule.text or "{rule}: {about} {value}"
    return told.format_map(_Known({**{name: str(one)[:200] for name, one in fields.items()}, **words, **_value(fields)}))[
        :TEXT_MAX
    ]


def _value(fields: Mapping[str, Any]) -> dict[str, str]:
    return {"value": str(fields["value"])} if "value" in fields else {}


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def digest_of(text: str) -> str:
    """Short name of a key, the same in every process."""
    total = 0
    for one in text.encode():
        total = (total * 1_000_003 + one) % 2**40
    return f"{total:x}"
