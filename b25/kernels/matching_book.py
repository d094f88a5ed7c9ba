"""Where the orders of one book lie: queues of levels, levels of orders, each found without a search.

A price belongs to a page of 256 ticks; a page has its levels in an array and a bit for each that is filled, and the pages
that hold anything have a bit each in turn. So a level is two reads away, the next filled one a few words, and memory is
spent where orders are, however far apart. Waiting stops lie in queues of the same make, by their stop price.
"""

from typing import Any, NamedTuple

import numpy as np

from b25.kernels.bitscan import leading_zeros, trailing_zeros
from b25.kernels.jit import hot_kernel, inlined_kernel
from b25.model.errors import Misuse
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.matching import MATCH_BOOK, MATCH_CHANGE, MATCH_EVENT, MATCH_LEVEL, MATCH_ORDER, QUEUES

PAGE = 256
WORDS = PAGE // 64
NO_WORD = np.uint64(0)
ALL_BITS = np.uint64(2**64 - 1)
ONE = np.uint64(1)


class Matching(NamedTuple):
    """One book's arrays, as every kernel of the matching engine takes them."""

    head: np.ndarray[Any, Any]  # MATCH_BOOK, shape (1,)
    orders: np.ndarray[Any, Any]  # MATCH_ORDER; free ones are linked by `next`
    slots: np.ndarray[Any, Any]  # int32, at least twice as long: slot + 1 by hash of the order id, 0 where empty
    page_of: np.ndarray[Any, Any]  # int32, shape (QUEUES, pages of the price range): page + 1, 0 where there is none
    page_bits: np.ndarray[Any, Any]  # uint64, shape (QUEUES, words): pages that hold a level
    levels: np.ndarray[Any, Any]  # MATCH_LEVEL, shape (pages, PAGE)
    level_bits: np.ndarray[Any, Any]  # uint64, shape (pages, WORDS)
    free_pages: np.ndarray[Any, Any]  # int32: a stack
    positions: np.ndarray[Any, Any]  # int64, lots by account
    events: np.ndarray[Any, Any]  # MATCH_EVENT
    changes: np.ndarray[Any, Any]  # MATCH_CHANGE: levels that have changed


def make_matching(
    *, price_ticks_max: int, orders: int = 1024, pages: int = 64, accounts: int = 64, events: int = 8192, changes: int = 8192
) -> Matching:
    """Return an empty book.

    Parameters
    ----------
    price_ticks_max : int
        No order has a higher price; the page table takes 24 bytes per 256 ticks.
    orders, pages, accounts, events, changes : int
        Capacities; `orders` is a power of two.
    """
    if orders & (orders - 1) or orders < 2 or not 0 < price_ticks_max < NO_ASK_TICKS:
        raise Misuse(
            f"a book of {orders} orders up to {price_ticks_max} ticks",
            remedy="use a power of two, and prices below 2**31 - 1 ticks",
        )
    words = price_ticks_max // (PAGE * 64) + 1
    book = Matching(
        head=np.zeros(1, MATCH_BOOK),
        orders=np.zeros(orders, MATCH_ORDER),
        slots=np.zeros(2 * orders, np.int32),
        page_of=np.zeros((QUEUES, words * 64), np.int32),
        page_bits=np.zeros((QUEUES, words), np.uint64),
        levels=np.zeros((pages, PAGE), MATCH_LEVEL),
        level_bits=np.zeros((pages, WORDS), np.uint64),
        free_pages=np.arange(pages, 0, -1, dtype=np.int32),
        positions=np.zeros(accounts, np.int64),
        events=np.zeros(events, MATCH_EVENT),
        changes=np.zeros(changes, MATCH_CHANGE),
    )
    head = book.head[0]
    head["best_ticks"][0::2] = NO_ASK_TICKS
    head["best_ticks"][1::2] = NO_BID_TICKS
    head["first_reducer"] = head["last_reducer"] = -1
    head["free_pages"] = pages
    book.orders["next"] = np.arange(1, orders + 1)
    book.orders["next"][-1] = -1
    return book


@inlined_kernel
def no_price(queue):
    """What stands for the first price of an empty queue."""
    return np.int64(NO_ASK_TICKS) if queue & 1 == 0 else np.int64(NO_BID_TICKS)


@inlined_kernel
def find_order(book, order_id):
    """Slot of an order, or -1."""
    mask = book.slots.shape[0] - 1
    at = order_id & mask
    while True:
        slot = np.int64(book.slots[np.uintp(at)]) - 1
        if slot < 0 or book.orders[np.uintp(slot)]["order_id"] == order_id:
            return slot
        at = (at + 1) & mask


@inlined_kernel
def add_to_index(book, order_id, slot):
    """Make an order findable."""
    mask = book.slots.shape[0] - 1
    at = order_id & mask
    while book.slots[np.uintp(at)] != 0:
        at = (at + 1) & mask
    book.slots[np.uintp(at)] = slot + 1


@inlined_kernel
def remove_from_index(book, order_id):
    """Forget an order; those that had to step over its place move up, so that no search ends early."""
    mask = book.slots.shape[0] - 1
    at = order_id & mask
    while book.orders[np.uintp(book.slots[np.uintp(at)] - 1)]["order_id"] != order_id:
        at = (at + 1) & mask
    gap = at
    at = (at + 1) & mask
    while book.slots[np.uintp(at)] != 0:
        home = book.orders[np.uintp(book.slots[np.uintp(at)] - 1)]["order_id"] & mask
        if (at - home) & mask >= (at - gap) & mask:
            book.slots[np.uintp(gap)] = book.slots[np.uintp(at)]
            gap = at
        at = (at + 1) & mask
    book.slots[np.uintp(gap)] = 0


@hot_kernel
def rehash(orders, old, slots):
    """Find the orders of one table of slots a place in another, which is empty."""
    mask = slots.shape[0] - 1
    for k in range(old.shape[0]):
        if old[k] != 0:
            at = orders[old[k] - 1]["order_id"] & mask
            while slots[at] != 0:
                at = (at + 1) & mask
            slots[at] = old[k]


@inlined_kernel
def page_for(book, queue, price_ticks):
    """Page of a price, taken from the stack when the queue has none there."""
    at = price_ticks >> 8
    page = np.int64(book.page_of[queue, np.uintp(at)]) - 1
    if page < 0:
        head = book.head[0]
        head["free_pages"] -= 1
        page = np.int64(book.free_pages[head["free_pages"]]) - 1
        book.page_of[queue, np.uintp(at)] = page + 1
        book.page_bits[queue, np.uintp(at >> 6)] |= ONE << np.uint64(at & 63)
    return page


@inlined_kernel
def fill_level(book, queue, price_ticks, page):
    """Mark a level as filled; it may be the first of its queue now."""
    slot = price_ticks & 255
    book.level_bits[np.uintp(page), np.uintp(slot >> 6)] |= ONE << np.uint64(slot & 63)
    best = book.head[0]["best_ticks"]
    if queue & 1 == 0:
        best[queue] = min(best[queue], price_ticks)
    else:
        best[queue] = max(best[queue], price_ticks)


@inlined_kernel
def empty_level(book, queue, price_ticks, page):
    """Mark a level as empty; give its page back when that was its last, and find the first level of the queue anew."""
    slot = price_ticks & 255
    book.level_bits[np.uintp(page), np.uintp(slot >> 6)] &= ~(ONE << np.uint64(slot & 63))
    best = book.head[0]["best_ticks"]
    if best[queue] == price_ticks:
        best[queue] = next_level(book, queue, price_ticks)
    left = NO_WORD
    for word in range(WORDS):
        left |= book.level_bits[np.uintp(page), np.uintp(word)]
    if left == 0:
        at = price_ticks >> 8
        head = book.head[0]
        book.page_of[queue, np.uintp(at)] = 0
        book.page_bits[queue, np.uintp(at >> 6)] &= ~(ONE << np.uint64(at & 63))
        book.free_pages[head["free_pages"]] = page + 1
        head["free_pages"] += 1


@inlined_kernel
def next_level(book, queue, price_ticks):
    """Price of the next filled level after this one, which need not be filled; `no_price` when there is none."""
    return _level_above(book, queue, price_ticks) if queue & 1 == 0 else _level_below(book, queue, price_ticks)


@inlined_kernel
def _level_above(book, queue, price_ticks):
    at = price_ticks >> 8
    page = np.int64(book.page_of[queue, np.uintp(at)]) - 1
    first = (price_ticks & 255) + 1
    if page >= 0 and first < PAGE:
        found = _first_bit(book.level_bits, page, first, WORDS)
        if found >= 0:
            return (at << 8) + found
    if at + 1 >= book.page_of.shape[1]:
        return no_price(queue)
    at = _first_bit(book.page_bits, queue, at + 1, book.page_bits.shape[1])
    if at < 0:
        return no_price(queue)
    page = np.int64(book.page_of[queue, np.uintp(at)]) - 1
    return (at << 8) + _first_bit(book.level_bits, page, 0, WORDS)


@inlined_kernel
def _level_below(book, queue, price_ticks):
    at = price_ticks >> 8
    page = np.int64(book.page_of[queue, np.uintp(at)]) - 1
    last = (price_ticks & 255) - 1
    if page >= 0 and last >= 0:
        found = _last_bit(book.level_bits, page, last)
        if found >= 0:
            return (at << 8) + found
    if at == 0:
        return no_price(queue)
    at = _last_bit(book.page_bits, queue, at - 1)
    if at < 0:
        return no_price(queue)
    page = np.int64(book.page_of[queue, np.uintp(at)]) - 1
    return (at << 8) + _last_bit(book.level_bits, page, PAGE - 1)


@inlined_kernel
def _first_bit(bits, row, first, words):
    """Lowest set bit of a row from `first` on, or -1."""
    at = first >> 6
    word = bits[np.uintp(row), np.uintp(at)] & (ALL_BITS << np.uint64(first & 63))
    while word == 0:
        at += 1
        if at >= words:
            return np.int64(-1)
        word = bits[np.uintp(row), np.uintp(at)]
    return (at << 6) + trailing_zeros(word)


@inlined_kernel
def _last_bit(bits, row, last):
    """Highest set bit of a row up to `last`, or -1."""
    at = last >> 6
    word = bits[np.uintp(row), np.uintp(at)] & (ALL_BITS >> np.uint64(63 - (last & 63)))
    while word == 0:
        at -= 1
        if at < 0:
            return np.int64(-1)
        word = bits[np.uintp(row), np.uintp(at)]
    return (at << 6) + 63 - leading_zeros(word)
