"""Made-up bars from which the tests of this folder start."""

import numpy as np
import polars as pl

from b25.market.bars import Bars
from b25.research.bars import bars

HOUR_NS = 3_600_000_000_000
START = np.datetime64("2024-01-01", "ns")


def wandering(n: int = 3_000, seed: int = 25, *, symbol: str = "BTC/USDT:USDT", start: int = 0, volume: float = 100.0) -> Bars:
    """Hourly bars of a price that goes nowhere in particular."""
    rng = np.random.default_rng(seed)
    path = 100 * np.exp(np.cumsum(rng.normal(0, 0.004, n + 1)))
    opened, closed = path[:-1], path[1:]
    frame = pl.DataFrame(
        {
            "date": pl.Series(START + (np.arange(n) + start) * np.timedelta64(HOUR_NS, "ns")).cast(pl.Datetime("ns", "UTC")),
            "open": opened,
            "high": np.maximum(opened, closed) * 1.001,
            "low": np.minimum(opened, closed) * 0.999,
            "close": closed,
            "volume": rng.uniform(0.5, 1.5, n) * volume,
        }
    ).with_columns(pl.col("open", "high", "low", "close").round(2), pl.col("volume").round(3))
    return bars("1h", source=frame, symbol=symbol, venue="binanceusdm", tick="0.01", lot="0.001")
