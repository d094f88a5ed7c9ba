"""When a bar that is not one of time is complete: `100 ticks`, `5 volume`, `100000 dollar`, `20 imbalance`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from b25.kernels.bar_build import BY_DOLLAR, BY_IMBALANCE, BY_TICKS, BY_VOLUME, BY_VOLUME_IMBALANCE
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

KINDS = {
    "ticks": BY_TICKS,
    "volume": BY_VOLUME,
    "dollar": BY_DOLLAR,
    "imbalance": BY_IMBALANCE,
    "volume imbalance": BY_VOLUME_IMBALANCE,
}
THRESHOLD_MAX = 2**62
EXAMPLES = "100 ticks, 5 volume, 100000 dollar, 20 imbalance, 5 volume imbalance"


@dataclass(frozen=True, slots=True)
class BarRule:
    """A rule and its threshold.

    Attributes
    ----------
    kind : str
        ``ticks`` (trades), ``volume`` (base units or contracts), ``dollar`` (value in quote units), ``imbalance`` (trades
        bought less trades sold, either way), ``volume imbalance`` (the same of base units).
    amount : Decimal
        The threshold.
    """

    kind: str
    amount: Decimal

    @property
    def name(self) -> str:
        """As `b25.bars` takes it."""
        return f"{self.amount:f} {self.kind}"

    def threshold(self, instrument: Instrument, lot: Fraction) -> tuple[int, int]:
        """Rule and threshold of the kernel, where quantities are counted in `lot`: in trades, lots, or ticks x lots."""
        rule, exact = KINDS[self.kind], Fraction(self.amount)
        if rule in (BY_VOLUME, BY_VOLUME_IMBALANCE):
            exact /= lot
        elif rule == BY_DOLLAR and instrument.inverse:
            # A contract is worth a fixed amount of quote at any price.
            rule, exact = BY_VOLUME, exact / (Fraction(instrument.contract_size) * lot)
        elif rule == BY_DOLLAR:
            exact /= Fraction(instrument.tick) * lot * Fraction(instrument.contract_size)
        if exact >= THRESHOLD_MAX:
            raise Misuse(f"a bar of {self.name} is out of range", remedy="give a smaller amount")
        return rule, max(1, ceil(exact))


def bar_rule(text: str) -> BarRule | None:
    """Read a rule; None when the text has no such word in it. Raises Misuse when its amount makes no sense."""
    found = re.fullmatch(r"\s*(\S+)\s+(tick|volume|dollar|imbalance|volume[ _-]imbalance)s?\s*", text.lower())
    if found is None:
        return None
    kind = {"tick": "ticks"}.get(found[2], re.sub(r"[_-]", " ", found[2]))
    try:
        amount = Decimal(found[1].replace("_", ""))
    except ArithmeticError:
        amount = Decimal(0)
    whole = kind not in ("ticks", "imbalance") or amount == amount.to_integral_value()
    if not amount.is_finite() or amount <= 0 or not whole:
        raise Misuse(f"bars of {text!r} have no sensible threshold", remedy=f"write it like {EXAMPLES}")
    return BarRule(kind, amount.normalize() if amount != amount.to_integral_value() else amount.quantize(Decimal(1)))
