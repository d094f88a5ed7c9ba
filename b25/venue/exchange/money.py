"""Decimals at the borders, whole numbers inside: grids, and texts as Binance writes them."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from b25.model.errors import Misuse

COIN: Final = Decimal("1e-8")
COINS: Final = 10**8  # units of money in one whole unit of an asset
PPM: Final = 10**6
# Enough digits that nothing a request may carry is ever rounded.
EXACT: Final = Context(prec=60)


def grid_steps(value: Decimal, step: Decimal, what: str) -> int:
    """How many whole steps a value has.

    Raises
    ------
    Misuse
        When it is not a whole number of steps.
    """
    steps, rest = EXACT.divmod(value, step)
    if rest:
        raise Misuse(f"{what} {value} is no multiple of {step}", remedy=f"give a multiple of {step}")
    return int(steps)


def decimals_of(value: Decimal) -> int:
    """How many decimals a number has, trailing zeros not counted."""
    exponent = EXACT.normalize(value).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def ceil_share(amount: int, part: int, whole: int) -> int:
    """Amount x part / whole, rounded up."""
    return -(-amount * part // whole)


def decimal_text(steps: int, step: Decimal) -> str:
    """So many steps as a plain decimal number with the step's decimals."""
    _, digits, exponent = step.as_tuple()
    unit = int("".join(map(str, digits)))
    assert isinstance(exponent, int)
    total = steps * unit
    if exponent >= 0:
        return str(total * 10**exponent)
    text = str(abs(total)).rjust(1 - exponent, "0")
    return f"{'-' if total < 0 else ''}{text[:exponent]}.{text[exponent:]}"


def money_text(units: int) -> str:
    """1e-8 units as a number with eight decimals."""
    whole, part = divmod(abs(units), COINS)
    return f"{'-' if units < 0 else ''}{whole}.{part:08d}"


def to_money(value: Decimal | str) -> int:
    """1e-8 units of an amount; `Misuse` when it has more decimals."""
    return grid_steps(Decimal(value), COIN, "amount")


def divided_text(numerator: int, denominator: int, step: Decimal) -> str:
    """Numerator / denominator steps, rounded to eight decimals, without trailing zeros."""
    value = EXACT.divide(EXACT.multiply(Decimal(numerator), step), Decimal(denominator))
    rounded = value.quantize(COIN, rounding=ROUND_HALF_EVEN, context=EXACT)
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-0") else "0"


def share(amount: int, part: int, whole: int) -> int:
    """Amount x part / whole, cut towards minus infinity."""
    return amount * part // whole


def fee(notional: int, rate_ppm: int) -> int:
    """A commission, cut to 1e-8 as Binance does. Negative for a rebate."""
    return notional * rate_ppm // PPM
