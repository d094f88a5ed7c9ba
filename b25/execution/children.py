"""What every parent order does with its children: send one, withdraw one, tell whether any is left."""

from b25.kernels.jit import kernel
from b25.kernels.order_table import find_order
from b25.kernels.wishes import cancellable, wish
from b25.kernels.world import head_of, orders_of
from b25.model.order import CANCEL, MARKET, REDUCE_ONLY, SUBMIT, Tif
from b25.model.parent import ROLES

GTC, IOC = int(Tif.GTC), int(Tif.IOC)


@kernel
def send_child(ctx, parent, role, side, price_ticks, qty_lots, tif, flags, stop_ticks):
    """Wish for a child; the gate judges it when all parents were worked."""
    head = head_of(ctx)
    order_id = head["next_order_id"]
    head["next_order_id"] = order_id + 1
    i, number = parent["instrument"], parent["parent_id"]
    wish(ctx, SUBMIT, order_id, i, side, price_ticks, qty_lots, tif, flags, 0, stop_ticks, number, role)


@kernel
def send_market(ctx, parent, role, side, qty_lots, flags):
    """Wish for a child at market."""
    send_child(ctx, parent, role, side, 0, qty_lots, IOC, MARKET | flags, 0)


@kernel
def send_closing(ctx, parent, role, side, qty_lots):
    """Wish for a child at market that only reduces."""
    send_market(ctx, parent, role, side, qty_lots, REDUCE_ONLY)


@kernel
def withdraw(ctx, parent, role):
    """Wish for the cancel of a parent's child, when it can be cancelled now."""
    order_id = parent["child_ids"][role]
    if order_id == 0:
        return
    slot = find_order(ctx, order_id)
    if slot >= 0 and cancellable(orders_of(ctx)[slot]):
        i, number = parent["instrument"], parent["parent_id"]
        wish(ctx, CANCEL, order_id, i, orders_of(ctx)[slot]["side"], 0, 0, 0, 0, 0, 0, number, role)


@kernel
def withdraw_all(ctx, parent):
    """Wish for the cancel of all children; returns whether any is left."""
    left = False
    for role in range(ROLES):
        if parent["child_ids"][role] != 0:
            left = True
            withdraw(ctx, parent, role)
    return left


@kernel
def wake_at(parent, time_ns, now_ns):
    """Have a parent worked at a time, if that is still to come and nothing earlier is asked for."""
    if now_ns < time_ns < parent["due_ns"]:
        parent["due_ns"] = time_ns
