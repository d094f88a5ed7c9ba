"""Controls made from a strategy's parameters: their types, bounds and units, and a range where none is declared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.strategy.fields import Param
    from b25.strategy.strategy import Strategy

STEPS: Final = 200  # of a slider, about
GUESS: Final = 4.0  # times the default, up and down, where a bound is missing
LOG_FROM: Final = 1_000.0  # a range that spans so much is even in its logarithm


def controls_of(cls: type[Strategy], ranges: Mapping[str, tuple[float, float]] | None = None) -> list[dict[str, Any]]:
    """Return a control for each parameter.

    Parameters
    ----------
    cls : type of Strategy
    ranges : mapping of str to (low, high), optional
        In place of the bounds; a slider that is too long is of no use.

    Raises
    ------
    Misuse
        For an unknown name, or a range that is none or leaves the bounds.
    """
    for name, pair in (ranges or {}).items():
        if name not in cls.params:
            raise Misuse(f"{cls.__name__} has no parameter {name!r}", remedy=f"use one of {', '.join(cls.params)}")
        low, high = pair
        for end in pair:
            cls.params[name].check(cls.__name__, name, end)
        if not low < high:
            raise Misuse(f"{cls.__name__}: {name} from {low!r} to {high!r}", remedy="give the lower end first")
    return [_control(name, param, (ranges or {}).get(name)) for name, param in cls.params.items()]


def _control(name: str, param: Param, chosen: tuple[float, float] | None) -> dict[str, Any]:
    default = param.default
    base = {"name": name, "unit": param.unit, "default": default, "bounds": param.bounds().replace("x", name, 1)}
    if isinstance(default, bool):
        return {**base, "kind": "bool"}
    is_whole = isinstance(default, int)
    low, high = chosen or (_end(param, default, -1), _end(param, default, 1))
    step = 1.0 if is_whole else _round_step((high - low) / STEPS)
    if not chosen:  # an end that is itself out of bounds is left by a step, and whole steps are nicer to read
        low = low + step if param.gt is not None and param.ge is None and low <= param.gt else low
        high = high - step if param.lt is not None and param.le is None and high >= param.lt else high
    if is_whole:
        low, high = math.ceil(low), math.floor(high)
    is_log = low > 0 and high / low >= LOG_FROM
    guessed = chosen is None and not (_bound(param, -1) is not None and _bound(param, 1) is not None)
    return {
        **base, "kind": "int" if is_whole else "float", "low": low, "high": max(high, low), "step": step, "is_log": is_log,
        "is_guessed": guessed,
    }  # fmt: skip


def _bound(param: Param, side: int) -> float | None:
    pair = (param.le, param.lt) if side > 0 else (param.ge, param.gt)
    return next((one for one in pair if one is not None), None)


def _end(param: Param, default: float, side: int) -> float:
    """End of a range: the bound, or so far from the default as people usually try."""
    bound = _bound(param, side)
    if bound is not None:
        return bound
    if default == 0:
        return float(side)
    size = abs(default)
    return default + side * size * (GUESS - 1) if side * default > 0 else (default / GUESS)


def _round_step(size: float) -> float:
    if not size > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return float(f"{next(one for one in (1, 2, 5, 10) if one * power >= size * 0.999) * power:.12g}")
