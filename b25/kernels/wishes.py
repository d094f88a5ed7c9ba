"""Wishes: the one way in which anything is asked of the gate, by a strategy or by a parent order."""

from b25.kernels.jit import kernel
from b25.kernels.world import head_of, intents_of
from b25.model.order import Pending, State
from b25.model.world import INTENTS_FULL

OPEN, PART_FILLED, NO_REQUEST = int(State.OPEN), int(State.PART_FILLED), int(Pending.NONE)


@kernel
def wish(ctx, kind, order_id, i, side, price_ticks, qty_lots, tif, flags, reason, stop_ticks=0, parent=0, role=0):
    """Write one intent; a full table halts the session, for a wish must not vanish."""
    head = head_of(ctx)
    intents = intents_of(ctx)
    k = head["intents"]
    if k >= intents.shape[0]:
        head["status"] = INTENTS_FULL
        return
    row = intents[k]
    row["order_id"] = order_id
    row["price_ticks"] = price_ticks
    row["qty_lots"] = qty_lots
    row["stop_ticks"] = stop_ticks
    row["instrument"] = i
    row["kind"] = kind
    row["side"] = side
    row["tif"] = tif
    row["flags"] = flags
    row["reason"] = reason
    row["parent"] = parent
    row["role"] = role
    head["intents"] = k + 1


@kernel
def cancellable(order):
    """True for an order that rests at the venue and has no request under way."""
    state = order["state"]
    return order["pending"] == NO_REQUEST and (state == OPEN or state == PART_FILLED)
