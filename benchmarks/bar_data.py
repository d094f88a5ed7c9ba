"""One-minute bars that everybody runs on: a seeded walk on a grid of quarters, made once and read by all. Needs only numpy.

Quarters, because sums of them are exact in floating point: two moving averages are then equal for everybody or for nobody,
however each adds them up. On a grid of cents a running sum is off by its rounding, and two engines may see a tie differently.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

TICK = 0.25
FIRST_TICKS = 120_000  # a price of 30,000
BEGIN_NS = 1_704_067_200_000_000_000  # 2024-01-01
MINUTE_NS = 60_000_000_000
FAST, SLOW = tuple(range(5, 55, 5)), tuple(range(60, 260, 10))  # 200 pairs


def made_bars(folder: Path, count: int, seed: int = 7) -> Path:
    """File with so many bars: `open_ns`, prices in ticks, volume in whole units; made unless it is there."""
    path = folder / f"bars_{count}_{seed}.npz"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(seed)
    # The walk is drawn towards its beginning a little, so that a year of it stays above zero.
    steps = dice.integers(-20, 21, count)
    close = np.empty(count, np.int64)
    at = FIRST_TICKS
    for k in range(count):
        at += int(steps[k]) - (at - FIRST_TICKS) // 20_000
        close[k] = at
    opens = np.concatenate(([FIRST_TICKS], close[:-1])) + dice.integers(-2, 3, count)
    high = np.maximum(opens, close) + dice.integers(0, 9, count)
    low = np.minimum(opens, close) - dice.integers(0, 9, count)
    made = path.with_suffix(".part.npz")
    np.savez(
        made,
        open_ns=BEGIN_NS + MINUTE_NS * np.arange(count),
        open=opens,
        high=high,
        low=low,
        close=close,
        volume=dice.integers(1, 1_000, count),
    )
    os.replace(made, path)
    return path


def columns(path: str, count: int | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of the first so many bars of a file, prices in quote as floats."""
    with np.load(path) as kept:
        found = {name: kept[name][:count] for name in kept.files}
    return {name: column * TICK if name in ("open", "high", "low", "close") else column for name, column in found.items()}


def narrowest_decision(path: str, fast: int, slow: int) -> tuple[float, int]:
    """Smallest distance of two moving averages that is not zero, in quote, and at how many bars they are exactly equal.

    Exact: the sums are of whole ticks, and compared after multiplying with each other's length.
    """
    with np.load(path) as kept:
        sums = np.concatenate(([0], np.cumsum(kept["close"])))
    ends = np.arange(slow, len(sums))
    apart = (sums[ends] - sums[ends - fast]) * slow - (sums[ends] - sums[ends - slow]) * fast
    different = np.abs(apart[apart != 0])
    return float(different.min()) * TICK / (fast * slow), int((apart == 0).sum())
