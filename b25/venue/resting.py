"""Our orders that rest at the simulated venue, and the price bounds that tell the replay which rows concern them."""

import numpy as np

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.kernels.ledger import notional
from b25.kernels.order_table import find_in, free_slot, link_last, unlink
from b25.kernels.units import quantity_of
from b25.model.event import BUY, CLEAR, DEPTH, MAKER, NO_ASK_TICKS, NO_BID_TICKS, ORDER_FILLED, SNAPSHOT
from b25.model.order import REDUCE_ONLY
from b25.model.tape import VENUE_ROW
from b25.model.world import VENUE_ORDERS_FULL
from b25.venue.fees import fee_of
from b25.venue.pipes import send_answer
from b25.venue.records import VENUE_ORDER

RESTING = 1
int64 = np.dtype(np.int64)
int32 = np.dtype(np.int32)


@kernel
def resting_orders(venue):
    """Return the table of our resting orders."""
    return array_at(venue["orders"], venue["orders_size"], VENUE_ORDER)


@kernel
def shown_lots(venue):
    """Displayed lots, int64 of shape (2, size_ticks): bids, asks."""
    return array_at(venue["lots"], (2, venue["size_ticks"]), int64)


@kernel
def whole_ladder(venue):
    """Displayed lots as one row of cells: bids, asks, and one cell for what lies outside of the band."""
    return array_at(venue["lots"], 2 * venue["size_ticks"] + 1, int64)


@kernel
def cells_of(venue):
    """Cell of each row of the tape."""
    return array_at(venue["cells"], venue["row_count"], int32)


@kernel
def quantities_of(venue):
    """Lots of each row of the tape."""
    return array_at(venue["quantities"], venue["row_count"], int64)


@kernel
def taken_lots(venue):
    """Displayed lots that we took and the venue has not shown anew, same shape as the displayed ones."""
    return array_at(venue["taken"], (2, venue["size_ticks"]), int64)


@kernel
def ends_of(venue, side):
    """First, last and count of our resting orders of a side."""
    if side == BUY:
        return venue["buys"]
    return venue["sells"]


@kernel
def find_resting(venue, order_id):
    """Slot of a resting order, or -1."""
    return find_in(resting_orders(venue), venue["probe_max"], order_id)


@kernel
def rest(venue, order_id, side, price_ticks, qty_lots, leaves_lots, flags, front):
    """Let an order rest behind the others; returns its slot, or -1 with a status when the table is full."""
    orders = resting_orders(venue)
    if venue["buys"]["count"] + venue["sells"]["count"] >= orders.shape[0]:
        venue["status"] = VENUE_ORDERS_FULL
        return -1
    slot, step = free_slot(orders, order_id)
    venue["probe_max"] = max(venue["probe_max"], step)
    order = orders[slot]
    order["order_id"] = order_id
    order["price_ticks"] = price_ticks
    order["qty_lots"] = qty_lots
    order["leaves_lots"] = leaves_lots
    order["front"] = front
    order["cum"] = 0.0
    order["side"] = side
    order["state"] = RESTING
    order["flags"] = flags
    link_last(orders, ends_of(venue, side), slot)
    widen(venue, side, price_ticks)
    return slot


@kernel
def widen(venue, side, price_ticks):
    """Take a price into the bounds of a side."""
    if side == BUY:
        venue["buy_low"] = min(venue["buy_low"], price_ticks)
        venue["buy_high"] = max(venue["buy_high"], price_ticks)
    else:
        venue["sell_low"] = min(venue["sell_low"], price_ticks)
        venue["sell_high"] = max(venue["sell_high"], price_ticks)


@kernel
def leave(venue, slot):
    """Take a finished order off the venue; it leaves every index in the same call."""
    orders = resting_orders(venue)
    order = orders[slot]
    side = order["side"]
    ends = ends_of(venue, side)
    unlink(orders, ends, slot)
    order["state"] = 0
    order["order_id"] = 0
    low, high = np.int64(NO_ASK_TICKS), np.int64(NO_BID_TICKS)
    k = ends["first"] if ends["count"] > 0 else -1
    while k >= 0:
        low = min(low, orders[k]["price_ticks"])
        high = max(high, orders[k]["price_ticks"])
        k = orders[k]["next"]
    if side == BUY:
        venue["buy_low"] = low
        venue["buy_high"] = high
    else:
        venue["sell_low"] = low
        venue["sell_high"] = high


@kernel
def shown_at(venue, instrument, side, price_ticks):
    """Quantity shown at a tick of a side, base units."""
    return quantity_of(instrument, shown_lots_at(venue, side, price_ticks))


@kernel
def shown_lots_at(venue, side, price_ticks):
    """Lots shown at a tick of a side; outside of the band the answer is looked up in the rows already replayed."""
    slot = price_ticks - venue["base_ticks"]
    index = 0 if side == BUY else 1
    if 0 <= slot < venue["size_ticks"]:
        return shown_lots(venue)[index, slot]
    return far_lots_at(venue, side, price_ticks)


@kernel
def far_lots_at(venue, side, price_ticks):
    """Lots of a level far from the touch: what the last row about it said, unless it was cleared since."""
    rows = array_at(venue["rows"], venue["row_count"], VENUE_ROW)
    k = venue["row_next"] - 1
    while k >= 0:
        row = rows[k]
        if row["side"] == side:
            kind = row["kind"]
            if (kind == DEPTH or kind == SNAPSHOT) and row["price_ticks"] == price_ticks:
                return row["qty_lots"]
            if kind == CLEAR and (price_ticks - row["price_ticks"]) * side >= 0:
                return np.int64(0)
        k -= 1
    return np.int64(0)


@kernel
def reducible(venue, side):
    """Lots by which an order of `side` could reduce the position at the venue."""
    return max(np.int64(0), -side * venue["position_lots"])


@kernel
def execute(venue, instrument, fees, latency, now_ns, order_id, request_id, side, price_ticks, qty_lots, maker):
    """Book one execution at the venue and send it to the trader."""
    value = notional(instrument, price_ticks, qty_lots)
    fee_e8 = fee_of(fees, value, qty_lots, maker, venue["volume"])
    venue["volume"] += value
    venue["position_lots"] += side * qty_lots
    flags = MAKER if maker else 0
    send_answer(venue, latency, now_ns, ORDER_FILLED, order_id, request_id, side, price_ticks, qty_lots, fee_e8, flags, 0)


@kernel
def is_reduce_only(flags):
    """True for an order that may only reduce."""
    return flags & REDUCE_ONLY != 0
