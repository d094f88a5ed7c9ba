"""An account as plain data, and back: what a process begins from, instead of all fills since the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np

from b25.account.ledger.account import Account
from b25.account.ledger.cell import FIRST, Cell
from b25.account.ledger.entries import Key
from b25.account.ledger.high_water import HighWater
from b25.model.instrument import Instrument
from b25.model.position import POSITION

VERSION: Final = 1
FIELDS: Final = tuple(POSITION.names or ())


def state_of(account: Account, water: HighWater) -> dict[str, Any]:
    """Everything of an account but the latest entries' places: those that came before cannot be put in between any more.

    Whole numbers that may pass 2**53 are text.
    """
    return {
        "version": VERSION,
        "instruments": [instrument_facts(one) for one in account.instruments.values()],
        "net": {symbol: _numbers(cell) for symbol, cell in account.net.items()},
        "cells": [[strategy, symbol, _numbers(cell)] for (strategy, symbol), cell in sorted(account.cells.items())],
        **{name: [[*key, str(value)] for key, value in sorted(getattr(account, name).items())] for name in _SUMS},
        "told": {symbol: [str(total), count] for symbol, (total, count) in account.told.items()},
        "counts": dict(account.counts),
        "last": {symbol: list(key) for symbol, key in account.last.items()},
        "floors": {symbol: list(_latest(account, symbol)) for symbol in account.net},
        "opened": sorted(account.opened),
        "seen": sorted([kind, ref] for kind, ref in account.seen if kind != "FILL"),
        "water": water_facts(water),
    }


def account_of(
    venue: str, name: str, state: Mapping[str, Any], instruments: Iterable[Instrument] | None = None
) -> Account | None:
    """Return the account that a state describes; None when it is of another version or of instruments with another grid.

    Parameters
    ----------
    instruments : iterable of Instrument, optional
        Those of today; the state's own when left out.
    """
    if state.get("version") != VERSION:
        return None
    kept = {facts["symbol"]: instrument_of(facts) for facts in state["instruments"]}
    today = {one.symbol: one for one in instruments} if instruments is not None else kept
    if any(symbol not in today or grid(today[symbol]) != grid(one) for symbol, one in kept.items()):
        return None
    account = Account(venue, name, today.values())
    floors = {symbol: _key(key) for symbol, key in state["floors"].items()}
    for symbol, numbers in state["net"].items():
        account.net[symbol] = Cell(today[symbol], _row(numbers), floors[symbol])
    for strategy, symbol, numbers in state["cells"]:
        account.cells[strategy, symbol] = Cell(today[symbol], _row(numbers), floors[symbol])
    for sums in _SUMS:
        getattr(account, sums).update({tuple(row[:-1]): int(row[-1]) for row in state[sums]})
    account.told = {symbol: (int(total), count) for symbol, (total, count) in state["told"].items()}
    account.counts.update(state["counts"])
    account.last = {symbol: _key(key) for symbol, key in state["last"].items()}
    account.opened = set(state["opened"])
    account.seen = {(kind, ref) for kind, ref in state["seen"]}
    return account


_SUMS: Final = ("books", "fees", "fees_settle", "unpriced", "funding")


def _latest(account: Account, symbol: str) -> Key:
    """Last place that is taken in a symbol's history."""
    net = account.net[symbol]
    return max([net.floor, *net.keys[-1:]])


def _numbers(cell: Cell) -> dict[str, str]:
    return {name: str(int(cell.rows[0][name])) for name in FIELDS if cell.rows[0][name]}


def _row(numbers: Mapping[str, str]) -> np.ndarray:
    row = np.zeros(1, POSITION)
    for name, value in numbers.items():
        row[name] = int(value)
    return row


def _key(key: Any) -> Key:
    return (int(key[0]), int(key[1]), str(key[2])) if key else FIRST


def instrument_facts(one: Instrument) -> dict[str, Any]:
    """An instrument as plain data."""
    facts = {name: str(getattr(one, name)) for name in ("venue", "symbol", "tick", "lot", "contract_size", "min_notional")}
    return {**facts, "inverse": one.inverse, "price_ticks_max": one.price_ticks_max, "qty_lots_max": one.qty_lots_max}


def instrument_of(facts: Mapping[str, Any]) -> Instrument:
    """Return the instrument of `instrument_facts`."""
    numbers = {name: Decimal(facts[name]) for name in ("tick", "lot", "contract_size", "min_notional")}
    return Instrument(**{**facts, **numbers})


def grid(one: Instrument) -> tuple[Any, ...]:
    """What whole numbers of an instrument mean."""
    return (one.tick, one.lot, one.contract_size, one.inverse)


def water_facts(water: HighWater) -> dict[str, Any]:
    """A high-water mark as plain data."""
    names = ("day_equity", "peak", "pending", "transferred")
    values = {name: getattr(water, name) for name in names}
    return {"day": water.day, **{name: None if value is None else str(value) for name, value in values.items()}}


def water_of(facts: Mapping[str, Any]) -> HighWater:
    """Return the mark of `water_facts`."""

    def number(name: str) -> Fraction | None:
        return None if facts[name] is None else Fraction(facts[name])

    return HighWater(
        day=facts["day"],
        day_equity=number("day_equity"),
        peak=number("peak"),
        pending=number("pending") or Fraction(0),
        transferred=number("transferred") or Fraction(0),
    )
