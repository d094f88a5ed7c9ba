"""What a person sends by hand: an order, a cancel, an amend, each one COMMAND event, judged by the gate as the strategy's are.

In such an event `amount` holds a number of the request that asked for it, so that a later life finds in the journal whether
it was done. Of an order, `flags` holds its own, `order_id` the time in force and `seq` the ticks of its stop; of the others,
`order_id` is the order's.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from b25.engine.world import World
from b25.model.event import COMMAND
from b25.model.order import AMEND, CANCEL, EFFECT, MANUAL, MARKET, SUBMIT, Tif
from b25.session.commands import Command, command_event

BY_HAND = (Command.ORDER, Command.CANCEL, Command.AMEND)
INTENT_OF = {Command.CANCEL: CANCEL, Command.AMEND: AMEND}


@dataclass(slots=True)
class Done:
    """What an event that a person asked for led to.

    Attributes
    ----------
    seq : int
        Number of the event.
    event : ndarray of EVENT, one row
    effects : ndarray of EFFECT
    verdicts : list of int
        Bits of the controls that each effect broke; empty when only the journal is known.
    """

    seq: int
    event: np.ndarray[Any, Any]
    effects: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(0, EFFECT))
    verdicts: list[int] = field(default_factory=list)

    def judged(self) -> tuple[Any, int] | None:
        """The effect that was asked for and its verdict, among those that came beside it; None when there is none."""
        code = int(self.event["status"][0])
        kind = INTENT_OF.get(Command(code), SUBMIT)
        for k, row in enumerate(self.effects):
            is_it = row["flags"] & MANUAL if kind == SUBMIT else row["order_id"] == self.event["order_id"][0]
            if row["kind"] == kind and is_it:
                return row, self.verdicts[k] if k < len(self.verdicts) else 0
        return None


def number_of_request(request_id: str) -> int:
    """Number by which the journal knows a request; 0 for one without an id, which it does not know."""
    if not request_id:
        return 0
    digest = blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def order_command(
    now_ns: int, *, instrument: int, side: int, qty_lots: int, price_ticks: int = 0, stop_ticks: int = 0, flags: int = 0,
    tif: Tif = Tif.GTC, request: int = 0,
) -> np.ndarray[Any, Any]:  # fmt: skip
    """Return the event of one order by hand; `flags` with MARKET for one without a price."""
    event = command_event(Command.ORDER, now_ns, instrument=instrument, place=int(tif), amount=request)
    event["side"], event["qty_lots"], event["price_ticks"] = side, qty_lots, price_ticks
    event["flags"], event["seq"] = flags, stop_ticks
    return event


def cancel_command(now_ns: int, order_id: int, *, instrument: int, request: int = 0) -> np.ndarray[Any, Any]:
    """Return the event of one cancel by hand."""
    return command_event(Command.CANCEL, now_ns, instrument=instrument, place=order_id, amount=request)


def amend_command(
    now_ns: int, order_id: int, *, instrument: int, price_ticks: int, qty_lots: int, request: int = 0
) -> np.ndarray[Any, Any]:
    """Return the event of one amend by hand: the order's price, and its quantity with what is filled already."""
    event = command_event(Command.AMEND, now_ns, instrument=instrument, place=order_id, amount=request)
    event["price_ticks"], event["qty_lots"] = price_ticks, qty_lots
    return event


def wish_by_hand(world: World, event: Any) -> None:
    """Write the intent that an event asks for, exactly as it stands there; the gate does the rest."""
    head = world.head[0]
    code = Command(int(event["status"]))
    row = world.intents[int(head["intents"])]
    for name in row.dtype.names:
        row[name] = 0
    row["instrument"], row["price_ticks"], row["qty_lots"] = event["instrument"], event["price_ticks"], event["qty_lots"]
    if code in (Command.ORDER, Command.OVERRIDE):
        row["kind"], row["order_id"] = SUBMIT, head["next_order_id"]
        head["next_order_id"] += 1
        row["side"] = event["side"]
        if code is Command.OVERRIDE:  # it says by its price alone whether it is one at market
            flags, tif = (0, Tif.GTC) if event["price_ticks"] else (MARKET, Tif.IOC)
        else:
            flags, tif = int(event["flags"]), Tif(int(event["order_id"]))
            row["stop_ticks"] = event["seq"]
        row["flags"], row["tif"] = flags | MANUAL, int(tif)
    else:
        row["kind"], row["order_id"] = INTENT_OF[code], event["order_id"]
        row["side"] = side_of(world, int(event["order_id"]))
    head["intents"] += 1


def side_of(world: World, order_id: int) -> int:
    """Side of a live order; 0 when there is none of this id."""
    orders = world.orders
    found = orders[(orders["order_id"] == order_id) & (orders["state"] != 0)]
    return int(found["side"][0]) if len(found) else 0


def places_of_requests(events: np.ndarray[Any, Any]) -> list[int]:
    """Places of the events that were asked for by hand in a request with an id."""
    by_hand = (events["kind"] == COMMAND) & np.isin(events["status"], [int(one) for one in BY_HAND])
    places: list[int] = np.flatnonzero(by_hand & (events["amount"] != 0)).tolist()
    return places
