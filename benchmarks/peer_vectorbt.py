"""vectorbt runs the crossing of two moving averages over many pairs of lengths: what sweeps over bars are measured against.

Runs in its own environment, as its users write it: indicators over all columns, then signals, then a portfolio.
"""

from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from bar_data import columns
from serving import seconds, serve

CLOSES: dict[tuple[str, int], pd.Series] = {}


def closes(data: str, bars: int) -> pd.Series:
    if (data, bars) not in CLOSES:
        kept = columns(data, bars)
        CLOSES[data, bars] = pd.Series(kept["close"], index=pd.to_datetime(kept["open_ns"], utc=True), name="close")
    return CLOSES[data, bars]


def total_returns(close: pd.Series, pairs: list[tuple[int, int]], fee: float, balance: float) -> np.ndarray:
    """Long one unit from a crossing upwards to the next one downwards, each filled at the close that shows it."""
    fast = vbt.MA.run(close, [pair[0] for pair in pairs], short_name="fast")
    slow = vbt.MA.run(close, [pair[1] for pair in pairs], short_name="slow")
    portfolio = vbt.Portfolio.from_signals(
        close,
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        size=1.0,
        fees=fee,
        init_cash=balance,
        freq="1min",
    )
    return np.asarray(portfolio.total_return())


def sweep(data: str, bars: int, pairs: list[tuple[int, int]], fee: float, balance: float, engine: str) -> dict[str, Any]:
    """All pairs in one call; the total return of each, in their order."""
    vbt.settings["engine"] = engine
    close = closes(data, bars)
    took_s, found = seconds(lambda: total_returns(close, pairs, fee, balance))
    return {"run_s": took_s, "total_returns": found.tolist(), "version": vbt.__version__}


if __name__ == "__main__":
    serve({"sweep": sweep})
