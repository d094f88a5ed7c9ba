"""What people must hear about an account, each kind once a minute at most, until it is acknowledged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from b25.account.ledger.drift import Severity
from b25.account.ledger.high_water import HighWater
from b25.account.ledger.statement import Statement

EVERY_NS: Final = 60 * 10**9
KEPT: Final = 50


@dataclass(slots=True)
class Alert:
    """One alert; `suppressed` counts those of its kind that were not told since."""

    number: int
    kind: str
    severity: Severity
    text: str
    time_ns: int
    suppressed: int = 0
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From where on an account is worth an alert; amounts in the quote currency."""

    equity_min: Fraction = Fraction(1_000)
    drawdown_max: Fraction = Fraction(5, 100)
    margin_usage_max: float = 0.8
    liquidation_distance_min: float = 0.05
    position_max: Fraction = Fraction(50_000)
    free_margin_min: float = 0.2  # part of equity


@dataclass(slots=True)
class Alerts:
    """The last fifty alerts, and when each kind was last told."""

    recent: deque[Alert] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: dict[str, Alert] = field(default_factory=dict)
    number: int = 0

    def tell(self, kind: str, severity: Severity, text: str, time_ns: int) -> Alert | None:
        """Raise an alert; None when its kind was told within the last minute. A worse one is told at once."""
        before = self.last.get(kind)
        if before is not None and time_ns - before.time_ns < EVERY_NS and severity <= before.severity:
            before.suppressed += 1
            return None
        self.number += 1
        alert = self.last[kind] = Alert(self.number, kind, severity, text, time_ns)
        self.recent.append(alert)
        return alert

    def acknowledge(self, number: int, by: str) -> bool:
        """Note who has seen an alert; False when there is none such."""
        for alert in self.recent:
            if alert.number == number:
                alert.acknowledged_by = by
                return True
        return False

    def open(self) -> list[Alert]:
        """What nobody has acknowledged, oldest first."""
        return [alert for alert in self.recent if not alert.acknowledged_by]


def concerns(statement: Statement, water: HighWater, at: Thresholds) -> Iterator[tuple[str, Severity, str]]:
    """Everything about an account that passes a threshold: kind, severity, text. What is unknown raises no figure here."""
    equity, margin = statement.equity, statement.margin
    if equity is not None and equity < at.equity_min:
        text = f"equity {float(equity):,.2f} {statement.quote} is below {float(at.equity_min):,.0f}"
        yield "LOW_BALANCE", Severity.WARNING, text
    fall = water.drawdown_daily(equity)
    if fall is not None and fall > at.drawdown_max:
        yield "HIGH_DRAWDOWN", Severity.CRITICAL, f"{float(fall):.2%} below the day's begin"
    if statement.margin.liquidation and not margin.usage <= at.margin_usage_max:
        text = "the use of margin is unknown" if margin.usage != margin.usage else f"{margin.usage:.1%} of the equity is demanded"
        yield "HIGH_MARGIN_USAGE", Severity.CRITICAL, text
    for symbol, distance in margin.distance.items():
        if distance < at.liquidation_distance_min:
            yield "LIQUIDATION_NEAR", Severity.CRITICAL, f"{symbol} is {distance:.2%} from its liquidation"
    for symbol, notional in statement.notionals.items():
        if notional > at.position_max:
            yield "LARGE_POSITION", Severity.WARNING, f"{symbol} is worth {float(notional):,.0f} {statement.quote}"
    if equity is not None and equity > 0 and margin.liquidation and 1 - margin.initial / float(equity) < at.free_margin_min:
        yield "LOW_FREE_MARGIN", Severity.WARNING, f"{1 - margin.initial / float(equity):.1%} of the equity is free"
