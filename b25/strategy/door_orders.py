"""What a strategy may ask for: each call leaves an intent for the gate and returns at once.

Prices are rounded to the grid explicitly, a bid down and an ask up; a quantity off the grid is refused, never changed.
"""

import math

import numpy as np

from b25.kernels.jit import kernel
from b25.kernels.order_table import find_order, side_index
from b25.kernels.units import floor_lots, price_of, quantity_of, ticks_toward, whole_lots
from b25.kernels.wishes import cancellable, wish
from b25.kernels.world import head_of, instruments_of, intents_of, lives_of, orders_of, positions_of
from b25.model.event import BUY, SELL
from b25.model.order import AMEND, CANCEL, MANUAL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT, Reason, Tif
from b25.model.world import ORDER_VIEW

GTC, IOC = int(Tif.GTC), int(Tif.IOC)
NOT_A_NUMBER, OFF_LOT = int(Reason.NOT_A_NUMBER), int(Reason.QUANTITY_OFF_LOT)
NO_INSTRUMENT, BAD_SIDE = int(Reason.UNKNOWN_INSTRUMENT), int(Reason.SIDE_INVALID)
PRICE_RANGE = int(Reason.PRICE_OUT_OF_RANGE)
CONFLICT = int(Reason.CONFLICTING_FLAGS)


@kernel
def wish_order(ctx, side, price, quantity, tif, flags, i, stop=0.0):
    """Turn the door's floats into an intent to submit and return the order's id."""
    head = head_of(ctx)
    order_id = head["next_order_id"]
    head["next_order_id"] = order_id + 1
    reason = 0
    price_ticks = np.int64(0)
    qty_lots = np.int64(0)
    stop_ticks = np.int64(0)
    if i < 0 or i >= ctx["n"]:
        reason = NO_INSTRUMENT
    elif side != BUY and side != SELL:
        reason = BAD_SIDE
    elif not (abs(quantity) < math.inf and abs(price) < math.inf and abs(stop) < math.inf):
        reason = NOT_A_NUMBER
    else:
        instrument = instruments_of(ctx)[i]
        if stop != 0.0:
            # Away from the market, so that it never triggers before the price that was asked for.
            stop_ticks = ticks_toward(instrument, stop, -side)
            if stop_ticks <= 0:
                reason = PRICE_RANGE
        if not flags & MARKET:
            price_ticks = ticks_toward(instrument, price, side)
        elif flags & POST_ONLY:
            reason = CONFLICT
        qty_lots = whole_lots(instrument, quantity)
        if qty_lots == -1 and quantity > 0.0:
            reason = OFF_LOT
    wish(ctx, SUBMIT, order_id, i, side, price_ticks, qty_lots, tif, flags, reason, stop_ticks)
    return order_id


@kernel
def is_own(order):
    """True for an order that the strategy itself asked for: not for a parent order's, nor for a person's."""
    return order["parent"] == 0 and order["flags"] & MANUAL == 0


@kernel
def flags_of(post_only, reduce_only):
    """Flags of an order as one integer."""
    flags = 0
    if post_only:
        flags |= POST_ONLY
    if reduce_only:
        flags |= REDUCE_ONLY
    return flags


@kernel
def trade(ctx, side, quantity, price=None, tif=GTC, post_only=False, reduce_only=False, i=0, stop_price=None):
    """Send an order of `side`; without a price it is a market order, with a stop price it waits for that one to be reached."""
    flags = flags_of(post_only, reduce_only)
    stop = 0.0
    if stop_price is not None:
        # A stop of 0.0 is a mistake, and must not turn the order into one without a stop.
        stop = stop_price if stop_price != 0.0 else -1.0
    if price is None:
        return wish_order(ctx, side, 0.0, quantity, IOC, flags | MARKET, i, stop)
    return wish_order(ctx, side, price, quantity, tif, flags, i, stop)


@kernel
def buy(ctx, quantity, price=None, tif=GTC, post_only=False, reduce_only=False, i=0, stop_price=None):
    """Buy `quantity` at `price` or better; without a price, at market; with `stop_price`, once that is met. Returns its id."""
    return trade(ctx, BUY, quantity, price, tif, post_only, reduce_only, i, stop_price)


@kernel
def sell(ctx, quantity, price=None, tif=GTC, post_only=False, reduce_only=False, i=0, stop_price=None):
    """Sell `quantity` at `price` or better; without a price, at market; with `stop_price`, once that is met. Returns its id."""
    return trade(ctx, SELL, quantity, price, tif, post_only, reduce_only, i, stop_price)


@kernel
def wished_lots(ctx, i):
    """Signed lots of the orders for an instrument that this callback has asked for so far."""
    intents = intents_of(ctx)
    total = np.int64(0)
    for k in range(head_of(ctx)["intents"]):
        row = intents[k]
        if row["kind"] == SUBMIT and row["instrument"] == i and row["reason"] == 0:
            total += row["side"] * row["qty_lots"]
    return total


@kernel
def target(ctx, quantity, i=0):
    """Bring the position to a signed `quantity`, rounded toward zero to whole lots, by one market order; 0 when it is there.

    What is already on its way counts as done.
    """
    if i < 0 or i >= ctx["n"] or not abs(quantity) < math.inf:
        return wish_order(ctx, BUY, 0.0, quantity, IOC, MARKET, i)
    instrument = instruments_of(ctx)[i]
    wanted = floor_lots(instrument, abs(quantity))
    if quantity < 0.0:
        wanted = -wanted
    held = positions_of(ctx)[i]
    missing = wanted - held["position_lots"] - held["open_buy_lots"] + held["open_sell_lots"] - wished_lots(ctx, i)
    if missing == 0:
        return np.int64(0)
    side = BUY if missing > 0 else SELL
    return wish_order(ctx, side, 0.0, quantity_of(instrument, abs(missing)), IOC, MARKET, i)


@kernel
def close(ctx, i=0):
    """Close the position at market, reduce-only. Returns the order's id, or 0 when flat."""
    held = positions_of(ctx)[i]["position_lots"]
    if held == 0:
        return np.int64(0)
    side = SELL if held > 0 else BUY
    return wish_order(ctx, side, 0.0, quantity_of(instruments_of(ctx)[i], abs(held)), IOC, MARKET | REDUCE_ONLY, i)


@kernel
def cancel(ctx, order_id):
    """Ask to cancel one order; refused with a reason when it is not live or a request is under way."""
    slot = find_order(ctx, order_id)
    i, side = 0, 0
    if slot >= 0:
        i = np.int64(orders_of(ctx)[slot]["instrument"])
        side = np.int64(orders_of(ctx)[slot]["side"])
    wish(ctx, CANCEL, order_id, i, side, 0, 0, 0, 0, 0)


@kernel
def cancel_side(ctx, side, i):
    """Ask to cancel every order of one side that can be cancelled now; not what works for a parent order or a person."""
    orders = orders_of(ctx)
    slot = lives_of(ctx)[i, side_index(side)]["first"]
    while slot >= 0:
        if cancellable(orders[slot]) and is_own(orders[slot]):
            wish(ctx, CANCEL, orders[slot]["order_id"], i, side, 0, 0, 0, 0, 0)
        slot = orders[slot]["next"]


@kernel
def cancel_all(ctx, side=0, i=0):
    """Ask to cancel every order of `side` (BUY, SELL, or 0 for both) that can be cancelled now, but no parent's or person's."""
    if side != SELL:
        cancel_side(ctx, BUY, i)
    if side != BUY:
        cancel_side(ctx, SELL, i)


@kernel
def amend(ctx, order_id, price, quantity):
    """Ask to change an order's price and total quantity.

    The place in the queue survives only at the same price with a quantity that is not larger.
    """
    slot = find_order(ctx, order_id)
    reason, i, side = 0, np.int64(0), np.int64(0)
    price_ticks, qty_lots = np.int64(0), np.int64(0)
    if math.isnan(quantity) or math.isinf(quantity) or math.isnan(price) or math.isinf(price):
        reason = NOT_A_NUMBER
    elif slot >= 0:
        i = np.int64(orders_of(ctx)[slot]["instrument"])
        side = np.int64(orders_of(ctx)[slot]["side"])
        instrument = instruments_of(ctx)[i]
        price_ticks = ticks_toward(instrument, price, side)
        qty_lots = whole_lots(instrument, quantity)
        if qty_lots == -1 and quantity > 0.0:
            reason = OFF_LOT
    wish(ctx, AMEND, order_id, i, side, price_ticks, qty_lots, 0, 0, reason)


@kernel
def quote(ctx, side, price, quantity, post_only=True, i=0):
    """Keep one working order on a side: place it, keep it where it stands, or cancel it to place it anew.

    An order at the wanted price and quantity is kept, with its place in the queue. Any other order of the side is
    cancelled, and the new one is placed at the first call that finds the side free. A quantity of 0 means no order. What works
    for a parent order or for a person is left alone.
    """
    if math.isnan(price) or math.isnan(quantity) or i < 0 or i >= ctx["n"]:
        wish_order(ctx, side, price, quantity, GTC, flags_of(post_only, False), i)
        return
    instrument = instruments_of(ctx)[i]
    ticks = ticks_toward(instrument, price, side)
    lots = whole_lots(instrument, quantity)
    orders = orders_of(ctx)
    slot = lives_of(ctx)[i, side_index(side)]["first"]
    free = True
    while slot >= 0:
        order = orders[slot]
        if is_own(order):
            free = False
            if (order["price_ticks"] != ticks or order["qty_lots"] != lots) and cancellable(order):
                wish(ctx, CANCEL, order["order_id"], i, side, 0, 0, 0, 0, 0)
        slot = order["next"]
    if free and lots != 0:
        wish_order(ctx, side, price, quantity, GTC, flags_of(post_only, False), i)


@kernel
def working(ctx, side, i=0):
    """Number of live orders of a side, those in flight included; a person's are not the strategy's, and do not count."""
    table = orders_of(ctx)
    slot = lives_of(ctx)[i, side_index(side)]["first"]
    count = 0
    while slot >= 0:
        if table[slot]["flags"] & MANUAL == 0:
            count += 1
        slot = table[slot]["next"]
    return count


@kernel
def view_order(ctx, order, view):
    """Write what a strategy sees of an order into an ORDER_VIEW record."""
    instrument = instruments_of(ctx)[order["instrument"]]
    view["order_id"] = order["order_id"]
    view["side"] = order["side"]
    view["price"] = price_of(instrument, order["price_ticks"])
    view["quantity"] = quantity_of(instrument, order["qty_lots"])
    view["leaves"] = quantity_of(instrument, order["leaves_lots"])
    view["filled"] = quantity_of(instrument, order["filled_lots"])
    view["state"] = order["state"]
    view["pending"] = order["pending"]
    view["reason"] = order["reason"]
    view["instrument"] = order["instrument"]
    view["stop_price"] = price_of(instrument, order["stop_ticks"])
    view["parent"] = order["parent"]


@kernel
def orders(ctx, side, i=0):
    """Live orders of a side in order of submission: an array of ORDER_VIEW (order_id, price, quantity, leaves, state …).

    What a person sent is not among them.
    """
    out = np.zeros(working(ctx, side, i), ORDER_VIEW)
    table = orders_of(ctx)
    slot = lives_of(ctx)[i, side_index(side)]["first"]
    k = 0
    while slot >= 0:
        if table[slot]["flags"] & MANUAL == 0:
            view_order(ctx, table[slot], out[k])
            k += 1
        slot = table[slot]["next"]
    return out
