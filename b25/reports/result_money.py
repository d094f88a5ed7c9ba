"""What a backtest or a journal earned within a span: from the ledger's own whole numbers, and once more from its fills."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from b25.engine.records import MARK
from b25.reports.exact import decimal_of, total
from b25.reports.records import Held, Profit
from b25.session.result import SessionResult

if TYPE_CHECKING:
    from b25.model.instrument import Instrument
    from b25.research.result import Backtest

NOTHING = np.zeros(1, MARK)[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """A position's ledger row at a moment, and twice the mid in ticks that it is valued at; 0 where none is known."""

    row: Any
    mid2: int


def standings(result: Backtest, i: int, start_ns: int, end_ns: int) -> tuple[Standing, Standing]:
    """How an instrument stood just before the start, and just before the end."""
    marks = result.outcome.marks[i :: len(result.instruments)]
    first, last = np.searchsorted(marks["time_ns"], (start_ns, end_ns), side="left").tolist()
    if first:
        begun = Standing(marks[first - 1], _mid2(result, i, start_ns, int(marks[first - 1]["mid2_ticks"])))
    else:
        opening = result._began_with(i) if isinstance(result, SessionResult) else None
        begun = Standing(NOTHING if opening is None else opening[0], 0 if opening is None else int(opening[0]["mid2_ticks"]))
    if not last:
        return begun, begun
    return begun, Standing(marks[last - 1], _mid2(result, i, end_ns, int(marks[last - 1]["mid2_ticks"])))


def _mid2(result: Backtest, i: int, time_ns: int, marked: int) -> int:
    trace = result.traces[i]
    if trace.mids is None or not trace.resolution_ns:
        return marked
    # A run on bars keeps a mark for each fill only; between them a position is worth what the bars say.
    place = int(np.searchsorted(trace.mids.time_ns, time_ns, side="left")) - 1
    tick = float(result.instruments[i].tick)
    return marked if place < 0 else round(2 * float(trace.mids.values[place]) / tick)


def _value(one: Instrument, standing: Standing) -> Fraction | None:
    """Value of what is held, in money units; None without a mid."""
    lots = int(standing.row["position_lots"])
    if not lots:
        return Fraction(0)
    if not standing.mid2:
        return None
    return Fraction(-2 * lots * one.inverse_num, standing.mid2) if one.inverse else Fraction(lots * standing.mid2, 2)


def profit_of(result: Backtest, i: int, span: tuple[Standing, Standing]) -> Profit:
    """Change of every part of the ledger between two standings."""
    one, (begun, ended) = result.instruments[i], span
    values = [_value(one, standing) for standing in span]

    def change(name: str) -> Fraction:
        return Fraction(int(ended.row[name]) - int(begun.row[name]))

    unrealised = None
    if values[0] is not None and values[1] is not None:
        unrealised = decimal_of((values[1] - values[0] - change("cost")) * one.money_unit)
    return Profit(
        strategy=result.name,
        symbol=one.symbol,
        realised=decimal_of(change("realised") * one.money_unit),
        unrealised=unrealised,
        fees=decimal_of((change("fees") + change("fees_e8") / 10**8) * one.money_unit),
        funding=decimal_of(change("funding") * one.money_unit),
        borrow=decimal_of(change("borrow") * one.money_unit),
        insurance=decimal_of(change("insurance") * one.money_unit),
    )


def from_fills(result: Backtest, i: int, span: tuple[Standing, Standing], profit: Profit, fills: pl.DataFrame) -> Decimal | None:
    """What the account gained by its fills alone: money that came in and went out, and the change of what is held at the mids."""
    one = result.instruments[i]
    values = [_value(one, standing) for standing in span]
    if values[0] is None or values[1] is None:
        return None
    mine = fills.filter(pl.col("symbol") == one.symbol)
    # A bought inverse contract costs -1/price of the coin: its value is negative, and so is what is paid for it.
    sign = -1 if not one.inverse else 1
    paid = total(mine.select((pl.col("side") * pl.col("notional")).alias("n"))["n"]) if mine.height else Decimal(0)
    carried = profit.funding - profit.borrow + profit.insurance
    return sign * paid + decimal_of((values[1] - values[0]) * one.money_unit) - total(mine["fee"]) + carried


def held_of(result: Backtest, i: int, standing: Standing) -> Held:
    """The position at the end of the span."""
    one, lots, cost = result.instruments[i], int(standing.row["position_lots"]), int(standing.row["cost"])
    value = _value(one, standing)
    entry = mark = worth = unrealised = None
    if lots and cost:
        ticks = Fraction(abs(lots) * one.inverse_num, abs(cost)) if one.inverse else Fraction(cost, lots)
        entry = decimal_of(ticks * Fraction(one.tick))
    if standing.mid2:
        mark = decimal_of(Fraction(standing.mid2, 2) * Fraction(one.tick))
    if value is not None:
        worth = decimal_of(abs(value) * one.money_unit * (1 if lots >= 0 else -1))
        unrealised = decimal_of((value - cost) * one.money_unit)
    return Held(
        strategy=result.name, symbol=one.symbol, quantity=one.quantity(lots), entry=entry, mark=mark, worth=worth,
        unrealised=unrealised,
    )  # fmt: skip
