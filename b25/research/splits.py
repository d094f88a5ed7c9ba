"""Split a time series so that what is tested was not known in training: purged and embargoed folds, combinatorial paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, comb
from typing import Any

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse

IntArray = npt.NDArray[np.int64]
SPLITS_MAX = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One division of the samples.

    Attributes
    ----------
    train, test : ndarray of int64
        Sample numbers, ascending, disjoint.
    purged, embargoed : ndarray of int64
        Samples in neither: their labels overlap the tested ones; they come too soon after them.
    groups : tuple of int
        Numbers of the groups that are tested.
    """

    train: IntArray
    test: IntArray
    purged: IntArray
    embargoed: IntArray
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Divisions of `n` samples into train and test; stands wherever scikit-learn takes `cv`.

    Attributes
    ----------
    n : int
        Samples.
    bounds : ndarray of int64, shape (groups + 1,)
        Group g is the samples ``bounds[g]`` up to, without, ``bounds[g + 1]``.
    parts : tuple of Split
        In order of the tested groups.
    paths : ndarray of int64, shape (paths, groups)
        Split whose test serves a group on a path. Every path covers every sample once.
    """

    n: int
    bounds: IntArray
    parts: tuple[Split, ...]
    paths: IntArray

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Split]:
        return iter(self.parts)

    def __getitem__(self, number: int) -> Split:
        return self.parts[number]

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[IntArray, IntArray]]:  # noqa: N803
        """Yield (train, test) for scikit-learn; `y` and `groups` are not looked at.

        Raises
        ------
        Misuse
            When `X` has another number of samples than the splits were made for.
        """
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if rows != self.n:
            raise Misuse(f"{rows} samples for splits of {self.n}", remedy="make the splits for these samples and their labels")
        for part in self.parts:
            yield part.train, part.test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: N803
        """Return the number of splits."""
        return len(self.parts)

    def assemble(self, found: Sequence[npt.ArrayLike]) -> npt.NDArray[np.float64]:
        """Lay the out-of-sample values of all splits along the paths.

        Parameters
        ----------
        found : sequence of arrays of float, one a split
            What each split gave for its test samples, in their order.

        Returns
        -------
        ndarray of float64, shape (paths, n)
            One value a sample on every path.
        """
        if len(found) != len(self.parts):
            raise Misuse(f"values of {len(found)} splits for {len(self.parts)}", remedy="give one array a split, in their order")
        rows = np.full((len(self.parts), self.n), np.nan)
        for number, (part, values) in enumerate(zip(self.parts, found, strict=True)):
            given = np.asarray(values, np.float64)
            if given.shape != part.test.shape:
                raise Misuse(
                    f"split {number}: {given.shape} values for {part.test.size} tested samples", remedy="give one value a sample"
                )
            rows[number, part.test] = given
        out = np.empty((self.paths.shape[0], self.n))
        for g in range(self.bounds.size - 1):
            span = slice(self.bounds[g], self.bounds[g + 1])
            out[:, span] = rows[self.paths[:, g], span]
        return out


def purged_kfold(
    n: int,
    k: int = 5,
    label_end: npt.ArrayLike | None = None,
    embargo: float = 0,
    *,
    label_start: npt.ArrayLike | None = None,
) -> Splits:
    """Divide samples in time order into `k` blocks, each tested once by what was learned from the others.

    A sample's label looks at the span from `label_start` to `label_end`. A training sample whose span touches the hull of a
    tested block's spans is purged; after that hull, the first `embargo` samples are left out as well, because what they were
    computed from reaches back into the test.

    Parameters
    ----------
    n : int
        Samples, in time order.
    k : int
        Blocks, 2 to n; their sizes differ by one at most.
    label_end : array of int, shape (n,), optional
        Last row (or last ns) that a label looks at, included. Default: its own.
    embargo : int or float
        Samples left out after each tested block; a float below 1 is a share of `n`, rounded up.
    label_start : array of int, shape (n,), optional
        Row (or ns) of each sample, ascending. Default: 0, 1, …, n − 1.

    Returns
    -------
    Splits
        `k` of them, and one path.

    Raises
    ------
    Misuse
        When a number is out of bounds, the spans are not in order, or a split has nothing left to learn from.

    References
    ----------
    López de Prado, *Advances in Financial Machine Learning*, 7.4.
    """
    return combinatorial_purged(n, k, 1, label_end, embargo, label_start=label_start)


def combinatorial_purged(
    n: int,
    groups: int = 6,
    test_groups: int = 2,
    label_end: npt.ArrayLike | None = None,
    embargo: float = 0,
    *,
    label_start: npt.ArrayLike | None = None,
) -> Splits:
    """Test every choice of `test_groups` out of `groups` blocks: C(N, k) splits, which make C(N, k)·k/N whole paths.

    Tested blocks side by side count as one. Purge and embargo are those of `purged_kfold`, around each block.

    Parameters
    ----------
    n : int
        Samples, in time order.
    groups : int
        Blocks N, 2 to n; their sizes differ by one at most.
    test_groups : int
        Blocks k that are tested at a time, 1 to N − 1.
    label_end, embargo, label_start
        As in `purged_kfold`.

    Returns
    -------
    Splits
        In lexicographic order of the tested groups.

    Raises
    ------
    Misuse
        As in `purged_kfold`, and for more than 10 000 splits.

    References
    ----------
    López de Prado, *Advances in Financial Machine Learning*, 12.4.
    """
    start, end = _spans(n, label_end, label_start)
    _check_groups(n, groups, test_groups)
    left_out = _embargo_samples(n, embargo)
    bounds = np.array([g * n // groups for g in range(groups + 1)], np.int64)
    parts = tuple(_one(chosen, bounds, start, end, left_out) for chosen in combinations(range(groups), test_groups))
    return Splits(n, bounds, parts, _paths(parts, groups))


def _one(chosen: tuple[int, ...], bounds: IntArray, start: IntArray, end: IntArray, left_out: int) -> Split:
    n = start.size
    tested, overlaps, too_soon = (np.zeros(n, np.bool_) for _ in range(3))
    for a, b in _blocks(chosen, bounds):
        tested[a:b] = True
        last = end[a:b].max()
        overlaps |= (start <= last) & (end >= start[a])
        after = int(np.searchsorted(start, last, side="right"))
        too_soon[after : after + left_out] = True
    purged = overlaps & ~tested
    embargoed = too_soon & ~tested & ~purged
    train = ~(tested | purged | embargoed)
    if not train.any():
        raise Misuse(
            f"nothing is left to learn from when {_named(chosen)} tested: {int(purged.sum())} of {n} samples are purged, "
            f"{int(embargoed.sum())} embargoed",
            remedy="use shorter labels, a shorter embargo or fewer groups",
        )
    learned, held_out, overlapping, soon = (np.flatnonzero(mask).astype(np.int64) for mask in (train, tested, purged, embargoed))
    return Split(learned, held_out, overlapping, soon, chosen)


def _named(chosen: tuple[int, ...]) -> str:
    return f"group {chosen[0]} is" if len(chosen) == 1 else f"groups {', '.join(map(str, chosen))} are"


def _blocks(chosen: tuple[int, ...], bounds: IntArray) -> list[tuple[int, int]]:
    """Sample ranges of the tested groups; neighbours are one block, for nothing is learned between them."""
    found: list[tuple[int, int]] = []
    for g in chosen:
        a, b = int(bounds[g]), int(bounds[g + 1])
        if found and found[-1][1] == a:
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return found


def _paths(parts: Sequence[Split], groups: int) -> IntArray:
    """The p-th path takes each group from the p-th split that tests it."""
    serving = [[number for number, part in enumerate(parts) if g in part.groups] for g in range(groups)]
    return np.array(serving, np.int64).T


def _spans(n: int, label_end: npt.ArrayLike | None, label_start: npt.ArrayLike | None) -> tuple[IntArray, IntArray]:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 2:
        raise Misuse(f"{n!r} samples cannot be split", remedy="give a whole number of at least 2")
    if label_start is not None and label_end is None:
        raise Misuse("label_start without label_end", remedy="give both, in the same unit")
    start = np.arange(n, dtype=np.int64) if label_start is None else _whole("label_start", label_start, n)
    end = start if label_end is None else _whole("label_end", label_end, n)
    for name, wrong in (("label_start", np.diff(start, prepend=start[0]) < 0), ("label_end", end < start)):
        if wrong.any():
            i = int(np.argmax(wrong))
            before = "the sample before" if name == "label_start" else "its own start"
            value = int((start if name == "label_start" else end)[i])
            raise Misuse(f"{name}[{i}] = {value} lies before {before}", remedy="give samples in time order, each with its span")
    return start, end


def _whole(name: str, values: npt.ArrayLike, n: int) -> IntArray:
    given = np.asarray(values)
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise Misuse(
            f"{name} has shape {given.shape} and type {given.dtype}, not ({n},) and whole numbers",
            remedy="give one row number (or time in ns) a sample",
        )
    return given.astype(np.int64)


def _check_groups(n: int, groups: int, test_groups: int) -> None:
    for name, value, low, high in (("groups", groups, 2, n), ("test_groups", test_groups, 1, groups - 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
            raise Misuse(f"{name}={value!r} for {n} samples", remedy=f"give a whole number from {low} to {high}")
    if comb(groups, test_groups) > SPLITS_MAX:
        raise Misuse(
            f"{test_groups} of {groups} groups make {comb(groups, test_groups)} splits", remedy="use fewer groups, e.g. 2 of 6"
        )


def _embargo_samples(n: int, embargo: float) -> int:
    if not isinstance(embargo, bool):
        if isinstance(embargo, int | np.integer) and 0 <= embargo < n:
            return int(embargo)
        if isinstance(embargo, float | np.floating) and 0.0 <= embargo < 1.0:
            # 0.01 of 300 is 3.0000000000000004 for a machine, and three for everybody else.
            return ceil(round(float(embargo) * n, 9))
    raise Misuse(f"embargo={embargo!r} of {n} samples", remedy="give a number of samples, or a share below 1 such as 0.01")
