"""What a Sharpe ratio is worth: its probability, the same after all the trials that were made, and how long a record must be."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Self

import numpy as np

from b25.analytics.formulas import measured, missing
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray, Metric, all_equal, tidy
from b25.analytics.returns import few

EULER_GAMMA: Final = 0.57721566490153286
CONFIDENCE: Final = 0.95
NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class TrialSummary:
    """What was tried on the same data, as far as the run log knows.

    Parameters
    ----------
    count : int
        Distinct trials.
    sharpe_mean, sharpe_variance : float or None
        Of the trials' Sharpe ratios of one day, not annualised; the variance is the sample's (ddof 1). None when fewer than
        one, or two, trials had a ratio.
    reason : str
        Why the trials are not known; empty when they are.
    """

    count: int
    sharpe_mean: float | None = None
    sharpe_variance: float | None = None
    reason: str = ""

    @classmethod
    def unknown(cls, reason: str) -> Self:
        """Trials that could not be counted, and why."""
        return cls(0, None, None, reason)


@dataclass(frozen=True, slots=True)
class SharpeMoments:
    """Sharpe ratio of one day (ddof 1), and what its uncertainty follows from; a normal law has skew 0 and kurtosis 3."""

    ratio: float
    skew: float
    kurtosis: float
    count: int

    @property
    def factor(self) -> float:
        """Variance of the ratio times n - 1: ``1 - skew*S + (kurt - 1)/4 * S^2``."""
        return 1.0 - self.skew * self.ratio + (self.kurtosis - 1.0) / 4.0 * self.ratio**2

    def probability_above(self, benchmark: float) -> float:
        """Probability that the true ratio is above `benchmark`, both of one day; the factor must be positive."""
        return NORMAL.cdf((self.ratio - benchmark) * math.sqrt(self.count - 1) / math.sqrt(self.factor))

    def record_needed(self, benchmark: float = 0.0, confidence: float = CONFIDENCE) -> float:
        """Length of a record, in days, after which the ratio is above `benchmark` with that confidence."""
        return 1.0 + self.factor * (NORMAL.inv_cdf(confidence) / (self.ratio - benchmark)) ** 2


def sharpe_moments(returns: FloatArray) -> tuple[SharpeMoments | None, str]:
    """Moments of daily returns that the statistics of a Sharpe ratio need, or the reason why there are none.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns; NaN at the head is ignored.
    """
    values, fault = tidy(returns)
    if fault or values.size < 2:
        return None, fault or few(values.size)
    if all_equal(values):
        return None, "all returns are equal"
    centred = values - float(np.mean(values))
    score = centred / float(np.sqrt(np.mean(centred**2)))
    ratio = float(np.mean(values)) / float(np.std(values, ddof=1))
    moments = SharpeMoments(ratio, float(np.mean(score**3)), float(np.mean(score**4)), values.size)
    return (moments, "") if moments.factor > 0 else (None, "the variance of the Sharpe ratio is not positive")


def probabilistic_sharpe(returns: FloatArray, *, benchmark: float = 0.0) -> Metric:
    """Probability that the true Sharpe ratio is above a benchmark (Bailey and Lopez de Prado 2012).

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns; NaN at the head is ignored.
    benchmark : float
        Sharpe ratio of one day to be beaten, not annualised.

    Returns
    -------
    Metric
        ``Phi((S - S*) * sqrt(n - 1) / sqrt(1 - skew*S + (kurt - 1)/4 * S^2))``, population moments.
    """
    moments, why = sharpe_moments(returns)
    if moments is None:
        return missing("psr", why)
    note = f"against a daily Sharpe of {benchmark:g}" if benchmark else ""
    return measured("psr", moments.probability_above(benchmark), note=note)


def luckiest_sharpe(trials: int, variance: float) -> float:
    """Expected largest Sharpe ratio of so many trials without skill: ``sqrt(V) * ((1 - g) z(1 - 1/K) + g z(1 - 1/(K e)))``.

    Parameters
    ----------
    trials : int
        How many; of one trial nothing was picked, and the answer is 0.
    variance : float
        Of the trials' ratios; the answer is in their unit.
    """
    if trials < 2:
        return 0.0
    first, second = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * first + EULER_GAMMA * second)


def deflated_sharpe(returns: FloatArray, trials: TrialSummary | None) -> dict[str, Metric]:
    """Number of trials, the Sharpe ratio that the luckiest of them would show, and the probability that ours is above it.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns.
    trials : TrialSummary or None
        From the run log; None when nobody asked it.

    Returns
    -------
    dict of str to Metric
        ``trials``, ``sharpe_by_luck`` (annualised) and ``deflated_sharpe``.
    """
    names = ("sharpe_by_luck", "deflated_sharpe")
    if trials is None or trials.reason or trials.count < 1:
        why = "trials unknown: " + (trials.reason or "none is in the run log" if trials else "no run log was read")
        return {name: missing(name, why) for name in ("trials", *names)}
    out = {"trials": measured("trials", trials.count)}
    if trials.count > 1 and trials.sharpe_variance is None:
        return out | {name: missing(name, f"fewer than two of {trials.count} trials had a Sharpe ratio") for name in names}
    benchmark = luckiest_sharpe(trials.count, trials.sharpe_variance or 0.0)
    out[names[0]] = measured(names[0], benchmark * math.sqrt(DAYS_PER_YEAR), note=counted(trials.count))
    moments, why = sharpe_moments(returns)
    if moments is None:
        return out | {names[1]: missing(names[1], why)}
    return out | {names[1]: measured(names[1], moments.probability_above(benchmark), note=counted(trials.count))}


def counted(trials: int) -> str:
    """How many trials, in words."""
    return f"after {trials:,} trial{'s' if trials != 1 else ''}"


def min_track_record(returns: FloatArray, *, benchmark: float = 0.0, confidence: float = CONFIDENCE) -> Metric:
    """Days of record after which the Sharpe ratio is above a benchmark with some confidence (Bailey, Lopez de Prado 2012).

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns.
    benchmark : float
        Sharpe ratio of one day to be beaten, not annualised.
    confidence : float
        One-sided, in (0.5, 1).
    """
    name = "min_track_record_days"
    moments, why = sharpe_moments(returns)
    if moments is None:
        return missing(name, why)
    if moments.ratio <= benchmark:
        return missing(name, f"the Sharpe ratio is not above {benchmark:g}: no record is long enough")
    note = f"{confidence:.0%} confidence; has {moments.count} days"
    needed = moments.record_needed(benchmark, confidence)
    return measured(name, needed, why_not="no record is long enough", note=note)
