"""The account: what each strategy holds and earned, what that nets to, and where every atom of every asset went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from b25.account.ledger.amounts import ATOMS
from b25.account.ledger.cell import Cell
from b25.account.ledger.entries import OPENING, UNATTRIBUTED, Adjustment, Entry, Fill, Funding, Key, Transfer
from b25.model.errors import Misuse, Resync
from b25.model.instrument import Instrument


def is_spot(instrument: Instrument) -> bool:
    """Whether a trade exchanges two assets, and leaves no contract behind."""
    return ":" not in instrument.symbol and not instrument.inverse


class Account:
    """Books of one account at one venue.

    Every entry counts once, by its id, and posts legs that sum to nothing per asset. A strategy has its own positions; the
    account's are folded from the same entries and hold the sum of the strategies' lots after each.

    Parameters
    ----------
    venue, name : str
    instruments : iterable of Instrument
    """

    def __init__(self, venue: str, name: str, instruments: Iterable[Instrument]) -> None:
        self.venue, self.name = venue, name
        self.instruments = {one.symbol: one for one in instruments}
        self._lots = {symbol: Fraction(one.lot) * ATOMS for symbol, one in self.instruments.items()}
        self._money = {symbol: one.money_unit * ATOMS for symbol, one in self.instruments.items()}
        self.net = {symbol: Cell(one) for symbol, one in self.instruments.items()}
        self.cells: dict[tuple[str, str], Cell] = {}
        self.books: defaultdict[tuple[str, str], int] = defaultdict(int)  # (asset, owner) → atoms
        self.fees: defaultdict[tuple[str, str, str], int] = defaultdict(int)  # (strategy, symbol, asset), as paid
        self.fees_settle: defaultdict[tuple[str, str], int] = defaultdict(int)  # (strategy, symbol), at the fills' times
        self.unpriced: defaultdict[tuple[str, str, str], int] = defaultdict(int)  # fees of which no worth was known
        self.funding: defaultdict[tuple[str, str], int] = defaultdict(int)  # (strategy, symbol)
        self.told: dict[str, tuple[int, int]] = {}  # symbol → realised as the venue told it, fills that it told it of
        self.counts: defaultdict[str, int] = defaultdict(int)  # fills by symbol
        self.last: dict[str, Key] = {}  # latest fill by symbol
        self.opened: set[str] = set()  # assets of which the opening balance is known
        self.seen: set[tuple[str, str]] = set()

    # -- booking ----------------------------------------------------------------------------------

    def book(self, entry: Entry) -> bool:
        """Book an entry; False when it was booked before, and then nothing is done.

        Raises
        ------
        Misuse
            For a symbol that is not the account's.
        Resync
            For an entry that is older than the history kept here; nothing was booked.
        """
        kind, ref = _ref(entry)
        if (kind, ref) in self.seen:
            return False
        match entry:
            case Fill():
                self._fill(entry)
            case Adjustment():
                self._adjustment(entry)
            case Funding():
                self._funding(entry)
            case Transfer():
                self._transfer(entry)
        self.seen.add((kind, ref))
        return True

    def cell(self, strategy: str, symbol: str) -> Cell:
        """Position of a strategy, flat when it never traded.

        Raises
        ------
        Misuse
            For a symbol that is not the account's.
        """
        found = self.cells.get((strategy, symbol))
        if found is None:
            if symbol not in self.instruments:
                raise Misuse(f"{self.name}: {symbol} is no instrument of this account", remedy="open the account with it")
            net = self.net[symbol]
            found = self.cells[strategy, symbol] = Cell(self.instruments[symbol], floor=net.floor)
        return found

    def _take(self, entry: Fill | Adjustment) -> None:
        cell = self.cell(entry.strategy, entry.symbol)
        net = self.net[entry.symbol]
        if not (cell.admits(entry.key) and net.admits(entry.key)):
            raise Resync(
                f"{self.name}: {entry.symbol} {entry.key} is older than what is kept in memory",
                remedy="read the account's fills from the store again",
            )
        cell.take(entry)
        net.take(entry)

    def _fill(self, fill: Fill) -> None:
        instrument = self.instruments.get(fill.symbol)
        self._take(fill)
        assert instrument is not None
        owner, symbol = fill.strategy, fill.symbol
        lots = fill.side * fill.qty_lots
        if is_spot(instrument):
            self._move(instrument.base, round(lots * self._lots[symbol]), owner, "market")
            self._move(instrument.quote, round(-lots * fill.price_ticks * self._money[symbol]), owner, "market")
        else:
            self._move(symbol, round(lots * self._lots[symbol]), owner, "market")
        if fill.fee:
            self._move(fill.fee_asset, -fill.fee, owner, "fees")
            self.fees[owner, symbol, fill.fee_asset] += fill.fee
            if fill.fee_settle is None:
                self.unpriced[owner, symbol, fill.fee_asset] += fill.fee
            else:
                self.fees_settle[owner, symbol] += fill.fee_settle
        if fill.realised is not None:
            total, count = self.told.get(symbol, (0, 0))
            self.told[symbol] = (total + fill.realised, count + 1)
        self.counts[symbol] += 1
        self.last[symbol] = max(self.last.get(symbol, fill.key), fill.key)

    def _adjustment(self, one: Adjustment) -> None:
        self._take(one)
        instrument = self.instruments[one.symbol]
        quantity = round(one.delta_lots * self._lots[one.symbol])
        if is_spot(instrument):
            self._move(instrument.base, quantity, one.strategy, "adjustments")
            self._move(instrument.quote, round(-one.value * self._money[one.symbol]), one.strategy, "adjustments")
            return
        self._move(one.symbol, quantity, one.strategy, "adjustments")
        count = self.told.get(one.symbol, (0, 0))[1]
        if count == self.counts[one.symbol]:  # what the venue tells of later fills is counted from here on
            self.told[one.symbol] = (round(self.net[one.symbol].realised() * ATOMS), count)

    def _funding(self, one: Funding) -> None:
        for strategy, amount in self.shares(one):
            self._move(one.asset, amount, strategy, "funding")
            self.funding[strategy, one.symbol] += amount

    def shares(self, one: Funding) -> tuple[tuple[str, int], ...]:
        """Who of the strategies a payment belongs to: each by what it held at that moment, and one of them the rest.

        A short strategy is paid by a long one, also where the account as a whole paid less or nothing.
        """
        if one.shares:
            return one.shares
        net = self.net.get(one.symbol)
        if net is None or net.floor[0] >= one.time_ms:
            return ((UNATTRIBUTED, one.amount),)
        held = {name: cell.lots_at(one.time_ms) for (name, symbol), cell in self.cells.items() if symbol == one.symbol}
        held = {name: lots for name, lots in sorted(held.items()) if lots}
        total = sum(held.values())
        if total == 0:
            return ((UNATTRIBUTED, one.amount),)
        parts = {name: round(Fraction(one.amount * lots, total)) for name, lots in held.items()}
        largest = max(held, key=lambda name: (abs(held[name]), name))
        parts[largest] += one.amount - sum(parts.values())
        return tuple(parts.items())

    def _transfer(self, one: Transfer) -> None:
        self._move(one.asset, one.amount, one.strategy, one.source)
        if one.source == OPENING:
            self.opened.add(one.asset)

    def _move(self, asset: str, amount: int, strategy: str, other: str) -> None:
        self.books[asset, f"wallet:{strategy}"] += amount
        self.books[asset, other] -= amount

    # -- reading ----------------------------------------------------------------------------------

    @property
    def strategies(self) -> list[str]:
        """Everyone who has an entry, what is not attributed first."""
        names = {owner.removeprefix("wallet:") for _, owner in self.books if owner.startswith("wallet:")}
        return sorted(names | {strategy for strategy, _ in self.cells})

    def lines(self) -> list[tuple[str, str]]:
        """Every (strategy, symbol) that something was booked for."""
        return sorted({*self.cells, *self.funding})

    def flows(self, asset: str) -> int:
        """What moved an asset's balance beside the profit of contracts: trades of spot, fees, funding, transfers; atoms."""
        return sum(amount for (one, owner), amount in self.books.items() if one == asset and owner.startswith("wallet:"))

    def wallet(self, asset: str, *, as_told: bool = False) -> Fraction:
        """Balance of an asset without unrealised profit.

        Parameters
        ----------
        as_told : bool
            With profit as the venue told it of each fill, where it told it of all: rounded as the venue's own balance is.
        """
        return Fraction(self.flows(asset), ATOMS) + self.realised(asset, as_told=as_told)

    def realised(self, asset: str, *, as_told: bool = False) -> Fraction:
        """Profit of closed contracts that are settled in an asset."""
        total = Fraction(0)
        for symbol, net in self.net.items():
            if net.instrument.settle != asset or is_spot(net.instrument):
                continue
            told, count = self.told.get(symbol, (0, 0))
            is_told = as_told and count == self.counts[symbol] > 0
            total += Fraction(told, ATOMS) if is_told else net.realised()
        return total

    def assets(self) -> list[str]:
        """Assets that have a balance or had one; contracts are no assets."""
        settled = {one.settle for one in self.instruments.values()}
        settled |= {one.base for one in self.instruments.values() if is_spot(one)}
        return sorted({asset for asset, _ in self.books if ":" not in asset and asset not in self.instruments} | settled)

    def opening(self, strategy: str) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        """What a strategy's world begins with: a POSITION row by symbol, its funding booked, and its cash in atoms by asset."""
        rows: dict[str, np.ndarray] = {}
        for (name, symbol), cell in self.cells.items():
            if name == strategy:
                rows[symbol] = cell.rows.copy()
                rows[symbol]["funding"] = round(Fraction(self.funding[name, symbol], ATOMS) / cell.unit)
        cash = {asset: self.books[asset, f"wallet:{strategy}"] for asset in self.assets()}
        return rows, {asset: amount for asset, amount in cash.items() if amount}

    def trial_balance(self) -> dict[str, int]:
        """Sum of all legs by asset: zero for each, or the books are broken."""
        sums: dict[str, int] = {}
        for (asset, _), amount in self.books.items():
            sums[asset] = sums.get(asset, 0) + amount
        return sums

    def unbalanced(self) -> Iterator[str]:
        """What must never be: legs that do not sum to nothing, lots of strategies that are not the account's."""
        for asset, total in self.trial_balance().items():
            if total:
                yield f"the legs of {asset} sum to {total} atoms"
        for symbol, net in self.net.items():
            held = sum(cell.lots for (_, one), cell in self.cells.items() if one == symbol)
            if held != net.lots:
                yield f"{symbol}: the strategies hold {held} lots, the account {net.lots}"


def _ref(entry: Entry) -> tuple[str, str]:
    match entry:
        case Fill():
            return "FILL", f"{entry.symbol} {entry.trade_id}"
        case Adjustment():
            return "ADJUSTMENT", entry.adjustment_id
        case Funding():
            return "FUNDING", f"{entry.symbol} {entry.payment_id}"
        case Transfer():
            return "TRANSFER", entry.transfer_id
