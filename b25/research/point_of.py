"""The figures of a sweep point from a whole result: for ticks and for plain Python, where no compiled run gathers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from b25.analytics.drawdown import drawdown_ratio
from b25.engine.sweep import RAISED
from b25.model.bar_run import BLOCKS, POINT
from b25.model.errors import Halt
from b25.research.bar_result import BarBacktest
from b25.research.result import Backtest

HALTED = 1  # status of a point that a limit of the engine ended; which one, the point's own backtest says


def points_of(
    columns: Mapping[str, np.ndarray], fixed: Mapping[str, Any], run: Callable[[dict[str, Any]], Backtest]
) -> np.ndarray:
    """Run points one after the other, each a whole backtest.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (m,)
        Parameters of each point.
    fixed : dict
        Parameters that are the same in all points.
    run : callable
        Takes the parameters of one point.

    Returns
    -------
    ndarray of POINT, shape (m,)
        A point whose run halted has its status and no figures.
    """
    rows = np.zeros(next(iter(columns.values())).size, POINT)
    for k in range(rows.size):
        params = {**fixed, **{name: values[k].item() for name, values in columns.items()}}
        try:
            rows[k] = point_of(run(params))[0]
        except Halt as fault:
            # The engine names the strategy's own error as the cause.
            rows["status"][k] = RAISED if fault.__cause__ is not None else HALTED
    return rows


def point_of(result: Backtest) -> np.ndarray:
    """Return one POINT row.

    Parameters
    ----------
    result : Backtest
        Its equity curve, trades and ledger; blocks of time are cut between the points of the curve.
    """
    row = np.zeros(1, POINT)
    point = row[0]
    curve = result.curve
    daily = curve.daily()
    returns = daily.returns
    point["start_equity"], point["equity"] = curve.starting_balance, curve.final_balance
    point["bar_equity"] = point["day_equity"] = curve.final_balance
    peak = np.maximum.accumulate(curve.equity)
    point["peak"] = peak[-1]
    point["drawdown"] = np.max(drawdown_ratio(curve.equity), initial=0.0)
    point["drawdown_money"] = np.max(peak - curve.equity)
    point["broke"] = bool((~(curve.equity > 0)).any())
    point["days"] = returns.size
    for k in range(4):
        point["day_sums"][k] = np.sum(returns ** (k + 1))
    point["day_down"] = np.sum(np.minimum(returns, 0.0) ** 2)
    point["day_best"], point["day_worst"] = np.max(returns, initial=-np.inf), np.min(returns, initial=np.inf)
    net = result.trades.filter(~pl.col("is_open"))["net"].to_numpy()
    point["trades"], point["wins"], point["losses"] = net.size, np.sum(net > 0), np.sum(net < 0)
    point["win_money"], point["loss_money"] = net[net > 0].sum(), -net[net < 0].sum()
    point["fills"] = sum(trace.fills.size for trace in result.traces)
    point["refused"] = int(result.outcome.world.head[0]["refused"])
    held = result.outcome.world.positions
    for p, instrument in zip(held, result.instruments, strict=True):
        unit = float(instrument.money_unit)
        point["fees"] += unit * (int(p["fees"]) + int(p["fees_e8"]) / 1e8)
        for name in ("funding", "borrow", "volume"):
            point[name] += unit * int(p[name])
    point["begin_ns"], point["end_ns"] = int(curve.time_ns[0]), int(curve.time_ns[-1])
    times, equity = _steps(result)
    _write_blocks(point, equity)
    _write_exposure(point, result, times)
    return row


def _steps(result: Backtest) -> tuple[np.ndarray, np.ndarray]:
    """Times and account values that returns are taken between: the closes of bars, else all points of the curve."""
    curve = result.curve
    if not isinstance(result, BarBacktest):
        return curve.time_ns, curve.equity
    _, first, end = result.made.steps
    closes = result.made.clock_ns[first:end]
    # What happens at the open of the next bar has the time of this close, and comes after it.
    at = np.searchsorted(curve.time_ns[1:], closes, side="left") + 1
    return np.concatenate((curve.time_ns[:1], closes)), np.concatenate((curve.equity[:1], curve.equity[at]))


def _write_blocks(point: np.void, equity: np.ndarray) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(equity[:-1] > 0, equity[1:] / equity[:-1] - 1.0, np.nan)
    edges = np.arange(BLOCKS + 1) * change.size // BLOCKS
    for k in range(BLOCKS):
        part = change[edges[k] : edges[k + 1]]
        point["blocks"][k] = part.size, part.sum(), (part * part).sum()
    point["bars"] = change.size


def _write_exposure(point: np.void, result: Backtest, times: np.ndarray) -> None:
    before = "left" if isinstance(result, BarBacktest) else "right"
    held = np.zeros(times.size, bool)
    for trace in result.traces:
        position = trace.position
        if position is not None and position.time_ns.size:
            at = np.searchsorted(position.time_ns, times, side=before) - 1  # type: ignore[call-overload]
            held |= (at >= 0) & (position.values[np.maximum(at, 0)] != 0)
    point["in_market_bars"] = int(held[1:].sum())
