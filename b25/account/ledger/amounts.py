"""Amounts of any asset as whole numbers of 1e-18: finer than any venue's, so that sums are exact."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from b25.model.errors import Misuse

ATOMS: Final = 10**18
_CONTEXT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def atoms(amount: Decimal | Fraction | str) -> int:
    """Whole atoms of an amount; one that is finer is rounded half to even.

    Raises
    ------
    Misuse
        When it is no finite number.
    """
    if isinstance(amount, Fraction):
        return round(amount * ATOMS)
    number = Decimal(amount)
    if not number.is_finite():
        raise Misuse(f"the amount {amount} is not a number", remedy="give it as a decimal, e.g. '0.01'")
    return int(number.scaleb(18, _CONTEXT).to_integral_value(ROUND_HALF_EVEN, _CONTEXT))


def decimal_of(count: int) -> Decimal:
    """Exact amount of a number of atoms."""
    return Decimal(count).scaleb(-18, Context(prec=max(60, len(str(count)) + 2))).normalize(Context(prec=120))


def text_of(count: int) -> str:
    """Digits of a number of atoms, without exponent or trailing zeros."""
    text = f"{decimal_of(count):f}"
    return "0" if text == "-0" else text
