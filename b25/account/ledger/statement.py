"""What an account is worth at the marks of the moment: equity, profit, margin. A missing mark makes them unknown, not wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, nan
from typing import Any

import numpy as np

from b25.account.ledger.account import Account, is_spot
from b25.account.ledger.amounts import ATOMS
from b25.account.ledger.prices import Prices
from b25.kernels.margin import maintenance_margin, margin_cushion, margin_usage, tiered_liquidation_price


@dataclass(frozen=True, slots=True)
class Terms:
    """How a venue margins a symbol: TIERS, shape (1,), and the leverage that is set."""

    tiers: np.ndarray
    leverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Position and profit of one strategy (or the account) in one symbol, settlement currency; None is unknown.

    `net` is realised + unrealised - fees + funding; `fees` are at the prices of the fills' times, and `unpriced` holds, by
    asset, those of which none was known: while there are any, `net` is unknown.
    """

    strategy: str
    symbol: str
    settle: str
    lots: int
    quantity: Fraction
    entry: Fraction | None
    mark: Fraction | None
    realised: Fraction
    unrealised: Fraction | None
    fees: Fraction
    funding: Fraction
    unpriced: Mapping[str, Fraction]

    @property
    def net(self) -> Fraction | None:
        """Realised + unrealised - fees + funding."""
        if self.unrealised is None or self.unpriced:
            return None
        return self.realised + self.unrealised - self.fees + self.funding


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What the venue demands, quote currency, as an estimate; NaN is unknown, which counts as breached."""

    initial: float
    maintenance: float
    usage: float
    cushion: float
    liquidation: Mapping[str, float]  # price by symbol; 0 (long) and inf (short) say never
    distance: Mapping[str, float]  # from the mark, as a part of it

    @property
    def nearest(self) -> float:
        """Least distance to a liquidation; inf when nothing is held, NaN when one is unknown."""
        if any(value != value for value in self.distance.values()):
            return nan
        return min(self.distance.values(), default=float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An account at the marks of the moment, in `quote`."""

    quote: str
    equity: Fraction | None
    wallets: Mapping[str, Fraction]  # balance by asset, without unrealised profit
    net: tuple[Line, ...]
    strategies: tuple[Line, ...]
    margin: Margin
    missing: tuple[str, ...]  # why equity is unknown
    gross: Fraction | None  # sum of the absolute values held
    notionals: Mapping[str, Fraction]

    def total(self, name: str) -> Fraction | None:
        """Sum of a column over the account's lines; None when one is unknown or they are settled in several currencies."""
        if len({line.settle for line in self.net}) > 1:
            return None
        values = [getattr(line, name) for line in self.net]
        return None if None in values else sum(values, Fraction(0))


def make_statement(account: Account, prices: Prices, terms: Mapping[str, Terms] | None = None) -> Statement:
    """Value an account.

    Parameters
    ----------
    account : Account
    prices : Prices
        Of its quote currency everything is told.
    terms : mapping, optional
        Margin terms by symbol; a contract that is held without them makes the margin unknown.
    """
    missing = _missing(account, prices)
    wallets = {asset: account.wallet(asset) for asset in account.assets()}
    equity: Fraction | None = None
    notionals = {
        symbol: abs(worth)
        for symbol, net in account.net.items()
        if net.lots and symbol in prices.marks
        if (worth := prices.convert(net.value(prices.marks[symbol]), net.instrument.settle, prices.quote)) is not None
    }
    if not missing:
        equity = Fraction(0)
        for asset, amount in wallets.items():
            equity += (prices.convert(amount, asset, prices.quote) or Fraction(0)) if amount else 0
        for symbol, net in account.net.items():
            if not is_spot(net.instrument) and net.lots:
                gain = net.unrealised(prices.marks[symbol])
                equity += prices.convert(gain or Fraction(0), net.instrument.settle, prices.quote) or 0
    return Statement(
        quote=prices.quote,
        equity=equity,
        wallets=wallets,
        net=tuple(line_of(account, prices, None, symbol) for symbol in sorted({symbol for _, symbol in account.lines()})),
        strategies=tuple(line_of(account, prices, strategy, symbol) for strategy, symbol in account.lines()),
        margin=margin_of(account, prices, terms or {}, equity),
        missing=tuple(missing),
        gross=sum(notionals.values(), Fraction(0)) if all(s in notionals for s, net in account.net.items() if net.lots) else None,
        notionals=notionals,
    )


def _missing(account: Account, prices: Prices) -> list[str]:
    why = []
    for asset in account.assets():
        if asset not in account.opened:
            why.append(f"the opening balance of {asset}")
        elif account.wallet(asset) and prices.of(asset) is None:
            why.append(f"a price of {asset} in {prices.quote}")
    for symbol, net in account.net.items():
        if is_spot(net.instrument) or not net.lots:
            continue
        if symbol not in prices.marks:
            why.append(f"a mark of {symbol}")
        elif prices.of(net.instrument.settle) is None:
            why.append(f"a price of {net.instrument.settle} in {prices.quote}")
    return why


def line_of(account: Account, prices: Prices, strategy: str | None, symbol: str) -> Line:
    """One line; of the account as a whole for no strategy."""
    cell = account.net[symbol] if strategy is None else account.cell(strategy, symbol)

    def mine(name: str, one: str) -> bool:
        return one == symbol and (strategy is None or name == strategy)

    unpriced: dict[str, Fraction] = {}
    for (name, one, asset), amount in account.unpriced.items():
        if mine(name, one) and amount:
            unpriced[asset] = unpriced.get(asset, Fraction(0)) + Fraction(amount, ATOMS)
    mark = prices.marks.get(symbol)
    return Line(
        strategy=strategy if strategy is not None else "",
        symbol=symbol,
        settle=cell.instrument.settle,
        lots=cell.lots,
        quantity=cell.lots * Fraction(cell.instrument.lot),
        entry=cell.entry(),
        mark=mark,
        realised=cell.realised(),
        unrealised=cell.unrealised(mark),
        fees=Fraction(sum(v for (name, one), v in account.fees_settle.items() if mine(name, one)), ATOMS),
        funding=Fraction(sum(v for (name, one), v in account.funding.items() if mine(name, one)), ATOMS),
        unpriced=unpriced,
    )


def margin_of(account: Account, prices: Prices, terms: Mapping[str, Terms], equity: Fraction | None) -> Margin:
    """Cross margin over the netted contracts: each one's price of liquidation while the others stay at their marks."""
    held = {symbol: net for symbol, net in account.net.items() if net.lots and not is_spot(net.instrument)}
    demanded: dict[str, float] = {}
    profit: dict[str, float] = {}
    initial = 0.0
    for symbol, net in held.items():
        mark, term = prices.marks.get(symbol), terms.get(symbol)
        rate = prices.of(net.instrument.settle)
        if mark is None or term is None or rate is None:
            demanded[symbol] = profit[symbol] = nan
            continue
        notional = float(abs(net.value(mark)))
        demanded[symbol] = float(maintenance_margin(term.tiers[0], notional)) * float(rate)
        profit[symbol] = float(net.unrealised(mark) or 0) * float(rate)
        initial += notional * float(rate) / term.leverage
    total = sum(demanded.values())
    worth = nan if equity is None else float(equity)
    liquidation: dict[str, float] = {}
    distance: dict[str, float] = {}
    for symbol, net in held.items():
        price = _liquidation(account, net, prices, terms.get(symbol), symbol, demanded, profit)
        mark = prices.marks.get(symbol)
        liquidation[symbol] = price
        if mark is None or price != price:
            distance[symbol] = nan
        else:
            distance[symbol] = (float(mark) - price) / float(mark) if net.lots > 0 else (price - float(mark)) / float(mark)
    return Margin(
        initial=initial if isfinite(total) else nan,
        maintenance=total,
        usage=float(margin_usage(worth, total)) if isfinite(total) else nan,
        cushion=float(margin_cushion(worth, total)) if isfinite(total) else nan,
        liquidation=liquidation,
        distance=distance,
    )


def _liquidation(
    account: Account,
    net: Any,
    prices: Prices,
    term: Terms | None,
    symbol: str,
    demanded: Mapping[str, float],
    profit: Mapping[str, float],
) -> float:
    """Price at which the margin that is shared within one settlement currency is used up."""
    settle = net.instrument.settle
    entry, rate = net.entry(), prices.of(settle)
    if term is None or entry is None or rate is None or settle not in account.opened:
        return nan
    others = [one for one in demanded if one != symbol and account.instruments[one].settle == settle]
    size = abs(net.lots) * Fraction(net.instrument.lot) * Fraction(net.instrument.contract_size)
    return float(
        tiered_liquidation_price(
            term.tiers[0],
            float(account.wallet(settle)),
            sum((demanded[one] for one in others), 0.0) / float(rate),
            sum((profit[one] for one in others), 0.0) / float(rate),
            1 if net.lots > 0 else -1,
            float(size),
            float(entry),
            0.0,
            bool(net.instrument.inverse),
        )
    )
