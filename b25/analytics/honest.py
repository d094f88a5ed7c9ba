"""Chance in a series: the stationary block bootstrap, and p-values of a mean."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.formulas import measured, missing
from b25.analytics.metric import FloatArray, IntArray, Metric, all_equal, tidy

SEED: Final = 25
RESAMPLES: Final = 1000
ROWS_MAX: Final = 2_000_000  # numbers of one bootstrap batch; bounds its memory to a few tens of MB


@dataclass(frozen=True, slots=True)
class Interval:
    """Confidence interval of a bootstrap, with what is needed to repeat it."""

    low: float
    high: float
    level: float
    resamples: int
    block: float
    seed: int


def block_indices(size: int, *, rows: int, block: float, generator: np.random.Generator) -> IntArray:
    """Indices of stationary bootstrap samples (Politis and Romano 1994).

    Parameters
    ----------
    size : int
        Length of the series and of each sample.
    rows : int
        How many samples.
    block : float
        Mean block length; blocks are geometric and wrap around the end.
    generator : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ndarray of int64, shape (rows, size)
    """
    begins = generator.random((rows, size)) < 1.0 / block
    begins[:, 0] = True
    starts = generator.integers(0, size, (rows, size))
    place = np.arange(size, dtype=np.int64)
    latest = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    out: IntArray = (np.take_along_axis(starts, latest, axis=1) + place - latest) % size
    return out


def bootstrap(
    values: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    *,
    resamples: int = RESAMPLES,
    block: float | None = None,
    seed: int = SEED,
) -> FloatArray:
    """Statistic of stationary bootstrap samples.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Series in time order.
    statistic : callable
        Maps samples of shape (rows, n) to one number a row.
    resamples : int
        How many samples.
    block : float, optional
        Mean block length; ``n^(1/3)`` by default.
    seed : int
        Seed of the generator; the same seed gives the same answer.

    Returns
    -------
    ndarray of float64, shape (resamples,)
    """
    series = np.asarray(values, np.float64)
    generator = np.random.Generator(np.random.PCG64(seed))
    mean_block = block or mean_block_length(series.size)
    batch = max(1, min(resamples, ROWS_MAX // max(series.size, 1)))
    parts = []
    for begin in range(0, resamples, batch):
        rows = min(batch, resamples - begin)
        parts.append(statistic(series[block_indices(series.size, rows=rows, block=mean_block, generator=generator)]))
    return np.concatenate(parts)


def mean_block_length(size: int) -> float:
    """Mean block length when none is chosen: ``n^(1/3)``, at least 1."""
    return max(1.0, float(round(size ** (1.0 / 3.0))))


def bootstrap_interval(
    values: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    block: float | None = None,
    seed: int = SEED,
) -> Interval | None:
    """Percentile interval of a statistic under the stationary bootstrap; None for fewer than two finite values."""
    series, fault = tidy(values)
    if fault or series.size < 2:
        return None
    sample = bootstrap(series, statistic, resamples=resamples, block=block, seed=seed)
    low, high = np.quantile(sample, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, resamples, block or mean_block_length(series.size), seed)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function (Lentz's method)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    total = d
    for m in range(1, 300):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            total *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return total


def student_two_sided(t: float, degrees: float) -> float:
    """Probability that a Student t variable is at least as far from zero as `t`."""
    x = degrees / (degrees + t * t)
    a, b = degrees / 2.0, 0.5
    front = (
        math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
        if 0 < x < 1
        else 0.0
    )
    if x in (0.0, 1.0):
        return x
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


def mean_p_values(profit: FloatArray, *, seed: int = SEED) -> dict[str, Metric]:
    """Two-sided p-values of a mean of zero: Student's t, and a stationary bootstrap, since trades are not independent.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Net profit of each trade in time order.
    seed : int
        Seed of the bootstrap, stated in the note.
    """
    names = ("trade_p_value", "trade_p_value_bootstrap")
    values = np.asarray(profit, np.float64)
    if values.size < 2 or all_equal(values):
        why = "all trades made the same" if values.size >= 2 else f"{values.size} closed trades; at least 2 are needed"
        return {name: missing(name, why) for name in names}
    mean = float(np.mean(values))
    t = mean / (float(np.std(values, ddof=1)) / math.sqrt(values.size))
    resamples = min(RESAMPLES, max(100, 5_000_000 // values.size))
    sample = bootstrap(values - mean, lambda rows: np.mean(rows, axis=1), resamples=resamples, seed=seed)
    share = (1 + int(np.sum(np.abs(sample) >= abs(mean)))) / (1 + sample.size)
    return {
        names[0]: measured(names[0], student_two_sided(t, values.size - 1)),
        names[1]: measured(names[1], share, note=f"{sample.size} resamples, seed {seed}"),
    }
