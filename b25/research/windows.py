"""Walk-forward: windows that learn from the past and are tested on what came next, by rows or by time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse

IntArray = npt.NDArray[np.int64]
UNIT_NS: Final = {
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 7 * 86_400_000_000_000,
}
WINDOWS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a walk-forward: rows ``[train_start, train_end)`` to learn from, ``[test_start, test_end)`` to test on.

    The times say the same in nanoseconds of the epoch, half-open too; they are 0 where only a number of rows was given.
    """

    train_start: int
    train_end: int
    test_start: int
    test_end: int
    train_start_ns: int = 0
    train_end_ns: int = 0
    test_start_ns: int = 0
    test_end_ns: int = 0

    @property
    def train(self) -> IntArray:
        """Row numbers to learn from."""
        return np.arange(self.train_start, self.train_end, dtype=np.int64)

    @property
    def test(self) -> IntArray:
        """Row numbers to test on."""
        return np.arange(self.test_start, self.test_end, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForwardWindows:
    """How a walk-forward steps through the data.

    Attributes
    ----------
    train, test : int or str
        Length of both parts: a number of rows, or a time such as ``"30d"``, ``"12h"``, ``"15m"``. All lengths of one kind.
    step : int or str, optional
        From one test to the next. Default: the test's length, so that every row is tested once.
    anchored : bool
        Learn from all rows since the first, so that training grows; else `train` rolls along.
    gap : int or str
        Left out between training and test, for labels that look ahead and features that look back.

    Notes
    -----
    Only whole tests are made: a rest that is shorter than `test` at the end of the data is not tested.
    """

    train: int | str
    test: int | str
    step: int | str | None = None
    anchored: bool = False
    gap: int | str = 0

    def __post_init__(self) -> None:
        lengths = {"train": self.train, "test": self.test, "step": self.step, "gap": self.gap}
        kinds = {type(v) for name, v in lengths.items() if v is not None and not (name == "gap" and v == 0)}
        if kinds not in ({int}, {str}):
            raise Misuse(f"a walk-forward with {self._text()}", remedy='give all lengths in rows, or all as times such as "30d"')
        for name, value in lengths.items():
            if value is not None:
                length = length_ns(value, name) if isinstance(value, str) else value
                if length < (0 if name == "gap" else 1):
                    raise Misuse(f"walk-forward: {name}={value!r}", remedy="give a positive length")

    def over(self, rows: int | npt.ArrayLike, end_ns: int | None = None) -> list[Window]:
        """Return the windows over some data.

        Parameters
        ----------
        rows : int or array of int, shape (n,)
            Number of rows, or their times in ns, ascending: the opens of bars.
        end_ns : int, optional
            When the last row ends. Default: as long after its time as the row before it lasted.

        Raises
        ------
        Misuse
            When not one window fits, when times are asked for and none given, or when a window holds no row.
        """
        if isinstance(rows, int | np.integer):
            if self.by_time:
                raise Misuse(f"walk-forward by time ({self._text()}) over a bare number of rows", remedy="give the rows' times")
            return [Window(*bounds) for bounds in self._fitting(0, int(rows))]
        times, end = _checked(rows, end_ns)
        if self.by_time:
            return [_by_time(spans, times) for spans in self._fitting(int(times[0]), end)]
        edges = np.append(times, end)
        return [Window(*bounds, *(int(edges[b]) for b in bounds)) for bounds in self._fitting(0, times.size)]

    @property
    def by_time(self) -> bool:
        """Whether lengths are times."""
        return isinstance(self.train, str)

    def _fitting(self, first: int, end: int) -> list[tuple[int, int, int, int]]:
        """Bounds of every window that ends within [first, end), in rows or in ns."""
        train, test, gap = (_length(v) for v in (self.train, self.test, self.gap))
        step = test if self.step is None else _length(self.step)
        count = (end - first - train - gap - test) // step + 1
        if count < 1:
            raise Misuse(
                f"no window fits: {self._text()}, and the data has {_shown(end - first, self.by_time)}",
                remedy="use shorter windows or more data",
            )
        if count > WINDOWS_MAX:
            raise Misuse(f"{count} windows of {self._text()}", remedy=f"use a longer step; {WINDOWS_MAX} windows are the most")
        found = []
        for number in range(count):
            a = first + number * step
            b = a + train
            found.append((first if self.anchored else a, b, b + gap, b + gap + test))
        return found

    def _text(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in ("train", "gap", "test", "step"))


def length_ns(text: str, name: str = "length") -> int:
    """Return a time text such as ``"30d"`` or ``"1.5h"`` in nanoseconds.

    Raises
    ------
    Misuse
        When it is no number with one of the units ms, s, m, h, d, w. Months and years have no fixed length.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)", text.strip())
    if match is None:
        raise Misuse(f"{name}={text!r} is no length of time", remedy="write a number and one of ms, s, m, h, d, w, e.g. 30d")
    return round(float(match[1]) * UNIT_NS[match[2]]) if "." in match[1] else int(match[1]) * UNIT_NS[match[2]]


def _length(value: int | str) -> int:
    return length_ns(value) if isinstance(value, str) else value


def _shown(length: int, by_time: bool) -> str:
    return f"{length / UNIT_NS['d']:g} d" if by_time else f"{length} rows"


def _checked(rows: npt.ArrayLike, end_ns: int | None) -> tuple[IntArray, int]:
    times = np.asarray(rows)
    if times.ndim != 1 or times.dtype.kind not in "iu" or times.size < 2:
        raise Misuse(f"times of shape {times.shape} and type {times.dtype}", remedy="give at least two times in ns")
    times = times.astype(np.int64)
    wrong = np.flatnonzero(np.diff(times) < 0)
    if wrong.size:
        raise Misuse(f"row {int(wrong[0]) + 1} is earlier than the row before it", remedy="give rows in time order")
    end = int(2 * times[-1] - times[-2]) if end_ns is None else int(end_ns)
    if end < times[-1]:
        raise Misuse(f"the data ends at {end} ns, before its last row at {int(times[-1])}", remedy="give the end of the last row")
    return times, end


def _by_time(spans: tuple[int, int, int, int], times: IntArray) -> Window:
    bounds = [int(np.searchsorted(times, moment, side="left")) for moment in spans]
    for name, a, b in (("train", 0, 1), ("test", 2, 3)):
        if bounds[a] == bounds[b]:
            moments = " to ".join(str(np.datetime64(spans[i], "ns").astype("datetime64[s]")) for i in (a, b))
            raise Misuse(
                f"walk-forward: there is no row to {name} on from {moments} UTC",
                remedy="use longer windows, or data without that gap",
            )
    return Window(bounds[0], bounds[1], bounds[2], bounds[3], *spans)
