"""Parents that work a quantity: TWAP and VWAP by their clock, iceberg by its tranches.

What is due after slice k of a TWAP is floor(quantity x k / slices), so that slices add up to the quantity exactly; a VWAP has a
share of the quantity for each bucket of its curve. Whatever a slice leaves is due in the next one.

Where participation is bounded, a slice is sent when its time is over, as far as the volume that was seen in it allows.
"""

import numpy as np

from b25.execution.children import GTC, IOC, send_child, send_market, wake_at, withdraw
from b25.kernels.jit import kernel
from b25.kernels.ledger import notional
from b25.kernels.order_table import find_order
from b25.kernels.parent_table import ask_end, end_parent
from b25.kernels.world import books_of, instruments_of, orders_of
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS
from b25.model.order import POST_ONLY, Reason
from b25.model.parent import CATCH_UP, PASSIVE, POST_ONLY_CHILD, Algo, ParentState, Role

VWAP, WORK = int(Algo.VWAP), int(Role.WORK)
DONE, FAILED = int(ParentState.DONE), int(ParentState.FAILED)
OK = int(Reason.OK)
E9 = 1_000_000_000
REPRICE_NS = 1_000_000_000  # between two moves of a child that follows the touch
TRIES = 3


@kernel
def share_of(whole, num, den):
    """floor(whole x num / den) for 0 <= num <= den, without a product that could overflow."""
    return whole // den * num + whole % den * num // den


@kernel
def due_lots(parent, k):
    """Lots that are due by the end of slice `k`."""
    if k >= parent["slices"]:
        return parent["qty_lots"]
    if k <= 0:
        return np.int64(0)
    if parent["algo"] == VWAP:
        return share_of(parent["qty_lots"], parent["curve_e9"][k - 1], E9)
    return share_of(parent["qty_lots"], k, parent["slices"])


@kernel
def border_ns(parent, k):
    """When slice `k` is over and the next begins."""
    return parent["start_ns"] + share_of(parent["span_ns"], k, parent["slices"])


@kernel
def end_ns(parent):
    """When a schedule is over; one with bounded participation has one slice more, for what the last one allows."""
    late = parent["span_ns"] // parent["slices"] if parent["participation_e9"] > 0 else np.int64(0)
    return parent["start_ns"] + parent["span_ns"] + late


@kernel
def begin_slices(ctx, parent):
    """Count the slices whose time has come; a new one begins afresh."""
    late = 1 if parent["participation_e9"] > 0 else 0
    k = parent["slice"]
    while k < parent["slices"] and border_ns(parent, k + late) <= ctx["now_ns"]:
        k += 1
    if k == parent["slice"]:
        return
    traded = books_of(ctx)[parent["instrument"]]["traded_lots"]
    parent["allowed_lots"] = share_of(traded - parent["bucket_traded_lots"], parent["participation_e9"], E9)
    parent["bucket_traded_lots"] = traded
    parent["bucket_filled_lots"] = parent["filled_lots"][WORK]
    parent["slice"] = k
    parent["sent"] = 0
    if parent["child_ids"][WORK] != 0:
        parent["replaces"] = 1


@kernel
def wanted_lots(parent, k):
    """Lots that are due by the end of slice `k` and not filled, as far as participation allows."""
    filled = parent["filled_lots"][WORK]
    wanted = due_lots(parent, k) - filled
    if parent["participation_e9"] > 0:
        wanted = min(wanted, parent["allowed_lots"] - (filled - parent["bucket_filled_lots"]))
    return max(wanted, np.int64(0))


@kernel
def touch_ticks(ctx, parent, side):
    """Best price of a side; 0 where there is none."""
    book = books_of(ctx)[parent["instrument"]]
    ticks = book["best_bid_ticks"] if side == BUY else book["best_ask_ticks"]
    return np.int64(0) if ticks in (NO_BID_TICKS, NO_ASK_TICKS) else ticks


@kernel
def resting_ticks(ctx, parent):
    """Where a passive child rests: at the touch, but never beyond the limit; 0 while there is no touch."""
    ticks, limit = touch_ticks(ctx, parent, parent["side"]), parent["limit_ticks"]
    if ticks != 0 and limit != 0 and (ticks - limit) * parent["side"] > 0:
        return limit
    return ticks


@kernel
def is_worth_sending(ctx, parent, lots):
    """True when the venue would take an order of so many lots; the last slice is sent whatever it is."""
    if lots <= 0:
        return False
    instrument = instruments_of(ctx)[parent["instrument"]]
    ticks = touch_ticks(ctx, parent, -parent["side"])
    if parent["limit_ticks"] != 0:
        ticks = parent["limit_ticks"]
    if ticks == 0 or parent["slice"] >= parent["slices"]:
        return True
    return lots >= instrument["qty_lots_min"] and notional(instrument, ticks, lots) >= instrument["min_notional"]


@kernel
def take(ctx, parent, lots):
    """Take liquidity for lots, up to the limit."""
    if parent["limit_ticks"] != 0:
        send_child(ctx, parent, WORK, parent["side"], parent["limit_ticks"], lots, IOC, 0, 0)
    else:
        send_market(ctx, parent, WORK, parent["side"], lots, 0)


@kernel
def work_schedule(ctx, parent):
    """Work a TWAP or VWAP."""
    now_ns = ctx["now_ns"]
    begin_slices(ctx, parent)
    k = parent["slice"]
    late = 1 if parent["participation_e9"] > 0 else 0
    if k < parent["slices"]:
        wake_at(parent, border_ns(parent, k + late), now_ns)
    wake_at(parent, end_ns(parent), now_ns)
    is_over = k >= parent["slices"] and now_ns >= end_ns(parent)
    if parent["child_ids"][WORK] != 0:
        if parent["flags"] & PASSIVE:
            follow(ctx, parent, is_over)
        return
    left = parent["qty_lots"] - parent["filled_lots"][WORK]
    if left <= 0:
        end_parent(ctx, parent, DONE)
    elif is_over:
        if parent["flags"] & CATCH_UP and parent["participation_e9"] == 0 and parent["crossed"] <= parent["slices"]:
            parent["crossed"] = parent["slices"] + 1
            take(ctx, parent, left)
        else:
            end_parent(ctx, parent, DONE)
    elif parent["flags"] & PASSIVE:
        rest_at_touch(ctx, parent, k)
    elif parent["sent"] == 0:
        lots = wanted_lots(parent, k)
        parent["sent"] = 1
        if is_worth_sending(ctx, parent, lots):
            take(ctx, parent, lots)


@kernel
def follow(ctx, parent, is_over):
    """Withdraw a resting child whose slice is over, or whose price is not the touch any more, to place it anew."""
    slot = find_order(ctx, parent["child_ids"][WORK])
    if slot < 0 or orders_of(ctx)[slot]["tif"] != GTC:
        return
    wanted_ticks = resting_ticks(ctx, parent)
    moves = wanted_ticks != 0 and wanted_ticks != orders_of(ctx)[slot]["price_ticks"]
    free_ns = parent["moved_ns"] + REPRICE_NS
    if is_over or parent["replaces"] != 0 or (moves and ctx["now_ns"] >= free_ns):
        withdraw(ctx, parent, WORK)
    elif moves:
        wake_at(parent, free_ns, ctx["now_ns"])


@kernel
def rest_at_touch(ctx, parent, k):
    """Place the slice's child at the touch; first take what the slices before left, if that is asked for."""
    parent["replaces"] = 0
    behind = due_lots(parent, k - 1) - parent["filled_lots"][WORK]
    if parent["flags"] & CATCH_UP and parent["participation_e9"] == 0 and behind > 0 and parent["crossed"] < k:
        parent["crossed"] = k
        take(ctx, parent, behind)
        return
    lots, ticks = wanted_lots(parent, k), resting_ticks(ctx, parent)
    if ctx["now_ns"] < parent["retry_ns"][WORK]:
        wake_at(parent, parent["retry_ns"][WORK], ctx["now_ns"])
    elif ticks != 0 and is_worth_sending(ctx, parent, lots):
        send_child(ctx, parent, WORK, parent["side"], ticks, lots, GTC, POST_ONLY, 0)


@kernel
def work_iceberg(ctx, parent):
    """Work an iceberg: the next tranche only after the last one is done."""
    if parent["child_ids"][WORK] != 0:
        return
    left = parent["qty_lots"] - parent["filled_lots"][WORK]
    if left <= 0:
        end_parent(ctx, parent, DONE)
    elif parent["tries"][WORK] >= TRIES:
        ask_end(parent, FAILED, OK)
    elif ctx["now_ns"] < parent["retry_ns"][WORK]:
        wake_at(parent, parent["retry_ns"][WORK], ctx["now_ns"])
    else:
        flags = POST_ONLY if parent["flags"] & POST_ONLY_CHILD else 0
        lots = min(left, parent["display_lots"])
        send_child(ctx, parent, WORK, parent["side"], parent["limit_ticks"], lots, GTC, flags, 0)
