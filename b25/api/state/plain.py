"""Values that every wire can carry: what is not known is null, a decimal is text, and nothing is NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from b25.model.errors import Misuse

DEPTH_MAX: Final = 16
INT_MAX: Final = 2**63


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value of dicts, lists, text, numbers, bools and None that shares nothing that can change with what was given.

    Raises
    ------
    Misuse
        For what has no such form.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value, depth)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int):
        if not -INT_MAX <= value < INT_MAX:
            raise Misuse(f"{value} does not fit into 64 bits", remedy="give it as text")
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if depth >= DEPTH_MAX:
        raise Misuse(f"a value is nested more than {DEPTH_MAX} deep", remedy="give what people look at only")
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name), depth + 1) for one in fields(value)}
    if isinstance(value, Mapping):
        return {_name(name): plain(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one, depth + 1) for one in value]
    raise Misuse(f"{type(value).__name__} has no plain form", remedy="give numbers, text, lists and dicts")


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise Misuse(f"a name is {type(name).__name__}, not text", remedy="make it text")
    return str(plain(name.value if isinstance(name, Enum) else name))
