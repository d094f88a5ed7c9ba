"""The book: set a level, clear a side, end a message. Its four arrays are described in ladder.py.

Within a message the two sides are independent: a bid above the best ask is an ordinary state until the message's last row,
for the venue lists bids before asks. `end_message` then judges whether the book is left crossed.
"""

import numpy as np

from b25.kernels.far_levels import clear_far, set_far
from b25.kernels.jit import hot_kernel, inlined_kernel
from b25.kernels.ladder import (
    Ladder,
    bit_above,
    level_above,
    level_below,
    level_lots,
    make_ladder,
    possible_base,
    put_slot,
    recentre,
)
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS

__all__ = [
    "CLEAR_CROSSED",
    "KEEP_CROSSED",
    "Ladder",
    "clear_all",
    "clear_side",
    "end_message",
    "level_above",
    "level_below",
    "level_lots",
    "make_ladder",
    "push_crossed",
    "recentre",
    "set_level",
]

# What end_message does with levels that a message left crossed.
CLEAR_CROSSED = 0  # remove the older side's crossed levels, and count them
KEEP_CROSSED = 1  # leave them stored, but the best moves past them


@inlined_kernel
def set_level(head, lots, bits, far, side_index, price_ticks, qty_lots):
    """Let a level hold `qty_lots`; 0 deletes it.

    The best is kept lazily: a better level becomes the best, and when the best is emptied the next one is searched away
    from the touch.

    Parameters
    ----------
    head : BOOK record
    lots, bits, far : ndarray
        The book's arrays, see Ladder.
    side_index : int
        0 for bids, 1 for asks.
    price_ticks : int
        In (NO_BID_TICKS, NO_ASK_TICKS).
    qty_lots : int
        At least 0.

    Returns
    -------
    int
        The level's lots before.
    """
    slot = price_ticks - head["base_ticks"]
    if 0 <= slot < lots.shape[1]:
        before = put_slot(head, lots, bits, side_index, slot, qty_lots)
    else:
        before = _set_outside(head, lots, bits, far, side_index, price_ticks, qty_lots)
    # Better than the best, or the best deleted; a change of the best level's lots is neither.
    emptied = np.int64(qty_lots == 0)
    if side_index == 0:
        if price_ticks + emptied > head["best_bid_ticks"]:
            _move_best_bid(head, lots, bits, far, price_ticks, qty_lots)
    elif price_ticks - emptied < head["best_ask_ticks"]:
        _move_best_ask(head, lots, bits, far, price_ticks, qty_lots)
    return before


@hot_kernel
def _set_outside(head, lots, bits, far, side_index, price_ticks, qty_lots):
    """Set a level that the ladder does not reach; an empty book has nothing to move, and begins around its first level."""
    size = lots.shape[1]
    if head["bid_levels"] + head["ask_levels"] == 0:
        head["base_ticks"] = possible_base(price_ticks - (size >> 1), size)
        slot = price_ticks - head["base_ticks"]
        if 0 <= slot < size:
            return put_slot(head, lots, bits, side_index, slot, qty_lots)
    return set_far(head, far, side_index, price_ticks, qty_lots)


@hot_kernel
def _move_best_bid(head, lots, bits, far, price_ticks, qty_lots):
    if qty_lots > 0:
        head["best_bid_ticks"] = price_ticks
        if price_ticks >= head["best_ask_ticks"]:
            head["crossed_by"] = 1
    elif price_ticks == head["best_bid_ticks"]:
        head["best_bid_ticks"] = level_below(head, lots, bits, far, 0, price_ticks)


@hot_kernel
def _move_best_ask(head, lots, bits, far, price_ticks, qty_lots):
    if qty_lots > 0:
        head["best_ask_ticks"] = price_ticks
        if price_ticks <= head["best_bid_ticks"]:
            head["crossed_by"] = 2
    elif price_ticks == head["best_ask_ticks"]:
        head["best_ask_ticks"] = level_above(head, lots, bits, far, 1, price_ticks)


@hot_kernel
def clear_side(head, lots, bits, far, side_index, up_to_ticks):
    """Remove the levels of a side from the touch up to and including a price; return how many.

    NO_BID_TICKS for bids and NO_ASK_TICKS for asks remove the whole side. Levels before the touch (left over from a
    crossing that was kept) go too.
    """
    base, size = head["base_ticks"], lots.shape[1]
    first, last = (up_to_ticks - base, size - 1) if side_index == 0 else (0, up_to_ticks - base)
    first, last = max(first, 0), min(last, size - 1)
    removed = 0
    slot = bit_above(bits, side_index, first - 1, last)
    while 0 <= slot <= last:
        put_slot(head, lots, bits, side_index, slot, 0)
        removed += 1
        slot = bit_above(bits, side_index, slot, last)
    if side_index == 0:
        removed += clear_far(head, far, 0, up_to_ticks, NO_ASK_TICKS)
        if head["best_bid_ticks"] >= up_to_ticks:
            head["best_bid_ticks"] = level_below(head, lots, bits, far, 0, up_to_ticks)
        if head["bid_levels"] == head["far_bids"]:
            head["low_bid_ticks"] = NO_ASK_TICKS
    else:
        removed += clear_far(head, far, 1, NO_BID_TICKS, up_to_ticks)
        if head["best_ask_ticks"] <= up_to_ticks:
            head["best_ask_ticks"] = level_above(head, lots, bits, far, 1, up_to_ticks)
        if head["ask_levels"] == head["far_asks"]:
            head["high_ask_ticks"] = NO_BID_TICKS
    return removed


@hot_kernel
def clear_all(head, lots, bits, far):
    """Remove every level of both sides; return how many."""
    return clear_side(head, lots, bits, far, 0, NO_BID_TICKS) + clear_side(head, lots, bits, far, 1, NO_ASK_TICKS)


@hot_kernel
def push_crossed(head, lots, bits, far, side_index):
    """Move the best of the side that stands across `side_index` strictly past that side's best; the levels stay stored.

    This is how hftbacktest treats a crossing, after each row; its compatibility profile calls it so.
    """
    if head["best_bid_ticks"] >= head["best_ask_ticks"]:
        if side_index == 0:
            head["best_ask_ticks"] = level_above(head, lots, bits, far, 1, head["best_bid_ticks"])
        else:
            head["best_bid_ticks"] = level_below(head, lots, bits, far, 0, head["best_ask_ticks"])
    head["crossed_by"] = 0


@hot_kernel
def end_message(head, lots, bits, far, policy):
    """Make the book whole after a message's last row; return True if the message left it crossed.

    Counts a crossing, settles it by `policy` (CLEAR_CROSSED or KEEP_CROSSED), keeps the ladder around the touch and refreshes
    the lots at the touch. The side that reached across last is believed, the other one is old.
    """
    crossed = head["best_bid_ticks"] >= head["best_ask_ticks"]
    if crossed:
        head["crossed_messages"] += 1
        winner = 1 if head["crossed_by"] == 2 else 0
        if policy == KEEP_CROSSED:
            push_crossed(head, lots, bits, far, winner)
        elif winner == 0:
            head["cleared_levels"] += clear_side(head, lots, bits, far, 1, head["best_bid_ticks"])
        else:
            head["cleared_levels"] += clear_side(head, lots, bits, far, 0, head["best_ask_ticks"])
    head["crossed_by"] = 0
    keep_centred(head, lots, bits, far)
    refresh_touch(head, lots, bits, far)
    return crossed


@hot_kernel
def refresh_touch(head, lots, bits, far):
    """Write the lots at the best bid and best ask into the head; 0 for an empty side."""
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    head["best_bid_lots"] = level_lots(head, lots, bits, far, 0, bid) if bid != NO_BID_TICKS else 0
    head["best_ask_lots"] = level_lots(head, lots, bits, far, 1, ask) if ask != NO_ASK_TICKS else 0


@hot_kernel
def keep_centred(head, lots, bits, far):
    """Re-centre the ladder when the middle of the touch has come within a quarter of an edge."""
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    if bid == NO_BID_TICKS:
        if ask == NO_ASK_TICKS:
            return
        bid = ask
    elif ask == NO_ASK_TICKS:
        ask = bid
    size = lots.shape[1]
    wanted = possible_base(((bid + ask) >> 1) - (size >> 1), size)
    if abs(wanted - head["base_ticks"]) > (size >> 2):
        recentre(head, lots, bits, far, wanted)
