"""Fills whole or not at all: the compatibility profile, for results that can be compared with hftbacktest fill by fill.

It lies in known ways: a taker gets its whole quantity at the best price whatever is shown there, each order of ours at a
price is advanced by the whole print, and nothing of ours is ever filled in part.
"""

from b25.kernels.jit import kernel
from b25.kernels.queue import after_depth, after_trade, lots_reached
from b25.kernels.units import quantity_of
from b25.model.event import BUY
from b25.venue.resting import ends_of, execute, leave, resting_orders


@kernel
def fill_whole(venue, instrument, fees, latency, now_ns, slot):
    """Fill a resting order at its own price, as maker."""
    order = resting_orders(venue)[slot]
    order_id, side, price, lots = order["order_id"], order["side"], order["price_ticks"], order["leaves_lots"]
    leave(venue, slot)
    execute(venue, instrument, fees, latency, now_ns, order_id, 0, side, price, lots, True)


@kernel
def move_queues(venue, instrument, side, price_ticks, before_lots, after_lots):
    """Tell our orders at a level that it went from `before_lots` to `after_lots`; every fill model shares this."""
    orders = resting_orders(venue)
    ends = ends_of(venue, side)
    slot = ends["first"] if ends["count"] > 0 else -1
    before, after = quantity_of(instrument, before_lots), quantity_of(instrument, after_lots)
    while slot >= 0:
        order = orders[slot]
        if order["price_ticks"] == price_ticks:
            front, cum = after_depth(venue["queue_model"], venue["queue_n"], order["front"], order["cum"], before, after)
            order["front"] = front
            order["cum"] = cum
        slot = order["next"]


@kernel
def print_whole(venue, instrument, fees, latency, now_ns, aggressor, price_ticks, qty_lots):
    """Show a public trade to our resting orders of the other side."""
    orders = resting_orders(venue)
    side = -aggressor
    ends = ends_of(venue, side)
    slot = ends["first"] if ends["count"] > 0 else -1
    quantity = quantity_of(instrument, qty_lots)
    lot = quantity_of(instrument, 1)
    while slot >= 0:
        order = orders[slot]
        after = order["next"]
        beyond = (order["price_ticks"] - price_ticks) * side
        if beyond > 0:
            fill_whole(venue, instrument, fees, latency, now_ns, slot)
        elif beyond == 0:
            front, cum = after_trade(order["front"], order["cum"], quantity)
            order["front"] = front
            order["cum"] = cum
            if lots_reached(front, lot) > 0:
                fill_whole(venue, instrument, fees, latency, now_ns, slot)
        slot = after


@kernel
def meet_whole(venue, instrument, fees, latency, now_ns, side, best_ticks):
    """Fill our resting orders of `side` whose price the other side's best has reached."""
    orders = resting_orders(venue)
    ends = ends_of(venue, side)
    slot = ends["first"] if ends["count"] > 0 else -1
    while slot >= 0:
        after = orders[slot]["next"]
        if (orders[slot]["price_ticks"] - best_ticks) * side >= 0:
            fill_whole(venue, instrument, fees, latency, now_ns, slot)
        slot = after


@kernel
def touch_against(venue, side):
    """Best price that an order of `side` would take."""
    return venue["ask_ticks"] if side == BUY else venue["bid_ticks"]
