"""Ratios of a series of daily returns: how much, how unevenly, and how badly at the bad end."""

import math

import numpy as np

from b25.analytics.formulas import measured, missing
from b25.analytics.metric import DAYS_PER_YEAR, FloatArray, Metric, all_equal, tidy

Z_95, Z_99 = 1.65, 2.33  # the rounded quantiles that risk desks use; golden case L11


def _note(what: str, rate: float) -> str:
    return f"{what} {rate:g} a day" if rate else ""


def cagr(start: float, end: float, days: float) -> Metric:
    """Compound annual growth rate, ``(end / start)^(365 / days) - 1``.

    Parameters
    ----------
    start, end : float
        Account value at both ends, flows taken out.
    days : float
        Time between them in days.
    """
    if start <= 0:
        return missing("cagr", "the starting balance is not positive")
    if end <= 0:
        return missing("cagr", "the final balance is not positive")
    if days <= 0:
        return missing("cagr", "the curve has no length")
    power = math.log(end / start) * DAYS_PER_YEAR / days
    if power > 700:
        return missing("cagr", "annualised growth is beyond any number")
    return measured("cagr", math.expm1(power))


def volatility(returns: FloatArray, *, ddof: int = 1) -> Metric:
    """Annualised standard deviation, ``std(r, ddof) * sqrt(365)``."""
    values, fault = tidy(returns)
    if fault or values.size < 2:
        return missing("volatility", fault or few(values.size))
    return measured("volatility", float(np.std(values, ddof=ddof)) * math.sqrt(DAYS_PER_YEAR))


def few(count: int) -> str:
    """Reason for n/a where two returns are needed."""
    return f"{count} daily return{'s' if count != 1 else ''}; at least 2 are needed"


def sharpe(returns: FloatArray, *, risk_free: float = 0.0, ddof: int = 1) -> Metric:
    """Annualised mean excess return over its standard deviation (Sharpe 1994).

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns; NaN at the head is ignored.
    risk_free : float
        Risk-free return of one day, as a ratio.
    ddof : int
        1 for the sample's standard deviation, 0 for the population's.

    Returns
    -------
    Metric
        ``mean(r - r_f) / std(r, ddof) * sqrt(365)``; n/a for fewer than two returns, or when all are equal.
    """
    values, fault = tidy(returns)
    if fault or values.size < 2:
        return missing("sharpe", fault or few(values.size))
    if all_equal(values):
        return missing("sharpe", "all returns are equal")
    ratio = (float(np.mean(values)) - risk_free) / float(np.std(values, ddof=ddof))
    return measured("sharpe", ratio * math.sqrt(DAYS_PER_YEAR), note=_note("risk-free", risk_free))


def sortino(returns: FloatArray, *, acceptable: float = 0.0) -> Metric:
    """Annualised mean excess return over the downside deviation (Sortino and Price 1994).

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Daily returns; NaN at the head is ignored.
    acceptable : float
        Minimum acceptable return of one day, as a ratio.

    Returns
    -------
    Metric
        ``mean(r - MAR) / sqrt(mean(min(r - MAR, 0)^2)) * sqrt(365)``, the second mean over all returns, not over the
        losing ones; n/a for fewer than two returns, or without a loss.
    """
    values, fault = tidy(returns)
    if fault or values.size < 2:
        return missing("sortino", fault or few(values.size))
    excess = values - acceptable
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    if downside == 0:
        return missing("sortino", "no return is below the acceptable one")
    if all_equal(values):
        return missing("sortino", "all returns are equal")
    return measured(
        "sortino", float(np.mean(excess)) / downside * math.sqrt(DAYS_PER_YEAR), note=_note("acceptable return", acceptable)
    )


def autocorrelation_penalty(returns: FloatArray) -> float:
    """Factor by which correlated days flatter a ratio: ``sqrt(1 + 2 * sum((1 - k/n) * |rho_1|^k))``, k = 1…n-1."""
    values, fault = tidy(returns)
    if fault or values.size < 3 or all_equal(values[:-1]) or all_equal(values[1:]):
        return 1.0
    rho = abs(float(np.corrcoef(values[:-1], values[1:])[0, 1]))
    lag = np.arange(1, values.size)
    return math.sqrt(1.0 + 2.0 * float(np.sum((1.0 - lag / values.size) * rho**lag)))


def smart(ratio: Metric, returns: FloatArray) -> Metric:
    """Sharpe or Sortino divided by the autocorrelation penalty."""
    name = f"smart_{ratio.name}"
    if ratio.value is None:
        return missing(name, ratio.reason)
    return measured(name, ratio.value / autocorrelation_penalty(returns))


def omega(returns: FloatArray, *, threshold: float = 0.0) -> Metric:
    """Sum of gains over sum of losses against a threshold (Keating and Shadwick 2002)."""
    values, fault = tidy(returns)
    if fault or not values.size:
        return missing("omega", fault or "there is no daily return")
    losses = float(np.sum(np.maximum(threshold - values, 0.0)))
    if losses == 0:
        return missing("omega", "no return is below the threshold")
    return measured("omega", float(np.sum(np.maximum(values - threshold, 0.0))) / losses, note=_note("threshold", threshold))


def tail_risk(returns: FloatArray) -> dict[str, Metric]:
    """Value at risk and expected shortfall of one day, 95 and 99 %, historical, and of a normal law around 0.

    Notes
    -----
    Historical: ``VaR = -quantile(r, 1 - level)``, ``CVaR = -mean`` of the ``floor((n - 1) * (1 - level)) + 1`` worst returns.
    A quantile of fewer returns than one per tail event (20 for 95 %, 100 for 99 %) is the worst day under another name, hence
    n/a.
    Normal: ``z * std(r, ddof 1)``, z = 1.65 and 2.33; its CVaR is ``density(z) / (1 - level) * std(r, ddof 1)``.
    """
    values, fault = tidy(returns)
    out: dict[str, Metric] = {}
    for level, needed in ((95, 20), (99, 100)):
        names = (f"var_{level}", f"cvar_{level}")
        if fault or values.size < needed:
            why = fault or f"a {level} % tail needs {needed} daily returns; there are {values.size}"
            out |= {name: missing(name, why) for name in names}
            continue
        edge = float(np.quantile(values, 1 - level / 100))
        out[names[0]] = measured(names[0], -edge)
        # A count, not a comparison: of equal returns at the edge as many are taken as belong to the tail.
        worst = np.sort(values)[: (values.size - 1) * (100 - level) // 100 + 1]
        out[names[1]] = measured(names[1], -float(np.mean(worst)))
    for name, z in (("var_95_normal", Z_95), ("var_99_normal", Z_99)):
        enough = not fault and values.size >= 2
        out[name] = measured(name, z * float(np.std(values, ddof=1))) if enough else missing(name, fault or few(values.size))
        tail = f"c{name}"
        times = math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi) / (0.05 if z == Z_95 else 0.01)
        var = out[name].value
        out[tail] = missing(tail, out[name].reason) if var is None else measured(tail, var / z * times)
    return out


def days(returns: FloatArray) -> dict[str, Metric]:
    """Mean, best and worst day, and how many days were won, drawn and lost."""
    values, fault = tidy(returns)
    if fault or not values.size:
        names = ("daily_return_mean", "best_day", "worst_day", "days_won", "days_drawn", "days_lost")
        return {name: missing(name, fault or "there is no daily return") for name in names}
    return {
        "daily_return_mean": measured("daily_return_mean", float(np.mean(values))),
        "best_day": measured("best_day", float(np.max(values))),
        "worst_day": measured("worst_day", float(np.min(values))),
        "days_won": measured("days_won", int(np.sum(values > 0))),
        "days_drawn": measured("days_drawn", int(np.sum(values == 0))),
        "days_lost": measured("days_lost", int(np.sum(values < 0))),
    }


def against_market(returns: FloatArray, market: FloatArray) -> dict[str, Metric]:
    """Beta and correlation of daily returns to those of an equal-weight buy and hold over the same days."""
    names = ("beta", "correlation")
    values, others = np.asarray(returns, np.float64), np.asarray(market, np.float64)
    if values.shape != others.shape:
        return {name: missing(name, f"{values.size} returns and {others.size} of the market") for name in names}
    known = np.isfinite(values) & np.isfinite(others)
    values, others = values[known], others[known]
    if values.size < 2:
        return {name: missing(name, few(values.size)) for name in names}
    if all_equal(others):
        return {name: missing(name, "all market returns are equal") for name in names}
    joint = np.cov(values, others, ddof=1)
    out = {"beta": measured("beta", float(joint[0, 1] / joint[1, 1]))}
    if all_equal(values):
        return {**out, "correlation": missing("correlation", "all returns are equal")}
    return {**out, "correlation": measured("correlation", float(joint[0, 1] / math.sqrt(joint[0, 0] * joint[1, 1])))}
