"""Between the door's floats and the engine's integers: exact one way, explicit rounding the other."""

import math

import numpy as np

from b25.kernels.jit import kernel

# A float price such as 0.1 + 0.2 misses its tick by a rounding error; this much of a tick is forgiven.
GRID_TOLERANCE = 1e-6
# What does not fit int64 after scaling; the gate refuses it as out of range.
TOO_LARGE = 2**62


@kernel
def of_unit(count, num, den):
    """`count` units of num / den: one exact product, one correctly rounded division, or neither where they are by 1."""
    if den == 1:
        return float(count * num)
    return count * num / den


@kernel
def price_of(instrument, ticks):
    """Price of a whole number of ticks: one product, one division, correctly rounded."""
    return of_unit(ticks, instrument["tick_num"], instrument["tick_den"])


@kernel
def quantity_of(instrument, lots):
    """Quantity of a whole number of lots."""
    return of_unit(lots, instrument["lot_num"], instrument["lot_den"])


@kernel
def money_of(instrument, money):
    """Settlement units of an amount in money units."""
    return money * instrument["money_num"] / instrument["money_den"]


@kernel
def per_unit(value, num, den):
    """`value` in units of num / den. Most grids have the numerator 1, and a division costs as much as the rest of a call."""
    if num == 1:
        return value * den
    return value * den / num


@kernel
def ticks_toward(instrument, price, side):
    """Ticks of a finite price: to the grid where it is on it, else down for a bid and up for an ask."""
    scaled = per_unit(price, instrument["tick_num"], instrument["tick_den"])
    if not abs(scaled) < TOO_LARGE:
        return np.int64(TOO_LARGE)
    nearest = math.floor(scaled + 0.5)
    if abs(scaled - nearest) <= GRID_TOLERANCE:
        return np.int64(nearest)
    if side > 0:
        return np.int64(math.floor(scaled))
    return np.int64(math.ceil(scaled))


@kernel
def whole_lots(instrument, quantity):
    """Lots of a finite quantity, or -1 when it is not a whole number of them."""
    scaled = per_unit(quantity, instrument["lot_num"], instrument["lot_den"])
    if not abs(scaled) < TOO_LARGE:
        return np.int64(TOO_LARGE)
    nearest = math.floor(scaled + 0.5)
    if abs(scaled - nearest) > GRID_TOLERANCE:
        return np.int64(-1)
    return np.int64(nearest)


@kernel
def floor_lots(instrument, quantity):
    """Largest whole number of lots not above a finite quantity; the grid's own rounding errors forgiven."""
    scaled = per_unit(quantity, instrument["lot_num"], instrument["lot_den"])
    return np.int64(math.floor(scaled + GRID_TOLERANCE))
