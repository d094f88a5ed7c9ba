"""Hourly bars of a seeded random walk, with as much momentum in it as a test wants."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from b25.research.bars import bars


def walk_frame(n, *, seed=1, momentum=0.0, drift=0.0):
    """Bars whose returns lean to the side of the return before: r_t = momentum * r_(t-1) + noise."""
    rng = np.random.default_rng(seed)
    returns = np.empty(n)
    before = 0.0
    for t, noise in enumerate(rng.normal(drift, 0.01, n).tolist()):
        before = momentum * before + noise
        returns[t] = before
    close = 1000 * np.exp(np.cumsum(returns))
    opens = np.concatenate(([1000.0], close[:-1]))
    reach = 1 + np.abs(rng.normal(0, 0.003, (2, n)))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "date": pl.datetime_range(start, start.replace(year=2030), "1h", time_unit="ns", eager=True).head(n),
            "open": opens.round(2),
            "high": (np.maximum(opens, close) * reach[0]).round(2),
            "low": (np.minimum(opens, close) / reach[1]).round(2),
            "close": close.round(2),
            "volume": rng.gamma(2.0, 50.0, n).round(3),
        }
    )


def walk_bars(n, *, symbol="AAA/USDT", **words):
    return bars("1h", source=walk_frame(n, **words), symbol=symbol, tick="0.01", lot="0.001")
