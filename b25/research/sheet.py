"""Put together what a result's tear sheet shows: figures, pictures, costs, and how far to trust it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b25.analytics.cost_section import cost_section
from b25.analytics.honest_view import honest_section
from b25.analytics.tearsheet import TearSheetData

if TYPE_CHECKING:
    from b25.research.result import Backtest


def sheet_of(result: Backtest) -> TearSheetData:
    """Return what a backtest's tear sheet shows."""
    base = result.traces[0].base if len(result.instruments) == 1 else ""
    costs = result.costs
    sections = [
        ("How far to trust it", honest_section(result.metrics, currency=result.currency, base=base)),
        ("What trading cost", cost_section(costs.metrics, costs.orders, currency=result.currency)),
    ]
    return TearSheetData(
        title=result.name,
        subtitle=result._subtitle(),
        currency=result.currency,
        curve=result.curve,
        metrics=result.metrics | costs.metrics,
        traces=result.traces,
        trades=result.trades,
        orders=result.order_counts,
        assumptions=result.assumptions,
        parameters=[
            (n, f"{v:g}" if isinstance(v, float) else str(v), result.made.cls.params[n].unit)
            for n, v in result.parameters.items()
        ],
        provenance=result.provenance,
        candles=result.candles,
        sections=sections,
        warnings=result.warnings,
    )
