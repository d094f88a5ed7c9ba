"""A thing traded at one venue: its grid, its money unit, and the bounds within which int64 cannot overflow."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

import numpy as np

from b25.model.errors import Misuse
from b25.model.event import PRICE_TICKS_MAX

INSTRUMENT = np.dtype(
    [
        # price = price_ticks * tick_num / tick_den: one exact product and one correctly rounded division, so that
        # 268138 ticks of 0.01 are 2681.38 and nothing near it.
        ("tick_num", "i8"),
        ("tick_den", "i8"),
        ("lot_num", "i8"),
        ("lot_den", "i8"),
        # Linear: notional in money units = price_ticks * qty_lots (the money unit is one tick-lot-contract).
        # Inverse: notional in money units = inverse_num * qty_lots / price_ticks, rounded half up.
        ("inverse_num", "i8"),
        ("price_ticks_max", "i8"),
        ("qty_lots_max", "i8"),
        ("min_notional", "i8"),  # money units; 0 means none
        ("qty_lots_min", "i8"),  # the same for inverse instruments, whose contracts are worth a fixed amount of quote
        ("money_num", "i8"),  # value of one money unit in the settlement currency, as a fraction
        ("money_den", "i8"),
        ("inverse", "u1"),
        ("pad", "u1", (7,)),
    ],
    align=True,
)
assert INSTRUMENT.itemsize == 96

INT64 = 2**63


def _decimal(value: object, name: str, what: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise Misuse(f"{name}: {what} {value!r} is not a number", remedy=f"give {what} as a decimal, e.g. '0.01'") from None
    if not number.is_finite() or number <= 0:
        raise Misuse(f"{name}: {what} {value} must be a positive number", remedy=f"give {what} as a decimal, e.g. '0.01'")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A thing traded at one venue.

    Parameters
    ----------
    venue : str
        ccxt id of the venue, e.g. ``"binanceusdm"``.
    symbol : str
        ccxt unified symbol, e.g. ``"ETH/USDT:USDT"``.
    tick : Decimal
        Quote units per tick.
    lot : Decimal
        Base units (linear) or contracts (inverse) per lot.
    contract_size : Decimal
        Base units per contract for linear, quote units per contract for inverse instruments.
    inverse : bool
        True when profit and loss are in the base currency and a contract is worth a fixed amount of quote.
    price_ticks_max, qty_lots_max : int
        Bounds of one order; their product stays below 2**63.
    min_notional : Decimal
        The venue's smallest order value in quote units; 0 for none.

    Raises
    ------
    Misuse
        When a bound would let int64 wrap, or tick or lot are not positive.
    """

    venue: str
    symbol: str
    tick: Decimal
    lot: Decimal
    contract_size: Decimal = Decimal(1)
    inverse: bool = False
    price_ticks_max: int = PRICE_TICKS_MAX
    qty_lots_max: int = 2**31
    min_notional: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for what in ("tick", "lot", "contract_size"):
            object.__setattr__(self, what, _decimal(getattr(self, what), self.symbol, what))
        if not 0 < self.price_ticks_max <= PRICE_TICKS_MAX:
            raise Misuse(
                f"{self.symbol}: price_ticks_max {self.price_ticks_max} is outside 1…{PRICE_TICKS_MAX}",
                remedy="use a coarser tick",
            )
        if self.price_ticks_max * self.qty_lots_max >= INT64:
            raise Misuse(
                f"{self.symbol}: the largest notional, {self.price_ticks_max} ticks x {self.qty_lots_max} lots, overflows int64",
                remedy="use a coarser lot or a lower qty_lots_max",
            )
        if self.inverse and self.inverse_num >= INT64 // 4:
            raise Misuse(f"{self.symbol}: the notional of one lot overflows int64", remedy="use a smaller lot or contract size")

    @property
    def base(self) -> str:
        """Base currency of the symbol."""
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        """Quote currency of the symbol."""
        return self.symbol.split("/")[-1].split(":")[0]

    @property
    def settle(self) -> str:
        """Currency in which profit and loss arise."""
        return self.symbol.split(":")[1] if ":" in self.symbol else (self.base if self.inverse else self.quote)

    @property
    def money_unit(self) -> Fraction:
        """Worth of one integer money unit in the settlement currency.

        Linear instruments count in tick x lot x contract, in which every notional is a whole number. The notional of
        an inverse contract is no multiple of anything, so it is rounded to 1e-12 of the coin.
        """
        if self.inverse:
            return Fraction(1, 10**12)
        return Fraction(self.tick) * Fraction(self.lot) * Fraction(self.contract_size)

    @property
    def inverse_num(self) -> int:
        """Money units x ticks per lot of an inverse instrument; 0 for a linear one."""
        if not self.inverse:
            return 0
        return round(Fraction(self.contract_size) * Fraction(self.lot) / Fraction(self.tick) / self.money_unit)

    def record(self) -> np.ndarray:
        """Return the kernels' view of this instrument: one INSTRUMENT row."""
        tick, lot, money = Fraction(self.tick), Fraction(self.lot), self.money_unit
        row = np.zeros(1, INSTRUMENT)
        row["tick_num"], row["tick_den"] = tick.numerator, tick.denominator
        row["lot_num"], row["lot_den"] = lot.numerator, lot.denominator
        row["money_num"], row["money_den"] = money.numerator, money.denominator
        row["inverse_num"], row["inverse"] = self.inverse_num, self.inverse
        row["price_ticks_max"], row["qty_lots_max"] = self.price_ticks_max, self.qty_lots_max
        least = Fraction(self.min_notional)
        row["qty_lots_min"] = 1
        if self.inverse:
            row["qty_lots_min"] = max(1, ceil(least / (Fraction(self.contract_size) * Fraction(self.lot))))
        else:
            row["min_notional"] = ceil(least / money)
        return row

    def ticks(self, price: str | Decimal) -> int:
        """Price as a whole number of ticks; `price` is the venue's own string. Raises Misuse off the grid."""
        return self._whole(price, self.tick, "price", "tick")

    def lots(self, quantity: str | Decimal) -> int:
        """Quantity as a whole number of lots; `quantity` is the venue's own string. Raises Misuse off the grid."""
        return self._whole(quantity, self.lot, "quantity", "lot")

    def price(self, price_ticks: int) -> Decimal:
        """Exact price of a number of ticks."""
        return int(price_ticks) * self.tick

    def quantity(self, qty_lots: int) -> Decimal:
        """Exact quantity of a number of lots."""
        return int(qty_lots) * self.lot

    def _whole(self, value: str | Decimal, step: Decimal, what: str, unit: str) -> int:
        whole, rest = divmod(Decimal(value), step)
        if rest:
            below, above = whole * step, (whole + 1) * step
            raise Misuse(f"{self.symbol}: {what} {value} is off the {unit} {step}", remedy=f"use {below} or {above}")
        return int(whole)
