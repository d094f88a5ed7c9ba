"""A value that does not show itself: not in a log, not in an exception, not in a pickle."""

from __future__ import annotations

import hmac
from typing import Any, Final, Generic, TypeVar

Held = TypeVar("Held", str, bytes)
MASK: Final = "***"


class Secret(Generic[Held]):
    """Holds a secret; `reveal` is the only way to it.

    Parameters
    ----------
    value : str or bytes
    """

    __slots__ = ("_value",)

    def __init__(self, value: Held) -> None:
        self._value: Held = value

    def reveal(self) -> Held:
        """Return what it is."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> Any:
        return (Secret, (MASK,))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or type(self._value) is not type(other._value):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._value), _bytes(other._value))

    __hash__ = None  # type: ignore[assignment]


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
