"""The figures of a sweep point from a whole result: for ticks and for plain Python, where no compiled run gathers them."""

from __future__ import annotations

import numpy as np
import polars as pl

from b25.analytics.drawdown import drawdown_ratio
from b25.model.bar_run import BLOCKS, POINT
from b25.research.result import Backtest


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
    _write_blocks(point, curve.equity)
    _write_exposure(point, result)
    return row


def _write_blocks(point: np.void, equity: np.ndarray) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(equity[:-1] > 0, equity[1:] / equity[:-1] - 1.0, np.nan)
    edges = np.arange(BLOCKS + 1) * change.size // BLOCKS
    for k in range(BLOCKS):
        part = change[edges[k] : edges[k + 1]]
        point["blocks"][k] = part.size, part.sum(), (part * part).sum()
    point["bars"] = change.size


def _write_exposure(point: np.void, result: Backtest) -> None:
    times = result.curve.time_ns
    held = np.zeros(times.size, bool)
    for trace in result.traces:
        position = trace.position
        if position is not None and position.time_ns.size:
            at = np.searchsorted(position.time_ns, times, side="right") - 1
            held |= (at >= 0) & (position.values[np.maximum(at, 0)] != 0)
    point["in_market_bars"] = int(held[1:].sum())
