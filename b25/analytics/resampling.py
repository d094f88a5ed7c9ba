"""Other histories that the same days could have made: intervals of Sharpe, growth and drawdown, and the odds of ruin."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.block_length import block_for_returns
from b25.analytics.formulas import measured, missing
from b25.analytics.honest import SEED, block_indices
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray, Metric, all_equal, tidy

DAYS_MIN: Final = 30
RESAMPLES: Final = 2_000
RESAMPLES_MIN: Final = 200
NUMBERS_MAX: Final = 2_000_000  # drawn in all: a long history is drawn less often, within a quarter of a second
RUIN: Final = 0.5
INTERVALS: Final = {
    "sharpe": ("sharpe_low", "sharpe_high"),
    "growth": ("cagr_low", "cagr_high"),
    "drawdown": ("drawdown_low", "drawdown_high"),
}
PATHS: Final = (
    "paths_return_05", "paths_return_50", "paths_return_95", "paths_drawdown_95", "paths_loss_probability",
    "paths_ruin_probability",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Histories of as many days, drawn from one in blocks; one number a history.

    Parameters
    ----------
    sharpe : ndarray of float64, shape (resamples,)
        Annualised; 0 where all drawn days were equal.
    wealth : ndarray of float64, shape (resamples,)
        Value at the end of 1 at the start.
    drawdown : ndarray of float64, shape (resamples,)
        Largest fall from the running peak, as a ratio; the start is the first peak.
    lowest : ndarray of float64, shape (resamples,)
        Smallest value of 1 at the start.
    days : int
        Length of each history.
    block : float
        Mean block length.
    seed : int
        Repeats the draw.
    """

    sharpe: FloatArray
    wealth: FloatArray
    drawdown: FloatArray
    lowest: FloatArray
    days: int
    block: float
    seed: int

    @property
    def note(self) -> str:
        """What is needed to repeat it."""
        return f"{self.sharpe.size:,} histories, mean block {self.block:.3g} days, seed {self.seed}"


def resample_days(
    returns: FloatArray, *, resamples: int | None = None, block: float | None = None, seed: int = SEED
) -> Resampled:
    """Draw histories by the stationary block bootstrap (Politis and Romano 1994).

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns above -1, all finite.
    resamples : int, optional
        How many histories; by default 2,000, and fewer beyond 1,000 days, so that at most 2,000,000 days are drawn.
    block : float, optional
        Mean block length in days; by default what `block_for_returns` says.
    seed : int
        The same seed draws the same histories.
    """
    values = np.asarray(returns, np.float64)
    count = resamples or max(RESAMPLES_MIN, min(RESAMPLES, NUMBERS_MAX // values.size))
    length = block or block_for_returns(values)
    generator = np.random.default_rng(seed)
    grown = np.log1p(values)
    out = np.empty((4, count))
    batch = max(1, 500_000 // values.size)
    for begin in range(0, count, batch):
        rows = min(batch, count - begin)
        index = block_indices(values.size, rows=rows, block=length, generator=generator)
        out[:, begin : begin + rows] = _measured_rows(values[index], grown[index])
    return Resampled(out[0], out[1], out[2], out[3], values.size, length, seed)


def _measured_rows(days: FloatArray, grown: FloatArray) -> FloatArray:
    """Sharpe, final value, largest drawdown and smallest value of each row."""
    spread = days.std(axis=1, ddof=1)
    mean = days.mean(axis=1)
    ratio = np.zeros(mean.size)
    np.divide(mean, spread, out=ratio, where=spread > 1e-12 * np.abs(mean) + 1e-15)
    level = np.cumsum(grown, axis=1)
    peak = np.maximum(np.maximum.accumulate(level, axis=1), 0.0)
    depth = -np.expm1(np.min(level - peak, axis=1))
    return np.stack((ratio * math.sqrt(DAYS_PER_YEAR), np.exp(level[:, -1]), depth, np.exp(np.minimum(level.min(axis=1), 0.0))))


def resampling_fault(returns: FloatArray) -> str:
    """Why days cannot be drawn again; empty when they can."""
    values, fault = tidy(returns)
    if fault:
        return fault
    if values.size < DAYS_MIN:
        return f"{values.size} daily return{'s' if values.size != 1 else ''}; at least {DAYS_MIN} are needed"
    if all_equal(values):
        return "all returns are equal"
    return "the account lost everything in a day" if np.any(values <= -1.0) else ""


def resampling_metrics(returns: FloatArray, *, span_days: float, seed: int = SEED) -> dict[str, Metric]:
    """95 % intervals of Sharpe, CAGR and drawdown, and what the resampled paths end in.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns; NaN at the head is ignored. Fewer than 30 make every figure n/a.
    span_days : float
        Length of the curve, over which the drawn histories are annualised.
    seed : int
        Noted with every figure.
    """
    names = (*(name for pair in INTERVALS.values() for name in pair), *PATHS)
    fault = resampling_fault(returns) or ("" if span_days > 0 else "the curve has no length")
    if fault:
        return {name: missing(name, fault) for name in names}
    drawn = resample_days(tidy(returns)[0], seed=seed)
    # A power beyond 700 is no figure; measured() then says so.
    growth = np.expm1(np.minimum(np.log(drawn.wealth) * (DAYS_PER_YEAR / span_days), 709.0))
    out: dict[str, Metric] = {}
    for values, (low, high) in zip((drawn.sharpe, growth, drawn.drawdown), INTERVALS.values(), strict=True):
        bottom, top = np.quantile(values, (0.025, 0.975))
        out[low], out[high] = measured(low, float(bottom), note=drawn.note), measured(high, float(top), note=drawn.note)
    ends = (*np.quantile(drawn.wealth - 1.0, (0.05, 0.5, 0.95)), np.quantile(drawn.drawdown, 0.95))
    odds = (np.mean(drawn.wealth < 1.0), np.mean(drawn.lowest <= RUIN))
    return out | {name: measured(name, float(value), note=drawn.note) for name, value in zip(PATHS, (*ends, *odds), strict=True)}
