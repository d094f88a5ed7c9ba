"""What the simulated venue does with a request when it arrives: accept, take, rest, expire, cancel, replace, refuse."""

import numpy as np

from b25.kernels.jit import kernel
from b25.model.event import (
    BUY,
    CANCEL_REJECTED,
    NO_ASK_TICKS,
    NO_BID_TICKS,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    REPLACE_REJECTED,
)
from b25.model.order import CANCEL, MARKET, POST_ONLY, SUBMIT, Reason, Tif
from b25.venue.partial import available, take
from b25.venue.pipes import send_answer
from b25.venue.records import WHOLE
from b25.venue.resting import (
    execute,
    find_resting,
    is_reduce_only,
    leave,
    reducible,
    rest,
    resting_orders,
    shown_at,
)
from b25.venue.stops import amend_stop, drop_stop, find_stop, stops_of, wait_for_stop
from b25.venue.whole import touch_against

GTC, IOC, FOK = int(Tif.GTC), int(Tif.IOC), int(Tif.FOK)
CROSSED, NOTHING = int(Reason.POST_ONLY_WOULD_CROSS), int(Reason.NOTHING_TO_MATCH)
REQUESTED, UNKNOWN_ORDER = int(Reason.CANCEL_REQUESTED), int(Reason.UNKNOWN_ORDER)
WOULD_INCREASE, BELOW_FILLED = int(Reason.WOULD_INCREASE), int(Reason.QUANTITY_BELOW_FILLED)
# How far beyond the touch a market order walks before the rest of it expires.
MARKET_TICKS_MAX = 1_000


@kernel
def handle_request(venue, instrument, fees, latency, request):
    """Answer one request, judged by the book as the venue has it now."""
    now_ns = request["arrive_ns"]
    if request["kind"] == SUBMIT:
        handle_new(venue, instrument, fees, latency, request, now_ns)
        return
    order_id, number = request["order_id"], request["request_id"]
    slot = find_resting(venue, order_id)
    side = request["side"]
    waiting = find_stop(venue, order_id) if slot < 0 and venue["stop_count"] > 0 else -1
    if waiting >= 0:
        if request["kind"] == CANCEL:
            left = stops_of(venue)[waiting]["qty_lots"]
            drop_stop(venue, waiting)
            send_answer(venue, latency, now_ns, ORDER_CANCELLED, order_id, number, side, 0, left, 0, 0, REQUESTED)
        else:
            amend_stop(venue, latency, request, waiting, now_ns)
        return
    if request["kind"] == CANCEL:
        if slot < 0:
            send_answer(venue, latency, now_ns, CANCEL_REJECTED, order_id, number, side, 0, 0, 0, 0, UNKNOWN_ORDER)
            return
        left = resting_orders(venue)[slot]["leaves_lots"]
        leave(venue, slot)
        send_answer(venue, latency, now_ns, ORDER_CANCELLED, order_id, number, side, 0, left, 0, 0, REQUESTED)
        return
    if slot < 0:
        send_answer(venue, latency, now_ns, REPLACE_REJECTED, order_id, number, side, 0, 0, 0, 0, UNKNOWN_ORDER)
        return
    replace(venue, instrument, fees, latency, request, slot, now_ns)


@kernel
def handle_new(venue, instrument, fees, latency, request, now_ns):
    """Accept, fill or refuse a new order."""
    order_id, number, side = request["order_id"], request["request_id"], np.int64(request["side"])
    price, lots, tif, flags = request["price_ticks"], request["qty_lots"], request["tif"], request["flags"]
    if is_reduce_only(flags) and reducible(venue, side) == 0:
        send_answer(venue, latency, now_ns, ORDER_REJECTED, order_id, number, side, price, lots, 0, 0, WOULD_INCREASE)
        return
    if request["stop_ticks"] != 0:
        wait_for_stop(venue, latency, request, now_ns)
        return
    if flags & MARKET:
        touch = touch_against(venue, side)
        if touch == NO_ASK_TICKS or touch == NO_BID_TICKS:
            send_answer(venue, latency, now_ns, ORDER_REJECTED, order_id, number, side, price, lots, 0, 0, NOTHING)
            return
        price = touch + side * MARKET_TICKS_MAX
        tif = IOC
    left, crosses = enter(venue, instrument, fees, latency, now_ns, order_id, number, side, price, lots, tif, flags)
    if left > 0:
        front = 0.0 if crosses else shown_at(venue, instrument, side, price)
        rest(venue, order_id, side, price, lots, left, flags, front)
        send_answer(venue, latency, now_ns, ORDER_ACCEPTED, order_id, number, side, price, lots, 0, 0, 0)


@kernel
def enter(venue, instrument, fees, latency, now_ns, order_id, number, side, price, lots, tif, flags):
    """Match what arrives; returns the lots that remain to rest, 0 when the order is finished, and whether it crossed."""
    touch = touch_against(venue, side)
    crosses = touch != NO_ASK_TICKS and touch != NO_BID_TICKS and (price - touch) * side >= 0
    if not crosses:
        if tif == GTC:
            return lots, False
        send_answer(venue, latency, now_ns, ORDER_EXPIRED, order_id, number, side, price, lots, 0, 0, NOTHING)
        return np.int64(0), False
    if flags & POST_ONLY:
        send_answer(venue, latency, now_ns, ORDER_EXPIRED, order_id, number, side, price, lots, 0, 0, CROSSED)
        return np.int64(0), True
    if venue["fill_model"] == WHOLE:
        execute(venue, instrument, fees, latency, now_ns, order_id, number, side, touch, lots, False)
        return np.int64(0), True
    if tif == FOK:
        wanted = lots
        if is_reduce_only(flags):
            wanted = min(wanted, reducible(venue, side))
        if takeable(venue, side, touch, price, wanted) < wanted:
            send_answer(venue, latency, now_ns, ORDER_EXPIRED, order_id, number, side, price, lots, 0, 0, NOTHING)
            return np.int64(0), True
    return walk(venue, instrument, fees, latency, now_ns, order_id, number, side, price, lots, tif, flags), True


@kernel
def takeable(venue, side, touch, price, wanted):
    """Displayed lots between the touch and a limit, counted no further than `wanted`."""
    index = 1 if side == BUY else 0
    base, size = venue["base_ticks"], venue["size_ticks"]
    total = np.int64(0)
    ticks = touch
    while (price - ticks) * side >= 0 and 0 <= ticks - base < size and total < wanted:
        total += available(venue, index, ticks - base)
        ticks += side
    return total


@kernel
def walk(venue, instrument, fees, latency, now_ns, order_id, number, side, price, lots, tif, flags):
    """Take level by level up to the limit, one fill a level; returns what remains to rest."""
    index = 1 if side == BUY else 0
    base, size = venue["base_ticks"], venue["size_ticks"]
    limited = is_reduce_only(flags)
    left = lots
    ticks = touch_against(venue, side)
    while left > 0 and (price - ticks) * side >= 0 and 0 <= ticks - base < size:
        there = min(left, available(venue, index, ticks - base))
        if there > 0:
            if limited:
                there = min(there, reducible(venue, side))
            if there > 0:
                left -= there
                execute(venue, instrument, fees, latency, now_ns, order_id, number, side, ticks, there, False)
                take(venue, index, ticks - base, there)
            if limited and left > 0 and reducible(venue, side) == 0:
                send_answer(venue, latency, now_ns, ORDER_EXPIRED, order_id, number, side, price, left, 0, 0, WOULD_INCREASE)
                return np.int64(0)
        ticks += side
    if left > 0 and tif != GTC:
        send_answer(venue, latency, now_ns, ORDER_EXPIRED, order_id, number, side, price, left, 0, 0, NOTHING)
        return np.int64(0)
    return left


@kernel
def replace(venue, instrument, fees, latency, request, slot, now_ns):
    """Change an order: in place at the same price when it does not grow, else anew from the back of the queue."""
    order = resting_orders(venue)[slot]
    order_id, number, side = request["order_id"], request["request_id"], order["side"]
    price, lots, flags = request["price_ticks"], request["qty_lots"], order["flags"]
    filled = order["qty_lots"] - order["leaves_lots"]
    if lots <= filled:
        send_answer(venue, latency, now_ns, REPLACE_REJECTED, order_id, number, side, price, lots, 0, 0, BELOW_FILLED)
        return
    send_answer(venue, latency, now_ns, ORDER_REPLACED, order_id, number, side, price, lots, 0, 0, 0)
    if price == order["price_ticks"] and lots <= order["qty_lots"]:
        order["qty_lots"] = lots
        order["leaves_lots"] = lots - filled
        return
    leave(venue, slot)
    left, crosses = enter(venue, instrument, fees, latency, now_ns, order_id, 0, side, price, lots - filled, GTC, flags)
    if left > 0:
        front = 0.0 if crosses else shown_at(venue, instrument, side, price)
        rest(venue, order_id, side, price, lots, left, flags, front)
