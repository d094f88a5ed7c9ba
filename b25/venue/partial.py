"""Our own fill model: a print is shared, displayed lots are sold once, and every fill may be partial.

What it assumes: our orders move nobody else; a print through our price fills what is left of us, a level shown at or
through our price fills us up to what it shows; our orders at one price queue behind each other.
"""

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.queue import after_trade, lots_reached
from b25.kernels.units import quantity_of
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, ORDER_EXPIRED
from b25.model.order import Reason
from b25.venue.pipes import send_answer
from b25.venue.resting import (
    ends_of,
    execute,
    is_reduce_only,
    leave,
    reducible,
    resting_orders,
    shown_lots,
    taken_lots,
)

WOULD_INCREASE = int(Reason.WOULD_INCREASE)


@kernel
def fill_resting(venue, instrument, fees, latency, now_ns, slot, lots):
    """Fill a resting order by up to `lots` at its own price, as maker; returns the lots filled.

    A reduce-only order never gets more than there is to reduce, and expires when nothing is.
    """
    order = resting_orders(venue)[slot]
    order_id, side, price = order["order_id"], order["side"], order["price_ticks"]
    limited = is_reduce_only(order["flags"])
    if limited:
        lots = min(lots, reducible(venue, side))
    if lots > 0:
        order["leaves_lots"] -= lots
        execute(venue, instrument, fees, latency, now_ns, order_id, 0, side, price, lots, True)
    left = order["leaves_lots"]
    if left <= 0:
        leave(venue, slot)
    elif limited and reducible(venue, side) == 0:
        leave(venue, slot)
        send_answer(venue, latency, now_ns, ORDER_EXPIRED, order_id, 0, side, price, left, 0, 0, WOULD_INCREASE)
    return lots


@kernel
def next_price(venue, side, beyond):
    """Best price of our resting orders of `side` that is worse than `beyond`; the empty-side sentinel when there is none."""
    orders = resting_orders(venue)
    ends = ends_of(venue, side)
    slot = ends["first"] if ends["count"] > 0 else -1
    best = np.int64(NO_BID_TICKS) if side == BUY else np.int64(NO_ASK_TICKS)
    while slot >= 0:
        price = orders[slot]["price_ticks"]
        if (beyond - price) * side > 0 and (price - best) * side > 0:
            best = price
        slot = orders[slot]["next"]
    return best


@kernel
def print_partial(venue, instrument, fees, latency, now_ns, aggressor, price_ticks, qty_lots):
    """Share a public trade: first what is ahead of us, then our orders in time priority, never more than its quantity."""
    side = -aggressor
    orders = resting_orders(venue)
    lot = quantity_of(instrument, 1)
    rest = qty_lots
    level = next_price(venue, side, np.int64(NO_ASK_TICKS) if side == BUY else np.int64(NO_BID_TICKS))
    while level != NO_BID_TICKS and level != NO_ASK_TICKS and (level - price_ticks) * side >= 0:
        ends = ends_of(venue, side)
        slot = ends["first"] if ends["count"] > 0 else -1
        blocked = False
        while slot >= 0:
            order = orders[slot]
            after = order["next"]
            if order["price_ticks"] == level:
                if level != price_ticks:
                    # Through our price: everything that is left, and the print is not used up by it.
                    fill_resting(venue, instrument, fees, latency, now_ns, slot, order["leaves_lots"])
                else:
                    front, cum = after_trade(order["front"], order["cum"], quantity_of(instrument, rest))
                    # The level itself shrinks by the whole print: that is what its next row is compared with.
                    order["cum"] = cum + (quantity_of(instrument, qty_lots) - quantity_of(instrument, rest))
                    reached = lots_reached(front, lot)
                    order["front"] = 0.0 if reached > 0 else front
                    if not blocked:
                        left = order["leaves_lots"]
                        if reached > 0:
                            rest -= fill_resting(venue, instrument, fees, latency, now_ns, slot, min(left, reached, rest))
                        blocked = order["state"] != 0
            slot = after
        level = next_price(venue, side, level)


@kernel
def meet_partial(venue, instrument, fees, latency, now_ns, shown_side, price_ticks, shown):
    """Let a level shown at or through our price fill us up to what it shows, best price first, then time."""
    side = -shown_side
    index = 0 if shown_side == BUY else 1
    at = price_ticks - venue["base_ticks"]
    orders = resting_orders(venue)
    taken = np.int64(0)
    level = next_price(venue, side, np.int64(NO_ASK_TICKS) if side == BUY else np.int64(NO_BID_TICKS))
    while shown > taken and level != NO_BID_TICKS and level != NO_ASK_TICKS and (level - price_ticks) * side >= 0:
        ends = ends_of(venue, side)
        slot = ends["first"] if ends["count"] > 0 else -1
        while slot >= 0 and shown > taken:
            order = orders[slot]
            after = order["next"]
            if order["price_ticks"] == level:
                lots = min(order["leaves_lots"], shown - taken)
                taken += fill_resting(venue, instrument, fees, latency, now_ns, slot, lots)
            slot = after
        level = next_price(venue, side, level)
    if taken > 0 and 0 <= at < venue["size_ticks"]:
        take(venue, index, at, taken)


@kernel
def take(venue, index, slot, lots):
    """Remember that displayed lots are ours now, until the venue shows the level anew."""
    if taken_lots(venue)[index, slot] == 0:
        venue["taken_cells"] += 1
    taken_lots(venue)[index, slot] += lots


@kernel
def available(venue, index, slot):
    """Displayed lots of a level that are not ours yet."""
    return max(np.int64(0), shown_lots(venue)[index, slot] - taken_lots(venue)[index, slot])
