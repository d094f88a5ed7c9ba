"""Parent orders: what a strategy asks for once and b25 works through, the same in every mode.

Each call returns the parent's id, or 0 when it was refused; a refusal is recorded with its reason, as one of an order is.
"""

import math

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.parent_table import ask_end, find_parent, is_at_work, open_parent, pause, resume
from b25.kernels.parent_view import view_parent
from b25.kernels.units import ticks_toward, whole_lots
from b25.kernels.wishes import wish
from b25.kernels.world import head_of, instruments_of, parent_views_of, parents_of
from b25.model.event import BUY, SELL
from b25.model.order import CANCEL, SUBMIT, Reason
from b25.model.parent import BY_STRATEGY, CATCH_UP, CURVE, PASSIVE, POST_ONLY_CHILD, SLICES_MAX, Algo, ParentState
from b25.model.world import PARENTS_NOT_KEPT

TWAP, VWAP, ICEBERG = int(Algo.TWAP), int(Algo.VWAP), int(Algo.ICEBERG)
BRACKET, OCO, TRAILING = int(Algo.BRACKET), int(Algo.OCO), int(Algo.TRAILING_STOP)
CANCELLED = int(ParentState.CANCELLED)
OK, NOT_A_NUMBER, OFF_LOT = int(Reason.OK), int(Reason.NOT_A_NUMBER), int(Reason.QUANTITY_OFF_LOT)
NOT_POSITIVE, BAD_SIDE = int(Reason.QUANTITY_NOT_POSITIVE), int(Reason.SIDE_INVALID)
NO_INSTRUMENT, PRICE_RANGE = int(Reason.UNKNOWN_INSTRUMENT), int(Reason.PRICE_OUT_OF_RANGE)
INVALID, TABLE_FULL = int(Reason.PARENT_INVALID), int(Reason.PARENT_TABLE_FULL)
UNKNOWN, WARMING_UP, OUT_OF_RANGE = int(Reason.UNKNOWN_PARENT), int(Reason.WARMING_UP), int(Reason.QUANTITY_OUT_OF_RANGE)
E9 = 1_000_000_000
SPAN_S_MAX = 31_622_400.0  # a year
DISTANCE_BPS_MAX = 5_000.0


@kernel
def refuse(ctx, kind, side, i, reason):
    """Record a refusal; returns 0, the id of no parent."""
    head = head_of(ctx)
    order_id = head["next_order_id"]
    head["next_order_id"] = order_id + 1
    wish(ctx, kind, order_id, i, side, 0, 0, 0, 0, reason)
    return np.int64(0)


@kernel
def first_fault(ctx, side, quantity, i):
    """Reason to refuse any parent of this side, quantity and instrument, or OK."""
    head = head_of(ctx)
    if ctx["parents_size"] == 0:
        head["status"] = PARENTS_NOT_KEPT
        return UNKNOWN
    if i < 0 or i >= ctx["n"]:
        return NO_INSTRUMENT
    if side != BUY and side != SELL:
        return BAD_SIDE
    if not abs(quantity) < math.inf:
        return NOT_A_NUMBER
    if quantity <= 0.0:
        return NOT_POSITIVE
    lots = whole_lots(instruments_of(ctx)[i], quantity)
    if lots == -1:
        return OFF_LOT
    if lots <= 0:
        return NOT_POSITIVE
    if lots > instruments_of(ctx)[i]["qty_lots_max"]:
        return OUT_OF_RANGE
    if ctx["now_ns"] < head["trading_ns"]:
        return WARMING_UP
    if head["parents"] >= ctx["parents_size"]:
        return TABLE_FULL
    return OK


@kernel
def price_fault(ctx, price, side, i):
    """Reason to refuse a price, or OK."""
    if not abs(price) < math.inf:
        return NOT_A_NUMBER
    instrument = instruments_of(ctx)[i]
    if price <= 0.0 or not 0 < ticks_toward(instrument, price, side) <= instrument["price_ticks_max"]:
        return PRICE_RANGE
    return OK


@kernel
def limit_fault(ctx, limit, side, i):
    """Reason to refuse a limit, or OK; without one there is nothing to refuse."""
    if limit is None:
        return OK
    return price_fault(ctx, limit, side, i)


@kernel
def set_limit(ctx, parent, limit):
    """Give a parent its limit, if there is one: a bid down to the tick, an ask up."""
    if limit is not None:
        parent["limit_ticks"] = ticks_toward(instruments_of(ctx)[parent["instrument"]], limit, parent["side"])


@kernel
def begin(ctx, algo, side, quantity, i):
    """Make a parent of what was found without fault; returns its row."""
    slot = open_parent(ctx, algo, side, i, whole_lots(instruments_of(ctx)[i], quantity))
    return parents_of(ctx)[slot]


@kernel
def schedule_fault(ctx, side, quantity, over_s, slices, limit, participation, i):
    """Reason to refuse a schedule, or OK."""
    reason = first_fault(ctx, side, quantity, i)
    if reason != OK:
        return reason
    if not 0.0 < over_s <= SPAN_S_MAX or not 0.0 <= participation <= 1.0 or not 1 <= slices <= SLICES_MAX:
        return INVALID
    return limit_fault(ctx, limit, side, i)


@kernel
def schedule(ctx, algo, side, quantity, over_s, slices, limit, passive, catch_up, participation, i):
    """Make a parent that works by the clock; returns its row."""
    parent = begin(ctx, algo, side, quantity, i)
    parent["span_ns"] = np.int64(over_s * 1e9)
    parent["slices"] = slices
    parent["participation_e9"] = np.int64(participation * 1e9 + 0.5)
    parent["flags"] = (PASSIVE if passive else 0) | (CATCH_UP if catch_up else 0)
    set_limit(ctx, parent, limit)
    return parent


@kernel
def twap(ctx, side, quantity, over_s, slices, limit=None, passive=False, catch_up=False, participation=0.0, i=0):
    """Trade `quantity` in `slices` equal parts over `over_s` seconds, the first now. Returns the parent's id.

    Each takes at market, or up to `limit`; `passive` rests at the touch instead, and `catch_up` takes what a slice left when it
    is over. With `participation`, a slice is sent when it is over, as far as that share of the volume seen in it allows.
    """
    reason = schedule_fault(ctx, side, quantity, over_s, slices, limit, participation, i)
    if reason != OK:
        return refuse(ctx, SUBMIT, side, i, reason)
    return schedule(ctx, TWAP, side, quantity, over_s, slices, limit, passive, catch_up, participation, i)["parent_id"]


@kernel
def vwap(ctx, side, quantity, over_s, profile, limit=None, passive=False, catch_up=False, participation=0.1, i=0):
    """Trade `quantity` over `over_s` seconds in as many buckets as `profile`, an array of expected volumes, has (48 at most).

    Otherwise as `twap`; no more than `participation` of the volume that is seen is traded, 0 for no such bound. Returns its id.
    """
    buckets = len(profile)
    reason = schedule_fault(ctx, side, quantity, over_s, buckets, limit, participation, i)
    total = 0.0
    if reason == OK:
        for k in range(buckets):
            if not 0.0 <= profile[k] < math.inf:
                reason = INVALID
            total += profile[k]
        if not 0.0 < total < math.inf or buckets > CURVE:
            reason = INVALID
    if reason != OK:
        return refuse(ctx, SUBMIT, side, i, reason)
    parent = schedule(ctx, VWAP, side, quantity, over_s, buckets, limit, passive, catch_up, participation, i)
    sum_so_far = 0.0
    for k in range(buckets):
        sum_so_far += profile[k]
        parent["curve_e9"][k] = min(np.int64(sum_so_far / total * 1e9 + 0.5), E9)
    return parent["parent_id"]


@kernel
def iceberg(ctx, side, quantity, price, display, post_only=False, i=0):
    """Trade `quantity` at `price` or better and show `display` at most: the next part follows when the last is done."""
    reason = first_fault(ctx, side, quantity, i)
    if reason == OK:
        reason = first_fault(ctx, side, display, i)
    if reason == OK:
        reason = price_fault(ctx, price, side, i)
    if reason == OK and whole_lots(instruments_of(ctx)[i], display) < instruments_of(ctx)[i]["qty_lots_min"]:
        reason = INVALID
    if reason != OK:
        return refuse(ctx, SUBMIT, side, i, reason)
    parent = begin(ctx, ICEBERG, side, quantity, i)
    parent["display_lots"] = whole_lots(instruments_of(ctx)[i], display)
    parent["flags"] = POST_ONLY_CHILD if post_only else 0
    set_limit(ctx, parent, price)
    return parent["parent_id"]


@kernel
def legs_fault(ctx, exit_side, stop, target, i):
    """Reason to refuse the legs of a bracket or OCO, or OK: the stop lies behind the target."""
    reason = price_fault(ctx, stop, -exit_side, i)
    if reason == OK:
        reason = price_fault(ctx, target, exit_side, i)
    if reason == OK and (target - stop) * exit_side >= 0.0:
        reason = INVALID
    return reason


@kernel
def set_legs(ctx, parent, stop, target):
    """Give a parent its legs: the stop away from the market to the tick, the target as an order of its side."""
    instrument, side = instruments_of(ctx)[parent["instrument"]], parent["exit_side"]
    parent["stop_ticks"] = ticks_toward(instrument, stop, -side)
    parent["target_ticks"] = ticks_toward(instrument, target, side)


@kernel
def bracket(ctx, side, quantity, price=None, stop=0.0, target=0.0, post_only=False, i=0):
    """Enter at `price` or, without one, at market; protect what is filled by a stop and a target that cancel each other.

    Both only reduce, are as large as what is open, and grow and shrink with it. Returns the parent's id.
    """
    reason = first_fault(ctx, side, quantity, i)
    if reason == OK:
        reason = legs_fault(ctx, -side, stop, target, i)
    if reason == OK:
        reason = limit_fault(ctx, price, side, i)
    if reason != OK:
        return refuse(ctx, SUBMIT, side, i, reason)
    parent = begin(ctx, BRACKET, side, quantity, i)
    parent["exit_side"] = -side
    parent["flags"] = POST_ONLY_CHILD if post_only else 0
    set_limit(ctx, parent, price)
    set_legs(ctx, parent, stop, target)
    return parent["parent_id"]


@kernel
def oco(ctx, side, quantity, stop, target, i=0):
    """Close up to `quantity` of what is held, by a stop or a target of `side`, whichever comes first. Returns the parent's id."""
    reason = first_fault(ctx, side, quantity, i)
    if reason == OK:
        reason = legs_fault(ctx, side, stop, target, i)
    if reason != OK:
        return refuse(ctx, SUBMIT, side, i, reason)
    parent = begin(ctx, OCO, side, quantity, i)
    parent["exit_side"] = side
    set_legs(ctx, parent, stop, target)
    return parent["parent_id"]


@kernel
def trailing_stop(ctx, side, quantity, distance_bps=0.0, distance=0.0, activation=None, step_bps=2.0, i=0):
    """Close up to `quantity` of what is held by a stop of `side` that follows the best price at a distance and never loosens.

    The distance is `distance_bps` of the price or `distance` in quote units. It begins once `activation` is reached, and moves
    by `step_bps` or more, at most once a second. Returns the parent's id.
    """
    reason = first_fault(ctx, side, quantity, i)
    by_share = 0.0 < distance_bps <= DISTANCE_BPS_MAX and distance == 0.0
    if reason == OK and (not (by_share or (distance_bps == 0.0 and distance > 0.0)) or not 0.0 <= step_bps <= DISTANCE_BPS_MAX):
        reason = INVALID
    if reason == OK and not by_share:
        reason = price_fault(ctx, distance, -1, i)
    if reason == OK:
        reason = limit_fault(ctx, activation, side, i)
    if reason != OK:
        return refuse(ctx, SUBMIT, side, i, reason)
    parent = begin(ctx, TRAILING, side, quantity, i)
    parent["exit_side"] = side
    parent["distance_e9"] = np.int64(distance_bps * 1e5 + 0.5)
    parent["step_e9"] = np.int64(step_bps * 1e5 + 0.5)
    instrument = instruments_of(ctx)[i]
    if not by_share:
        parent["distance_ticks"] = ticks_toward(instrument, distance, -1)
    if activation is not None:
        parent["activation_ticks"] = ticks_toward(instrument, activation, side)
    return parent["parent_id"]


@kernel
def working_parent(ctx, parent_id):
    """Row of a parent that is not over, or -1 after its refusal was recorded."""
    slot = find_parent(ctx, parent_id)
    if slot < 0 or not is_at_work(parents_of(ctx)[slot]):
        refuse(ctx, CANCEL, 0, 0, UNKNOWN)
        return np.int64(-1)
    return slot


@kernel
def cancel_parent(ctx, parent_id):
    """End a parent: its children are cancelled, legs that protect too; it is over when none is left."""
    slot = working_parent(ctx, parent_id)
    if slot >= 0:
        ask_end(parents_of(ctx)[slot], CANCELLED, OK)


@kernel
def pause_parent(ctx, parent_id):
    """Let a parent send nothing more: what it works is cancelled, legs that protect stay where they are."""
    slot = working_parent(ctx, parent_id)
    if slot >= 0:
        pause(ctx, parents_of(ctx)[slot], BY_STRATEGY)


@kernel
def resume_parent(ctx, parent_id):
    """Let a paused parent go on; the time of a schedule stood still meanwhile."""
    slot = working_parent(ctx, parent_id)
    if slot >= 0:
        resume(ctx, parents_of(ctx)[slot], BY_STRATEGY)


@kernel
def parent(ctx, parent_id):
    """A parent as it stands: state, quantity, filled, closed, live, average_price, slippage_bps …; state 0 for an unknown id."""
    slot = find_parent(ctx, parent_id)
    if slot < 0:
        slot = ctx["parents_size"]
    view_parent(ctx, slot)
    return parent_views_of(ctx)[slot]
