"""Probability that a search found noise: the best point of one half of the history, ranked in the other half (CSCV)."""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from b25.analytics.metric import FloatArray, IntArray
from b25.model.errors import Misuse

BLOCKS: Final = 16
POINTS_MAX: Final = 5_000  # more points than these are thinned out evenly, the best one kept: a second of work at most


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What every way of halving the history says about picking the best of the points.

    Parameters
    ----------
    probability : float
        Share of halves whose winner is in the lower half of the others' ranks: logit <= 0 (PBO).
    logits : ndarray of float64, shape (halves,)
        ``ln(w / (1 - w))``, w = rank / (points + 1) of the winner in the other half.
    winners : ndarray of int64, shape (halves,)
        Best point of each half.
    inside, outside : ndarray of float64, shape (halves,)
        The winner's Sharpe ratio a step, not annualised, where it won and in the other half.
    slope : float or None
        Least-squares slope of `outside` on `inside`; below 0, the better the find the worse what follows. None when all
        winners had the same ratio.
    loss_probability : float
        Share of halves whose winner lost in the other half.
    points, points_of : int
        How many points were judged, of how many.
    blocks : int
        Even blocks of time that the halves are made of.
    """

    probability: float
    logits: FloatArray
    winners: IntArray
    inside: FloatArray
    outside: FloatArray
    slope: float | None
    loss_probability: float
    points: int
    points_of: int
    blocks: int


def block_sums(returns: FloatArray, *, blocks: int = BLOCKS) -> FloatArray:
    """Sums of even blocks of time, from which every half's Sharpe ratio follows.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_times, n_points)
        Return of each point of a search in each step.
    blocks : int
        Even number of blocks; their lengths differ by one step at most.

    Returns
    -------
    ndarray of float64, shape (n_points, blocks, 3)
        Count, sum, and sum of squares.
    """
    values = np.asarray(returns, np.float64)
    if values.ndim != 2:
        raise Misuse(f"overfitting: returns have the shape {values.shape}", remedy="give one row a step and one column a point")
    if values.shape[0] < 2 * blocks:
        raise Misuse(
            f"overfitting: {values.shape[0]} steps do not fill {blocks} blocks", remedy=f"give at least {2 * blocks} steps"
        )
    out = np.empty((values.shape[1], blocks, 3))
    for b, part in enumerate(np.array_split(values, blocks)):
        out[:, b, 0] = part.shape[0]
        out[:, b, 1] = part.sum(axis=0)
        out[:, b, 2] = np.square(part).sum(axis=0)
    return out


def _checked(sums: FloatArray) -> str:
    """Refuse what is no table of block sums; say why a table that is one cannot be judged."""
    if sums.ndim != 3 or sums.shape[2] != 3:
        raise Misuse(f"overfitting: block sums have the shape {sums.shape}", remedy="give (points, blocks, 3): n, sum r, sum r^2")
    points, blocks, _ = sums.shape
    if blocks < 2 or blocks % 2 or blocks > 20:
        raise Misuse(f"overfitting: {blocks} blocks cannot be halved in every way", remedy="use an even number from 2 to 20")
    if not np.all(np.isfinite(sums)):
        raise Misuse("overfitting: a block sum is not a number", remedy="leave out points that did not run to the end")
    if points < 2:
        return f"{points} point{'s' if points != 1 else ''}; a choice needs at least 2"
    if float(sums[:, :, 0].min()) < 2:
        return f"a block of time has {sums[:, :, 0].min():g} returns; at least 2 are needed"
    if np.all(sums == sums[:1]):
        return "all points made the same returns"
    return ""


def overfitting_fault(sums: FloatArray) -> str:
    """Why no probability of overfitting can be given for these block sums; empty when it can.

    Parameters
    ----------
    sums : ndarray of float64, shape (n_points, blocks, 3)
        As made by `block_sums`.

    Raises
    ------
    Misuse
        When the array has another shape, an odd number of blocks, or holds something that is not a number.
    """
    return _checked(np.asarray(sums, np.float64))


def _thinned(sums: FloatArray) -> IntArray:
    """Rows that are judged: all, or `POINTS_MAX` evenly spread ones with the best of the whole history among them."""
    points = sums.shape[0]
    if points <= POINTS_MAX:
        return np.arange(points)
    count, total, square = sums.sum(axis=1).T
    spread = np.maximum(square - total**2 / count, 0.0) / (count - 1.0)
    steady = spread <= 1e-12 * square / count
    ratio = np.where(steady, 0.0, total / count / np.sqrt(np.where(steady, 1.0, spread)))
    kept = np.linspace(0, points - 1, POINTS_MAX).round().astype(np.int64)
    best = int(np.argmax(ratio))
    kept[int(np.argmin(np.abs(kept - best)))] = best
    return kept


def halves_of(blocks: int) -> tuple[IntArray, IntArray]:
    """Every pair of halves once: blocks of the half with block 0, and the remaining ones, each of shape (pairs, blocks / 2)."""
    with_first = [half for half in combinations(range(blocks), blocks // 2) if half[0] == 0]
    rest = [[b for b in range(blocks) if b not in half] for half in with_first]
    return np.array(with_first, np.int64), np.array(rest, np.int64)


def overfitting(sums: npt.ArrayLike) -> Overfitting:
    """Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2014).

    Parameters
    ----------
    sums : array_like of float64, shape (n_points, blocks, 3)
        Count, sum, and sum of squares of each point's returns in each even block of time: what `block_sums` makes of
        returns, and what a sweep keeps.

    Returns
    -------
    Overfitting
        Over all ``C(blocks, blocks / 2)`` halves.

    Raises
    ------
    Misuse
        When `overfitting_fault` names a fault.

    Notes
    -----
    In each half the point with the largest Sharpe ratio wins, the first of equals; its rank among all points in the other
    half is 1 (worst) to n, equals sharing the mean of their ranks. A point without variance in a half (one that did not
    trade) has the ratio 0 there. Of more than `POINTS_MAX` points that many are judged: evenly spaced rows of the table and
    the best one.
    """
    from b25.kernels.cscv import judge_halves  # here, so that a result without a search compiles nothing

    table = np.asarray(sums, np.float64)
    fault = _checked(table)
    if fault:
        raise Misuse(f"overfitting: {fault}", remedy="search over more points or a longer history")
    rows = _thinned(table)
    columns = np.ascontiguousarray(table[rows].transpose(1, 2, 0))
    halves, others = halves_of(table.shape[1])
    pairs, points = halves.shape[0], rows.size
    winner, (inside, outside, rank) = np.empty(2 * pairs, np.int64), np.empty((3, 2 * pairs))
    judge_halves(columns, halves, others, np.empty((3, points)), np.empty((2, points)), winner, inside, outside, rank)
    share = rank / (points + 1)
    logits = np.log(share / (1.0 - share))
    return Overfitting(
        # Exactly in the middle counts as overfitted, whatever the logarithm of 1 is rounded to.
        probability=float(np.mean(2.0 * rank <= points + 1)),
        logits=logits,
        winners=rows[winner],
        inside=inside,
        outside=outside,
        slope=_slope(inside, outside),
        loss_probability=float(np.mean(outside < 0)),
        points=points,
        points_of=table.shape[0],
        blocks=table.shape[1],
    )


def _slope(x: FloatArray, y: FloatArray) -> float | None:
    """Least-squares slope of y on x; None when x does not vary."""
    centred = x - x.mean()
    below = float(np.sum(centred**2))
    if below <= 1e-18 * max(1.0, float(np.sum(x**2))):
        return None
    slope = float(np.sum(centred * (y - y.mean())) / below)
    return slope if math.isfinite(slope) else None
