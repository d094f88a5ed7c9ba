"""Which numbers an event holds. Every event is one by itself; so counts and sums of a type are its measure of the same name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from b25.analytics.events.event import FILL, RESERVED

NS_PER_MS: Final = 1e6
# Decimals, as text, of the platform's own events.
DECIMALS: Final[Mapping[str, tuple[str, ...]]] = {
    FILL: ("quantity", "price", "fee", "realised"),
    "balance.updated": ("equity", "realised", "unrealised", "fees"),
    "position.updated": ("quantity",),
    "risk.violation": ("count",),
}
# Measure: (later, earlier) property.
WAITS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "order.created": {"ack_ms": ("receive_ns", "intent_ns")},
    "order.filled": {"fill_ms": ("receive_ns", "intent_ns")},
}
SIGN: Final = {"buy": 1.0, "sell": -1.0}


def measures(kind: str, properties: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of an event by name: its type, which is 1, and ``type.property``. What is not known is left out."""
    found = {kind: 1.0}
    if not kind.startswith(RESERVED):
        for name, value in properties.items():
            if type(value) in (int, float) and math.isfinite(value):
                found[f"{kind}.{name}"] = float(value)
        return found
    for name in DECIMALS.get(kind, ()):
        if (number := known(properties.get(name))) is not None:
            found[f"{kind}.{name}"] = number
    for name, (later, earlier) in WAITS.get(kind, {}).items():
        if properties.get(later) and properties.get(earlier):
            found[f"{kind}.{name}"] = (properties[later] - properties[earlier]) / NS_PER_MS
    if kind == FILL:
        found |= _of_fill(properties)
    return found


def _of_fill(properties: Mapping[str, Any]) -> dict[str, float]:
    price, quantity = known(properties.get("price")), known(properties.get("quantity"))
    if price is None or quantity is None:
        return {}
    found = {f"{FILL}.notional": price * quantity}
    if properties.get("is_maker") is not None:
        found[f"{FILL}.maker"] = float(properties["is_maker"])
    mid, sign = known(properties.get("mid")), SIGN.get(str(properties.get("side")))
    if mid and sign is not None:
        found[f"{FILL}.slippage_bps"] = sign * (price - mid) / mid * 1e4
    return found


def known(value: Any) -> float | None:
    """A number, or a decimal as text; None for anything else, and for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
