"""What one can ask of a book without changing it: the top levels, imbalance, microprice, depth, cost, a digest.

Prices are ticks, quantities lots; the caller converts. Walks go from the best away from the touch and see the far table.
"""

import numpy as np

from b25.kernels.jit import hot_kernel
from b25.kernels.ladder import level_above, level_below, level_lots
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS

DIGEST_PRIME = 2147483647
DIGEST_FACTOR = 1103515245
DIGEST_FACTOR_HIGH = 1664525


@hot_kernel
def next_level(head, lots, bits, far, side_index, price_ticks):
    """Level of a side that follows `price_ticks` away from the touch, else the side's sentinel."""
    if side_index == 0:
        return level_below(head, lots, bits, far, 0, price_ticks)
    return level_above(head, lots, bits, far, 1, price_ticks)


@hot_kernel
def best_of(head, side_index):
    """Best price of a side, or its sentinel."""
    return head["best_bid_ticks"] if side_index == 0 else head["best_ask_ticks"]


@hot_kernel
def is_price(price_ticks):
    """Return whether a price is none of the two sentinels."""
    return NO_BID_TICKS < price_ticks < NO_ASK_TICKS


@hot_kernel
def top(head, lots, bits, far, side_index, out):
    """Write the best levels of a side into `out` (LEVEL, shape (n,)), best first; return how many there are, at most n."""
    count = 0
    price_ticks = best_of(head, side_index)
    while count < out.shape[0] and is_price(price_ticks):
        out[count]["price_ticks"] = price_ticks
        out[count]["qty_lots"] = level_lots(head, lots, bits, far, side_index, price_ticks)
        count += 1
        price_ticks = next_level(head, lots, bits, far, side_index, price_ticks)
    return count


@hot_kernel
def top_lots(head, lots, bits, far, side_index, levels):
    """Sum of the lots of the best `levels` levels of a side."""
    total = 0
    price_ticks = best_of(head, side_index)
    for _ in range(levels):
        if not is_price(price_ticks):
            break
        total += level_lots(head, lots, bits, far, side_index, price_ticks)
        price_ticks = next_level(head, lots, bits, far, side_index, price_ticks)
    return total


@hot_kernel
def imbalance(head, lots, bits, far, levels):
    """(B - A) / (B + A) of the lots B and A on the best `levels` levels a side, in [-1, 1]; NaN when both sides are empty."""
    bid = top_lots(head, lots, bits, far, 0, levels)
    ask = top_lots(head, lots, bits, far, 1, levels)
    if bid + ask == 0:
        return np.nan
    return (bid - ask) / (bid + ask)


@hot_kernel
def microprice(head, lots, bits, far):
    """Touch weighted by the lots on the *other* side, in ticks; NaN when a side is empty."""
    bid, ask = head["best_bid_ticks"], head["best_ask_ticks"]
    if not (is_price(bid) and is_price(ask)):
        return np.nan
    bid_lots = level_lots(head, lots, bits, far, 0, bid)
    ask_lots = level_lots(head, lots, bits, far, 1, ask)
    return (bid * float(ask_lots) + ask * float(bid_lots)) / (bid_lots + ask_lots)


@hot_kernel
def depth_to(head, lots, bits, far, side_index, price_ticks):
    """Lots of a side from the touch up to and including a price."""
    total = 0
    at = best_of(head, side_index)
    while is_price(at) and (at >= price_ticks if side_index == 0 else at <= price_ticks):
        total += level_lots(head, lots, bits, far, side_index, at)
        at = next_level(head, lots, bits, far, side_index, at)
    return total


@hot_kernel
def cost_to_fill(head, lots, bits, far, side_index, qty_lots):
    """Cost of taking `qty_lots` from a side.

    Parameters
    ----------
    side_index : int
        The side that is consumed: 1 (asks) to buy, 0 (bids) to sell.
    qty_lots : int
        How much to take.

    Returns
    -------
    tuple of int
        Tick·lots paid or received, and the lots that the side could not fill.
    """
    cost, left = 0, qty_lots
    at = best_of(head, side_index)
    while left > 0 and is_price(at):
        take = min(left, level_lots(head, lots, bits, far, side_index, at))
        cost += take * at
        left -= take
        at = next_level(head, lots, bits, far, side_index, at)
    return cost, left


@hot_kernel
def book_digest(head, lots, bits, far):
    """Hash of the book's contents, every level of both sides; the same wherever the ladder stands.

    Two sums modulo a 31-bit prime side by side: no product leaves int64, with the JIT on or off.
    """
    low, high = 1, 1
    for side_index in range(2):
        at = level_above(head, lots, bits, far, side_index, NO_BID_TICKS)
        while at != NO_ASK_TICKS:
            qty_lots = level_lots(head, lots, bits, far, side_index, at)
            for part in (at, qty_lots % DIGEST_PRIME, qty_lots // DIGEST_PRIME):
                low = (low * DIGEST_FACTOR + part) % DIGEST_PRIME
                high = (high * DIGEST_FACTOR_HIGH + part) % DIGEST_PRIME
            at = level_above(head, lots, bits, far, side_index, at)
        low = (low * DIGEST_FACTOR + side_index + 1) % DIGEST_PRIME
    return (high << 31) | low


@hot_kernel
def books_equal(head, lots, bits, far, other_head, other_lots, other_bits, other_far):
    """Return whether two books hold the same levels with the same lots; where their ladders stand plays no part."""
    for side_index in range(2):
        at = level_above(head, lots, bits, far, side_index, NO_BID_TICKS)
        other_at = level_above(other_head, other_lots, other_bits, other_far, side_index, NO_BID_TICKS)
        while at == other_at and at != NO_ASK_TICKS:
            here = level_lots(head, lots, bits, far, side_index, at)
            if here != level_lots(other_head, other_lots, other_bits, other_far, side_index, at):
                return False
            at = level_above(head, lots, bits, far, side_index, at)
            other_at = level_above(other_head, other_lots, other_bits, other_far, side_index, other_at)
        if at != other_at:
            return False
    return True
