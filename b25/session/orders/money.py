"""What a fill costs and leaves, in the ledger's own units: one set of kernels for the store's fills and the world's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from b25.kernels.ledger import book_fill
from b25.model.instrument import INSTRUMENT, Instrument
from b25.model.position import POSITION
from b25.store.strategy_fills import BookedFill

E8: Final = 10**8


def fee_e8(fee: Decimal, asset: str, price: Decimal, one: Instrument) -> int | None:
    """Return a fee in 1e-8 money units; None when it was paid in an asset whose worth in the settlement currency is not known."""
    if asset != one.settle and fee:
        if asset != one.base:
            return None
        fee *= price
    unit = one.money_unit
    return round(fee * E8 * unit.denominator / unit.numerator)


def opening_of(fills: Iterable[BookedFill], instruments: Sequence[Instrument]) -> np.ndarray[Any, Any]:
    """Return what fills add up to: a POSITION row for each instrument. Fees in a third asset stand in the store alone."""
    places = {one.symbol: i for i, one in enumerate(instruments)}
    terms = np.concatenate([one.record() for one in instruments]).astype(INSTRUMENT)
    positions = np.zeros(len(instruments), POSITION)
    for booked in fills:
        row, i = booked.row, places.get(booked.row.symbol)
        if i is None:
            continue
        one, price = instruments[i], Decimal(row.price)
        fee = fee_e8(Decimal(row.fee), row.fee_asset or one.settle, price, one) or 0
        lots, side = one.lots(row.qty), 1 if row.side == "buy" else -1
        book_fill(positions[i], terms[i], side, one.ticks(row.price), lots, fee)
        positions[i]["maker_lots" if row.maker else "taker_lots"] += lots
    return positions
