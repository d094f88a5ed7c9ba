"""The table of live orders: found by id in one step, listed by instrument and side in order of submission.

Ids are handed out in sequence, so `id & (size - 1)` is almost always the order's slot; when an old order still sits
there the next free slot is taken, and the longest such walk bounds every search.
"""

from b25.kernels.jit import kernel
from b25.kernels.world import head_of, lives_of, orders_of
from b25.model.event import BUY
from b25.model.order import State

NONE = int(State.NONE)


@kernel
def side_index(side):
    """0 for buys, 1 for sells."""
    return 0 if side == BUY else 1


@kernel
def find_in(orders, probe_max, order_id):
    """Slot of an order in any table with the fields `order_id` and `state`, or -1."""
    mask = orders.shape[0] - 1
    for step in range(probe_max + 1):
        slot = (order_id + step) & mask
        if orders[slot]["order_id"] == order_id and orders[slot]["state"] != NONE:
            return slot
    return -1


@kernel
def free_slot(orders, order_id):
    """First free slot at or after the id's own, and how far away it is; the table must have one."""
    mask = orders.shape[0] - 1
    step = 0
    slot = order_id & mask
    while orders[slot]["state"] != NONE:
        step += 1
        slot = (order_id + step) & mask
    return slot, step


@kernel
def link_last(orders, ends, slot):
    """Append a slot to the list that `ends`, a QUEUE_ENDS record, holds."""
    last = ends["last"]
    orders[slot]["prev"] = last
    orders[slot]["next"] = -1
    if ends["count"] > 0:
        orders[last]["next"] = slot
    else:
        orders[slot]["prev"] = -1
        ends["first"] = slot
    ends["last"] = slot
    ends["count"] += 1


@kernel
def unlink(orders, ends, slot):
    """Take a slot out of its list."""
    before, after = orders[slot]["prev"], orders[slot]["next"]
    if before >= 0:
        orders[before]["next"] = after
    else:
        ends["first"] = after
    if after >= 0:
        orders[after]["prev"] = before
    else:
        ends["last"] = before
    ends["count"] -= 1


@kernel
def find_order(ctx, order_id):
    """Slot of a live order, or -1."""
    return find_in(orders_of(ctx), head_of(ctx)["probe_max"], order_id)


@kernel
def add_order(ctx, order_id, instrument, side):
    """Take a slot for a new order and link it behind the others of its side; the table must have room."""
    head = head_of(ctx)
    orders = orders_of(ctx)
    slot, step = free_slot(orders, order_id)
    head["probe_max"] = max(head["probe_max"], step)
    head["live_orders"] += 1
    order = orders[slot]
    clear_order(order)
    order["order_id"] = order_id
    order["instrument"] = instrument
    order["side"] = side
    link_last(orders, lives_of(ctx)[instrument, side_index(side)], slot)
    return slot


@kernel
def drop_order(ctx, slot):
    """Unlink a finished order and free its slot; the caller has copied what it wants to keep."""
    orders = orders_of(ctx)
    order = orders[slot]
    unlink(orders, lives_of(ctx)[order["instrument"], side_index(order["side"])], slot)
    head_of(ctx)["live_orders"] -= 1
    clear_order(order)


@kernel
def clear_order(order):
    """Zero a slot, so that equal tables have equal bytes."""
    order["order_id"] = 0
    order["price_ticks"] = 0
    order["qty_lots"] = 0
    order["leaves_lots"] = 0
    order["filled_lots"] = 0
    order["filled_ticklots"] = 0
    order["stop_ticks"] = 0
    order["created_ns"] = 0
    order["updated_ns"] = 0
    order["request_id"] = 0
    order["want_price_ticks"] = 0
    order["want_qty_lots"] = 0
    order["next"] = 0
    order["prev"] = 0
    order["instrument"] = 0
    order["side"] = 0
    order["state"] = 0
    order["pending"] = 0
    order["tif"] = 0
    order["flags"] = 0
    order["reason"] = 0
    order["parent"] = 0
    order["role"] = 0
