"""Our books against the venue's: what differs, how badly, and the adjustment that would settle it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Final

import numpy as np

from b25.account.fold import book_value
from b25.account.ledger.account import Account, is_spot
from b25.account.ledger.cell import Cell
from b25.account.ledger.entries import UNATTRIBUTED, Adjustment

BALANCE_TOLERANCE_MAX: Final = Fraction(1, 10**5)
POSITION_TOLERANCE_MAX: Final = Fraction(1, 10**4)
BASE_UNIT: Final = Fraction(1, 10**8)  # of an asset of which the venue names no other
ALERT_ABOVE: Final = Fraction(1, 100)
HALT_ABOVE: Final = Fraction(5, 100)
HALT_AT: Final = 3  # mismatches of one thing in a row


class Severity(IntEnum):
    """How bad it is."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A position as the venue tells it."""

    quantity: Fraction
    entry: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not the same here and at the venue, by more than its tolerance."""

    kind: str  # "balance" or "position"
    name: str  # asset or symbol
    ours: Fraction
    theirs: Fraction
    tolerance: Fraction

    @property
    def ratio(self) -> Fraction:
        """Size of the difference, as a part of the larger side."""
        return abs(self.ours - self.theirs) / max(abs(self.ours), abs(self.theirs))

    @property
    def text(self) -> str:
        """For people."""
        return (
            f"{self.name}: {self.kind} {_digits(self.ours)} in the ledger, {_digits(self.theirs)} at the venue, "
            f"{float(self.ratio):.2%} apart"
        )


def compare(
    account: Account,
    balances: Mapping[str, Fraction],
    positions: Mapping[str, Held],
    *,
    base_units: Mapping[str, Fraction] | None = None,
) -> list[Difference]:
    """Everything that differs.

    Parameters
    ----------
    account : Account
    balances : mapping of str to Fraction
        The venue's balance of each asset *without* unrealised profit; one that is left out is 0.
    positions : mapping of str to Held
        The venue's positions by symbol; one that is left out is flat.
    base_units : mapping, optional
        The smallest amount of each asset.
    """
    found = []
    units = base_units or {}
    for asset in sorted({*account.opened, *balances} & {*account.opened}):
        ours, theirs = account.wallet(asset, as_told=True), balances.get(asset, Fraction(0))
        tolerance = min(units.get(asset, BASE_UNIT), BALANCE_TOLERANCE_MAX)
        if abs(ours - theirs) > tolerance:
            found.append(Difference(kind="balance", name=asset, ours=ours, theirs=theirs, tolerance=tolerance))
    for symbol, net in account.net.items():
        if is_spot(net.instrument):
            continue
        lot = Fraction(net.instrument.lot)
        ours = net.lots * lot
        theirs = positions[symbol].quantity if symbol in positions else Fraction(0)
        tolerance = min(lot / 2, POSITION_TOLERANCE_MAX)
        if abs(ours - theirs) > tolerance:
            found.append(Difference(kind="position", name=symbol, ours=ours, theirs=theirs, tolerance=tolerance))
    return found


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a comparison leads to."""

    severity: Severity
    halt: str  # why nothing may be traded any more; empty when it may


@dataclass(slots=True)
class DriftWatch:
    """Counts mismatches of the same thing in a row."""

    in_a_row: dict[tuple[str, str], int] = field(default_factory=dict)

    def observe(self, differences: list[Difference]) -> Judgement:
        """Judge one comparison: above 1 % is an alert, above 5 % or three in a row halt."""
        self.in_a_row = {(one.kind, one.name): self.in_a_row.get((one.kind, one.name), 0) + 1 for one in differences}
        severity, halt = Severity.INFO, ""
        for one in differences:
            if one.ratio > HALT_ABOVE:
                severity, halt = Severity.CRITICAL, halt or f"drift above 5 %: {one.text}"
            elif self.in_a_row[one.kind, one.name] >= HALT_AT:
                severity, halt = Severity.CRITICAL, halt or f"{HALT_AT} mismatches in a row: {one.text}"
            elif one.ratio > ALERT_ABOVE:
                severity = max(severity, Severity.WARNING)
        return Judgement(severity, halt)


def adjustment_for(
    account: Account,
    symbol: str,
    theirs: Held,
    *,
    adjustment_id: str,
    time_ms: int,
    mark: Fraction | None = None,
    strategy: str = UNATTRIBUTED,
) -> Adjustment:
    """Make the adjustment after which quantity and entry of the account are the venue's.

    What it closes, it closes at the mark, or at our own entry while there is none: then no profit is made up. What it opens has
    the venue's entry.
    """
    net = account.net[symbol]
    instrument = net.instrument
    target = round(theirs.quantity / Fraction(instrument.lot))
    delta = target - net.lots
    closing = min(abs(net.lots), abs(delta)) if net.lots * delta < 0 else 0
    opening = abs(delta) - closing
    sign = 1 if delta > 0 else -1
    entry = theirs.entry or mark or net.entry()
    value = _worth(net, sign * closing, mark or net.entry()) + _worth(net, sign * opening, entry)
    wanted = _worth(net, target, theirs.entry) if theirs.entry else None
    if wanted is not None and closing == 0 and (wanted - int(net.position["cost"])) * value > 0:
        value = wanted - int(net.position["cost"])  # what was added cost what the venue's average says
    after = net.rows.copy()
    book_value(after[0], np.int64(delta), np.int64(value), np.int64(0))
    correction = 0 if wanted is None or target == 0 else wanted - int(after[0]["cost"])
    return Adjustment(
        adjustment_id=adjustment_id, symbol=symbol, strategy=strategy, delta_lots=delta, value=value, correction=correction,
        time_ms=time_ms,
    )  # fmt: skip


def _worth(net: Cell, lots: int, price: Fraction | None) -> int:
    """Signed value of lots at a price, money units, rounded."""
    if lots == 0 or price is None:
        return 0
    ticks = price / Fraction(net.instrument.tick)
    if net.instrument.inverse:
        return round(-lots * Fraction(net.instrument.inverse_num) / ticks)
    return round(lots * ticks)


def _digits(amount: Fraction) -> str:
    text = f"{Decimal(amount.numerator) / Decimal(amount.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
