"""What a strategy's fills of a day add up to; the realised profit of each fill is the ledger's own, never computed again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from b25.analytics.events.buckets import DAY_NS, open_of
from b25.analytics.events.event import FILL, DomainEvent
from b25.analytics.events.order_fold import added, text

Key = tuple[int, str, str, str]


def performance_key(event: DomainEvent) -> Key | None:
    """Day, account, strategy and symbol of a fill; None for what is no fill, or only supposed to be one."""
    if event.type != FILL or event.properties.get("is_synthetic"):
        return None
    return open_of(event.time_ns, DAY_NS), event.account, event.strategy, event.symbol


def new_day(key: Key) -> dict[str, Any]:
    """A day without a fill."""
    return {
        "day_ns": key[0], "account": key[1], "strategy": key[2], "symbol": key[3], "fills": 0, "volume": "0",
        "maker_volume": "0", "maker_unknown": 0, "fees": "{}", "realised": "0", "realised_unknown": 0, "closing": 0, "wins": 0,
        "losses": 0, "won": "0", "lost": "0",
    }  # fmt: skip


def performed(row: Mapping[str, Any], event: DomainEvent) -> dict[str, Any]:
    """Return a day with one more fill."""
    out, told = dict(row), event.properties
    worth = Decimal(str(told["quantity"])) * Decimal(str(told["price"]))
    out["fills"] += 1
    out["volume"] = text(Decimal(out["volume"]) + worth)
    if told.get("is_maker") is None:
        out["maker_unknown"] += 1
    elif told["is_maker"]:
        out["maker_volume"] = text(Decimal(out["maker_volume"]) + worth)
    out["fees"] = added(out["fees"], told)
    if told.get("realised") is None:
        out["realised_unknown"] += 1
        return out
    realised = Decimal(str(told["realised"]))
    out["realised"] = text(Decimal(out["realised"]) + realised)
    if realised:
        side = "wins" if realised > 0 else "losses"
        out["closing"] += 1
        out[side] += 1
        amount = "won" if realised > 0 else "lost"
        out[amount] = text(Decimal(out[amount]) + abs(realised))
    return out
