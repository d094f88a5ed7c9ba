"""How long the blocks of a bootstrap must be, so that a resampled history keeps what one day has to do with the next."""

import math

import numpy as np

from b25.analytics.metric import FloatArray, all_equal


def politis_white(values: FloatArray) -> float:
    """Mean block length of the stationary bootstrap that suits a series' own autocorrelation.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Series in time order.

    Returns
    -------
    float
        At least 1, at most ``min(3 sqrt(n), n / 3)``.

    Notes
    -----
    Politis and White 2004, corrected by Patton, Politis and White 2009: ``b = (2 G^2 / D)^(1/3) n^(1/3)``, where
    ``G = sum w(k/M) |k| R(k)``, ``D = 2 (sum w(k/M) R(k))^2``, R the autocovariance, w the flat-top window, and M twice the
    lag after which ``max(5, sqrt(log10 n))`` autocorrelations stay within ``2 sqrt(log10(n) / n)``.
    """
    series = np.asarray(values, np.float64)
    size = series.size
    if size < 4 or all_equal(series):
        return 1.0
    longest = max(1.0, min(math.ceil(3.0 * math.sqrt(size)), size / 3.0))
    centred = series - series.mean()
    quiet = max(5, math.ceil(math.sqrt(math.log10(size))))
    lags = min(size - 1, math.ceil(math.sqrt(size)) + quiet)
    covariance = np.array([float(centred[: size - k] @ centred[k:]) / size for k in range(lags + 1)])
    within = np.abs(covariance[1:] / covariance[0]) < 2.0 * math.sqrt(math.log10(size) / size)
    last = 0  # the lag after which the series has forgotten itself
    for k in range(within.size):
        if not within[k : k + quiet].all():
            last = k + 1
        else:
            break
    window = min(2 * max(last, 1), lags)
    lag = np.arange(1, window + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - lag / window))
    drift = 2.0 * float(np.sum(weight * lag * covariance[1 : window + 1]))
    level = float(covariance[0] + 2.0 * np.sum(weight * covariance[1 : window + 1]))
    if level <= 0:
        return 1.0
    block = (drift**2 / level**2) ** (1.0 / 3.0) * size ** (1.0 / 3.0)
    return float(min(max(block, 1.0), longest))


def block_for_returns(returns: FloatArray) -> float:
    """Mean block length for returns: the longer one of what the returns and what their squares ask for.

    Returns hardly remember their sign, but a wild day follows a wild day; drawdowns and the spread of a Sharpe ratio depend
    on both.
    """
    return max(politis_white(returns), politis_white(np.square(returns)))
