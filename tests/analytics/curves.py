"""Small curves, fills and books from which the tests of this folder start."""

import numpy as np

from b25.analytics.curve import EquityCurve
from b25.analytics.metric import NS_PER_DAY
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries

SECOND = 1_000_000_000
NOON = 1_723_118_400 * SECOND  # 2024-08-08 12:00 UTC


def daily_curve(equity: list[float]) -> EquityCurve:
    """One point a day at 00:00 UTC."""
    return EquityCurve(np.arange(len(equity)) * NS_PER_DAY, np.asarray(equity, float))


def fills(rows: list[tuple[int, int, float, float]], *, fee: float = 0.0, **more: object) -> FillSeries:
    """Fills of (second, side, price, quantity) with a fee as a share of the value."""
    second, side, price, quantity = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 4
    series = FillSeries(
        time_ns=NOON + second.astype(np.int64) * SECOND, side=side, price=price, quantity=quantity, fee=price * 0, **more
    )
    return FillSeries(
        time_ns=series.time_ns, side=series.side, price=series.price, quantity=series.quantity, fee=series.notional * fee, **more
    )


def minutes_of_trading(seconds: int = 300, seed: int = 7) -> tuple[EquityCurve, InstrumentTrace]:
    """A market maker's five minutes: a wandering mid, fills on both sides at half a spread from it, exact equity."""
    rng = np.random.default_rng(seed)
    time_ns = NOON + np.arange(seconds * 10) * (SECOND // 10)
    mid = 2500.0 + np.cumsum(rng.normal(0, 0.05, time_ns.size))
    at = np.sort(rng.choice(np.arange(10, time_ns.size - 10), 60, replace=False))
    side = rng.choice([-1, 1], at.size)
    price = mid[at] - side * 0.1
    made = FillSeries(
        time_ns=time_ns[at], side=side, price=price, quantity=np.full(at.size, 0.5), fee=price * 0.5 * 1e-5,
        maker=np.ones(at.size, bool), lot=0.001,
    )  # fmt: skip
    cash, held = np.zeros(time_ns.size), np.zeros(time_ns.size)
    np.add.at(cash, at, -side * price * 0.5 - made.fee)
    np.add.at(held, at, side * 0.5)
    equity = 10_000 + np.cumsum(cash) + np.cumsum(held) * mid
    trace = InstrumentTrace(name="ETH/USDT:USDT", fills=made, mids=TimeSeries(time_ns, mid), quote="USDT", base="ETH")
    return EquityCurve(time_ns, equity), trace
