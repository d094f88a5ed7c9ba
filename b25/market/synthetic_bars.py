"""Sample bars of our own making: a seeded price with clusters of volatility, and as much of an edge as is asked for.

With ``edge=0`` the price is a fair game: no rule that knows only the past can expect to earn on it, so whatever a search
finds there is chance, and known to be. With an edge a hidden trend, which lasts some days, pushes the price by a stated
share of its volatility; a rule that follows trends can find it. Both are made up, and what earns here earns nowhere else.

Chance comes from the raw words of PCG64, and nothing goes beyond whole numbers, ``+ - * /`` and ``sqrt``, so the same
seed gives the same bytes on every machine.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import numpy as np

from b25.market.bars import Bars
from b25.market.timeframe import NS_PER_DAY, NS_PER_S, timeframe
from b25.model.bar import BAR
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

# Raise it with any change that gives the same seed other bytes.
GENERATOR_VERSION: Final = 1

START_NS: Final = 1_577_836_800 * NS_PER_S  # 2020-01-01 00:00 UTC
DAYS_MAX: Final = 3_650
BARS_MAX: Final = 5_000_000
EDGE_MAX: Final = 1.0

PRICE_TICKS: Final = 300_000  # of 0.1 at the start
LOWEST_TICKS: Final = 1_000  # below, a tick would be a large part of the price
DAY_VOLATILITY: Final = 0.03
# GARCH(1,1): weights of the last bar's square and of the last variance; the rest is the long run's.
SHOCK: Final = 0.07
MEMORY: Final = 0.91
TREND_DAYS: Final = 6.0  # after so long the hidden trend is on average a third of what it was
STEPS: Final = 8  # of the price inside a bar, for its high and low
LOTS_A_DAY: Final = 20_000_000  # of 0.001
WORDS: Final = 3  # of 64 bits a normal number: twelve parts of 16 bits
_PART_MEAN: Final = (2.0**16 - 1.0) / 2.0
_PART_VARIANCE: Final = (2.0**32 - 1.0) / 12.0


def make_bars(
    frame: str = "1h",
    *,
    days: int = 365,
    seed: int = 25,
    edge: float = 0.0,
    venue: str = "sim",
    symbol: str = "BTC/USDT:USDT",
) -> Bars:
    """Make bars of a market that does not exist.

    Parameters
    ----------
    frame : str
        Timeframe, from a second to a day.
    days : int
        Length, from 2020-01-01 on.
    seed : int
        Which market; 0 or more.
    edge : float
        Size of the hidden trend, from 0 to 1: the standard deviation of a day's expected return on that of the day's chance.
        0 is a fair game; 0.1 drowns in chance for years; 0.3 is what a trend follower can find; 1 is a fairy tale.
    venue, symbol : str
        Name of the instrument; the market is the same whatever it is called.

    Returns
    -------
    Bars
        Without a gap, of a tick of 0.1 and a lot of 0.001, with the volume that was bought.

    Raises
    ------
    Misuse
        For a timeframe that does not fit a day, or a number out of bounds.
    """
    length_ns = timeframe(frame).frame_ns
    if not 0 < length_ns <= NS_PER_DAY:
        raise Misuse(f"sample bars of {frame}", remedy="make bars of a day or less, and larger ones of them: .resample('1w')")
    _check(days, seed, edge)
    count = days * (NS_PER_DAY // length_ns)
    if count > BARS_MAX:
        raise Misuse(f"{days} days of {frame} are {count:,} bars, more than {BARS_MAX:,}", remedy="take fewer days")
    chance = np.random.PCG64(seed)
    moves = _moves(chance, count, length_ns, edge)
    rows = np.zeros(count, BAR)
    rows["open_ns"] = START_NS + np.arange(count, dtype=np.int64) * length_ns
    rows["close_ns"] = rows["open_ns"] + length_ns
    _prices(rows, moves, seed)
    _volumes(rows, moves, chance, length_ns)
    instrument = Instrument(venue=venue, symbol=symbol, tick=Decimal("0.1"), lot=Decimal("0.001"), min_notional=Decimal(5))
    return Bars(
        instrument=instrument,
        timeframe=frame,
        frame_ns=length_ns,
        rows=rows,
        volume=rows["volume_lots"] / 1_000.0,
        source=f"simulated bars, seed {seed}, edge {edge:g}, generator version {GENERATOR_VERSION}",
    )


def _check(days: int, seed: int, edge: float) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= DAYS_MAX:
        raise Misuse(f"a sample of days={days!r}", remedy=f"give a whole number from 1 to {DAYS_MAX:,}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise Misuse(f"a sample of seed={seed!r}", remedy="give a whole number, 0 or more")
    if isinstance(edge, bool) or not isinstance(edge, int | float) or not 0 <= edge <= EDGE_MAX:
        raise Misuse(f"a sample with edge={edge!r}", remedy=f"give a number from 0 to {EDGE_MAX:g}")


def _normals(chance: np.random.PCG64, count: int) -> np.ndarray:
    """Numbers of mean 0 and variance 1 that are nearly normal: sums of twelve whole ones."""
    words = np.asarray(chance.random_raw(count * WORDS), np.uint64).reshape(count, WORDS)
    total = np.zeros(count, np.int64)
    for shift in (0, 16, 32, 48):
        total += ((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64).sum(axis=1)
    parts = 4 * WORDS
    normal: np.ndarray = (total - parts * _PART_MEAN) / math.sqrt(parts * _PART_VARIANCE)
    return normal


def _moves(chance: np.random.PCG64, count: int, length_ns: int, edge: float) -> np.ndarray:
    """Relative moves of the price, shape (count, STEPS): volatility in clusters, and the trend's push."""
    noise = _normals(chance, count * STEPS).reshape(count, STEPS)
    # Drawn also without an edge, so that an edge changes the trend and not the noise.
    turns = _normals(chance, count).tolist()
    share = length_ns / NS_PER_DAY
    long_run = DAY_VOLATILITY * DAY_VOLATILITY * share
    keep = 1.0 - share / TREND_DAYS if share < TREND_DAYS else 0.0
    renew = math.sqrt(1.0 - keep * keep)
    push = edge * math.sqrt(share)
    sizes, trends = [0.0] * count, [0.0] * count
    variance, trend = long_run, turns[0]
    # Added up column by column: an order of its own, whatever the machine's vectors are.
    sums = noise[:, 0].copy()
    for k in range(1, STEPS):
        sums += noise[:, k]
    for k, chance_of_bar in enumerate((sums / math.sqrt(STEPS)).tolist()):
        sizes[k], trends[k] = math.sqrt(variance), trend
        variance = long_run * (1.0 - SHOCK - MEMORY) + variance * (MEMORY + SHOCK * chance_of_bar * chance_of_bar)
        trend = keep * trend + renew * turns[k]
    drift = np.array(trends) * (push / STEPS)
    moves: np.ndarray = np.array(sizes)[:, None] * (noise / math.sqrt(STEPS) + drift[:, None])
    return moves


def _prices(rows: np.ndarray, moves: np.ndarray, seed: int) -> None:
    """Write open, high, low and close: a bar opens where the one before closed."""
    path = np.cumprod(1.0 + moves.reshape(-1)) * PRICE_TICKS
    if path.min() < LOWEST_TICKS or path.max() > 1_000 * PRICE_TICKS:
        raise Misuse(
            f"the price of seed {seed} wanders from {path.min() / 10:,.1f} to {path.max() / 10:,.1f}", remedy="take fewer days"
        )
    ticks = np.rint(path).astype(np.int32).reshape(moves.shape)
    close = ticks[:, -1]
    opened = np.concatenate((np.array([PRICE_TICKS], np.int32), close[:-1]))
    rows["open_ticks"], rows["close_ticks"] = opened, close
    rows["high_ticks"] = np.maximum(opened, ticks.max(axis=1))
    rows["low_ticks"] = np.minimum(opened, ticks.min(axis=1))


def _volumes(rows: np.ndarray, moves: np.ndarray, chance: np.random.PCG64, length_ns: int) -> None:
    """Write volumes: larger where the price moved more, and bought rather than sold where it rose."""
    usual = LOTS_A_DAY * (length_ns / NS_PER_DAY)
    scale = DAY_VOLATILITY * math.sqrt(length_ns / NS_PER_DAY)
    reach = (rows["high_ticks"] - rows["low_ticks"]) / rows["open_ticks"] / scale
    luck = 1.0 + 0.2 * _normals(chance, len(rows))
    volume = np.maximum(1.0, usual * (0.25 + 0.5 * reach) * np.maximum(0.2, luck))
    rows["volume_lots"] = np.rint(volume).astype(np.int64)
    lean = (rows["close_ticks"] - rows["open_ticks"]) / np.maximum(1, rows["high_ticks"] - rows["low_ticks"])
    rows["buy_lots"] = np.rint(rows["volume_lots"] * (0.5 + 0.2 * lean)).astype(np.int64)
