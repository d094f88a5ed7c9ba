"""Levels too far from the touch for the ladder: a small table a side, sorted by price, so that none is dropped silently."""

import numpy as np

from b25.kernels.jit import hot_kernel
from b25.model.book import FAR_FULL
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS


@hot_kernel
def far_count(head, side_index):
    """How many levels of a side are in the far table."""
    return head["far_bids"] if side_index == 0 else head["far_asks"]


@hot_kernel
def far_place(far, side_index, count, price_ticks):
    """First of the `count` entries whose price is not below `price_ticks`; `count` when there is none."""
    if count == 0:
        return 0
    first, left = 0, count
    while left > 1:
        half = left >> 1
        # Which half it is, is a coin toss to the processor: a product instead of a branch.
        first += half * np.int64(far[side_index, np.uintp(first + half - 1)]["price_ticks"] < price_ticks)
        left -= half
    return first + np.int64(far[side_index, np.uintp(first)]["price_ticks"] < price_ticks)


@hot_kernel
def far_below(head, far, side_index, price_ticks):
    """Highest far level strictly below a price, else NO_BID_TICKS."""
    place = far_place(far, side_index, far_count(head, side_index), price_ticks)
    if place == 0:
        return NO_BID_TICKS
    return far[side_index, place - 1]["price_ticks"]


@hot_kernel
def far_above(head, far, side_index, price_ticks):
    """Lowest far level strictly above a price, else NO_ASK_TICKS."""
    count = far_count(head, side_index)
    place = far_place(far, side_index, count, price_ticks + 1)
    if place == count:
        return NO_ASK_TICKS
    return far[side_index, place]["price_ticks"]


@hot_kernel
def far_lots(head, far, side_index, price_ticks):
    """Lots of a far level; 0 where there is none."""
    count = far_count(head, side_index)
    place = far_place(far, side_index, count, price_ticks)
    if place < count and far[side_index, place]["price_ticks"] == price_ticks:
        return far[side_index, place]["qty_lots"]
    return 0


@hot_kernel
def _count_lost(head, qty_lots):
    head["lost_levels"] += 1
    head["lost_lots"] += qty_lots
    head["health"] |= FAR_FULL


@hot_kernel
def _count_far(head, side_index, change):
    if side_index == 0:
        head["far_bids"] += change
        head["bid_levels"] += change
    else:
        head["far_asks"] += change
        head["ask_levels"] += change


@hot_kernel
def _remove(head, far, side_index, first, stop):
    count = far_count(head, side_index)
    gone = stop - first
    for i in range(stop, count):
        far[side_index, np.uintp(i - gone)] = far[side_index, np.uintp(i)]
    for i in range(count - gone, count):
        # Unused entries stay zero, so that equal tables have equal bytes.
        far[side_index, i]["price_ticks"] = 0
        far[side_index, i]["qty_lots"] = 0
    _count_far(head, side_index, -gone)


@hot_kernel
def set_far(head, far, side_index, price_ticks, qty_lots):
    """Set one far level, 0 lots deleting it; return the lots before.

    When the table is full the level furthest from the touch is lost, be it the new one or an old one: its lots are
    counted and the book's health says FAR_FULL.
    """
    count = far_count(head, side_index)
    place = far_place(far, side_index, count, price_ticks)
    if place < count and far[side_index, place]["price_ticks"] == price_ticks:
        before = far[side_index, place]["qty_lots"]
        if qty_lots == 0:
            _remove(head, far, side_index, place, place + 1)
        else:
            far[side_index, place]["qty_lots"] = qty_lots
        return before
    if qty_lots == 0:
        return 0
    if count == far.shape[1]:
        furthest = 0 if side_index == 0 else count - 1
        new_is_furthest = place == 0 if side_index == 0 else place == count
        if new_is_furthest:
            _count_lost(head, qty_lots)
            return 0
        _count_lost(head, far[side_index, furthest]["qty_lots"])
        _remove(head, far, side_index, furthest, furthest + 1)
        count -= 1
        if side_index == 0:
            place -= 1
    for i in range(count, place, -1):
        far[side_index, np.uintp(i)] = far[side_index, np.uintp(i - 1)]
    far[side_index, place]["price_ticks"] = price_ticks
    far[side_index, place]["qty_lots"] = qty_lots
    _count_far(head, side_index, 1)
    return 0


@hot_kernel
def clear_far(head, far, side_index, low_ticks, high_ticks):
    """Remove the far levels of a side within two prices, both included; return how many."""
    count = far_count(head, side_index)
    first = far_place(far, side_index, count, low_ticks)
    stop = far_place(far, side_index, count, high_ticks + 1)
    if stop > first:
        _remove(head, far, side_index, first, stop)
        return stop - first
    return 0
