"""A signed holding of one instrument, with its money in integers."""

import numpy as np

# Money is counted in the instrument's money unit (see Instrument.money_unit). What every test leans on: equity is the cash and
# the value of the holding at the mark, less fees, plus funding, and that is realised plus unrealised less fees plus funding;
# what borrowing cost is taken off and what an insurance fund bore is added to both.
POSITION = np.dtype(
    [
        ("position_lots", "i8"),
        ("cash", "i8"),  # flow of the notional: falls on a buy, rises on a sell (mirrored for inverse contracts)
        ("cost", "i8"),  # signed opening value of what is held now
        ("entry_cost", "i8"),  # the cost when the holding last grew, and the lots held then: the cost of any smaller
        ("entry_lots", "i8"),  # holding is their proportion, however many parts it was reduced in
        ("realised", "i8"),
        ("fees", "i8"),  # whole money units
        ("fees_e8", "i8"),  # the rest, in [0, 1e8) of 1e-8 money units
        ("funding", "i8"),  # received (+) or paid (-)
        ("borrow", "i8"),  # paid for what was borrowed
        ("insurance", "i8"),  # what the venue bore of a liquidation's loss
        ("fills", "i8"),
        ("maker_lots", "i8"),
        ("taker_lots", "i8"),
        ("volume", "i8"),  # sum of notional, money units: what fee tiers look at
        ("open_buy_lots", "i8"),  # live and in flight
        ("open_sell_lots", "i8"),
    ],
    align=True,
)
assert POSITION.itemsize == 136
