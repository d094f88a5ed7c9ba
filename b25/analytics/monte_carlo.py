"""The same trades in another order, and other trades of the same kind: how much of a result was the sequence."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from b25.analytics.formulas import measured, missing
from b25.analytics.honest import SEED
from b25.analytics.metric import FloatArray, Metric

TRADES_MIN: Final = 10
ROUNDS: Final = 1_000
ROUNDS_MIN: Final = 100
NUMBERS_MAX: Final = 1_000_000
SHUFFLED: Final = ("monte_carlo_drawdown_05", "monte_carlo_drawdown_50", "monte_carlo_drawdown_95")
RESAMPLED: Final = ("monte_carlo_profit_05", "monte_carlo_profit_50", "monte_carlo_profit_95", "monte_carlo_loss_probability")


@dataclass(frozen=True, slots=True, eq=False)
class TradeRounds:
    """What random sequences of trades come to, one number a round.

    Parameters
    ----------
    profit : ndarray of float64, shape (rounds,)
        Sum of the trades; the same in every round of a shuffle.
    drawdown : ndarray of float64, shape (rounds,)
        Largest fall from the running peak of balance + profits so far, as a ratio; the balance is the first peak. Above 1
        where a round went below zero.
    drawdown_money : ndarray of float64, shape (rounds,)
        The same in money.
    seed : int
        Repeats the rounds.
    """

    profit: FloatArray
    drawdown: FloatArray
    drawdown_money: FloatArray
    seed: int


def trade_rounds(
    profit: FloatArray, *, starting_balance: float, replace: bool, rounds: int | None = None, seed: int = SEED
) -> TradeRounds:
    """Shuffle trades, or draw as many with replacement.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Net profit of each closed trade.
    starting_balance : float
        Account value before the first trade, positive.
    replace : bool
        False shuffles: the final profit stays, the way to it changes. True draws with replacement: both change.
    rounds : int, optional
        By default 1,000, and fewer beyond 1,000 trades, so that at most 1,000,000 are drawn.
    seed : int
        The same seed gives the same rounds.
    """
    values = np.asarray(profit, np.float64)
    count = rounds or max(ROUNDS_MIN, min(ROUNDS, NUMBERS_MAX // max(values.size, 1)))
    generator = np.random.default_rng(seed)
    out = np.empty((3, count))
    batch = max(1, 500_000 // max(values.size, 1))
    for begin in range(0, count, batch):
        rows = min(batch, count - begin)
        if replace:
            drawn = values[generator.integers(0, values.size, (rows, values.size))]
        else:
            drawn = generator.permuted(np.broadcast_to(values, (rows, values.size)), axis=1)
        balance = np.cumsum(drawn, axis=1)
        balance += starting_balance
        peak = np.maximum(np.maximum.accumulate(balance, axis=1), starting_balance)
        fall = peak - balance
        out[0, begin : begin + rows] = balance[:, -1] - starting_balance
        out[2, begin : begin + rows] = fall.max(axis=1)
        fall /= peak
        out[1, begin : begin + rows] = fall.max(axis=1)
    return TradeRounds(out[0], out[1], out[2], seed)


def monte_carlo_metrics(profit: FloatArray, *, starting_balance: float, seed: int = SEED) -> dict[str, Metric]:
    """Drawdown of shuffled trades, and profit of resampled ones, 5, 50 and 95 %.

    Parameters
    ----------
    profit : ndarray of float64, shape (n,)
        Net profit of each closed trade; fewer than 10 make every figure n/a.
    starting_balance : float
        Account value at the start.
    seed : int
        Noted with every figure.
    """
    values = np.asarray(profit, np.float64)
    fault = "" if np.all(np.isfinite(values)) else "a trade's profit is not a number"
    if values.size < TRADES_MIN:
        fault = f"{values.size} closed trade{'s' if values.size != 1 else ''}; at least {TRADES_MIN} are needed"
    if fault or starting_balance <= 0:
        return {name: missing(name, fault or "the starting balance is not positive") for name in (*SHUFFLED, *RESAMPLED)}
    shuffled = trade_rounds(values, starting_balance=starting_balance, replace=False, seed=seed)
    drawn = trade_rounds(values, starting_balance=starting_balance, replace=True, seed=seed)
    note = f"{shuffled.profit.size:,} rounds, seed {seed}"
    falls = np.quantile(shuffled.drawdown, (0.05, 0.5, 0.95))
    sums = (*np.quantile(drawn.profit, (0.05, 0.5, 0.95)), np.mean(drawn.profit < 0))
    return {
        name: measured(name, float(value), note=note)
        for name, value in zip((*SHUFFLED, *RESAMPLED), (*falls, *sums), strict=True)
    }
