"""Binance's user events as reports. What is not understood is None, and only prompts a question."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from b25.model.event import BUY, SELL
from b25.model.order import State
from b25.venue.port.reports import Hint, OrderReport, TradeReport

STATES: Final = {
    "NEW": State.OPEN,
    "PARTIALLY_FILLED": State.PART_FILLED,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELLED,
    "EXPIRED": State.EXPIRED,
    "EXPIRED_IN_MATCH": State.EXPIRED,
    "REJECTED": State.REJECTED,
}


def read_event(hint: Hint, symbols: Mapping[str, str]) -> tuple[OrderReport, TradeReport | None] | None:
    """Read an event of an order.

    Parameters
    ----------
    hint : Hint
    symbols : mapping
        Unified symbol by the venue's own.
    """
    if hint.event not in ("executionReport", "ORDER_TRADE_UPDATE"):
        return None
    linear = hint.event == "ORDER_TRADE_UPDATE"
    try:
        told: Mapping[str, Any] = hint.raw["o"] if linear else hint.raw
        # A cancel's event has the id of the cancel in `c`, and that of the order in `C`.
        client_id = str(told["c"]) if linear else str(told.get("C") or told["c"])
        symbol, side = symbols[told["s"]], BUY if told["S"] == "BUY" else SELL
        stop = Decimal(told.get("sp" if linear else "P") or 0)
        price = Decimal(told.get("p") or 0)
        order = OrderReport(
            symbol=symbol,
            venue_id=str(told["i"]),
            client_id=client_id,
            state=STATES.get(told["X"], State.UNKNOWN),
            side=side,
            qty=Decimal(told["q"]),
            filled=Decimal(told["z"]),
            price=price or None,
            stop=stop or None,
            reduce_only=bool(told.get("R")) if linear else False,
            update_ms=int(told["T"]),
            raw=hint.raw,
        )
        if told["x"] != "TRADE":
            return order, None
        return order, TradeReport(
            symbol=symbol,
            trade_id=str(told["t"]),
            venue_id=str(told["i"]),
            side=side,
            price=Decimal(told["L"]),
            qty=Decimal(told["l"]),
            fee=Decimal(told.get("n") or 0),
            fee_asset=str(told.get("N") or ""),
            maker=bool(told["m"]),
            time_ms=int(told["T"]),
            client_id=client_id,
            realised=Decimal(told["rp"]) if linear and "rp" in told else None,
            raw=hint.raw,
        )
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
