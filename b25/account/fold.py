"""Fills and marks in bulk: positions of many strategies and of the account as a whole, and its worth after every row.

The kernels of the ledger do the booking; here they are applied to a table of strategies x instruments. The account's own
position is folded from the same fills, so that what strategies hold always adds up to what the venue sees.
"""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.ledger import book_fill, equity_change, other_flows, share
from b25.kernels.units import money_of

# A fill where `qty_lots` is above 0, a mark where `mark2_ticks` is above 0; a row may be both: then the fill comes first.
LEDGER_ROW = np.dtype(
    [
        ("price_ticks", "i8"),
        ("qty_lots", "i8"),
        ("fee_e8", "i8"),  # 1e-8 money units of the instrument
        ("mark2_ticks", "i8"),  # twice the mark
        ("strategy", "u4"),  # row of the table
        ("instrument", "u2"),  # column of the table
        ("side", "i1"),  # +1 bought, -1 sold
        ("maker", "u1"),
    ],
    align=True,
)
assert LEDGER_ROW.itemsize == 40


@kernel
def book_trade(position, instrument, side, price_ticks, qty_lots, fee_e8, maker):
    """Book one fill with the share that was made or taken."""
    book_fill(position, instrument, side, price_ticks, qty_lots, fee_e8)
    if maker:
        position["maker_lots"] += qty_lots
    else:
        position["taker_lots"] += qty_lots


@kernel
def book_value(position, delta_lots, value, correction):
    """Change a holding by lots that cost `value` in all, then move `correction` from cash to the opening value.

    What an adjustment does: it has no price on the grid. Neither part needs one to keep cash + cost == realised.

    Parameters
    ----------
    position : POSITION record
    delta_lots : int
        Signed.
    value : int
        Signed worth of what was added, money units; 0 when `delta_lots` is.
    correction : int
        Added to the opening value of what is held then, which changes the entry and not the profit that was realised; of
        a holding that is flat then it is a loss.
    """
    held, size = position["position_lots"], abs(delta_lots)
    closing = np.int64(0)
    if held * delta_lots < 0:
        closing = min(abs(held), size)
    opening = size - closing
    position["cash"] -= value
    if closing > 0:
        position["cost"] = share(position["entry_cost"], abs(held) - closing, position["entry_lots"])
    held += delta_lots
    if opening > 0:
        position["cost"] += share(value, opening, size)
    position["position_lots"] = held
    position["cash"] -= correction
    if held != 0:
        position["cost"] += correction
    if opening > 0 or correction != 0:
        position["entry_cost"], position["entry_lots"] = position["cost"], abs(held)
    if held == 0:
        position["entry_cost"], position["entry_lots"] = 0, 0
    position["realised"] = position["cash"] + position["cost"]


@kernel
def worth(position, instrument, mark2_ticks):
    """Change of equity that a position made, settlement currency; NaN while something is held and the mark (0) is unknown."""
    if position["position_lots"] == 0:
        return money_of(instrument, position["realised"] + other_flows(position))
    if mark2_ticks == 0:
        return np.nan
    return money_of(instrument, equity_change(position, instrument, mark2_ticks))


@kernel
def fold_rows(cells, net, instruments, marks2, rows, equity):
    """Apply rows in their order; keep the account's change of equity after each.

    Parameters
    ----------
    cells : ndarray of POSITION, shape (strategies, instruments)
        Changed in place.
    net : ndarray of POSITION, shape (instruments,)
        The account's own; changed in place.
    instruments : ndarray of INSTRUMENT, shape (instruments,)
    marks2 : ndarray of int64, shape (instruments,)
        Twice the last mark in ticks, 0 for none; changed in place.
    rows : ndarray of LEDGER_ROW, shape (rows,)
    equity : ndarray of float64, shape (rows,)
        Written: sum over the instruments, which must have one settlement currency; NaN while a mark is missing.
    """
    worths = np.empty(net.shape[0])
    for i in range(net.shape[0]):
        worths[i] = worth(net[i], instruments[i], marks2[i])
    for k in range(rows.shape[0]):
        row = rows[k]
        i, qty_lots = row["instrument"], row["qty_lots"]
        if qty_lots > 0:
            side, price_ticks, fee_e8, maker = row["side"], row["price_ticks"], row["fee_e8"], row["maker"]
            book_trade(cells[row["strategy"], i], instruments[i], side, price_ticks, qty_lots, fee_e8, maker)
            book_trade(net[i], instruments[i], side, price_ticks, qty_lots, fee_e8, maker)
        if row["mark2_ticks"] > 0:
            marks2[i] = row["mark2_ticks"]
        worths[i] = worth(net[i], instruments[i], marks2[i])
        total = 0.0
        for j in range(worths.shape[0]):
            total += worths[j]
        equity[k] = total
