"""What a strategy may read of the market: the methods of `ctx` that look at books and prints.

Prices are floats in quote units, quantities in base units (contracts for inverse instruments). What is not known is NaN.
"""

import math

import numpy as np

from b25.kernels.book_reads import cost_to_fill as book_cost
from b25.kernels.book_reads import depth_to, top_lots
from b25.kernels.book_reads import imbalance as book_imbalance
from b25.kernels.jit import kernel
from b25.kernels.units import floor_lots, price_of, quantity_of, ticks_toward
from b25.kernels.world import bits_of, books_of, far_of, head_of, instruments_of, lots_of
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS
from b25.model.world import DEPTH_NOT_KEPT

# Methods that read beyond the touch. A run keeps the trader's whole book only for strategies that call one of them.
DEEP_READS = ("imbalance", "depth", "quantity_to", "price_to_fill")


@kernel
def ready(ctx, i=0):
    """True when both sides of the book have a best level."""
    book = books_of(ctx)[i]
    return book["best_bid_ticks"] != NO_BID_TICKS and book["best_ask_ticks"] != NO_ASK_TICKS


@kernel
def healthy(ctx, i=0):
    """True when the book has a snapshot and no gap since."""
    return books_of(ctx)[i]["health"] == 0


@kernel
def bid(ctx, i=0):
    """Best bid price; NaN when the side is empty."""
    ticks = books_of(ctx)[i]["best_bid_ticks"]
    if ticks == NO_BID_TICKS:
        return np.nan
    return price_of(instruments_of(ctx)[i], ticks)


@kernel
def ask(ctx, i=0):
    """Best ask price; NaN when the side is empty."""
    ticks = books_of(ctx)[i]["best_ask_ticks"]
    if ticks == NO_ASK_TICKS:
        return np.nan
    return price_of(instruments_of(ctx)[i], ticks)


@kernel
def bid_ticks(ctx, i=0):
    """Best bid as a whole number of ticks, for a strategy that counts in them; 0 when the side is empty."""
    return books_of(ctx)[i]["best_bid_ticks"]


@kernel
def ask_ticks(ctx, i=0):
    """Best ask as a whole number of ticks, for a strategy that counts in them; 2147483647 when the side is empty."""
    return books_of(ctx)[i]["best_ask_ticks"]


@kernel
def bid_quantity(ctx, i=0):
    """Quantity shown at the best bid; 0 when the side is empty."""
    return quantity_of(instruments_of(ctx)[i], books_of(ctx)[i]["best_bid_lots"])


@kernel
def ask_quantity(ctx, i=0):
    """Quantity shown at the best ask; 0 when the side is empty."""
    return quantity_of(instruments_of(ctx)[i], books_of(ctx)[i]["best_ask_lots"])


@kernel
def mid(ctx, i=0):
    """Middle of the touch; NaN when a side is empty."""
    book = books_of(ctx)[i]
    low, high = book["best_bid_ticks"], book["best_ask_ticks"]
    if low == NO_BID_TICKS or high == NO_ASK_TICKS:
        return np.nan
    return price_of(instruments_of(ctx)[i], low + high) / 2.0


@kernel
def microprice(ctx, i=0):
    """Touch weighted by the opposite side's quantity: (bid·ask_quantity + ask·bid_quantity) / (sum); NaN when a side is empty."""
    book = books_of(ctx)[i]
    low, high = book["best_bid_ticks"], book["best_ask_ticks"]
    if low == NO_BID_TICKS or high == NO_ASK_TICKS:
        return np.nan
    instrument = instruments_of(ctx)[i]
    bids, asks = float(book["best_bid_lots"]), float(book["best_ask_lots"])
    return (price_of(instrument, low) * asks + price_of(instrument, high) * bids) / (bids + asks)


@kernel
def spread(ctx, i=0):
    """Ask less bid in quote units; NaN when a side is empty."""
    book = books_of(ctx)[i]
    low, high = book["best_bid_ticks"], book["best_ask_ticks"]
    if low == NO_BID_TICKS or high == NO_ASK_TICKS:
        return np.nan
    return price_of(instruments_of(ctx)[i], high - low)


@kernel
def tick(ctx, i=0):
    """Price of one tick."""
    return price_of(instruments_of(ctx)[i], 1)


@kernel
def lot(ctx, i=0):
    """Quantity of one lot."""
    return quantity_of(instruments_of(ctx)[i], 1)


@kernel
def floor_price(ctx, price, i=0):
    """Highest price on the grid that is not above `price`."""
    instrument = instruments_of(ctx)[i]
    return price_of(instrument, ticks_toward(instrument, price, 1))


@kernel
def ceil_price(ctx, price, i=0):
    """Lowest price on the grid that is not below `price`."""
    instrument = instruments_of(ctx)[i]
    return price_of(instrument, ticks_toward(instrument, price, -1))


@kernel
def floor_quantity(ctx, quantity, i=0):
    """Largest quantity of whole lots that is not above `quantity`; 0 for NaN and for negative input."""
    if not quantity > 0.0 or math.isinf(quantity):
        return 0.0
    instrument = instruments_of(ctx)[i]
    return quantity_of(instrument, floor_lots(instrument, quantity))


@kernel
def last_trade(ctx, i=0):
    """Price of the last public trade; NaN before the first."""
    ticks = books_of(ctx)[i]["last_trade_ticks"]
    if ticks == NO_BID_TICKS:
        return np.nan
    return price_of(instruments_of(ctx)[i], ticks)


@kernel
def last_trade_quantity(ctx, i=0):
    """Quantity of the last public trade; 0 before the first."""
    return quantity_of(instruments_of(ctx)[i], books_of(ctx)[i]["last_trade_lots"])


@kernel
def last_trade_side(ctx, i=0):
    """Side of the last trade's aggressor: BUY, SELL, or 0 before the first."""
    return np.int64(books_of(ctx)[i]["last_trade_side"])


@kernel
def book_age_ns(ctx, i=0):
    """Nanoseconds since the last message about this book; -1 before the first."""
    seen = books_of(ctx)[i]["local_ns"]
    if seen == 0:
        return np.int64(-1)
    return ctx["now_ns"] - seen


@kernel
def depth_is_kept(ctx):
    """Tell whether the whole book is at hand; if not, halt the session rather than answer from a book that is not kept."""
    if ctx["depth_kept"] == 0:
        head_of(ctx)["status"] = DEPTH_NOT_KEPT
        return False
    return True


@kernel
def imbalance(ctx, levels=1, i=0):
    """(bids - asks) / (bids + asks) over the best `levels` of each side, in [-1, 1]; NaN when both are empty."""
    if not depth_is_kept(ctx):
        return np.nan
    return book_imbalance(books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), levels)


@kernel
def depth(ctx, side, levels, i=0):
    """Quantity resting on the best `levels` of a side."""
    if not depth_is_kept(ctx):
        return np.nan
    index = 0 if side == BUY else 1
    total = top_lots(books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), index, levels)
    return quantity_of(instruments_of(ctx)[i], total)


@kernel
def quantity_to(ctx, side, price, i=0):
    """Quantity resting on a side at prices at least as good as `price`."""
    if not depth_is_kept(ctx) or not abs(price) < np.inf:
        return np.nan
    instrument = instruments_of(ctx)[i]
    index = 0 if side == BUY else 1
    limit = ticks_toward(instrument, price, -side)
    total = depth_to(books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), index, limit)
    return quantity_of(instrument, total)


@kernel
def price_to_fill(ctx, side, quantity, i=0):
    """Average price that a market order of `side` would pay for `quantity` now; NaN when the book does not hold as much."""
    if not depth_is_kept(ctx) or not 0.0 < quantity < np.inf:
        return np.nan
    instrument = instruments_of(ctx)[i]
    wanted = floor_lots(instrument, quantity)
    index = 1 if side == BUY else 0
    cost, left = book_cost(books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), index, wanted)
    if left > 0 or wanted <= 0:
        return np.nan
    return cost / wanted * instrument["tick_num"] / instrument["tick_den"]
