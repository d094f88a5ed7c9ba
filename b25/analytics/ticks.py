"""Where the marks of an axis stand and what they say: round numbers, and round UTC times."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.metric import NS_PER_DAY, NS_PER_SECOND

SECONDS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
DAYS: Final = (1, 2, 4, 7, 14)
MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its words."""

    at: float
    text: str


def number_ticks(low: float, high: float, *, count: int = 5) -> list[Tick]:
    """Round numbers between `low` and `high`, about so many, all with the same decimals."""
    if not high > low:
        return [Tick(low, f"{low:,g}")]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:
        decimals += 1  # a step of 2.5
    return [Tick(i * step, f"{i * step + 0.0:,.{decimals}f}") for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[Tick]:
    """Numbers for a logarithmic axis: 1, 2 and 5 times powers of ten; evenly spaced ones where the axis is short.

    Parameters
    ----------
    low, high : float
        Ends of the axis, positive.
    """
    if high / low < 8.0:
        return number_ticks(low, high)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if high / low > 3e3 else (1, 3) if high / low > 100 else (1, 2, 5)
    marks = [factor * 10.0**power for power in powers for factor in factors]
    return [Tick(at, f"{at:,.12g}") for at in marks if low * (1 - 1e-9) <= at <= high * (1 + 1e-9)]


def time_ticks(start_ns: int, end_ns: int, *, count: int = 7) -> list[Tick]:
    """Round UTC times between two moments, about so many, as short as can be read."""
    span = max(1, end_ns - start_ns)
    rough_s = span / NS_PER_SECOND / count
    if rough_s <= 0.5:
        return _every(start_ns, end_ns, _round_fraction(rough_s), "ms")
    for seconds in SECONDS:
        if seconds >= rough_s:
            return _every(start_ns, end_ns, seconds * NS_PER_SECOND, "s" if seconds < 60 else "m")
    for days in DAYS:
        if days * 86_400 >= rough_s:
            return _every(start_ns, end_ns, days * NS_PER_DAY, "D")
    return _months(start_ns, end_ns, rough_s / 86_400 / 30.4)


def _round_fraction(seconds: float) -> int:
    power = 10.0 ** math.floor(math.log10(max(seconds, 1e-8)))
    factor = next(factor for factor in (1, 2, 5, 10) if factor * power >= seconds * 0.999)
    return max(1, round(factor * power * NS_PER_SECOND))


def _every(start_ns: int, end_ns: int, step_ns: int, unit: str) -> list[Tick]:
    first = -(-start_ns // step_ns) * step_ns
    return [Tick(at, _clock(at, unit)) for at in range(first, end_ns + 1, step_ns)]


def _clock(at_ns: int, unit: str) -> str:
    text = str(np.datetime64(at_ns, "ns"))
    if unit == "D":
        return text[5:10]
    if at_ns % NS_PER_DAY == 0:
        return text[:10]  # midnight carries the date
    return {"ms": text[11:23], "s": text[11:19], "m": text[11:16]}[unit]


def _months(start_ns: int, end_ns: int, rough: float) -> list[Tick]:
    step = next((months for months in MONTHS if months >= rough), MONTHS[-1])
    month = int(np.datetime64(start_ns, "ns").astype("datetime64[M]").astype(np.int64))
    ticks = []
    for number in range(-(-month // step) * step, month + 100_000, step):
        at = int(np.datetime64(number, "M").astype("datetime64[ns]").astype(np.int64))
        if at > end_ns:
            break
        if at >= start_ns:
            text = str(np.datetime64(number, "M"))
            ticks.append(Tick(at, text[:4] if step >= 12 else text))
    return ticks


def span_text(start_ns: int, end_ns: int) -> str:
    """What an axis of times needs to say beside its ticks: the date or dates, in UTC."""
    first, last = str(np.datetime64(start_ns, "ns"))[:10], str(np.datetime64(end_ns, "ns"))[:10]
    return f"{first}, UTC" if first == last else f"{first} to {last}, UTC"
