"""Fields of a strategy: typed parameters with bounds and units, state, fixed windows; and the record they become."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.model.errors import Misuse

TYPES = {float: "f8", int: "i8", bool: "?"}


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: its default, its bounds, its unit. Made by `param`."""

    default: float | int | bool
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    unit: str = ""

    def bounds(self) -> str:
        """Return the bounds as text, e.g. ``1 <= x <= 20``; empty when there are none."""
        low = f"{self.ge} <= " if self.ge is not None else f"{self.gt} < " if self.gt is not None else ""
        high = f" <= {self.le}" if self.le is not None else f" < {self.lt}" if self.lt is not None else ""
        return f"{low}x{high}" if low or high else ""

    def check(self, owner: str, name: str, value: Any) -> float | int | bool:
        """Return `value` in the parameter's type.

        Raises
        ------
        Misuse
            When the value is of another type, not finite, or out of bounds.
        """
        remedy = f"give {name} as {type(self.default).__name__}" + (f" with {self.bounds()}" if self.bounds() else "")
        if self.unit:
            remedy += f", in {self.unit}"
        number = _number_like(self.default, value)
        if number is None:
            raise Misuse(f"{owner}: parameter {name}={value!r} is not a {type(self.default).__name__}", remedy=remedy)
        if isinstance(number, float) and not math.isfinite(number):
            raise Misuse(f"{owner}: parameter {name}={value!r} is not finite", remedy=remedy)
        inside = (
            (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
        )
        if not inside:
            raise Misuse(f"{owner}: parameter {name}={value!r} is out of bounds", remedy=remedy)
        return number


def _number_like(default: float | int | bool, value: Any) -> float | int | bool | None:
    """Return `value` as the default's type when nothing is lost by it, else None."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(default, bool):
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(default, float):
        return float(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if -(2**63) <= value < 2**63 else None


def _parsed(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def param(
    default: Any,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
) -> Any:
    """Declare a parameter of a strategy.

    Parameters
    ----------
    default : int, float or bool
        Its type is the parameter's type, unless the annotation says float.
    ge, gt, le, lt : float, optional
        Bounds: at least, above, at most, below.
    unit : str
        For people: ``"base"``, ``"ticks"``, ``"ns"``, ``"bps"`` …

    Examples
    --------
    >>> class Quiet(Strategy):
    ...     quantity: float = param(0.01, gt=0, unit="base")
    """
    return Param(default, ge, gt, le, lt, unit)


@dataclass(frozen=True, slots=True)
class Window:
    """A fixed array of floats in a strategy's state. Made by `window`."""

    size: int


def window(size: int) -> Any:
    """Declare a window: a fixed array of `size` floats, all 0.0 at the start, indexed like any array."""
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 1_000_000:
        raise Misuse(f"a window of size {size!r}", remedy="use a whole number from 1 to 1 000 000")
    return Window(size)


@dataclass(frozen=True)
class Part:
    """An indicator nested in a strategy: its class, its record, its initial values."""

    kind: type
    dtype: np.dtype[Any]
    initial: Mapping[str, Any]


class Layout:
    """Turn named fields into one structured dtype without hidden padding, and remember where each begins.

    The last field carries the owner's name and key: two classes with equal fields must not share a record type, for
    methods are found by it.
    """

    def __init__(self, owner: str, key: str) -> None:
        self.mark = f"is_{owner}_{key}"
        self.fields: list[tuple[Any, ...]] = []
        self.offset = 0
        self.pads = 0

    def add(self, name: str, kind: Any, shape: tuple[int, ...] | None = None) -> None:
        """Append a field at its natural alignment."""
        dtype = np.dtype((kind, shape)) if shape else np.dtype(kind)
        self._pad(dtype.base.alignment)
        self.fields.append((name, kind, shape) if shape else (name, kind))
        self.offset += dtype.itemsize

    def _pad(self, alignment: int) -> None:
        if short := -self.offset % alignment:
            self.fields.append((f"pad_{self.pads}", "u1", (short,)))
            self.offset += short
            self.pads += 1

    def dtype(self) -> np.dtype[Any]:
        """Return the finished dtype."""
        self._pad(8)
        return np.dtype([*self.fields, (self.mark, "u1", (8,))], align=True)
