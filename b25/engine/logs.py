"""What a run writes down: effects, fills, finished orders, and the points at which equity is marked."""

import numpy as np

from b25.engine.apply import copy_order
from b25.engine.feed import mid2_of
from b25.engine.records import MARK
from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.kernels.world import books_of, head_of, positions_of
from b25.model.event import MAKER
from b25.model.fill import FILL
from b25.model.order import EFFECT, ORDER

int64 = np.dtype(np.int64)
# Most rows that one turn of the loop can add to a log.
MARGIN = 64


@kernel
def logs_nearly_full(run, ctx):
    """True when the next turn of the loop might not find room in a log."""
    return (
        run["effect_count"] + ctx["outbox_size"] > run["effect_size"]
        or run["fill_count"] + MARGIN > run["fill_size"]
        or run["order_count"] + MARGIN > run["order_size"]
        or run["mark_count"] + MARGIN + ctx["n"] > run["mark_size"]
        or 2 * head_of(ctx)["notes"] > ctx["notes_size"]
    )


@kernel
def log_effect(run, effect):
    """Copy one effect, performed or refused."""
    out = array_at(run["effect_log"], run["effect_size"], EFFECT)[run["effect_count"]]
    out["time_ns"] = effect["time_ns"]
    out["order_id"] = effect["order_id"]
    out["request_id"] = effect["request_id"]
    out["price_ticks"] = effect["price_ticks"]
    out["qty_lots"] = effect["qty_lots"]
    out["stop_ticks"] = effect["stop_ticks"]
    out["instrument"] = effect["instrument"]
    out["kind"] = effect["kind"]
    out["side"] = effect["side"]
    out["tif"] = effect["tif"]
    out["flags"] = effect["flags"]
    out["reason"] = effect["reason"]
    out["role"] = effect["role"]
    out["parent"] = effect["parent"]
    run["effect_count"] += 1


@kernel
def log_fill(run, ctx, event):
    """Write down a fill as the trader learns of it."""
    i = event["instrument"]
    out = array_at(run["fill_log"], run["fill_size"], FILL)[run["fill_count"]]
    out["venue_ns"] = event["exch_ns"]
    out["local_ns"] = event["local_ns"]
    out["order_id"] = event["order_id"]
    out["price_ticks"] = event["price_ticks"]
    out["qty_lots"] = event["qty_lots"]
    out["fee_e8"] = event["amount"]
    out["position_lots"] = positions_of(ctx)[i]["position_lots"]
    out["mid2_ticks"] = mid2_of(books_of(ctx)[i])
    out["instrument"] = i
    out["side"] = event["side"]
    out["maker"] = 1 if event["flags"] & MAKER else 0
    run["fill_count"] += 1


@kernel
def log_order(run, order):
    """Write down a finished order."""
    copy_order(order, array_at(run["order_log"], run["order_size"], ORDER)[run["order_count"]])
    run["order_count"] += 1


@kernel
def log_marks(run, ctx):
    """Mark every instrument at its last two-sided touch."""
    marks = array_at(run["mark_log"], run["mark_size"], MARK)
    last_mid2 = array_at(run["last_mid2"], ctx["n"], int64)
    for i in range(ctx["n"]):
        mid2 = mid2_of(books_of(ctx)[i])
        if mid2 != 0:
            last_mid2[i] = mid2
        position = positions_of(ctx)[i]
        out = marks[run["mark_count"]]
        out["time_ns"] = ctx["now_ns"]
        out["mid2_ticks"] = last_mid2[i]
        out["position_lots"] = position["position_lots"]
        out["cost"] = position["cost"]
        out["realised"] = position["realised"]
        out["fees"] = position["fees"]
        out["fees_e8"] = position["fees_e8"]
        out["funding"] = position["funding"]
        out["borrow"] = position["borrow"]
        out["insurance"] = position["insurance"]
        out["instrument"] = i
        run["mark_count"] += 1
