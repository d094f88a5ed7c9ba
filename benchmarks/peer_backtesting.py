"""backtesting.py runs one crossing of two moving averages: what one run over bars is measured against.

Runs in its own environment. Its rules: an order is filled at the next bar's open, and pays a ratio of its value.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from bar_data import columns
from serving import seconds, serve

warnings.filterwarnings("ignore", message="Some trades remain open")
FRAMES: dict[tuple[str, int], pd.DataFrame] = {}


def mean(values: np.ndarray, length: int) -> np.ndarray:
    return pd.Series(values).rolling(length).mean().to_numpy()


class Cross(Strategy):
    """Long one unit from a crossing upwards to the next one downwards."""

    fast_bars = 20
    slow_bars = 100

    def init(self) -> None:
        self.fast = self.I(mean, self.data.Close, self.fast_bars)
        self.slow = self.I(mean, self.data.Close, self.slow_bars)

    def next(self) -> None:
        if self.fast[-1] > self.slow[-1]:
            if self.fast[-2] <= self.slow[-2] and not self.position:
                self.buy(size=1)
        elif self.fast[-1] < self.slow[-1] and self.fast[-2] >= self.slow[-2] and self.position:
            self.position.close()


def frame(data: str, bars: int) -> pd.DataFrame:
    if (data, bars) not in FRAMES:
        kept = columns(data, bars)
        index = pd.to_datetime(kept["open_ns"], utc=True).tz_localize(None)
        named = {"Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume"}
        FRAMES[data, bars] = pd.DataFrame({name: kept[its] for name, its in named.items()}, index=index)
    return FRAMES[data, bars]


def backtest(data: str, bars: int, fast: int, slow: int, fee: float, balance: float) -> dict[str, Any]:
    """One run: its closed trades as (entry bar, exit bar, entry price, exit price, profit after fees)."""
    engine = Backtest(frame(data, bars), Cross, cash=balance, commission=fee)
    took_s, stats = seconds(lambda: engine.run(fast_bars=fast, slow_bars=slow))
    trades = stats["_trades"]
    names = ["EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "PnL"]
    return {"run_s": took_s, "trades": trades[names].to_numpy().tolist(), "equity": float(stats["Equity Final [$]"])}


if __name__ == "__main__":
    serve({"backtest": backtest})
