"""Parents that protect a position: bracket, OCO and trailing stop.

Their legs only reduce, and are as large as what is open: of a bracket the filled part of its entry, of the others what is held,
up to their quantity; less what either leg closed, and less what somebody else did. A leg of another size or level is cancelled
and placed anew, once its cancel is proven. A leg that cannot be placed is no protection: after three tries what is open is
closed at market.
"""

import numpy as np

from b25.execution.children import GTC, IOC, send_child, send_closing, send_market, wake_at, withdraw
from b25.execution.schedules import E9, share_of, touch_ticks
from b25.kernels.jit import kernel
from b25.kernels.order_table import find_order
from b25.kernels.parent_table import end_parent, exited_lots, note
from b25.kernels.world import orders_of, positions_of
from b25.model.order import MARKET, POST_ONLY, REDUCE_ONLY, Reason
from b25.model.parent import (
    CLOSING,
    CLOSING_ASKED,
    NOTE_CLOSED_AT_MARKET,
    NOTE_EXCESS,
    POST_ONLY_CHILD,
    ROLES,
    Algo,
    ParentState,
    Role,
)

BRACKET, TRAILING = int(Algo.BRACKET), int(Algo.TRAILING_STOP)
WORK, STOP, TARGET = int(Role.WORK), int(Role.STOP), int(Role.TARGET)
CLOSE, EXCESS = int(Role.CLOSE), int(Role.EXCESS)
DONE, CANCELLED, FAILED = int(ParentState.DONE), int(ParentState.CANCELLED), int(ParentState.FAILED)
OK, REQUESTED = int(Reason.OK), int(Reason.CANCEL_REQUESTED)
TRIES = 3
TRAIL_NS = 1_000_000_000  # between two moves of a trailing stop


@kernel
def open_lots_of(ctx, parent):
    """Bring what is protected up to date; returns the lots that are open, negative when the legs closed too much."""
    side = parent["exit_side"]
    held = max(np.int64(0), -side * positions_of(ctx)[parent["instrument"]]["position_lots"])
    if parent["algo"] == BRACKET:
        parent["opened_lots"] = parent["filled_lots"][WORK]
    else:
        seen = min(parent["qty_lots"], held + exited_lots(parent))
        parent["opened_lots"] = max(parent["opened_lots"], seen)
    left = parent["opened_lots"] - exited_lots(parent)
    if left > held:
        # Somebody else closed it: what is not held is not protected, and never again.
        parent["waived_lots"] += left - held
        left = held
    return left


@kernel
def trail(ctx, parent):
    """Let the level of a trailing stop follow the price at which the position could be closed; it never loosens.

    It moves by its least step or more, and not for a second after its order was placed.
    """
    side = parent["exit_side"]
    ticks = touch_ticks(ctx, parent, -side)
    if ticks == 0:
        return
    if parent["activation_ticks"] != 0:
        if (ticks - parent["activation_ticks"]) * -side < 0:
            return
        parent["activation_ticks"] = 0
    if parent["extreme_ticks"] == 0 or (ticks - parent["extreme_ticks"]) * -side > 0:
        parent["extreme_ticks"] = ticks
    extreme = parent["extreme_ticks"]
    distance = parent["distance_ticks"]
    if parent["distance_e9"] != 0:
        # Rounded up, so that it never triggers before the price that was asked for.
        distance = -(-(extreme * parent["distance_e9"]) // E9)
    level = extreme + side * distance
    if parent["stop_ticks"] == 0:
        parent["stop_ticks"] = level
        return
    step = max(np.int64(1), share_of(level, parent["step_e9"], E9))
    if (level - parent["stop_ticks"]) * -side < step:
        return
    free_ns = parent["moved_ns"] + TRAIL_NS
    if parent["child_ids"][STOP] != 0 and ctx["now_ns"] < free_ns:
        wake_at(parent, free_ns, ctx["now_ns"])
        return
    parent["stop_ticks"] = level


@kernel
def keep_leg(ctx, parent, role, lots):
    """Keep one leg of so many lots: place it, leave it, or withdraw it to place it anew."""
    child = parent["child_ids"][role]
    if child != 0:
        slot = find_order(ctx, child)
        if slot < 0:
            return
        stop, leaves = orders_of(ctx)[slot]["stop_ticks"], orders_of(ctx)[slot]["leaves_lots"]
        if leaves != lots or (stop != 0 and stop != parent["stop_ticks"]):
            withdraw(ctx, parent, role)
        return
    if lots <= 0:
        return
    if ctx["now_ns"] < parent["retry_ns"][role]:
        wake_at(parent, parent["retry_ns"][role], ctx["now_ns"])
        return
    side = parent["exit_side"]
    if role == STOP:
        send_child(ctx, parent, role, side, 0, lots, IOC, MARKET | REDUCE_ONLY, parent["stop_ticks"])
    else:
        send_child(ctx, parent, role, side, parent["target_ticks"], lots, GTC, REDUCE_ONLY, 0)


@kernel
def must_close(parent):
    """True when a leg cannot be placed: the market is through it already, or three tries failed."""
    tries = parent["tries"]
    return parent["closing"] == CLOSING_ASKED or tries[STOP] >= TRIES or tries[TARGET] >= TRIES


@kernel
def keep_legs(ctx, parent, left):
    """Keep both legs at what is open, or close that at market once a leg cannot be placed."""
    if parent["algo"] == TRAILING and left > 0:
        trail(ctx, parent)
    if parent["closing"] != CLOSING and left > 0 and must_close(parent):
        parent["closing"] = CLOSING
        note(ctx, NOTE_CLOSED_AT_MARKET, parent["parent_id"])
    if parent["closing"] != CLOSING:
        if parent["stop_ticks"] > 0:
            keep_leg(ctx, parent, STOP, left)
        if parent["target_ticks"] > 0:
            keep_leg(ctx, parent, TARGET, left)
        return
    withdraw(ctx, parent, STOP)
    withdraw(ctx, parent, TARGET)
    withdraw(ctx, parent, WORK)
    if parent["child_ids"][STOP] != 0 or parent["child_ids"][TARGET] != 0 or parent["child_ids"][CLOSE] != 0 or left <= 0:
        return
    if ctx["now_ns"] < parent["retry_ns"][CLOSE]:
        wake_at(parent, parent["retry_ns"][CLOSE], ctx["now_ns"])
    else:
        send_closing(ctx, parent, CLOSE, parent["exit_side"], left)


@kernel
def take_back(ctx, parent, left):
    """Take back what the legs closed too much; returns whether there is anything to take back."""
    lots = -left - parent["filled_lots"][EXCESS]
    flipped = parent["exit_side"] * positions_of(ctx)[parent["instrument"]]["position_lots"]
    lots = min(lots, flipped)
    if lots <= 0:
        return parent["child_ids"][EXCESS] != 0
    if parent["alarmed"] == 0:
        parent["alarmed"] = 1
        note(ctx, NOTE_EXCESS, parent["parent_id"])
    if parent["child_ids"][EXCESS] != 0:
        return True
    if ctx["now_ns"] < parent["retry_ns"][EXCESS]:
        wake_at(parent, parent["retry_ns"][EXCESS], ctx["now_ns"])
    else:
        send_closing(ctx, parent, EXCESS, -parent["exit_side"], lots)
    return True


@kernel
def enter(ctx, parent):
    """Send the entry of a bracket, once."""
    parent["sent"] = 1
    if parent["limit_ticks"] == 0:
        send_market(ctx, parent, WORK, parent["side"], parent["qty_lots"], 0)
    else:
        flags = POST_ONLY if parent["flags"] & POST_ONLY_CHILD else 0
        send_child(ctx, parent, WORK, parent["side"], parent["limit_ticks"], parent["qty_lots"], GTC, flags, 0)


@kernel
def work_exits(ctx, parent):
    """Work a bracket, an OCO or a trailing stop."""
    if parent["algo"] == BRACKET and parent["sent"] == 0:
        enter(ctx, parent)
        return
    left = open_lots_of(ctx, parent)
    if exited_lots(parent) > 0:
        withdraw(ctx, parent, WORK)
    keep_legs(ctx, parent, max(left, np.int64(0)))
    if left < 0 and take_back(ctx, parent, left):
        return
    if left > 0:
        return
    for role in range(ROLES):
        if parent["child_ids"][role] != 0:
            return
    if parent["opened_lots"] > 0:
        end_parent(ctx, parent, DONE)
    elif parent["algo"] == BRACKET:
        # Its entry ended without a fill.
        end_parent(ctx, parent, CANCELLED if parent["reason"] == OK or parent["reason"] == REQUESTED else FAILED)
