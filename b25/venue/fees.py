"""What a fill costs: per value by volume tier, per lot, flat; negative is a rebate. Charged per fill, never per order."""

from b25.kernels.jit import kernel


@kernel
def fee_of(fees, notional, qty_lots, maker, volume):
    """Fee of one fill in 1e-8 money units.

    Parameters
    ----------
    fees : FEES record
    notional : int
        Value of the fill in money units.
    qty_lots : int
    maker : bool
    volume : int
        Money units traded before this fill; decides the tier.
    """
    tier = 0
    while tier + 1 < fees["tiers"] and volume >= fees["volume_from"][tier + 1]:
        tier += 1
    rate = fees["maker_e8"][tier] if maker else fees["taker_e8"][tier]
    return notional * rate + qty_lots * fees["per_lot_e8"] + fees["flat_e8"]
