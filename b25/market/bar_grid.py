"""The grid of an instrument that is known from floats only: tick and lot as powers of ten, and bounds that keep int64 whole."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from b25.market.venue_names import MARKETS, default_contract_size, known_instrument
from b25.model.errors import Misuse
from b25.model.event import PRICE_TICKS_MAX
from b25.model.instrument import INT64, Instrument

PRICE_DECIMALS_MAX = 12
QTY_DECIMALS_MAX = 8
# A float that was computed rather than read misses its decimal by a few units in the last place.
ULPS = 8
QTY_ULPS = 2  # volumes are large: more would hide their last decimals
EPSILON = float(np.finfo(np.float64).eps)
# Counted in tick x lot, int64 should reach this far in the quote currency: for accounts, sums of trades, and room beside them.
QUOTE_MIN = 900_000_000
# Orders may be priced this many times above the highest price seen.
PRICE_HEADROOM = 100


@dataclass(frozen=True, slots=True)
class Grid:
    """What is known of an instrument's grid, or None where it is to be inferred."""

    tick: Decimal | None = None
    lot: Decimal | None = None
    contract_size: Decimal | None = None
    min_notional: Decimal | None = None


def decimals(values: np.ndarray, most: int, ulps: int = ULPS) -> int | None:
    """Fewest decimals with which all values are written exactly, at most `most`; None when there are more.

    A value counts as exact within `ulps` units in its last place; where floats are too coarse to tell, that is no decimal.
    """
    values = np.unique(np.abs(values))
    for power in range(most + 1):
        scaled = values * 10.0**power
        if len(scaled) and scaled[-1] * EPSILON * ulps > 0.5:
            return None
        if np.all(np.abs(scaled - np.rint(scaled)) <= scaled * (EPSILON * ulps)):
            return power
    return None


def infer_tick(prices: np.ndarray, name: str) -> Decimal:
    """Return the coarsest power of ten that all prices are multiples of, at most 1.

    Raises
    ------
    Misuse
        When they have more than twelve decimals.
    """
    power = decimals(prices, PRICE_DECIMALS_MAX)
    if power is None:
        raise Misuse(
            f"{name}: the prices have more than {PRICE_DECIMALS_MAX} decimals, so that no tick can be read from them",
            remedy="give the tick, e.g. tick='0.01', or round the prices",
        )
    return Decimal(1).scaleb(-power)


def infer_lot(quantities: np.ndarray) -> Decimal | None:
    """Return the coarsest power of ten, at most 1, that all quantities are multiples of; None when there is none."""
    power = decimals(quantities, QTY_DECIMALS_MAX, QTY_ULPS)
    return None if power is None else Decimal(1).scaleb(-power)


def make_instrument(
    venue: str, symbol: str, prices: np.ndarray, quantities: np.ndarray, grid: Grid
) -> tuple[Instrument, tuple[str, ...]]:
    """Return an instrument on whose ticks all prices lie, and notes on what had to be decided.

    Parameters
    ----------
    venue, symbol : str
    prices, quantities : ndarray of float64
        All that are known; finite and positive, quantities also zero.
    grid : Grid
        What was given; else the published grid where the prices lie on it, else what the values show.

    Raises
    ------
    Misuse
        When no tick can be read from the prices, or the bounds do not fit int64.
    """
    known = known_instrument(venue, symbol)
    if grid.tick is None and grid.lot is None and known and on_grid(prices, known.tick).all():
        grid = Grid(known.tick, known.lot, grid.contract_size or known.contract_size, grid.min_notional)
    tick = grid.tick or infer_tick(prices, symbol)
    lot, notes = (grid.lot, ()) if grid.lot else _lot(quantities, tick, symbol)
    highest = int(np.ceil(float(prices.max()) / float(tick)))
    if highest > PRICE_TICKS_MAX:
        raise Misuse(
            f"{symbol}: the price {prices.max()} is {highest:,} ticks of {tick}, more than {PRICE_TICKS_MAX:,}",
            remedy="give a coarser tick, e.g. tick='0.01'",
        )
    ticks_max = min(PRICE_TICKS_MAX, 10 ** len(str(highest)) * PRICE_HEADROOM)
    instrument = Instrument(
        venue=venue,
        symbol=symbol,
        tick=tick,
        lot=lot,
        contract_size=grid.contract_size or contract_size_of(venue, symbol),
        inverse=is_inverse(symbol),
        price_ticks_max=ticks_max,
        qty_lots_max=(INT64 - 1) // ticks_max,
        min_notional=grid.min_notional or Decimal(0),
    )
    return instrument, notes


def contract_size_of(venue: str, symbol: str) -> Decimal:
    """Contract size where nobody gave one: the venue's usual one where it is known, else 1."""
    return default_contract_size(venue, symbol) if venue in MARKETS else Decimal(1)


def is_inverse(symbol: str) -> bool:
    """Whether a symbol is settled in its base currency, so that a contract is worth a fixed amount of quote."""
    pair, _, settle = symbol.partition(":")
    return settle.split("-")[0] == pair.split("/")[0] and bool(settle)


def on_grid(values: np.ndarray, step: Decimal) -> np.ndarray:
    """Which values are multiples of a step, within a few units in their last place: ndarray of bool."""
    scaled = scaled_by(values, step)
    return np.asarray(np.abs(scaled - np.rint(scaled)) <= np.maximum(np.abs(scaled), 1.0) * (EPSILON * ULPS))


def units(values: np.ndarray, step: Decimal) -> np.ndarray:
    """Nearest whole number of steps of each value: ndarray of int64."""
    return np.asarray(np.rint(scaled_by(values, step)), np.int64)


def scaled_by(values: np.ndarray, step: Decimal) -> np.ndarray:
    """Values in units of a step: one product and one division, so that 26.81 in 0.01 is 2681."""
    part = Fraction(step)
    return np.asarray(values * float(part.denominator) / float(part.numerator))


def given_decimal(value: object, name: str) -> Decimal | None:
    """Return `tick=` or `lot=` as a Decimal; a float is read as it prints."""
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal(0)
    if not number.is_finite() or number <= 0:
        raise Misuse(f"{name}={value!r} is no positive decimal", remedy=f"write it like {name}='0.01'")
    return number


def _lot(quantities: np.ndarray, tick: Decimal, symbol: str) -> tuple[Decimal, tuple[str, ...]]:
    found = infer_lot(quantities)
    finest = _finest_lot(tick, float(quantities.max(initial=0.0)))
    if found is None:
        lot = max(finest, Decimal(1).scaleb(-QTY_DECIMALS_MAX))
        return lot, (f"{symbol}: the volumes lie on no decimal grid; orders are in lots of {lot:f} (give lot= for another)",)
    if found >= finest:
        return found, ()
    return finest, (
        f"{symbol}: volumes are in {found:f}, but at a tick of {tick:f} amounts of money in so fine lots would overflow; orders "
        f"are in lots of {finest:f} (give lot= for another); volumes keep their decimals",
    )


def _finest_lot(tick: Decimal, quantity_max: float) -> Decimal:
    """Smallest power of ten with which int64 reaches `QUOTE_MIN` in quote units, and a thousand times the largest volume."""
    for_money = Fraction(QUOTE_MIN, INT64) / Fraction(tick)
    for_volume = Fraction(quantity_max) * 1000 / INT64
    least = max(for_money, for_volume)
    power = -QTY_DECIMALS_MAX
    while Fraction(10) ** power < least:
        power += 1
    return Decimal(1).scaleb(power)
