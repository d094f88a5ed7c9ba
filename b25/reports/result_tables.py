"""Fills and orders of a backtest or a journal in the columns that every report reads: exact, and cut to its span."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from b25.model.order import MARKET, Reason, State
from b25.reports.exact import EXACT, units
from b25.reports.records import FILLS, ORDERS, empty

if TYPE_CHECKING:
    from b25.model.instrument import Instrument

Rows = np.ndarray[Any, Any]


def fills_of(rows: Rows, instruments: Sequence[Instrument], strategy: str) -> pl.DataFrame:
    """Executions with the columns `FILLS`, by the time at which they were known."""
    parts = [_fills_of_one(rows[rows["instrument"] == i], one, strategy) for i, one in enumerate(instruments)]
    return pl.concat([empty(FILLS), *parts]).sort("time_ns", maintain_order=True)


def _fills_of_one(rows: Rows, one: Instrument, strategy: str) -> pl.DataFrame:
    ticks, lots = rows["price_ticks"].astype(np.int64), rows["qty_lots"].astype(np.int64)
    worth = np.rint(lots * (one.inverse_num / np.maximum(ticks, 1))).astype(np.int64) if one.inverse else ticks * lots
    return pl.DataFrame(
        {
            "time_ns": rows["local_ns"].astype(np.int64),
            "strategy": [strategy] * rows.size,
            "symbol": [one.symbol] * rows.size,
            "side": rows["side"].astype(np.int8),
            "price": units(ticks, Fraction(one.tick)),
            "quantity": units(lots, Fraction(one.lot)),
            "notional": units(worth, one.money_unit),
            "fee": fees(rows["fee_e8"], one.money_unit),
            "fee_asset": [one.settle] * rows.size,
            "maker": rows["maker"].astype(bool),
            "realised": pl.Series([None] * rows.size, dtype=EXACT),
            "order": rows["order_id"].astype(str).tolist(),
        },
        schema=FILLS,
    )


def fees(fee_e8: Rows, money_unit: Fraction) -> pl.Series:
    """Fees in 1e-8 of a money unit as an exact column, as far as 18 places reach."""
    each = units(fee_e8, money_unit)
    return pl.select(pl.lit(each) * pl.lit(Decimal("0.00000001"), dtype=EXACT)).to_series().cast(EXACT)


def orders_of(
    rows: Rows,
    fills: Rows,
    acked: dict[int, int],
    instruments: Sequence[Instrument],
    strategy: str,
    mids: dict[int, float],
) -> pl.DataFrame:
    """Orders with the columns `ORDERS`, by the time of their decision.

    Parameters
    ----------
    rows, fills : ndarray of ORDER and of FILL
    acked : dict of int to int
        Order -> when its acceptance was known; empty where that was not recorded.
    mids : dict of int to float
        Order -> mid at its decision.
    """
    rows = np.sort(rows, order=("created_ns", "order_id"))
    first = _first_fills(fills)
    parts = []
    for i, one in enumerate(instruments):
        mine = rows[rows["instrument"] == i]
        ids = mine["order_id"].tolist()
        is_over = (mine["leaves_lots"] == 0) | np.isin(mine["state"], ENDED)
        price = units(mine["price_ticks"], Fraction(one.tick))
        parts.append(
            pl.DataFrame(
                {
                    "order": [str(number) for number in ids],
                    "strategy": [strategy] * mine.size,
                    "symbol": [one.symbol] * mine.size,
                    "side": mine["side"].astype(np.int8),
                    "quantity": units(mine["qty_lots"], Fraction(one.lot)),
                    "filled": units(mine["filled_lots"], Fraction(one.lot)),
                    "price": pl.select(pl.when(pl.Series((mine["flags"] & MARKET) == 0)).then(price)).to_series(),
                    "decided_ns": mine["created_ns"].astype(np.int64),
                    "sent_ns": pl.Series([None] * mine.size, dtype=pl.Int64),
                    "acked_ns": [acked.get(number) for number in ids],
                    "first_fill_ns": [first.get(number) for number in ids],
                    "ended_ns": pl.select(
                        pl.when(pl.Series(is_over)).then(pl.Series(mine["updated_ns"].astype(np.int64)))
                    ).to_series(),
                    "state": [State(state).name.lower() for state in mine["state"].tolist()],
                    "reason": [Reason(reason).name.lower() if reason else "" for reason in mine["reason"].tolist()],
                    "arrival_mid": [mids.get(number) for number in ids],
                },
                schema=ORDERS,
            )
        )
    return pl.concat([empty(ORDERS), *parts]).sort("decided_ns", maintain_order=True)


ENDED = (State.FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED, State.DENIED)


def _first_fills(fills: Rows) -> dict[int, int]:
    order = np.lexsort((fills["local_ns"], fills["order_id"]))
    ids, where = np.unique(fills["order_id"][order], return_index=True)
    return dict(zip(ids.tolist(), fills["local_ns"][order][where].tolist(), strict=True))
