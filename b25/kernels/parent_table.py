"""The table of parent orders, and what each of them may still do: what its children filled, and what of them is live.

The counts are kept by whoever enters an order into the world or books an answer, not by what works the parent: a parent whose
algorithm goes wrong is stopped by them.
"""

import numpy as np

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.kernels.world import books_of, head_of, notes_of, parents_of
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.order import MARKET, Reason
from b25.model.parent import CLOSING_ASKED, NEVER_NS, NOTE_FAILED, PARENT, ParentState, Role
from b25.model.world import NOTES_FULL

CREATED, WORKING, PAUSED = int(ParentState.CREATED), int(ParentState.WORKING), int(ParentState.PAUSED)
DONE, FAILED = int(ParentState.DONE), int(ParentState.FAILED)
WORK, STOP, TARGET = int(Role.WORK), int(Role.STOP), int(Role.TARGET)
CLOSE, EXCESS = int(Role.CLOSE), int(Role.EXCESS)
OK, EXCEEDED = int(Reason.OK), int(Reason.PARENT_EXCEEDED)
WRONG_SIDE = int(Reason.STOP_WRONG_SIDE)
RETRY_NS, RETRIES_MAX = 250_000_000, 40  # the wait grows with each try, up to ten seconds
int64 = np.dtype(np.int64)
PARENT_SIZE, PARENT_WORDS = np.uint64(PARENT.itemsize), PARENT.itemsize // 8


@kernel
def is_at_work(parent):
    """True for a parent that is not over."""
    state = parent["state"]
    return CREATED <= state <= PAUSED


@kernel
def find_parent(ctx, parent_id):
    """Row of a parent, over or not, or -1."""
    size = ctx["parents_size"]
    if size == 0 or parent_id <= 0:
        return np.int64(-1)
    slot = np.int64(parent_id) & (size - 1)
    return slot if parents_of(ctx)[slot]["parent_id"] == parent_id else np.int64(-1)


@kernel
def free_parent(ctx):
    """`(row, id)` for a new parent: the next id whose row is not of one that works; -1 when all are."""
    head, table = head_of(ctx), parents_of(ctx)
    size = ctx["parents_size"]
    if head["parents"] >= size:
        return np.int64(-1), np.int64(0)
    parent_id = max(head["parent_next_id"], np.int64(1))
    while is_at_work(table[parent_id & (size - 1)]):
        parent_id += 1
    head["parent_next_id"] = parent_id + 1
    return parent_id & (size - 1), parent_id


@kernel
def open_parent(ctx, algo, side, i, qty_lots):
    """Take a row for a new parent and fill in what all of them have; returns its row, -1 when there is none."""
    slot, parent_id = free_parent(ctx)
    if slot < 0:
        return slot
    words = array_at(ctx["parents"] + np.uint64(slot) * PARENT_SIZE, PARENT_WORDS, int64)
    for k in range(PARENT_WORDS):
        words[k] = 0
    parent, book = parents_of(ctx)[slot], books_of(ctx)[i]
    parent["parent_id"] = parent_id
    parent["algo"] = algo
    parent["state"] = CREATED
    parent["side"] = side
    parent["instrument"] = i
    parent["qty_lots"] = qty_lots
    parent["created_ns"] = ctx["now_ns"]
    parent["start_ns"] = ctx["now_ns"]
    parent["due_ns"] = NEVER_NS
    parent["bucket_traded_lots"] = book["traded_lots"]
    parent["traded_lots"] = book["traded_lots"]
    parent["traded_ticklots"] = book["traded_ticklots"]
    if book["best_bid_ticks"] != NO_BID_TICKS and book["best_ask_ticks"] != NO_ASK_TICKS:
        parent["arrival2_ticks"] = book["best_bid_ticks"] + book["best_ask_ticks"]
    head_of(ctx)["parents"] += 1
    return slot


@kernel
def end_parent(ctx, parent, state):
    """Let a parent be over; no child of it is left."""
    book = books_of(ctx)[parent["instrument"]]
    parent["state"] = state
    parent["ending"] = 0
    parent["ended_ns"] = ctx["now_ns"]
    parent["due_ns"] = NEVER_NS
    parent["traded_end_lots"] = book["traded_lots"]
    parent["traded_end_ticklots"] = book["traded_ticklots"]
    head_of(ctx)["parents"] -= 1
    if state == FAILED:
        note(ctx, NOTE_FAILED, parent["parent_id"])


@kernel
def note(ctx, code, parent_id):
    """Leave a note of the engine's own."""
    head, notes = head_of(ctx), notes_of(ctx)
    k = head["notes"]
    if k >= notes.shape[0]:
        head["status"] = NOTES_FULL
        return
    notes[k]["time_ns"] = ctx["now_ns"]
    notes[k]["code"] = code
    notes[k]["value"] = parent_id
    head["notes"] = k + 1


@kernel
def ask_end(parent, state, reason):
    """Have a parent end once its children are gone; a failure stays one."""
    if is_at_work(parent) and parent["ending"] != FAILED:
        parent["ending"] = state
        if reason != OK:
            parent["reason"] = reason


@kernel
def pause(ctx, parent, who):
    """Let a parent send nothing more until everybody who paused it has resumed it."""
    if parent["state"] != PAUSED:
        parent["state"] = PAUSED
        parent["paused_ns"] = ctx["now_ns"]
    parent["paused_by"] |= who


@kernel
def resume(ctx, parent, who):
    """Let a paused parent go on; a schedule's time stood still meanwhile."""
    parent["paused_by"] &= ~who
    if parent["state"] == PAUSED and parent["paused_by"] == 0:
        parent["state"] = WORKING
        parent["start_ns"] += ctx["now_ns"] - parent["paused_ns"]


@kernel
def exited_lots(parent):
    """Lots of what was opened that the legs closed, or somebody else did."""
    filled = parent["filled_lots"]
    return filled[STOP] + filled[TARGET] + filled[CLOSE] + parent["waived_lots"]


@kernel
def room_of(parent, role):
    """Lots that a further child of a role may have: what live and filled ones, and the other legs' fills, leave."""
    filled, live = parent["filled_lots"], parent["live_lots"]
    if role == WORK:
        return parent["qty_lots"] - filled[WORK] - live[WORK]
    left = parent["opened_lots"] - exited_lots(parent)
    if role == EXCESS:
        return -left - filled[EXCESS] - live[EXCESS]
    return left - live[role]


@kernel
def judge_amended(ctx, order, price_ticks, added_lots):
    """Reason to refuse an amend of a child that goes beyond its parent, or OK."""
    slot = find_parent(ctx, order["parent"])
    if slot < 0 or goes_beyond(parents_of(ctx)[slot], order["role"], order["side"], price_ticks, order["flags"], added_lots):
        return EXCEEDED
    return OK


@kernel
def judge_child(ctx, intent):
    """Reason to refuse a new child, or OK; a breach makes the parent fail, for what works it is wrong."""
    slot = find_parent(ctx, intent["parent"])
    if slot < 0:
        return EXCEEDED
    parent, role = parents_of(ctx)[slot], intent["role"]
    if goes_beyond(parent, role, intent["side"], intent["price_ticks"], intent["flags"], intent["qty_lots"]):
        ask_end(parent, FAILED, EXCEEDED)
        return EXCEEDED
    return OK


@kernel
def goes_beyond(parent, role, side, price_ticks, flags, added_lots):
    """True for lots or a price of a child that its parent does not allow, or no longer."""
    limit = parent["limit_ticks"]
    worse = role == WORK and limit != 0 and (flags & MARKET != 0 or (price_ticks - limit) * side > 0)
    return worse or not is_at_work(parent) or parent["ending"] != 0 or added_lots > room_of(parent, role)


@kernel
def count_child(ctx, parent_id, role, lots):
    """Add to the live lots of a parent's child."""
    slot = find_parent(ctx, parent_id)
    if slot >= 0:
        parents_of(ctx)[slot]["live_lots"][role] += lots


@kernel
def child_sent(ctx, intent):
    """A child was approved: it is live from now on."""
    slot = find_parent(ctx, intent["parent"])
    if slot >= 0:
        parent, role = parents_of(ctx)[slot], intent["role"]
        parent["child_ids"][role] = intent["order_id"]
        parent["live_lots"][role] += intent["qty_lots"]
        parent["moved_ns"] = ctx["now_ns"]
        if parent["state"] == CREATED:
            parent["state"] = WORKING


@kernel
def child_refused(ctx, intent, reason):
    """A child was refused by the gate."""
    slot = find_parent(ctx, intent["parent"])
    if slot >= 0:
        failed_try(ctx, parents_of(ctx)[slot], intent["role"], reason)


@kernel
def failed_try(ctx, parent, role, reason):
    """Remember a placement that came to nothing; the next one waits. A stop that the market is through already asks to close."""
    parent["tries"][role] += 1
    parent["retry_ns"][role] = ctx["now_ns"] + RETRY_NS * min(parent["tries"][role], RETRIES_MAX)
    if role == STOP and reason == WRONG_SIDE and parent["closing"] == 0:
        parent["closing"] = CLOSING_ASKED
    if parent["reason"] != EXCEEDED:
        parent["reason"] = reason


@kernel
def child_accepted(ctx, order):
    """The venue took a child."""
    slot = find_parent(ctx, order["parent"])
    if slot >= 0:
        parents_of(ctx)[slot]["tries"][order["role"]] = 0


@kernel
def child_filled(ctx, order, ticks, lots):
    """Count an execution of a child."""
    slot = find_parent(ctx, order["parent"])
    if slot >= 0:
        parent, role = parents_of(ctx)[slot], order["role"]
        parent["filled_lots"][role] += lots
        parent["filled_ticklots"][role] += lots * ticks
        parent["tries"][role] = 0


@kernel
def child_ended(ctx, order, was_taken, reason):
    """A child is over; one that the venue never took is a try that came to nothing."""
    slot = find_parent(ctx, order["parent"])
    if slot < 0:
        return
    parent, role = parents_of(ctx)[slot], order["role"]
    if parent["child_ids"][role] == order["order_id"]:
        parent["child_ids"][role] = 0
    if not was_taken:
        failed_try(ctx, parent, role, reason)
    elif reason != OK and parent["reason"] != EXCEEDED:
        parent["reason"] = reason
