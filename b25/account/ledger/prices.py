"""What things are worth now: marks of instruments and prices of assets. What is not known stays unknown."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from b25.model.errors import Misuse
from b25.model.instrument import Instrument


class Prices:
    """Last marks, by symbol and by asset.

    Parameters
    ----------
    instruments : iterable of Instrument
        A linear or spot mark of X/quote also prices the asset X.
    quote : str
        Currency of every price of an asset.
    """

    def __init__(self, instruments: Iterable[Instrument], quote: str) -> None:
        self.quote = quote
        self.marks: dict[str, Fraction] = {}
        self.times_ns: dict[str, int] = {}
        self._assets: dict[str, Fraction] = {}
        self._symbol_of: dict[str, str] = {}
        for one in sorted(instruments, key=lambda one: ":" in one.symbol, reverse=True):  # spot, written last, is preferred
            if one.quote == quote:
                self._symbol_of[one.base] = one.symbol

    def mark(self, symbol: str, price: Decimal | Fraction, time_ns: int = 0) -> None:
        """Take a mark in quote units. Raises Misuse for one that is not positive."""
        if not price > 0:
            raise Misuse(f"{symbol}: the mark {price} is not positive", remedy="leave it out: an unknown mark is an answer too")
        self.marks[symbol], self.times_ns[symbol] = Fraction(price), time_ns

    def forget(self, symbol: str) -> None:
        """A mark is not known any more: its book is gone or stale."""
        self.marks.pop(symbol, None)
        self.times_ns.pop(symbol, None)

    def price(self, asset: str, price: Decimal | Fraction) -> None:
        """Take the price of an asset that none of the instruments tells."""
        self._assets[asset] = Fraction(price)

    def of(self, asset: str) -> Fraction | None:
        """Price of an asset in the quote currency; None when unknown."""
        if asset == self.quote:
            return Fraction(1)
        if asset in self._assets:
            return self._assets[asset]
        return self.marks.get(self._symbol_of.get(asset, ""))

    def convert(self, amount: Fraction, asset: str, to: str) -> Fraction | None:
        """Worth of an amount of one asset in another; None when a price is missing."""
        if asset == to:
            return amount
        source, target = self.of(asset), self.of(to)
        return None if source is None or target is None else amount * source / target
