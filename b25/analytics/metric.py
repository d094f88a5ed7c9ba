"""One figure that is either a finite number or says why it is not: the type of every metric."""

import math
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# What the number counts. "money" is the settlement currency of the result, "ratio" is shown as per cent on screen.
Unit = Literal["money", "ratio", "number", "count", "ns", "time_ns", "bps", "base", "days"]

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
NS_PER_DAY: Final = 86_400 * NS_PER_SECOND
DAYS_PER_YEAR: Final = 365.0  # crypto trades around the clock
DAYS_SHOWN_MIN: Final = 30.0  # annualised figures of a shorter span are computed, and shown as n/a


@dataclass(frozen=True, slots=True)
class Formula:
    """What a metric is: title, unit, formula in plain text, and where the definition comes from."""

    title: str
    unit: Unit
    text: str
    source: str = ""
    annualised: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, or the reason why there is none.

    Parameters
    ----------
    name : str
        Key of the metric, e.g. ``"sharpe"``.
    value : int, float or None
        The figure that may be shown. None means n/a; it is never NaN or infinite.
    reason : str
        Why the figure is n/a; empty when there is one.
    formula : Formula
        Title, unit and definition.
    computed : int, float or None
        The figure as computed, also where it is not fit to be shown (annualised from less than 30 days).
    note : str
        What the figure was made with, e.g. a risk-free rate that is not zero, a sample size or a seed.
    """

    name: str
    value: float | None
    reason: str
    formula: Formula
    computed: float | None = None
    note: str = field(default="")

    def __post_init__(self) -> None:
        assert (self.value is None) == bool(self.reason), f"{self.name}: a figure or a reason, not both or neither"
        assert self.value is None or math.isfinite(self.value), f"{self.name}: {self.value} is no figure"

    @property
    def title(self) -> str:
        """What people call it."""
        return self.formula.title

    @property
    def unit(self) -> Unit:
        """What the number counts."""
        return self.formula.unit


def plain(value: float) -> float:
    """Turn a numpy scalar into the Python number that JSON and a repr know."""
    return value.item() if isinstance(value, np.generic) else value


def tidy(returns: FloatArray) -> tuple[FloatArray, str]:
    """Cut unknown returns off the head of a series, and say what makes the rest unusable.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Returns of equal periods, in time order; NaN at the head means that nothing was known yet.

    Returns
    -------
    ndarray of float64, shape (m,)
        The series from its first known return on.
    str
        Empty when every remaining return is a finite number, otherwise the reason for n/a.
    """
    values = np.asarray(returns, np.float64)
    known = np.flatnonzero(~np.isnan(values))
    values = values[known[0] :] if known.size else values[:0]
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        return values, f"return {int(bad[0]) + 1} of {values.size} is not a number"
    return values, ""


def all_equal(values: FloatArray) -> bool:
    """True when the values differ by no more than the rounding of their computation."""
    # An equity of steady growth has returns that differ in the last bits only; their ratio would be noise over noise.
    return bool(np.ptp(values) <= 1e-9 * float(np.max(np.abs(values))) + 1e-15)
