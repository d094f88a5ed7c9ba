"""The points of a sweep: every combination of a grid, random draws, or what optuna asks for; checked before anything runs."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.strategy.fields import Param
from b25.strategy.strategy import Strategy

Columns = dict[str, np.ndarray]
POINTS_MAX = 10_000_000  # the figures of so many take some 7 GB


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the values given, the last parameter running fastest.

    Parameters
    ----------
    values : dict of str to ndarray
        Values of each parameter, in its type.
    kept : ndarray of int64, optional
        Which combinations, by number, where some are left out.
    """

    values: Columns
    kept: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(v.size for v in self.values.values()) if self.kept is None else int(self.kept.size)

    def columns(self, first: int, last: int) -> Columns:
        """Parameters of the points from `first` to `last`, not included."""
        numbers = np.arange(first, last) if self.kept is None else self.kept[first:last]
        places = np.unravel_index(numbers, [v.size for v in self.values.values()])
        return {name: values[at] for (name, values), at in zip(self.values.items(), places, strict=True)}


@dataclass(frozen=True, slots=True)
class Drawn:
    """Points that were drawn, or asked for one after the other."""

    values: Columns

    @property
    def size(self) -> int:
        """Number of points."""
        return int(next(iter(self.values.values())).size)

    def columns(self, first: int, last: int) -> Columns:
        """Parameters of the points from `first` to `last`, not included."""
        return {name: values[first:last] for name, values in self.values.items()}


Points = Grid | Drawn


def grid_points(
    cls: type[Strategy], grid: Mapping[str, Any], *, where: Callable[[Mapping[str, Any]], bool] | None = None
) -> Grid:
    """Check a grid against the parameters of a class.

    Parameters
    ----------
    cls : type of Strategy
    grid : mapping of str to sequence
        Values to try of each parameter.
    where : callable, optional
        Takes one combination as a dict; only those for which it is true are points, e.g. ``lambda p: p["fast"] < p["slow"]``.

    Raises
    ------
    Misuse
        For an unknown parameter, a value out of bounds, or no point at all.
    """
    if not grid:
        raise Misuse(f"{cls.__name__}: the grid is empty", remedy='give values to try, e.g. grid={"fast": [5, 10, 20]}')
    values: Columns = {}
    for name, listed in grid.items():
        param = parameter(cls, name)
        if isinstance(listed, str) or not hasattr(listed, "__iter__"):
            raise Misuse(f"{cls.__name__}: grid[{name!r}] = {listed!r} is no list of values", remedy="give a list or a range")
        checked = [param.check(cls.__name__, name, value) for value in listed]
        if not checked:
            raise Misuse(f"{cls.__name__}: grid[{name!r}] is empty", remedy="give at least one value, or leave it out")
        if len(set(checked)) < len(checked):
            twice = next(v for v in checked if checked.count(v) > 1)
            raise Misuse(f"{cls.__name__}: grid[{name!r}] holds {twice!r} twice", remedy="give each value once")
        values[name] = np.array(checked, dtype=_type(param))
    whole = Grid(values)
    if whole.size > POINTS_MAX:
        raise Misuse(f"the grid has {whole.size:,} points", remedy='take fewer values, or search="random" with points=…')
    if where is None:
        return whole
    columns = whole.columns(0, whole.size)
    names = list(columns)
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    kept = np.fromiter((bool(where(dict(zip(names, row, strict=True)))) for row in rows), bool, whole.size)
    if not kept.any():
        raise Misuse(f"{cls.__name__}: no combination of the grid satisfies `where`", remedy="widen the grid, or drop `where`")
    return Grid(values, np.flatnonzero(kept))


def ranges(cls: type[Strategy], space: Mapping[str, Any] | None) -> dict[str, tuple[float, float]]:
    """Read the ranges of a random or guided search; without any, the bounds of every parameter that has both."""
    if space is None:
        found = {name: bounds for name, param in cls.params.items() if (bounds := _bounds(param)) is not None}
        if not found:
            raise Misuse(
                f"{cls.__name__}: no parameter has a lower and an upper bound to search between",
                remedy='give space={"fast": (5, 50)}, or bounds to its b25.param',
            )
        return found
    out: dict[str, tuple[float, float]] = {}
    for name, pair in space.items():
        param = parameter(cls, name)
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise Misuse(f"{cls.__name__}: space[{name!r}] = {pair!r} is no range", remedy="give (lowest, highest)")
        low, high = (param.check(cls.__name__, name, value) for value in pair)
        if not low <= high:
            raise Misuse(f"{cls.__name__}: space[{name!r}] = {pair!r} runs backwards", remedy="give (lowest, highest)")
        out[name] = (low, high)
    return out


def random_points(cls: type[Strategy], space: Mapping[str, Any] | None, count: int, seed: int) -> Drawn:
    """Draw points evenly between the ends of each range, whole numbers for whole parameters; equal seeds draw equal points."""
    dice = np.random.default_rng(seed)
    values: Columns = {}
    for name, (low, high) in ranges(cls, space).items():
        kind = _type(cls.params[name])
        if kind == np.int64:
            values[name] = dice.integers(int(low), int(high), count, endpoint=True)
        elif kind == np.bool_:
            values[name] = dice.integers(int(low), int(high), count, endpoint=True).astype(np.bool_)
        else:
            values[name] = dice.uniform(low, high, count)
    return Drawn(values)


def optuna_study(maximize: bool, seed: int) -> Any:
    """Make the study that asks for points.

    Raises
    ------
    Misuse
        When optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise Misuse('search="optuna" needs optuna', remedy="pip install 'b25[search]', or use search=\"random\"") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    return optuna.create_study(direction="maximize" if maximize else "minimize", sampler=sampler)


def asked_points(
    study: Any, cls: type[Strategy], bounds: Mapping[str, tuple[float, float]], count: int
) -> tuple[list[Any], Columns]:
    """Let a study ask for some points; returns its trials and their parameters."""
    trials = [study.ask() for _ in range(count)]
    values: Columns = {}
    for name, (low, high) in bounds.items():
        kind = _type(cls.params[name])
        if kind == np.int64:
            drawn = [trial.suggest_int(name, int(low), int(high)) for trial in trials]
        elif kind == np.bool_:
            drawn = [trial.suggest_categorical(name, [False, True]) for trial in trials]
        else:
            drawn = [trial.suggest_float(name, low, high) for trial in trials]
        values[name] = np.array(drawn, dtype=kind)
    return trials, values


def parts(size: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut so many points into parts of at most a length."""
    for first in range(0, size, length):
        yield first, min(first + length, size)


def parameter(cls: type[Strategy], name: str) -> Param:
    """Return a parameter of a class. Raises Misuse with what was probably meant."""
    if name not in cls.params:
        near = difflib.get_close_matches(name, cls.params, 1)
        hint = f"did you mean {near[0]}?" if near else f"its parameters are {', '.join(cls.params) or 'none'}"
        raise Misuse(f"{cls.__name__} has no parameter {name!r}", remedy=hint)
    return cls.params[name]


def _type(param: Param) -> Any:
    return {bool: np.bool_, int: np.int64, float: np.float64}[type(param.default)]


def _bounds(param: Param) -> tuple[float, float] | None:
    if isinstance(param.default, bool):
        return (False, True)
    low = param.ge if param.ge is not None else param.gt
    high = param.le if param.le is not None else param.lt
    if low is None or high is None:
        return None
    if isinstance(param.default, int):
        return (int(low) + (param.ge is None), int(high) - (param.le is None))
    return (
        low if param.ge is not None else math.nextafter(low, math.inf),
        high if param.le is not None else math.nextafter(high, -math.inf),
    )
