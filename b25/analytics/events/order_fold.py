"""What becomes of an order, folded from its events and fills in whatever order they come; each is folded once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from b25.analytics.events.event import FILL, ORDER_TYPES, DomainEvent

ENDS: Final = frozenset({"order.filled", "order.canceled", "order.rejected"})
OF_ORDER: Final = ("venue", "side", "type", "quantity", "price")
SIGN: Final = {"buy": 1, "sell": -1}
BPS: Final = 10_000


def order_key(event: DomainEvent) -> tuple[str, str] | None:
    """Account and client id of the order that an event is of; None for one of none, and for a fill that is only supposed."""
    if event.type not in (FILL, *ORDER_TYPES) or event.properties.get("is_synthetic"):
        return None
    client_id = event.properties.get("client_id")
    return (event.account, str(client_id)) if client_id else None


def new_order(event: DomainEvent) -> dict[str, Any]:
    """An order of which nothing is known but whose it is."""
    key = order_key(event)
    assert key is not None
    return {
        "account": key[0], "client_id": key[1], "symbol": event.symbol, "strategy": event.strategy, "venue": "", "side": None,
        "type": None, "quantity": None, "price": None, "status": "", "intent_ns": None, "acked_ns": None, "first_fill_ns": None,
        "done_ns": None, "filled": "0", "notional": "0", "maker_quantity": "0", "maker_unknown": 0, "fees": "{}",
        "realised": None, "arrival_mid": None, "mid_notional": "0", "seen_ns": 0,
    }  # fmt: skip


def folded(row: Mapping[str, Any], event: DomainEvent) -> dict[str, Any]:
    """Return an order's row with one more of its events."""
    out = dict(row)
    told = event.properties
    out["venue"] = out["venue"] or told.get("venue") or ""
    out["strategy"] = out["strategy"] or event.strategy
    if event.type == FILL:
        return _filled(out, told)
    for name in OF_ORDER:
        out[name] = told.get(name) if told.get(name) is not None else out[name]
    at = int(told["receive_ns"])
    out["intent_ns"] = told.get("intent_ns") or out["intent_ns"]
    if event.type == "order.created":
        out["acked_ns"] = min(at, out["acked_ns"] or at)
    if Decimal(str(told.get("filled") or 0)) > 0:
        out["first_fill_ns"] = min(at, out["first_fill_ns"] or at)
    if out["arrival_mid"] is None and event.type == "order.created":
        out["arrival_mid"] = told.get("mid")
    is_end = event.type in ENDS
    if is_end:
        out["done_ns"] = max(at, out["done_ns"] or at)
    if (is_end or out["done_ns"] is None) and (at >= out["seen_ns"] or is_end):
        out["status"] = str(told.get("status") or "")
    out["seen_ns"] = max(at, out["seen_ns"])
    return out


def _filled(out: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    quantity, price = Decimal(str(told["quantity"])), Decimal(str(told["price"]))
    out["side"] = out["side"] or told.get("side")
    out["filled"] = text(Decimal(out["filled"]) + quantity)
    out["notional"] = text(Decimal(out["notional"]) + quantity * price)
    if told.get("is_maker") is None:
        out["maker_unknown"] += 1
    elif told["is_maker"]:
        out["maker_quantity"] = text(Decimal(out["maker_quantity"]) + quantity)
    out["fees"] = added(out["fees"], told)
    if told.get("realised") is not None:
        out["realised"] = text(Decimal(out["realised"] or 0) + Decimal(str(told["realised"])))
    mid = told.get("mid")
    known = out["mid_notional"] is not None and mid is not None
    out["mid_notional"] = text(Decimal(out["mid_notional"]) + quantity * Decimal(str(mid))) if known else None
    return out


def added(fees: str, told: Mapping[str, Any]) -> str:
    """JSON of fees by asset, with those of one more fill."""
    held: dict[str, str] = orjson.loads(fees)
    asset = str(told.get("fee_asset") or "")
    fee = Decimal(str(told.get("fee") or 0))
    if fee:
        held[asset] = text(Decimal(held.get(asset, "0")) + fee)
    return orjson.dumps(held, option=orjson.OPT_SORT_KEYS).decode()


def derived(row: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of an order; None for what is not known.

    Returns
    -------
    dict
        ``average_price``; ``maker_share`` of the filled quantity; ``slippage_bps``, against the mid at each fill;
        ``shortfall`` (quote units, before fees) and ``shortfall_bps``, of what was filled against the mid when the order was
        acknowledged; both are costs, positive when worse; ``ack_ms`` and ``fill_ms``, both since the intent.
    """
    filled, notional = Decimal(row["filled"]), Decimal(row["notional"])
    sign = SIGN.get(row["side"] or "")
    out: dict[str, Any] = dict.fromkeys(
        ("average_price", "maker_share", "slippage_bps", "shortfall", "shortfall_bps", "ack_ms", "fill_ms")
    )
    for name, later in (("ack_ms", "acked_ns"), ("fill_ms", "first_fill_ns")):
        if row["intent_ns"] is not None and row[later] is not None:
            out[name] = (row[later] - row["intent_ns"]) / 1e6
    if filled == 0:
        return out
    out["average_price"] = text(notional / filled)
    out["maker_share"] = None if row["maker_unknown"] else float(Decimal(row["maker_quantity"]) / filled)
    mids = Decimal(row["mid_notional"] or 0)
    if sign and mids:
        out["slippage_bps"] = float(sign * (notional - mids) / mids * BPS)
    arrival = Decimal(row["arrival_mid"] or 0) * filled
    if sign and arrival:
        out["shortfall"] = text(sign * (notional - arrival))
        out["shortfall_bps"] = float(sign * (notional - arrival) / arrival * BPS)
    return out


def text(number: Decimal) -> str:
    """Canonical text of a decimal: no exponent, no trailing zeros, no negative zero."""
    said = f"{number:f}"
    said = said.rstrip("0").rstrip(".") if "." in said else said
    return "0" if said in ("-0", "") else said
