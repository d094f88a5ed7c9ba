"""Public trades as columns, found by name: when, at what price, how much, and who was the aggressor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from b25.market.frame_columns import TIME_NAMES, find, numbers, required, times
from b25.market.timerange import time_text
from b25.model.errors import Misuse
from b25.model.event import BUY, SELL

AMOUNT_NAMES = ("amount", "quantity", "qty", "size")
BUYER_IS_MAKER_NAMES = ("is_buyer_maker", "isbuyermaker")
_SIDES = {"buy": BUY, "b": BUY, "1": BUY, "+1": BUY, "sell": SELL, "s": SELL, "-1": SELL}


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in order of time.

    Attributes
    ----------
    time_ns : ndarray of int64, shape (n,)
    price, amount : ndarray of float64, shape (n,)
    side : ndarray of int8, shape (n,)
        Of the aggressor: +1 bought, -1 sold.
    source : str
    """

    time_ns: np.ndarray
    price: np.ndarray
    amount: np.ndarray
    side: np.ndarray
    source: str


def holds_trades(frame: pl.DataFrame) -> bool:
    """Whether a frame is of trades, not of bars."""
    return find(frame, ("price",)) is not None and find(frame, AMOUNT_NAMES) is not None and find(frame, ("close",)) is None


def trade_columns(frame: pl.DataFrame, where: str, *, utc: bool | None = None, first_row: int = 0) -> Trades:
    """Find a frame's trades by the names of its columns.

    Parameters
    ----------
    frame : DataFrame
        timestamp, price, amount and side (or is_buyer_maker); an id where there is one. Others are not read.
    where : str
        What faults are named after.
    utc : bool, optional
        See `b25.market.frame_columns.times`.

    Raises
    ------
    Misuse
        At a price or amount that is not positive, a missing side, a repeated id, and a time that goes back.
    """
    if frame.height == 0:
        raise Misuse(f"{where} holds no trade", remedy="give a source that holds some")
    at, _ = times(frame, required(frame, TIME_NAMES, where), where, utc=utc, first_row=first_row)
    price = numbers(frame, required(frame, ("price",), where), where, first_row)
    amount = numbers(frame, required(frame, AMOUNT_NAMES, where), where, first_row)

    def refuse(wrong: np.ndarray, text: str, values: object, remedy: str) -> None:
        if wrong.any():
            i = int(np.argmax(wrong))
            value = values[i]  # type: ignore[index]
            raise Misuse(f"{where}, row {first_row + i}, {time_text(int(at[i]))}: {text.format(value)}", remedy=remedy)

    for name, values in (("price", price), ("amount", amount)):
        refuse(~(np.isfinite(values) & (values > 0)), f"{name} {{}} is no positive number", values, "correct or remove the row")
    identity = find(frame, ("id", "trade_id", "agg_trade_id"))
    if identity is not None and frame[identity].null_count() == 0:
        repeated = (~frame[identity].is_first_distinct()).to_numpy()
        refuse(repeated, "the trade with id {} is there twice", frame[identity], f"remove it, e.g. frame.unique('{identity}')")
    back = np.diff(at, prepend=at[:1]) < 0
    refuse(back, "the time is earlier than the row before it", at, "sort the trades by time")
    return Trades(at, price, amount, _sides(frame, where, first_row), where)


def _sides(frame: pl.DataFrame, where: str, first_row: int) -> np.ndarray:
    column = find(frame, ("side",))
    if column is None:
        maker = find(frame, BUYER_IS_MAKER_NAMES)
        if maker is None:
            raise Misuse(
                f"{where} has no column side; it has {', '.join(frame.columns)}",
                remedy="give each trade the side of its aggressor, buy or sell",
            )
        # A buyer who is the maker was hit by an aggressor who sold.
        text = frame[maker].cast(pl.String).str.to_lowercase()
        series = text.replace_strict({"true": SELL, "false": BUY, "1": SELL, "0": BUY}, default=None, return_dtype=pl.Int8)
        column = maker
    else:
        text = frame[column].cast(pl.String).str.strip_chars().str.to_lowercase()
        series = text.replace_strict(_SIDES, default=None, return_dtype=pl.Int8)
    if series.null_count():
        i = int(series.is_null().arg_max() or 0)
        raise Misuse(
            f"{where}, row {first_row + i}: {column} is {frame[column][i]!r}",
            remedy="give each trade the side of its aggressor, buy or sell; it is never guessed",
        )
    return series.to_numpy().astype(np.int8)
