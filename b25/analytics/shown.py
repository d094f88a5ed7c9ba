"""Which figures are fit to be shown: annualised ones of a short curve are not, and implausible ones are flagged."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from b25.analytics.curve import EquityCurve
from b25.analytics.figures import duration_text
from b25.analytics.metric import DAYS_SHOWN_MIN, NS_PER_DAY, Metric

# Beyond these a figure is more often a fault of the data or the fill model than an edge; it is shown, and flagged.
IMPLAUSIBLE: Final = {"sharpe": 10.0, "sortino": 20.0, "cagr": 10.0, "calmar": 50.0}


def _flagged(metric: Metric) -> Metric:
    if metric.value is None or abs(metric.value) <= IMPLAUSIBLE.get(metric.name, math.inf):
        return metric
    return replace(metric, note="; ".join(filter(None, (metric.note, "implausible: check data and fill model"))))


def shown(found: Mapping[str, Metric], curve: EquityCurve) -> dict[str, Metric]:
    """Hide annualised figures of a short curve; the computed number stays in `computed`."""
    found = {name: _flagged(metric) for name, metric in found.items()}
    if not curve.is_short:
        return found
    why = f"annualised: needs {DAYS_SHOWN_MIN:g} days, has {duration_text(curve.span_days * NS_PER_DAY)}"
    return {
        name: replace(metric, value=None, reason=why) if metric.formula.annualised and metric.value is not None else metric
        for name, metric in found.items()
    }
