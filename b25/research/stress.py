"""Run a result again under worse assumptions: an edge that does not survive them was made of the assumptions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.research.bar_backtest import plan_of, run_plan
from b25.venue.bar_models import BarFills

if TYPE_CHECKING:
    import polars as pl

    from b25.research.bar_result import BarBacktest

SLIPPAGE_BPS_MIN = 1.0  # what twice nothing is taken for


def variants(result: BarBacktest) -> list[tuple[str, dict[str, Any]]]:
    """Name and keywords of each worse run."""
    made = result.made
    fees = replace(
        made.fees,
        maker=_worse(made.fees.maker),
        taker=_worse(made.fees.taker),
        tiers=tuple((volume, _worse(maker), _worse(taker)) for volume, maker, taker in made.fees.tiers),
    )
    slower = replace(
        made.fills, slippage_bps=2 * made.fills.slippage_bps or SLIPPAGE_BPS_MIN, impact_bps=2 * made.fills.impact_bps
    )
    honest = replace(made.fills, price="open", limit="through", participation=min(made.fills.participation or 0.1, 0.1))
    return [
        ("as it was", {}),
        ("fees + 50 %", {"fees": fees}),
        (f"slippage {slower.slippage_bps:g} bps", {"bar_fills": slower}),
        ("next open, limits through, a tenth of the volume", {"bar_fills": honest}),
        ("all of it", {"fees": fees, "bar_fills": _both(slower, honest)}),
    ]


def stressed(result: BarBacktest) -> pl.DataFrame:
    """Run every variant.

    Returns
    -------
    polars.DataFrame
        One row a variant: its name, net profit, total return, largest drawdown, Sharpe as computed (also of a short run), fills,
        fees.
    """
    import polars as pl

    rows = []
    for name, changed in variants(result):
        one = result
        if changed:
            plan = plan_of(result.made.cls, list(result.made.datasets), **(result.made.options | changed))
            one = run_plan(plan, result.parameters, compiled=None if result.made.compiled else False)
        returns = one.curve.daily().returns
        spread = float(np.std(returns, ddof=1)) if returns.size > 1 else 0.0
        total = one.curve.final_balance / one.curve.starting_balance - 1.0
        rows.append(
            {
                "variant": name,
                "net_profit": one.curve.net_profit,
                "total_return": total,
                "max_drawdown": _fall(one.curve.equity),
                "sharpe": float(np.mean(returns)) / spread * 365**0.5 if spread > 0 else None,
                "fills": sum(trace.fills.size for trace in one.traces),
                "fees": sum(float(trace.fills.fee.sum()) for trace in one.traces),
            }
        )
    return pl.DataFrame(rows)


def _worse(rate: float) -> float:
    """Half as much again of a fee, half of a rebate; no more than a fee may be."""
    return min(rate * 1.5, 0.01) if rate > 0 else rate * 0.5


def _both(slower: BarFills, honest: BarFills) -> BarFills:
    return replace(honest, slippage_bps=slower.slippage_bps, impact_bps=slower.impact_bps)


def _fall(equity: np.ndarray) -> float | None:
    from b25.analytics.drawdown import drawdown_ratio

    return float(np.max(drawdown_ratio(equity))) if (equity > 0).all() else None
