"""Orders come to and leave the queues of a book; the levels they stand at, and the list of reduce-only ones, follow."""

import numpy as np

from b25.kernels.jit import inlined_kernel
from b25.kernels.matching_book import add_to_index, empty_level, fill_level, no_price, page_for, remove_from_index
from b25.model.event import BUY
from b25.model.matching import (
    ASKS,
    BIDS,
    BY_MARK,
    FALLING_LAST,
    FALLING_MARK,
    REDUCE_ONLY,
    RISING,
    RISING_LAST,
    RISING_MARK,
)


@inlined_kernel
def queue_of(order):
    """Queue that an order stands in."""
    if order["stop_ticks"] == 0:
        return BIDS if order["side"] == BUY else ASKS
    if order["flags"] & BY_MARK:
        return RISING_MARK if order["flags"] & RISING else FALLING_MARK
    return RISING_LAST if order["flags"] & RISING else FALLING_LAST


@inlined_kernel
def place_of(order):
    """Price that an order stands at in its queue."""
    return order["stop_ticks"] if order["stop_ticks"] != 0 else order["price_ticks"]


@inlined_kernel
def take_slot(book):
    """Slot of a free order."""
    head = book.head[0]
    slot = np.int64(head["free_order"])
    head["free_order"] = book.orders[slot]["next"]
    head["orders"] += 1
    return slot


@inlined_kernel
def give_slot(book, slot):
    """Give back a slot whose order stands nowhere any more."""
    head = book.head[0]
    book.orders[slot]["next"] = head["free_order"]
    book.orders[slot]["order_id"] = 0
    head["free_order"] = slot
    head["orders"] -= 1


@inlined_kernel
def line_up(book, slot):
    """Let an order stand last at its price."""
    order = book.orders[slot]
    queue, price_ticks = queue_of(order), place_of(order)
    page = page_for(book, queue, price_ticks)
    level = book.levels[np.uintp(page), np.uintp(price_ticks & 255)]
    order["next"] = -1
    if level["lots"] == 0:
        order["prev"] = -1
        level["first"] = slot
        fill_level(book, queue, price_ticks, page)
    else:
        order["prev"] = level["last"]
        book.orders[level["last"]]["next"] = slot
    level["last"] = slot
    level["lots"] += order["leaves_lots"]
    add_to_index(book, order["order_id"], slot)
    if queue <= BIDS:
        note_change(book, order["side"], price_ticks)
        if order["flags"] & REDUCE_ONLY:
            _join_reducers(book, slot)


@inlined_kernel
def step_out(book, slot):
    """Take an order out of its queue, its index and the list of reducers; the slot is still its own."""
    order = book.orders[slot]
    queue, price_ticks = queue_of(order), place_of(order)
    page = np.int64(book.page_of[queue, np.uintp(price_ticks >> 8)]) - 1
    level = book.levels[np.uintp(page), np.uintp(price_ticks & 255)]
    level["lots"] -= order["leaves_lots"]
    if order["prev"] >= 0:
        book.orders[order["prev"]]["next"] = order["next"]
    else:
        level["first"] = order["next"]
    if order["next"] >= 0:
        book.orders[order["next"]]["prev"] = order["prev"]
    else:
        level["last"] = order["prev"]
    if level["first"] < 0:
        level["lots"] = 0
        empty_level(book, queue, price_ticks, page)
    remove_from_index(book, order["order_id"])
    if queue <= BIDS:
        note_change(book, order["side"], price_ticks)
        if order["flags"] & REDUCE_ONLY:
            _leave_reducers(book, slot)


@inlined_kernel
def shrink(book, slot, qty_lots):
    """Take lots from a resting order, which keeps its place; one with nothing left leaves, and its slot is free."""
    order = book.orders[slot]
    if qty_lots >= order["leaves_lots"]:
        step_out(book, slot)
        give_slot(book, slot)
        return
    order["leaves_lots"] -= qty_lots
    price_ticks = order["price_ticks"]
    page = np.int64(book.page_of[queue_of(order), np.uintp(price_ticks >> 8)]) - 1
    book.levels[np.uintp(page), np.uintp(price_ticks & 255)]["lots"] -= qty_lots
    note_change(book, order["side"], price_ticks)


@inlined_kernel
def note_change(book, side, price_ticks):
    """Note that a level has changed, unless the last note says so already."""
    head = book.head[0]
    if head["tracks_changes"] == 0:
        return
    count = head["changes"]
    if count > 0:
        last = book.changes[count - 1]
        if last["price_ticks"] == price_ticks and last["side"] == side:
            return
    change = book.changes[count]
    change["price_ticks"], change["side"] = price_ticks, side
    head["changes"] = count + 1


@inlined_kernel
def reducible(book, account, side):
    """Lots by which an order of `side` could reduce the account's position."""
    return max(np.int64(0), -side * book.positions[account])


@inlined_kernel
def first_maker(book, side):
    """Slot of the order that a taker of `side` meets first, or -1."""
    queue = ASKS if side == BUY else BIDS
    price_ticks = book.head[0]["best_ticks"][queue]
    if price_ticks == no_price(queue):
        return np.int64(-1)
    page = np.int64(book.page_of[queue, np.uintp(price_ticks >> 8)]) - 1
    return np.int64(book.levels[np.uintp(page), np.uintp(price_ticks & 255)]["first"])


@inlined_kernel
def crossed_by(book, side, price_ticks):
    """True when an order of `side` at this price would take."""
    best = book.head[0]["best_ticks"]
    if side == BUY:
        return best[ASKS] <= price_ticks
    return price_ticks <= best[BIDS]


@inlined_kernel
def _join_reducers(book, slot):
    head, order = book.head[0], book.orders[slot]
    order["reducer_next"] = -1
    order["reducer_prev"] = head["last_reducer"]
    if head["last_reducer"] >= 0:
        book.orders[head["last_reducer"]]["reducer_next"] = slot
    else:
        head["first_reducer"] = slot
    head["last_reducer"] = slot


@inlined_kernel
def _leave_reducers(book, slot):
    head, order = book.head[0], book.orders[slot]
    if order["reducer_prev"] >= 0:
        book.orders[order["reducer_prev"]]["reducer_next"] = order["reducer_next"]
    else:
        head["first_reducer"] = order["reducer_next"]
    if order["reducer_next"] >= 0:
        book.orders[order["reducer_next"]]["reducer_prev"] = order["reducer_prev"]
    else:
        head["last_reducer"] = order["reducer_prev"]
