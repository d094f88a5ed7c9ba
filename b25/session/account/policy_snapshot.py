"""The account as the account-wide policies judge it: what is not known is NaN, which holds nothing that adds risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import nan

from b25.account.ledger.drift import Held
from b25.account.ledger.entries import UNATTRIBUTED
from b25.account.ledger.statement import Statement
from b25.risk.account_wide.policies import Holding, Snapshot
from b25.session.account.book import AccountBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What a strategy has open in a symbol, unknown orders and remainders of parents included, quote currency."""

    buys: float = 0.0
    sells: float = 0.0
    orders: int = 0


NOTHING = Working()


def policy_snapshot(
    book: AccountBook, working: Mapping[tuple[str, str], Working] | None = None, statement: Statement | None = None
) -> Snapshot:
    """Return the account at the marks of the moment.

    Parameters
    ----------
    book : AccountBook
        Where a symbol differs from the venue's, the venue's quantity counts: the difference is nobody's holding.
    working : mapping of (strategy, symbol) to Working, optional
    statement : Statement, optional
        Of this very moment, where there is one already.
    """
    statement, open_orders = statement or book.statement(), working or {}
    lots = {(strategy, symbol): cell.lots for (strategy, symbol), cell in book.account.cells.items()}
    for symbol, held in book.theirs.items():
        lots[UNATTRIBUTED, symbol] = lots.get((UNATTRIBUTED, symbol), 0) + _missing(book, symbol, held)
    holdings = [
        Holding(
            symbol,
            strategy,
            worth_of(book, symbol, lots.get((strategy, symbol), 0)),
            (mine := open_orders.get((strategy, symbol), NOTHING)).buys,
            mine.sells,
            mine.orders,
        )
        for strategy, symbol in sorted({*lots, *open_orders})
        if lots.get((strategy, symbol), 0) or (strategy, symbol) in open_orders
    ]
    return Snapshot(
        equity=_number(statement.equity),
        day_equity=_number(book.water.day_equity),
        peak=_number(book.water.peak),
        margin_demanded=statement.margin.maintenance,
        data_age_s=_age_s(book),
        liquidation_distance=statement.margin.nearest,
        holdings=holdings,
    )


def _missing(book: AccountBook, symbol: str, held: Held) -> int:
    net = book.account.net[symbol]
    return round(held.quantity / Fraction(net.instrument.lot)) - net.lots


def worth_of(book: AccountBook, symbol: str, lots: int) -> float:
    """Signed worth of lots, quote currency: positive for a long, of inverse contracts too."""
    if lots == 0:
        return 0.0
    instrument, mark = book.account.instruments[symbol], book.prices.marks.get(symbol)
    rate = book.prices.of(instrument.settle)
    if mark is None or rate is None:
        return nan
    ticks = mark / Fraction(instrument.tick)
    money = lots * Fraction(instrument.inverse_num) / ticks if instrument.inverse else lots * ticks
    return float(money * instrument.money_unit * rate)


def _age_s(book: AccountBook) -> float:
    """Age of the oldest mark that something held is valued at; NaN while one is missing."""
    held = [symbol for symbol, net in book.account.net.items() if net.lots]
    if any(symbol not in book.prices.marks for symbol in held):
        return nan
    now_ns = book.now_ns()
    return max(((now_ns - book.prices.times_ns[symbol]) / 1e9 for symbol in held), default=0.0)


def _number(value: Fraction | None) -> float:
    return nan if value is None else float(value)
