"""Margin: what a venue demands of a position, and the price at which it closes the position itself.

Estimates, in floats and settlement currency. For a linear contract `quantity` is in base units and the currency is the
quote; for an inverse one it is what the contracts are worth in quote (contracts x contract size) and the currency is the
base coin. `side` is +1 long, -1 short. Every liquidation price solves one equation,

    wallet - other_maintenance + other_unrealised + profit(p) == notional(p) * (mmr + fee) - cum

and says "never" as 0.0 for a long and as inf for a short: a position is to be liquidated when its mark, which is above 0,
is at or below the price of a long, or at or above the price of a short.
"""

import numpy as np

from b25.kernels.jit import kernel


@kernel
def tier_of(tiers, notional):
    """Index of the tier that a notional lies in, 0 for a table without rows; a border belongs to the tier that begins there."""
    k = 0
    while k + 1 < tiers["count"] and notional >= tiers["notional_from"][k + 1]:
        k += 1
    return k


@kernel
def maintenance(tiers, notional):
    """Look up the tier of a position.

    Parameters
    ----------
    tiers : TIERS record
    notional : float
        Absolute value of the position at the mark, settlement currency.

    Returns
    -------
    (float, float)
        mmr, a ratio, and cum, settlement currency; (0.0, 0.0) for a table without rows.
    """
    if tiers["count"] == 0:
        return 0.0, 0.0
    k = tier_of(tiers, notional)
    return tiers["mmr"][k], tiers["cum"][k]


@kernel
def maintenance_margin(tiers, notional):
    """Equity demanded while a position of this notional is held, settlement currency."""
    mmr, cum = maintenance(tiers, notional)
    return notional * mmr - cum


@kernel
def leverage_allowed(tiers, notional):
    """Largest leverage that the venue grants a position of this notional; inf for a table without rows, 0 beyond its end."""
    if tiers["count"] == 0:
        return np.inf
    if notional > tiers["notional_max"]:
        return 0.0
    return tiers["leverage_max"][tier_of(tiers, notional)]


@kernel
def liquidation_price(wallet, other_maintenance, other_unrealised, side, quantity, entry, mmr, cum, fee):
    """Mark at which equity equals the maintenance margin: linear contract, one-way mode, mmr and cum as given.

    Parameters
    ----------
    wallet : float
        Balance that stands behind the position: of the account when cross, of the position when isolated.
    other_maintenance, other_unrealised : float
        Maintenance margin and profit of the account's other contracts; 0 when isolated.
    side : int
        +1 long, -1 short.
    quantity, entry : float
        Base units, and average entry in quote, > 0. A quantity of 0 is never liquidated.
    mmr, cum : float
        Of the tier, see `maintenance`; mmr + fee < 1.
    fee : float
        Ratio of the notional that the venue keeps back for closing the position; 0 at Binance.

    Returns
    -------
    float
        Quote, >= 0; 0.0 when a long is never liquidated.
    """
    if quantity <= 0.0:
        return 0.0 if side > 0 else np.inf
    behind = wallet - other_maintenance + other_unrealised + cum
    return max((behind - side * quantity * entry) / (quantity * (mmr + fee - side)), 0.0)


@kernel
def inverse_liquidation_price(wallet, other_maintenance, other_unrealised, side, quantity, entry, mmr, cum, fee):
    """Mark at which equity equals the maintenance margin: inverse (coin-margined) contract, mmr and cum as given.

    A position of `quantity` quote units is worth quantity / p coins at p, so that its profit is
    side * quantity * (1 / entry - 1 / p): the equation is linear in 1 / p. Arguments as in `liquidation_price`, with
    `wallet`, the amounts of other contracts and `cum` in coins.

    Returns
    -------
    float
        Quote per coin. inf says of a short that its coins alone cover it at every price, and of a long that it is under
        water at every price.
    """
    if quantity <= 0.0:
        return 0.0 if side > 0 else np.inf
    behind = wallet - other_maintenance + other_unrealised + cum
    coins = side * behind + quantity / entry
    if coins <= 0.0:
        return np.inf
    return quantity * (1.0 + side * (mmr + fee)) / coins


@kernel
def tiered_liquidation_price(tiers, wallet, other_maintenance, other_unrealised, side, quantity, entry, fee, inverse):
    """Liquidation price of which the tier is the one that the position has *at that price*.

    Rates never fall from tier to tier and margin is continuous, so the margin of a notional is the largest that any tier's
    line gives it. Equity therefore meets it where it meets the first of the lines: the highest of the tiers' prices for a
    long, the lowest for a short. There is no border to fall between.

    Parameters
    ----------
    tiers : TIERS record
        A table without rows (spot) never liquidates.
    inverse : bool
        Which of the two contracts; the other arguments are theirs.

    Returns
    -------
    float
        Quote; 0.0 (long) and inf (short) say never.
    """
    price = 0.0 if side > 0 else np.inf
    for k in range(tiers["count"]):
        mmr, cum = tiers["mmr"][k], tiers["cum"][k]
        if inverse:
            one = inverse_liquidation_price(wallet, other_maintenance, other_unrealised, side, quantity, entry, mmr, cum, fee)
        else:
            one = liquidation_price(wallet, other_maintenance, other_unrealised, side, quantity, entry, mmr, cum, fee)
        price = max(price, one) if side > 0 else min(price, one)
    return price


@kernel
def entry_liquidation_price(side, entry, leverage, mmr):
    """Liquidation price at a venue that demands the rate of the value *at entry*: isolated, linear, no tiers; never below 0."""
    return max(entry * (1.0 - side * (1.0 / leverage - mmr)), 0.0)


@kernel
def margin_usage(equity, demanded):
    """Maintenance margin as a ratio of equity: 0 when flat, NaN (unknown, to be treated as breached) when equity is gone."""
    if demanded <= 0.0:
        return 0.0
    if not equity > 0.0:
        return np.nan
    return demanded / equity


@kernel
def margin_cushion(equity, demanded):
    """Part of the equity that is not demanded: 1 when flat, NaN (unknown, to be treated as breached) when equity is gone."""
    return 1.0 - margin_usage(equity, demanded)
