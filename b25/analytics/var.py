"""What may be lost: value at risk and expected shortfall of a holding, by a normal law and by history, and its exposure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, pi, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from b25.model.errors import Misuse

# As risk tables print them; any other level takes the quantile itself.
Z = {0.95: 1.65, 0.99: 2.33}
DAYS = 250
Values = Sequence[float] | np.ndarray[Any, Any]


def parametric_var(value: float, sigma: float, *, level: float = 0.95) -> float:
    """Loss that a day exceeds with probability 1 - level, when returns are normal with mean 0.

    Parameters
    ----------
    value : float
        Of the holding, any currency; its sign does not matter.
    sigma : float
        Standard deviation of a day's returns, a ratio.
    level : float
        0.95 and 0.99 take 1.65 and 2.33, as risk tables do.
    """
    _check_level(level)
    _check_finite(value=value, sigma=sigma)
    if sigma < 0:
        raise Misuse(f"sigma={sigma!r} is negative", remedy="give a standard deviation")
    return abs(value) * sigma * (Z.get(level) or NormalDist().inv_cdf(level))


def parametric_shortfall(value: float, sigma: float, *, level: float = 0.95) -> float:
    """Mean loss of the days beyond the value at risk, when returns are normal with mean 0: sigma phi(z) / (1 - level)."""
    _check_level(level)
    _check_finite(value=value, sigma=sigma)
    if sigma < 0:
        raise Misuse(f"sigma={sigma!r} is negative", remedy="give a standard deviation")
    z = NormalDist().inv_cdf(level)
    return abs(value) * sigma * exp(-z * z / 2) / sqrt(2 * pi) / (1 - level)


def historical_var(value: float, returns: Values, *, level: float = 0.95, days: int = DAYS) -> float:
    """Loss that the last days exceeded in at most 1 - level of all: the smallest such of the losses seen; never below 0.

    Parameters
    ----------
    value : float
        Of the holding; negative for a short, which loses when returns are positive.
    returns : array of float
        Of days, ratios, the newest last; all finite.
    days : int
        How many of them are looked back on.
    """
    losses = _losses(value, returns, level, days)
    return max(0.0, float(losses[_first_beyond(losses.size, level) - 1]))


def historical_shortfall(value: float, returns: Values, *, level: float = 0.95, days: int = DAYS) -> float:
    """Mean of the losses beyond the share `level` of the last days, the one on the border by its part; never below 0."""
    losses = _losses(value, returns, level, days)
    tail = losses.size * (1 - level)
    whole = int(tail + 1e-9)
    part = max(0.0, tail - whole)
    total = losses[losses.size - whole :].sum()
    if part > 1e-9:
        total += part * losses[losses.size - whole - 1]
    return max(0.0, float(total / tail))


def portfolio_var(values: Values, sigmas: Values, correlations: Any, *, level: float = 0.95) -> float:
    """Value at risk of several holdings whose returns are jointly normal.

    Parameters
    ----------
    values, sigmas : arrays of float, shape (n,)
        Signed values, one currency; standard deviations of a day's returns.
    correlations : array, shape (n, n)
    """
    return parametric_var(
        adjusted_exposure(np.asarray(values, float) * np.asarray(sigmas, float), correlations), 1.0, level=level
    )


def adjusted_exposure(values: Values, correlations: Any) -> float:
    """Exposure that correlations leave of signed values: sqrt(v' C v)."""
    v, c = np.asarray(values, float), np.asarray(correlations, float)
    if c.shape != (v.size, v.size):
        raise Misuse(f"correlations of shape {c.shape} for {v.size} values", remedy="give one row and one column a value")
    if not (np.isfinite(c).all() and np.allclose(c, c.T) and np.allclose(np.diag(c), 1.0) and (np.abs(c) <= 1 + 1e-12).all()):
        raise Misuse(
            "this is no matrix of correlations", remedy="give a symmetric one with 1 on its diagonal and nothing beyond 1"
        )
    square = float(v @ c @ v)
    if not np.isfinite(square) or square < -1e-9 * float(v @ v):
        raise Misuse("these correlations cannot all hold together", remedy="compute them from the same days")
    return sqrt(max(square, 0.0))


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is held, by its values."""

    gross: float
    net: float
    long: float
    short: float
    leverage: float  # NaN while the equity is not above 0
    concentration: Mapping[str, float]  # |value| / equity
    largest: str | None

    @property
    def herfindahl(self) -> float:
        """Sum of the squared shares of gross: 1 when all lies in one holding, 0 when nothing is held."""
        if self.gross == 0:
            return 0.0
        scale = self.gross / self.leverage
        return sum((share * scale / self.gross) ** 2 for share in self.concentration.values())


def exposure(values: Mapping[str, float], equity: float) -> Exposure:
    """Measure signed values of holdings, in one currency, against the account's equity."""
    _check_finite(equity=equity, **values)
    gross = sum(abs(v) for v in values.values())
    share = (lambda v: abs(v) / equity) if equity > 0 else (lambda v: float("nan"))
    return Exposure(
        gross=gross,
        net=sum(values.values()),
        long=sum(v for v in values.values() if v > 0),
        short=-sum(v for v in values.values() if v < 0),
        leverage=share(gross),
        concentration={name: share(v) for name, v in values.items()},
        largest=max(values, key=lambda name: abs(values[name])) if gross else None,
    )


def _losses(value: float, returns: Values, level: float, days: int) -> np.ndarray[Any, Any]:
    _check_level(level)
    _check_finite(value=value)
    seen = np.asarray(returns, float)
    if days < 1 or seen.ndim != 1:
        raise Misuse(f"days={days!r} of returns of shape {seen.shape}", remedy="give one return a day, and a number of days")
    seen = seen[-days:]
    if not np.isfinite(seen).all():
        raise Misuse("a return is not a finite number", remedy="leave out the days that are not known")
    least = round(1 / (1 - level))
    if seen.size < least:
        raise Misuse(f"{seen.size} days say nothing of one day in {least}", remedy="give more days, or a lower level")
    return np.sort(-value * seen)


def _first_beyond(count: int, level: float) -> int:
    # Of 100 days at 95 % the 95th smallest loss: 5 exceed it. 0.95 x 100 must not be 95.00000000000001.
    return int(np.ceil(count * level - 1e-9))


def _check_level(level: float) -> None:
    if not 0.5 < level < 1:
        raise Misuse(f"level={level!r} is not between 0.5 and 1", remedy="give e.g. 0.95")


def _check_finite(**numbers: float) -> None:
    for name, number in numbers.items():
        if not np.isfinite(number):
            raise Misuse(f"{name}={number!r} is not a finite number", remedy="leave out what is not known")
