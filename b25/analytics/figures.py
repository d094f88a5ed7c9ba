"""How a number looks to a person: money, per cent, durations and UTC times, the same in text, HTML and pictures."""

import math
from collections.abc import Sequence

import numpy as np

from b25.analytics.metric import NS_PER_DAY, NS_PER_SECOND, Metric

NOT_AVAILABLE = "n/a"


def number_text(value: float, *, significant: int = 4, decimals_min: int = 0) -> str:
    """Number with thousands separators, and as many decimals as `significant` digits need."""
    if value == 0 or not math.isfinite(value):
        return f"{0:.{decimals_min}f}" if value == 0 else NOT_AVAILABLE
    if abs(value) < 1e-9 or abs(value) >= 1e15:
        return f"{value:.{significant - 1}e}"
    decimals = max(decimals_min, significant - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{max(0, decimals)}f}"
    if "." in text and decimals > decimals_min:
        whole, _, rest = text.partition(".")
        kept = rest.rstrip("0").ljust(decimals_min, "0")
        text = f"{whole}.{kept}" if kept else whole
    return text


def column_texts(values: Sequence[float | None], *, significant: int, decimals_min: int = 2) -> list[str]:
    """Numbers of one column with the same decimals, as many as the largest needs; None is n/a."""
    largest = max((abs(value) for value in values if value), default=1.0)
    decimals = max(decimals_min, significant - 1 - math.floor(math.log10(largest)))
    return [NOT_AVAILABLE if value is None else f"{value:,.{decimals}f}" for value in values]


def money_text(value: float, currency: str = "") -> str:
    """Money with at least two decimals: ``12,345.68 USDT``."""
    return f"{number_text(value, decimals_min=2)} {currency}".rstrip()


def percent_text(value: float) -> str:
    """Ratio as per cent: 0.01234 is ``1.23 %``."""
    return f"{number_text(100 * value, significant=3, decimals_min=2)} %"


def duration_text(value_ns: float) -> str:
    """Length of time in its two largest units: ``5 min 12 s``."""
    seconds = value_ns / NS_PER_SECOND
    if seconds < 1:
        return f"{number_text(seconds * 1e3, significant=3)} ms"
    if seconds < 60:
        return f"{number_text(seconds, significant=3)} s"
    whole = round(seconds)
    for size, unit, part, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02d} {small}"
    raise AssertionError("unreachable: a minute or more has a unit")


def time_text(time_ns: int, *, unit: str = "s") -> str:
    """Moment in UTC: ``2024-08-08 12:00:00 UTC``."""
    return f"{np.datetime_as_string(np.datetime64(int(time_ns), 'ns'), unit=unit).replace('T', ' ')} UTC"  # type: ignore[call-overload]


def metric_text(metric: Metric, *, currency: str = "", base: str = "") -> str:
    """Value of a metric with its unit, or ``n/a``."""
    value = metric.value
    if value is None:
        return NOT_AVAILABLE
    match metric.unit:
        case "money":
            return money_text(value, currency)
        case "ratio":
            return percent_text(value)
        case "count":
            return f"{round(value):,}"
        case "ns":
            return duration_text(value)
        case "time_ns":
            return time_text(int(value))
        case "bps":
            return f"{number_text(value, significant=3, decimals_min=2)} bps"
        case "base":
            return f"{number_text(value)} {base}".rstrip()
        case "days":
            return duration_text(value * NS_PER_DAY)
        case "number":
            return number_text(value)
