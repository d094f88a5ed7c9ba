"""Is it the timing? The same trades, as many, as long, as large and as dear, entered at random times in the same market."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from b25.analytics.formulas import measured, missing
from b25.analytics.honest import SEED
from b25.analytics.metric import FloatArray, IntArray, Metric
from b25.analytics.series import InstrumentTrace

TRADES_MIN: Final = 5
TRADES_MAX: Final = 10_000  # of more trades this many, evenly spread, are compared with
DRAWS: Final = 1_000
DRAWS_MIN: Final = 100
ENTRIES: Final = 500_000  # random entries in all; bounds the time to a tenth of a second
STRETCHES_MAX: Final = 2_000_000
NAMES: Final = ("random_entry_profit", "random_entry_percentile", "random_entry_p_value")


@dataclass(frozen=True, slots=True, eq=False)
class RandomEntries:
    """Profits of random draws beside the strategy's own.

    Parameters
    ----------
    profit : ndarray of float64, shape (draws,)
        Sum of each draw's trades, after fees.
    actual : float
        Sum of the strategy's closed trades that the draws copied, after fees.
    trades, trades_of : int
        How many trades were copied, of how many closed ones.
    seed : int
        Repeats the draws.
    """

    profit: FloatArray
    actual: float
    trades: int
    trades_of: int
    seed: int

    @property
    def percentile(self) -> float:
        """Share of draws below the strategy; an equal one counts half."""
        return float(np.mean(self.profit < self.actual) + np.mean(self.profit == self.actual) / 2.0)

    @property
    def p_value(self) -> float:
        """Chance that random entries do as well: ``(1 + draws at or above) / (1 + draws)``."""
        return (1.0 + float(np.sum(self.profit >= self.actual))) / (1.0 + self.profit.size)


def random_entries(
    trades: pl.DataFrame, traces: Sequence[InstrumentTrace], *, draws: int | None = None, seed: int = SEED
) -> RandomEntries | None:
    """Enter the strategy's trades at random times.

    Parameters
    ----------
    trades : polars.DataFrame
        As made by `trades_from_fills`; closed ones are copied: instrument, side, holding time, size in money, fees.
    traces : sequence of InstrumentTrace
        Mid prices of the instruments. Entries are uniform over the span of the mids, early enough to end within it.
    draws : int, optional
        By default 1,000, and fewer beyond 500 trades, so that about 500,000 entries are drawn.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    RandomEntries or None
        None when no closed trade is in an instrument with mid prices.

    Notes
    -----
    A random trade is opened and closed at mid and pays the fees of the trade it copies; funding is left out. Its size is the
    largest value that the copied trade held, so that one that was scaled in and out many times is not copied as many times
    as large. Trades of one draw may overlap.
    """
    closed = trades.filter(~pl.col("is_open")).sort("exit_time", maintain_order=True)
    known = {trace.name: trace for trace in traces if trace.mids is not None and bool(np.any(~np.isnan(trace.mids.values)))}
    copied = closed.filter(pl.col("instrument").is_in(list(known)))
    if not copied.height:
        return None
    if copied.height > TRADES_MAX:
        copied = copied[np.linspace(0, copied.height - 1, TRADES_MAX).round().astype(np.int64)]
    count = draws or max(DRAWS_MIN, min(DRAWS, ENTRIES // copied.height))
    generator = np.random.default_rng(seed)
    profit = np.full(count, -float(copied["fees"].fill_null(0.0).sum()))
    for name in sorted(known):
        mine = copied.filter(pl.col("instrument") == name)
        if mine.height:
            profit += _drawn(mine, known[name], count, generator)
    return RandomEntries(profit, float(copied["net"].sum()), copied.height, closed.height, seed)


def _drawn(trades: pl.DataFrame, trace: InstrumentTrace, draws: int, generator: np.random.Generator) -> FloatArray:
    """Gross profit of each draw in one instrument."""
    assert trace.mids is not None
    mid_known = ~np.isnan(trace.mids.values)
    times, mids = trace.mids.time_ns[mid_known], trace.mids.values[mid_known]
    entry_value = trades["entry_value"].to_numpy().astype(np.float64)
    price = trades["entry_price"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    held = trades["max_quantity"].cast(pl.Float64).fill_null(np.nan).to_numpy() * np.abs(trace.fills.worth(price))
    size = np.where(np.isnan(held), entry_value, np.minimum(entry_value, held))
    signed = np.where(trades["side"].to_numpy() == "long", size, -size)
    holding = trades["holding_ns"].to_numpy()
    out, find = np.zeros(draws), _Finder(times)
    batch = max(1, 200_000 // draws)
    for begin in range(0, signed.size, batch):
        part = slice(begin, begin + batch)
        moved = _moves(find, mids, holding[part], draws, generator, inverse=trace.fills.inverse)
        out += signed[part] @ moved
    return out


class _Finder:
    """Which row of a rising column of times is in force at a time; several times faster than a binary search for many."""

    def __init__(self, times: IntArray) -> None:
        self.times, self.first = times, int(times[0])
        span = int(times[-1]) - self.first
        # Stretches of a power of two of nanoseconds, one or two a row (up to a bound on memory): a shift finds the stretch, and
        # its row is near.
        self.shift = max(0, (span // min(max(times.size, 1), STRETCHES_MAX)).bit_length() - 1)
        inside = np.bincount((times - self.first) >> self.shift)
        self.rows = np.maximum(np.cumsum(inside) - inside - 1, 0)
        self.next = np.append(times[1:], np.iinfo(np.int64).max)

    def __call__(self, at: IntArray) -> IntArray:
        """Row of each time, which must be within the column's span."""
        rows: IntArray = self.rows[(at - self.first) >> self.shift]
        late = np.flatnonzero(self.next[rows] <= at)
        for _ in range(3):
            if not late.size:
                return rows
            rows[late] += 1
            late = late[self.next[rows[late]] <= at[late]]
        rows[late] = np.searchsorted(self.times, at[late], side="right") - 1
        return rows


def _moves(
    find: _Finder, mids: FloatArray, holding_ns: IntArray, draws: int, generator: np.random.Generator, *, inverse: bool
) -> FloatArray:
    """Change of worth, as a share of the entry's, over each holding time from random entries; shape (trades, draws)."""
    room = np.maximum(int(find.times[-1]) - find.first - holding_ns, 0)
    entry = find.first + (generator.random((holding_ns.size, draws)) * room[:, None]).astype(np.int64)
    out = entry + np.minimum(holding_ns, int(find.times[-1]) - find.first)[:, None]
    bought, sold = mids[find(entry.reshape(-1))], mids[find(out.reshape(-1))]
    moves: FloatArray = 1.0 - bought / sold if inverse else sold / bought - 1.0
    return moves.reshape(entry.shape)


def random_entry_metrics(trades: pl.DataFrame, traces: Sequence[InstrumentTrace], *, seed: int = SEED) -> dict[str, Metric]:
    """Where the strategy's profit stands among random entries.

    Parameters
    ----------
    trades : polars.DataFrame
        As made by `trades_from_fills`; fewer than 5 closed trades make every figure n/a.
    traces : sequence of InstrumentTrace
        Mid prices of the instruments.
    seed : int
        Noted with every figure.
    """
    closed = trades.height - int(trades["is_open"].sum())
    if closed < TRADES_MIN:
        why = f"{closed} closed trade{'s' if closed != 1 else ''}; at least {TRADES_MIN} are needed"
        return {name: missing(name, why) for name in NAMES}
    found = random_entries(trades, traces, seed=seed)
    if found is None:
        return {name: missing(name, "no mid prices") for name in NAMES}
    part = f", {found.trades:,} of {found.trades_of:,} trades" if found.trades < found.trades_of else ""
    note = f"{found.profit.size:,} draws, seed {seed}{part}"
    values = (float(np.median(found.profit)), found.percentile, found.p_value)
    return {name: measured(name, value, note=note) for name, value in zip(NAMES, values, strict=True)}
