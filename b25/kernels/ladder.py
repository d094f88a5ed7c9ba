"""Where the levels of one book lie: an array of lots per side indexed by tick, a bitset of the filled slots, a far table.

The next filled slot is found a word of 64 ticks at a time, so the cost of a sparse book is that of a dense one. All
kernels of the book take the same four arrays in the same order, `head, lots, bits, far`; side index 0 is bids, 1 asks.
"""

from typing import NamedTuple

import numpy as np

from b25.kernels.bitscan import leading_zeros, trailing_zeros
from b25.kernels.far_levels import far_above, far_below, far_count, far_lots, set_far
from b25.kernels.jit import hot_kernel, inlined_kernel
from b25.model.book import BOOK, LEVEL
from b25.model.errors import Misuse
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS

NO_BITS = np.uint64(0)
ALL_BITS = np.uint64(2**64 - 1)


class Ladder(NamedTuple):
    """One book as the kernels want it: give them `ladder.head[0], ladder.lots, ladder.bits, ladder.far`."""

    head: np.ndarray  # BOOK, shape (1,)
    lots: np.ndarray  # int64, shape (2, size)
    bits: np.ndarray  # uint64, shape (2, size / 64)
    far: np.ndarray  # LEVEL, shape (2, far_cap), ascending prices

    @property
    def book(self) -> tuple[np.void, np.ndarray, np.ndarray, np.ndarray]:
        """The four arguments of every book kernel."""
        return self.head[0], self.lots, self.bits, self.far


def make_ladder(size: int = 65536, far_cap: int = 4096) -> Ladder:
    """Return an empty book of `size` ticks and room for `far_cap` levels a side beyond them.

    Parameters
    ----------
    size : int
        Ticks that the ladder spans; a multiple of 64, at least 256.
    far_cap : int
        Capacity of the far table per side, at least 2.
    """
    if size % 64 or size < 256 or far_cap < 2:
        raise Misuse(
            f"a ladder of {size} ticks with {far_cap} far levels", remedy="use a multiple of 64 from 256 on, and at least 2"
        )
    ladder = Ladder(
        head=np.zeros(1, BOOK),
        lots=np.zeros((2, size), np.int64),
        bits=np.zeros((2, size // 64), np.uint64),
        far=np.zeros((2, far_cap), LEVEL),
    )
    reset_head(ladder.head[0])
    return ladder


@hot_kernel
def reset_head(head):
    """Say in the head that both sides are empty. Trades, ids, times and counters stay."""
    head["best_bid_ticks"], head["best_ask_ticks"] = NO_BID_TICKS, NO_ASK_TICKS
    head["best_bid_lots"], head["best_ask_lots"] = 0, 0
    head["low_bid_ticks"], head["high_ask_ticks"] = NO_ASK_TICKS, NO_BID_TICKS
    head["bid_levels"], head["ask_levels"] = 0, 0
    head["far_bids"], head["far_asks"] = 0, 0
    head["crossed_by"] = 0


@hot_kernel
def bit_below(bits, side_index, slot, floor):
    """Highest filled slot in [floor, slot), or -1; `floor` is rounded down to its word."""
    last = slot - 1
    if last < floor:
        return -1
    at = last >> 6
    stop = floor >> 6
    word = bits[side_index, np.uintp(at)] & (ALL_BITS >> np.uint64(63 - (last & 63)))
    while word == 0:
        at -= 1
        if at < stop:
            return -1
        word = bits[side_index, np.uintp(at)]
    return (at << 6) + 63 - leading_zeros(word)


@hot_kernel
def bit_above(bits, side_index, slot, ceiling):
    """Lowest filled slot in (slot, ceiling], or -1; `ceiling` is rounded up to its word."""
    first = slot + 1
    if first > ceiling:
        return -1
    at = first >> 6
    stop = ceiling >> 6
    word = bits[side_index, np.uintp(at)] & (ALL_BITS << np.uint64(first & 63))
    while word == 0:
        at += 1
        if at > stop:
            return -1
        word = bits[side_index, np.uintp(at)]
    return (at << 6) + trailing_zeros(word)


@hot_kernel
def level_below(head, lots, bits, far, side_index, price_ticks):
    """Highest level of a side strictly below a price, in the ladder or far, else NO_BID_TICKS."""
    base, size = head["base_ticks"], lots.shape[1]
    slot = price_ticks - base
    far_levels = far_count(head, side_index)
    if slot > size:
        slot = size
        if far_levels > 0:
            found = far_below(head, far, side_index, price_ticks)
            if found >= base + size:
                return found
    if slot > 0:
        # No bid of the ladder lies below the watermark; for asks there is none on this side.
        floor = head["low_bid_ticks"] - base if side_index == 0 else 0
        found = bit_below(bits, side_index, slot, max(floor, 0))
        if found >= 0:
            return base + found
    if far_levels > 0:
        return far_below(head, far, side_index, min(price_ticks, base))
    return NO_BID_TICKS


@hot_kernel
def level_above(head, lots, bits, far, side_index, price_ticks):
    """Lowest level of a side strictly above a price, in the ladder or far, else NO_ASK_TICKS."""
    base, size = head["base_ticks"], lots.shape[1]
    slot = price_ticks - base
    far_levels = far_count(head, side_index)
    if slot < -1:
        slot = -1
        if far_levels > 0:
            found = far_above(head, far, side_index, price_ticks)
            if found < base:
                return found
    if slot < size - 1:
        ceiling = head["high_ask_ticks"] - base if side_index == 1 else size - 1
        found = bit_above(bits, side_index, slot, min(ceiling, size - 1))
        if found >= 0:
            return base + found
    if far_levels > 0:
        return far_above(head, far, side_index, max(price_ticks, base + size - 1))
    return NO_ASK_TICKS


@hot_kernel
def level_lots(head, lots, bits, far, side_index, price_ticks):
    """Lots shown at a price; 0 where there is no level."""
    slot = price_ticks - head["base_ticks"]
    if 0 <= slot < lots.shape[1]:
        return lots[side_index, np.uintp(slot)]
    return far_lots(head, far, side_index, price_ticks)


@inlined_kernel
def put_slot(head, lots, bits, side_index, slot, qty_lots):
    """Set one slot of the ladder with its bit, the level count and the watermark; return the lots before.

    The best is the caller's business.
    """
    before = lots[side_index, np.uintp(slot)]
    lots[side_index, np.uintp(slot)] = qty_lots
    # Whether a level comes, goes or stays is a coin toss to the processor: arithmetic instead of a branch.
    change = np.int64(qty_lots != 0) - np.int64(before != 0)
    at = np.uintp(slot >> 6)
    bits[side_index, at] = bits[side_index, at] ^ (np.uint64(change & 1) << np.uint64(slot & 63))
    price_ticks = head["base_ticks"] + slot
    if side_index == 0:
        head["bid_levels"] += change
        if qty_lots != 0 and price_ticks < head["low_bid_ticks"]:
            head["low_bid_ticks"] = price_ticks
    else:
        head["ask_levels"] += change
        if qty_lots != 0 and price_ticks > head["high_ask_ticks"]:
            head["high_ask_ticks"] = price_ticks
    return before


@hot_kernel
def possible_base(base_ticks, size):
    """Nearest base below a wanted one that is a whole word, with the ladder's end at or below NO_ASK_TICKS.

    That is also what a search says when nothing is left above, so no slot may stand for it.
    """
    return min(max(base_ticks, 0), NO_ASK_TICKS - size) & ~63


@hot_kernel
def recentre(head, lots, bits, far, base_ticks):
    """Move the ladder so that it begins near `base_ticks`; levels travel to and from the far table.

    Prices stay absolute, so nothing that a reader can ask for changes, unless the far table overflows (counted).
    """
    size = lots.shape[1]
    old = head["base_ticks"]
    new = possible_base(base_ticks, size)
    if new == old:
        return
    for side_index in range(2):
        slot = bit_above(bits, side_index, -1, size - 1)
        while slot >= 0:
            price_ticks = old + slot
            if not new <= price_ticks < new + size:
                qty_lots = put_slot(head, lots, bits, side_index, slot, 0)
                set_far(head, far, side_index, price_ticks, qty_lots)
            slot = bit_above(bits, side_index, slot, size - 1)
    _shift(lots, bits, new - old)
    head["base_ticks"] = new
    head["low_bid_ticks"], head["high_ask_ticks"] = NO_ASK_TICKS, NO_BID_TICKS
    lowest = bit_above(bits, 0, -1, size - 1)
    highest = bit_below(bits, 1, size, 0)
    if lowest >= 0:
        head["low_bid_ticks"] = new + lowest
    if highest >= 0:
        head["high_ask_ticks"] = new + highest
    for side_index in range(2):
        price_ticks = far_above(head, far, side_index, new - 1)
        while price_ticks < new + size:
            qty_lots = set_far(head, far, side_index, price_ticks, 0)
            put_slot(head, lots, bits, side_index, price_ticks - new, qty_lots)
            price_ticks = far_above(head, far, side_index, price_ticks)
    head["recentred"] += 1


@hot_kernel
def _shift(lots, bits, by):
    """Move every slot down by `by` (a multiple of 64, either sign); the levels that would fall out are already gone."""
    words, count = by >> 6, lots.shape[1] >> 6
    for side_index in range(2):
        for i in range(count):
            at = i if by > 0 else count - 1 - i
            origin = at + words
            word = bits[side_index, origin] if 0 <= origin < count else NO_BITS
            if word == 0 and bits[side_index, at] == 0:
                continue
            # Slot by slot: a slice assignment would make numba compile what it says about shapes that do not match.
            for slot in range(64):
                lots[side_index, at * 64 + slot] = lots[side_index, origin * 64 + slot] if word != 0 else 0
            bits[side_index, at] = word
