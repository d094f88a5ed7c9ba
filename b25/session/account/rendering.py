"""A statement as text and plain data: exact decimals where they are exact, None for what is unknown, never infinity."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Context, Decimal
from fractions import Fraction
from math import isfinite
from typing import Any, Final

import orjson

from b25.account.ledger.alerts import Alerts
from b25.account.ledger.high_water import HighWater
from b25.account.ledger.statement import Line, Statement

_DIGITS: Final = Context(prec=40)


def number_text(value: Fraction | None) -> str | None:
    """Digits of a fraction, to 40 figures; None for an unknown one."""
    if value is None:
        return None
    text = f"{_DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator)):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def float_or_none(value: float) -> float | None:
    """A number that JSON can hold; None for one that is unknown or "never"."""
    return value if isfinite(value) else None


def line_facts(line: Line) -> dict[str, Any]:
    """One line of a statement."""
    names = ("quantity", "entry", "mark", "realised", "unrealised", "fees", "funding", "net")
    facts = {name: number_text(getattr(line, name)) for name in names}
    unpriced = {asset: number_text(amount) for asset, amount in line.unpriced.items()}
    return {"strategy": line.strategy, "symbol": line.symbol, "settle": line.settle, **facts, "fees_unpriced": unpriced}


def statement_facts(statement: Statement, water: HighWater) -> dict[str, Any]:
    """Everything of a statement."""
    margin = statement.margin
    return {
        "quote": statement.quote,
        "equity": number_text(statement.equity),
        "unknown": list(statement.missing),
        "gross": number_text(statement.gross),
        "balances": {asset: number_text(amount) for asset, amount in statement.wallets.items()},
        "positions": [line_facts(line) for line in statement.net],
        "strategies": [line_facts(line) for line in statement.strategies],
        "margin": {
            **{name: float_or_none(getattr(margin, name)) for name in ("initial", "maintenance", "usage", "cushion")},
            "liquidation": {symbol: float_or_none(price) for symbol, price in margin.liquidation.items()},
        },
        "drawdown_daily": number_text(water.drawdown_daily(statement.equity)),
        "drawdown_max": number_text(water.drawdown_max(statement.equity)),
        "day_equity": number_text(water.day_equity),
        "peak": number_text(water.peak),
    }


def snapshot_row(statement: Statement, water: HighWater, alerts: Alerts, reason: str) -> dict[str, Any]:
    """A statement as a row of `account_snapshot`."""
    facts = statement_facts(statement, water)
    facts["alerts"] = [{**asdict(one), "severity": one.severity.name} for one in alerts.open()]
    usage = facts["margin"]["usage"]
    return {
        "reason": reason,
        "quote": statement.quote,
        "equity": facts["equity"],
        **{name: number_text(statement.total(name)) for name in ("realised", "unrealised", "fees", "funding")},
        "drawdown_daily": facts["drawdown_daily"],
        "drawdown_max": facts["drawdown_max"],
        "margin_usage": None if usage is None else repr(usage),
        "body": orjson.dumps(facts).decode(),
    }
