"""Margin in the dullest Python: equity and maintenance at a price, and the price where they meet, by bisection."""

import math

NEVER = {1: 0.0, -1: math.inf}


def naive_maintenance(rows, notional):
    """(mmr, cum) of the last row whose beginning the notional has reached; rows are (notional_from, mmr, cum)."""
    found = (0.0, 0.0)
    for notional_from, mmr, cum in rows:
        if notional >= notional_from or found == (0.0, 0.0):
            found = (mmr, cum)
    return found


def spare(rows, behind, side, quantity, entry, fee, inverse, price):
    """Equity less what is demanded, at a price."""
    notional = quantity / price if inverse else quantity * price
    profit = side * quantity * ((1 / entry - 1 / price) if inverse else (price - entry))
    mmr, cum = naive_maintenance(rows, notional)
    return behind + profit - (notional * (mmr + fee) - cum)


def naive_liquidation_price(rows, behind, side, quantity, entry, fee, inverse, low=1e-12, high=1e15):
    """Where `spare` changes its sign; it grows with the price for a long and falls for a short."""
    at = [side * spare(rows, behind, side, quantity, entry, fee, inverse, price) for price in (low, high)]
    if at[0] > 0:
        return 0.0
    if at[1] < 0:
        return math.inf
    for _ in range(400):
        middle = math.sqrt(low * high)
        if side * spare(rows, behind, side, quantity, entry, fee, inverse, middle) < 0:
            low = middle
        else:
            high = middle
    return high


def consistent_price(rows, behind, side, quantity, entry, fee, inverse):
    """Closed form of every tier; the price whose notional lies in the tier that it was computed with, or None at a border."""
    for k, (notional_from, mmr, cum) in enumerate(rows):
        below, above = behind + cum, quantity / entry if inverse else quantity * entry
        if inverse:
            price = quantity * (side + mmr + fee) / (below + side * above) if below + side * above else math.inf
        else:
            price = (below - side * above) / (quantity * (mmr + fee - side))
        if not price > 0:
            continue
        notional = quantity / price if inverse else quantity * price
        end = rows[k + 1][0] if k + 1 < len(rows) else math.inf
        if notional_from <= notional < end:
            return price
    return None
