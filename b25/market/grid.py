"""An instrument's tick and lot from what its capture holds, where nobody gave them."""

from decimal import Decimal

import numpy as np

from b25.kernels.archive import fitting, trailing_zeros
from b25.model.errors import Misuse

TICK_FIT = 0.999  # share of prices that must lie on a tick; the others are errors, not a finer tick
POWERS = 19


def places_and_step(size: Decimal) -> tuple[int, int]:
    """How the wire kernels read multiples of a tick or lot: decimals to keep, and the step among those.

    0.01 → (2, 1); 0.5 → (1, 5); 10 → (0, 10).
    """
    digits, exponent = size.normalize().as_tuple()[1:]
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits)))
    return (-exponent, whole) if exponent < 0 else (0, whole * 10**exponent)


def nearly_fits(parts: list[np.ndarray], tick: int) -> bool:
    """Return whether all prices lie on a tick but one in a thousand, and one in any case: those are errors, not a finer tick."""
    fits = [fitting(part, tick) for part in parts]
    fit, count = sum(one[0] for one in fits), sum(one[1] for one in fits)
    return bool(count - fit <= max(1, (1 - TICK_FIT) * count))


def infer_steps(parts: list[np.ndarray], name: str) -> tuple[int, int]:
    """Tick and lot of raw rows, in raw units.

    The tick is the largest 1, 2 or 5 times a power of ten that at least 99.9 % of the prices are multiples of; the lot the
    largest power of ten that all quantities are multiples of.

    Raises
    ------
    Misuse
        When there is no price to infer from.
    """
    price_zeros, qty_zeros = np.zeros(POWERS, np.int64), np.zeros(POWERS, np.int64)
    for part in parts:
        trailing_zeros(part, price_zeros, qty_zeros)
    count = int(price_zeros.sum())
    if count == 0:
        raise Misuse(
            f"{name}: no depth, snapshot or trade of this symbol in the capture", remedy="check the file, --venue and --symbol"
        )
    at_least = price_zeros[::-1].cumsum()[::-1]
    power = 10 ** int(np.flatnonzero(at_least >= TICK_FIT * count).max())
    tick = power
    for multiple in (5, 2):
        if sum(fitting(part, multiple * power)[0] for part in parts) >= TICK_FIT * count:
            tick = multiple * power
            break
    lots = np.flatnonzero(qty_zeros)
    return tick, 10 ** int(lots.min()) if len(lots) else 1
