"""Tiny series of bars written down by hand."""

from decimal import Decimal

import numpy as np

from b25.market.bars import Bars
from b25.model.bar import BAR
from b25.model.instrument import Instrument

HOUR_NS = 3_600_000_000_000
START_NS = 1_700_000_000_000_000_000 // HOUR_NS * HOUR_NS
ABC = Instrument(venue="sim", symbol="ABC/USDT:USDT", tick=Decimal("0.01"), lot=Decimal("0.001"))


def candles(*prices: tuple[float, float, float, float]) -> Bars:
    """Hourly bars of the given open, high, low and close, one after the other."""
    rows = np.zeros(len(prices), BAR)
    rows["open_ns"] = START_NS + np.arange(len(prices)) * HOUR_NS
    rows["close_ns"] = rows["open_ns"] + HOUR_NS
    rows["volume_lots"], rows["buy_lots"] = 1_000_000, -1
    for name, column in zip(("open", "high", "low", "close"), zip(*prices, strict=True), strict=True):
        rows[f"{name}_ticks"] = [round(price * 100) for price in column]
    return Bars(instrument=ABC, timeframe="1h", frame_ns=HOUR_NS, rows=rows, volume=rows["volume_lots"] * 0.001, source="hand")


def closing_at(*closes: float) -> Bars:
    """Hourly bars that open where the one before closed, and go nowhere else."""
    opens = (closes[0], *closes[:-1])
    return candles(*((o, max(o, c), min(o, c), c) for o, c in zip(opens, closes, strict=True)))
