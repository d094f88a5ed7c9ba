"""Tables of a result: its executions, its orders with what became of them, and what the gate refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.model.instrument import Instrument
from b25.model.order import MARKET, POST_ONLY, REASON_TEXT, REDUCE_ONLY, SUBMIT, Reason, State, Tif
from b25.model.parent import Algo, ParentState
from b25.strategy.plain import PlainContext

if TYPE_CHECKING:
    import polars as pl

    from b25.engine.world import World

Rows = np.ndarray


def fills_table(rows: Rows, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Executions in the order in which the strategy learned of them."""
    import polars as pl

    price, quantity, fee = (np.zeros(rows.size) for _ in range(3))
    for i, instrument in enumerate(instruments):
        mine, record = rows["instrument"] == i, instrument.record()[0]
        price[mine] = rows["price_ticks"][mine] * record["tick_num"] / record["tick_den"]
        quantity[mine] = rows["qty_lots"][mine] * record["lot_num"] / record["lot_den"]
        fee[mine] = rows["fee_e8"][mine] * record["money_num"] / record["money_den"] / 1e8
    return pl.DataFrame(
        {
            "time": moments(rows["venue_ns"]),
            "known": moments(rows["local_ns"]),
            "order_id": rows["order_id"],
            "symbol": _symbols(rows["instrument"], instruments),
            "side": rows["side"].astype(np.int8),
            "price": price,
            "quantity": quantity,
            "maker": rows["maker"].astype(bool),
            "fee": fee,
            "venue_ns": rows["venue_ns"],
            "price_ticks": rows["price_ticks"],
            "qty_lots": rows["qty_lots"],
        }
    )


def orders_table(rows: Rows, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Every order that passed the gate: what it asked, how it ended, and why."""
    import polars as pl

    rows = np.sort(rows, order="order_id")
    price, quantity, filled = (np.zeros(rows.size) for _ in range(3))
    for i, instrument in enumerate(instruments):
        mine, record = rows["instrument"] == i, instrument.record()[0]
        price[mine] = rows["price_ticks"][mine] * record["tick_num"] / record["tick_den"]
        quantity[mine] = rows["qty_lots"][mine] * record["lot_num"] / record["lot_den"]
        filled[mine] = rows["filled_lots"][mine] * record["lot_num"] / record["lot_den"]
    return pl.DataFrame(
        {
            "order_id": rows["order_id"],
            "symbol": _symbols(rows["instrument"], instruments),
            "side": rows["side"].astype(np.int8),
            "price": np.where(rows["flags"] & MARKET, np.nan, price),
            "quantity": quantity,
            "filled": filled,
            "tif": [Tif(t).name for t in rows["tif"].tolist()],
            "post_only": rows["flags"] & POST_ONLY != 0,
            "reduce_only": rows["flags"] & REDUCE_ONLY != 0,
            "state": [State(s).name.lower() for s in rows["state"].tolist()],
            "reason": [Reason(r).name.lower() if r else "" for r in rows["reason"].tolist()],
            "meaning": [REASON_TEXT[Reason(r)] if r else "" for r in rows["reason"].tolist()],
            "sent": moments(rows["created_ns"]),
            "ended": moments(rows["updated_ns"]),
        }
    )


def parents_table(world: World, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Parent orders that the world still has a row of, as a strategy sees them; what is unknown is NaN."""
    import polars as pl

    rows = np.sort(world.parents[world.parents["parent_id"] > 0], order="parent_id")
    door: Any = PlainContext(world)
    seen = [door.parent(number) for number in rows["parent_id"].tolist()]
    numbers = (
        "quantity",
        "filled",
        "closed",
        "average_price",
        "exit_price",
        "arrival_price",
        "slippage_bps",
        "vwap_slippage_bps",
    )
    return pl.DataFrame(
        {
            "parent_id": rows["parent_id"],
            "algo": [Algo(a).name.lower() for a in rows["algo"].tolist()],
            "symbol": _symbols(rows["instrument"], instruments),
            "side": rows["side"].astype(np.int8),
            "state": [ParentState(s).name.lower() for s in rows["state"].tolist()],
            "reason": [Reason(r).name.lower() if r else "" for r in rows["reason"].tolist()],
            **{name: np.array([getattr(one, name) for one in seen], np.float64) for name in numbers},
            "asked": moments(rows["created_ns"]),
            "ended": moments(rows["ended_ns"]).set(pl.Series(rows["ended_ns"] == 0), None),
        }
    )


def refusals_table(rows: Rows, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Intents that the gate refused, with the reason."""
    import polars as pl

    rows = rows[rows["reason"] != 0]
    kinds = {SUBMIT: "submit"}
    return pl.DataFrame(
        {
            "time": moments(rows["time_ns"]),
            "request": [kinds.get(k, "cancel" if k == SUBMIT + 1 else "amend") for k in rows["kind"].tolist()],
            "order_id": rows["order_id"],
            "symbol": _symbols(rows["instrument"], instruments),
            "side": rows["side"].astype(np.int8),
            "reason": [Reason(r).name.lower() for r in rows["reason"].tolist()],
            "meaning": [REASON_TEXT[Reason(r)] for r in rows["reason"].tolist()],
        }
    )


def moments(times_ns: np.ndarray) -> pl.Series:
    """Times in ns as UTC datetimes."""
    import polars as pl

    return pl.Series(np.ascontiguousarray(times_ns)).cast(pl.Datetime("ns", "UTC"))


def _symbols(numbers: np.ndarray, instruments: Sequence[Instrument]) -> list[str]:
    names = [i.symbol for i in instruments]
    return [names[k] for k in numbers.tolist()]
