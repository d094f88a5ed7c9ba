"""Data that a strategy carries with it instead of asking ctx: arrays and frames in globals, closures and class constants.

Cutting the data does not cut these. So the run is done once more as plain Python with guards in their place, which know when
each row became known and write down every reading of a row from the future; frames, whose readings cannot be watched, are
blanked behind a cut instead.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from b25.research.bias_report import Finding
from b25.strategy.source_key import functions_in_reach, methods_of
from b25.strategy.strategy import Strategy

ROWS_MIN = 16  # a shorter list is a table of settings
Times = np.ndarray[Any, Any]


@dataclass(slots=True)
class Watch:
    """What time it is for the strategy, and which readings were ahead of it."""

    now_ns: int = 0
    readings: dict[str, tuple[int, int]] = field(default_factory=dict)  # name: row, and when it was read

    def read(self, name: str, row: int, known_ns: int) -> None:
        """Take note of a reading of one row."""
        if known_ns > self.now_ns and name not in self.readings:
            self.readings[name] = (row, self.now_ns)


class GuardedArray(np.ndarray):
    """An array that tells a watch which rows are read."""

    _watch: Watch | None = None
    _name: str = ""
    _known: Times

    def __getitem__(self, key: Any) -> Any:
        self._tell(_last_row(key, len(self)))
        return np.asarray(self)[key]

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for given in inputs:
            if isinstance(given, GuardedArray):
                given._tell(len(given) - 1)
        plain = [np.asarray(given) if isinstance(given, GuardedArray) else given for given in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def _tell(self, row: int) -> None:
        if self._watch is not None and 0 <= row < self._known.size:
            self._watch.read(self._name, row, int(self._known[row]))


class GuardedList(list[Any]):
    """A list that tells a watch which rows are read."""

    _watch: Watch
    _name: str
    _known: Times

    def __getitem__(self, key: Any) -> Any:
        row = _last_row(key, len(self))
        if 0 <= row < self._known.size:
            self._watch.read(self._name, row, int(self._known[row]))
        return list.__getitem__(self, key)


def _last_row(key: Any, size: int) -> int:
    """Latest row that an index reads; -1 for none."""
    if isinstance(key, tuple):
        key = key[0] if key else slice(None)
    if isinstance(key, int | np.integer):
        return int(key) + size if key < 0 else int(key)
    if isinstance(key, slice):
        rows = range(*key.indices(size))
        return max(rows[0], rows[-1]) if rows else -1
    if key is None or key is Ellipsis:
        return size - 1
    chosen = np.asarray(key)
    chosen = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else np.where(chosen < 0, chosen + size, chosen)
    return int(chosen.max()) if chosen.size else -1


@dataclass(frozen=True, slots=True)
class Captured:
    """One value that the strategy's code reaches without ctx: its name, and where it hangs."""

    name: str
    value: Any
    holder: Any  # a module's dict, a closure cell or a class

    def put(self, value: Any) -> None:
        """Hang another value in its place."""
        if isinstance(self.holder, dict):
            self.holder[self.name] = value
        elif isinstance(self.holder, types.CellType):
            self.holder.cell_contents = value
        else:
            setattr(self.holder, self.name, value)


def captured_data(cls: type[Strategy]) -> list[Captured]:
    """Find arrays, frames and long lists of numbers that the class's code names.

    Parameters
    ----------
    cls : type of Strategy
    """
    found: dict[tuple[str, int], Captured] = {}
    for _, function in functions_in_reach(cls):
        reached = inspect.getclosurevars(function)
        for name, value in reached.globals.items():
            if _is_data(value):
                found[name, id(function.__globals__)] = Captured(name, value, function.__globals__)
            elif isinstance(value, types.ModuleType) and not value.__name__.startswith(
                ("b25", "numpy", "numba", "polars", "pandas")
            ):
                for inner in function.__code__.co_names:
                    if _is_data(getattr(value, inner, None)):
                        found[inner, id(value)] = Captured(inner, getattr(value, inner), vars(value))
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for name, value in reached.nonlocals.items():
            if _is_data(value):
                found[name, id(cells[name])] = Captured(name, value, cells[name])
    declared = {*cls.params, *cls.state, *cls.parts, *cls.windows}
    for base in cls.__mro__:
        for name, value in vars(base).items():
            if name not in declared and name not in ("params", "state", "parts", "windows", "dtype") and _is_data(value):
                found[name, id(base)] = Captured(name, value, base)
    return list(found.values())


def is_frame(value: Any) -> bool:
    """Tell whether something is a frame or a column of polars or pandas."""
    return type(value).__name__ in ("DataFrame", "Series") and type(value).__module__.startswith(("polars", "pandas"))


def _is_data(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0 and value.shape[0] >= ROWS_MIN
    if isinstance(value, list | tuple):
        return len(value) >= ROWS_MIN and all(isinstance(x, int | float | np.number) for x in value[:ROWS_MIN])
    return is_frame(value) and len(value) >= ROWS_MIN


def known_times(value: Any, closes: Times) -> Times | None:
    """Tell when each row of captured data became known; None when its rows cannot be matched with the bars.

    Rows are matched from the end, because what is computed with a window is shorter at its head.

    Parameters
    ----------
    value : array, list or frame
    closes : ndarray of int64
        Closes of the bars.
    """
    size = len(value)
    return closes[closes.size - size :] if closes.size / 2 <= size <= closes.size else None


@contextmanager
def replaced(found: list[Captured], values: list[Any]) -> Iterator[None]:
    """Hang other values in the places of captured data, and the own ones back at the end."""
    try:
        for one, value in zip(found, values, strict=True):
            one.put(value)
        yield
    finally:
        for one in found:
            one.put(one.value)


@contextmanager
def plain_helpers(cls: type[Strategy]) -> Iterator[None]:
    """Let the class call its compiled helpers as Python: machine code has arrays frozen into it, where no guard can stand."""
    undone: list[tuple[dict[str, Any], str, Any]] = []
    for _, function in functions_in_reach(cls):
        for name, value in inspect.getclosurevars(function).globals.items():
            inner = getattr(value, "py_func", None)
            if isinstance(inner, types.FunctionType) and not inner.__module__.startswith(("b25.", "numba.")):
                undone.append((function.__globals__, name, value))
    try:
        for place, name, value in undone:
            place[name] = value.py_func
        yield
    finally:
        for place, name, value in undone:
            place[name] = value


def guarded(one: Captured, known: Times, watch: Watch) -> Any:
    """Return captured data whose readings are watched."""
    out: Any = np.asarray(one.value).view(GuardedArray) if isinstance(one.value, np.ndarray) else GuardedList(one.value)
    out._watch, out._name, out._known = watch, one.name, known
    return out


def blanked(value: Any, rows: int) -> Any:
    """Return a frame whose rows from `rows` on are unknown."""
    if type(value).__module__.startswith("pandas"):
        out = value.copy()
        return out.where(np.arange(len(out)) < rows) if out.ndim == 1 else out.where((np.arange(len(out)) < rows)[:, None])
    import polars as pl

    kept = pl.int_range(pl.len()) < rows
    if isinstance(value, pl.Series):
        return value.to_frame().select(pl.when(kept).then(pl.all()))[value.name]
    return value.select(pl.when(kept).then(pl.all()))


def watched(cls: type[Strategy], watch: Watch) -> type[Strategy]:
    """Return the class with callbacks that first tell the watch what time it is."""

    def telling(name: str) -> Any:
        original = methods_of(cls)[name]

        def callback(self: Any, ctx: Any) -> None:
            watch.now_ns = ctx.now_ns
            original(self, ctx)

        return callback

    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **{name: telling(name) for name in cls.callbacks()}})


def reading_finding(name: str, row: int, now_ns: int, known_ns: int) -> Finding:
    """Say that a row was read before it was known."""
    when, later = (np.datetime_as_string(np.datetime64(t, "ns"), unit="s").replace("T", " ") for t in (now_ns, known_ns))
    return Finding(
        "look-ahead",
        "fault",
        name,
        f"the strategy reads row {row} at {when} UTC, but that row is known from {later} UTC on",
        f"read {name} only up to the bar that has closed, or compute it from ctx.bar() or with b25.feature",
    )


def unmatched_finding(name: str, size: int, bars: int) -> Finding:
    """Say that captured data cannot be matched with the bars."""
    return Finding(
        "captured-data",
        "warning",
        name,
        f"the strategy carries {size:,} rows of its own that do not match the {bars:,} bars, so reading ahead cannot be excluded",
        "compute it from ctx.bar(), or declare it with b25.feature",
    )
