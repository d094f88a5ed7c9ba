"""Positions and money in integers: what a fill does to a holding, and what the holding is worth.

Signed values: a linear holding of q lots at price p is worth +q·p money units, an inverse one -q·K/p, so that one set of
formulas serves both. The identity kept after every fill, exactly:

    cash + cost == realised        and        equity == cash + value(mark) - fees + funding - borrow + insurance
"""

import numpy as np

from b25.kernels.jit import kernel

E8 = 100_000_000
E12 = 1_000_000_000_000
LIMB = 2**62
ROOT = 2**31  # below it the product of two numbers fits


@kernel
def share(amount, part, whole):
    """`amount * part / whole` rounded half up towards +inf, for `0 <= part <= whole`, `whole > 0`; it cannot overflow."""
    quotient = amount // whole
    rest = amount - quotient * whole
    if whole < ROOT:
        return quotient * part + (rest * part + whole // 2) // whole
    return quotient * part + wide_share(rest, part, whole)


@kernel
def wide_share(rest, part, whole):
    """`rest * part / whole` rounded half up for `0 <= rest, part <= whole < 2**62`: multiplied and divided bit by bit."""
    high, low = np.int64(0), np.int64(0)  # the product is high * 2**62 + low
    for k in range(61, -1, -1):
        high = 2 * high + (low >> 61)
        low = (low << 1) & (LIMB - 1)
        if (part >> k) & 1:
            low += rest
            if low >= LIMB:
                low -= LIMB
                high += 1
    low += whole // 2
    if low >= LIMB:
        low -= LIMB
        high += 1
    # high < whole, so the quotient fits.
    quotient = np.int64(0)
    for k in range(61, -1, -1):
        high = 2 * high + ((low >> k) & 1)
        quotient <<= 1
        if high >= whole:
            high -= whole
            quotient += 1
    return quotient


@kernel
def notional(instrument, price_ticks, qty_lots):
    """Value of `qty_lots` at `price_ticks`, in money units; never negative for positive input."""
    k = instrument["inverse_num"]
    if k == 0:
        return price_ticks * qty_lots
    quotient = k // price_ticks
    rest = k - quotient * price_ticks
    return quotient * qty_lots + (rest * qty_lots + price_ticks // 2) // price_ticks


@kernel
def notional_fits(instrument, price_ticks, qty_lots):
    """True when the value of `qty_lots` at a positive price stays below 2**62; linear instruments are bounded when made."""
    k = instrument["inverse_num"]
    return k == 0 or k // price_ticks < LIMB // max(qty_lots, 1)


@kernel
def signed_value(instrument, price_ticks, signed_lots):
    """Worth of a holding at `price_ticks` in money units: positive for a linear long, negative for an inverse long."""
    amount = notional(instrument, price_ticks, abs(signed_lots))
    if (signed_lots < 0) != (instrument["inverse"] != 0):
        return -amount
    return amount


@kernel
def book_fill(position, instrument, side, price_ticks, qty_lots, fee_e8):
    """Apply one fill to a POSITION record; a reversal closes the old holding and opens the new one.

    Parameters
    ----------
    position : POSITION record
    instrument : INSTRUMENT record
    side : int
        +1 bought, -1 sold.
    price_ticks, qty_lots : int
        Price and quantity of the fill, `qty_lots > 0`.
    fee_e8 : int
        Fee in 1e-8 money units; negative is a rebate.
    """
    held = position["position_lots"]
    closing = np.int64(0)
    if held * side < 0:
        closing = min(abs(held), qty_lots)
    opening = qty_lots - closing
    value = signed_value(instrument, price_ticks, side * qty_lots)
    position["cash"] -= value
    if closing > 0:
        left = abs(held) - closing
        position["cost"] = share(position["entry_cost"], left, position["entry_lots"])
        held += side * closing
    if opening > 0:
        added = signed_value(instrument, price_ticks, side * opening)
        held += side * opening
        position["cost"] += added
        position["entry_cost"] = position["cost"]
        position["entry_lots"] = abs(held)
    if held == 0:
        position["entry_cost"] = 0
        position["entry_lots"] = 0
    position["position_lots"] = held
    position["realised"] = position["cash"] + position["cost"]
    position["fills"] += 1
    position["volume"] += abs(value)
    charge_fee(position, fee_e8)


@kernel
def charge_fee(position, fee_e8):
    """Add a fee; whole money units and the rest are kept apart so that the sum is exact for ever."""
    rest = position["fees_e8"] + fee_e8
    whole = rest // E8
    position["fees"] += whole
    position["fees_e8"] = rest - whole * E8


@kernel
def unrealised(position, instrument, mark2_ticks):
    """Profit of the holding at a mark given as twice the mark in ticks (a mid may lie between two ticks); float, money units."""
    held = position["position_lots"]
    if held == 0:
        return 0.0
    k = instrument["inverse_num"]
    if k == 0:
        return held * (mark2_ticks / 2.0) - position["cost"]
    return -(held * (k / (mark2_ticks / 2.0))) - position["cost"]


@kernel
def equity_change(position, instrument, mark2_ticks):
    """Realised + unrealised - fees + funding - borrow + insurance at twice the mark in ticks; float, money units."""
    return position["realised"] + unrealised(position, instrument, mark2_ticks) + other_flows(position)


@kernel
def other_flows(position):
    """What came and went beside trading: - fees + funding - borrow + insurance; float, money units."""
    fees = position["fees"] + position["fees_e8"] / 1e8
    return position["funding"] + position["insurance"] - position["borrow"] - fees


@kernel
def book_funding(position, instrument, rate_e12, mark_ticks):
    """Book one payment of funding on what is held: a long pays a positive rate, a short receives it; the rate in 1e-12."""
    held = position["position_lots"]
    payment = scaled(notional(instrument, mark_ticks, abs(held)), rate_e12)
    position["funding"] += -payment if held > 0 else payment


@kernel
def scaled(amount, ratio_e12):
    """`amount * ratio` rounded half away from zero, the ratio in 1e-12 and at most 1 on either side; it cannot overflow."""
    size = share(abs(amount), abs(ratio_e12), E12)
    if (amount < 0) != (ratio_e12 < 0):
        return -size
    return size
