"""A moment of a session as a plain record, in the words of the widget that steps through a run."""

from __future__ import annotations

from typing import Any, Final

from b25.session.glance import levels_of
from b25.session.machine import Machine
from b25.session.picture import picture_of

ENDS: Final = ("order_cancelled", "order_expired", "order_rejected")
SIDES: Final = {1: "buy", -1: "sell"}


def frame_of(machine: Machine, seq: int, event: dict[str, Any], decided: list[dict[str, Any]], levels: int) -> dict[str, Any]:
    """Return what was there after an event.

    Parameters
    ----------
    machine : Machine
        As it stands after the event.
    event : dict
        In words, see `b25.session.picture.event_facts`.
    decided : list of dict
        Effects in words.

    Returns
    -------
    dict
        ``time_ns``, ``seq``, ``symbol``, ``market`` (what arrived), ``book`` (``bids``, ``asks`` as (price, quantity), the
        best first), ``events`` (each ``what``: sent, filled, refused, ended or note; ``text``, ``why``, ``side``), ``position``
        in base units or contracts, ``equity`` (earned so far, None while a price is missing), ``state`` (the strategy's
        fields), ``orders``.
    """
    told = [_decided(one) for one in decided]
    kind = str(event.get("kind", ""))
    if kind.startswith("order_") or kind.endswith("_rejected"):
        told.insert(0, _answered(kind, event))
    i = int((decided[0] if decided else event).get("instrument", 0))
    picture = picture_of(machine)
    market = picture["instruments"][i]
    bids, asks = levels_of(machine, i, levels)
    return {
        "time_ns": machine.now_ns, "seq": seq, "symbol": market["symbol"], "market": _arrived(kind, event),
        "book": {"bids": [row[:2] for row in bids], "asks": [row[:2] for row in asks]}, "events": told,
        "position": float(market["position"]), "equity": market["profit"], "state": picture["strategy"],
        "orders": [_words(one) for one in picture["orders"]],
    }  # fmt: skip


def _decided(one: dict[str, Any]) -> dict[str, Any]:
    what = "refused" if one.get("reason") else "sent" if one["kind"] == "submit" else "note"
    why = str(one.get("reason", ""))
    return {"what": what, "text": f"{one['kind']} {_words(one)}", "why": why, "side": int(one.get("side", 0))}


def _answered(kind: str, event: dict[str, Any]) -> dict[str, Any]:
    what = "filled" if kind == "order_filled" else "ended" if kind in ENDS else "note"
    return {"what": what, "text": f"{kind.replace('_', ' ')} {_words(event)}", "why": "", "side": int(event.get("side", 0))}


def _arrived(kind: str, event: dict[str, Any]) -> str:
    return f"{kind.replace('_', ' ')} {_words(event)}".strip()


def _words(one: dict[str, Any]) -> str:
    """Order, side, quantity and price, as far as they are told."""
    number = f"#{one['order_id']} " if one.get("order_id") else ""
    side = SIDES.get(int(one.get("side", 0)), "")
    price = f" at {one['price']}" if one.get("price") else ""
    return f"{number}{side} {one.get('quantity', '')}{price}".strip()
