"""Stops that wait at the simulated venue, and the print that lets them go.

A stop looks at trades, as the venues' own do: a buy waits for a print at its price or above, a sell for one at its price or
below. Those that one print reaches go one after another, the nearest price first and then in order of arrival. Each becomes
a request at the time of that print and meets the book as it then is; our orders move nobody, so none sets off another.
"""

import numpy as np

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, ORDER_ACCEPTED, ORDER_REJECTED, ORDER_REPLACED, ORDER_TRIGGERED, SELL
from b25.model.order import SUBMIT, Reason
from b25.model.world import PIPE_FULL, VENUE_ORDERS_FULL
from b25.venue.pipes import requests_of, send_answer
from b25.venue.records import REQUEST

WRONG_SIDE = int(Reason.STOP_WRONG_SIDE)


@kernel
def stops_of(venue):
    """Return the table of waiting stops; the first `stop_count` are in use."""
    return array_at(venue["stops"], venue["stops_size"], REQUEST)


@kernel
def find_stop(venue, order_id):
    """Place of a waiting stop, or -1."""
    stops = stops_of(venue)
    for k in range(venue["stop_count"]):
        if stops[k]["order_id"] == order_id:
            return k
    return -1


@kernel
def wait_for_stop(venue, latency, request, now_ns):
    """Let a stop wait; one that the last print has already reached is refused, as it would trigger at once."""
    side, stop, last = np.int64(request["side"]), request["stop_ticks"], venue["last_ticks"]
    order_id, number, price, lots = request["order_id"], request["request_id"], request["price_ticks"], request["qty_lots"]
    if last != 0 and (last - stop) * side >= 0:
        send_answer(venue, latency, now_ns, ORDER_REJECTED, order_id, number, side, price, lots, 0, 0, WRONG_SIDE)
        return
    count = venue["stop_count"]
    if count >= venue["stops_size"]:
        venue["status"] = VENUE_ORDERS_FULL
        return
    copy_request(request, stops_of(venue)[count])
    venue["stop_count"] = count + 1
    widen_stops(venue, side, stop)
    send_answer(venue, latency, now_ns, ORDER_ACCEPTED, order_id, number, side, price, lots, 0, 0, 0)


@kernel
def amend_stop(venue, latency, request, k, now_ns):
    """Give a waiting stop the price and quantity of its order to be."""
    order = stops_of(venue)[k]
    order["price_ticks"], order["qty_lots"] = request["price_ticks"], request["qty_lots"]
    order_id, number, price, lots = request["order_id"], request["request_id"], request["price_ticks"], request["qty_lots"]
    send_answer(venue, latency, now_ns, ORDER_REPLACED, order_id, number, order["side"], price, lots, 0, 0, 0)


@kernel
def copy_request(request, out):
    """Copy a REQUEST record field by field."""
    out["arrive_ns"] = request["arrive_ns"]
    out["order_id"] = request["order_id"]
    out["request_id"] = request["request_id"]
    out["price_ticks"] = request["price_ticks"]
    out["qty_lots"] = request["qty_lots"]
    out["stop_ticks"] = request["stop_ticks"]
    out["kind"] = request["kind"]
    out["side"] = request["side"]
    out["tif"] = request["tif"]
    out["flags"] = request["flags"]


@kernel
def widen_stops(venue, side, stop):
    """Take a stop into the bounds outside of which a print fires."""
    if side == BUY:
        venue["stop_rise_ticks"] = min(venue["stop_rise_ticks"], stop)
    else:
        venue["stop_fall_ticks"] = max(venue["stop_fall_ticks"], stop)


@kernel
def drop_stop(venue, k):
    """Take a stop out; those behind it move up."""
    stops = stops_of(venue)
    count = venue["stop_count"] - 1
    for j in range(k, count):
        copy_request(stops[j + 1], stops[j])
    venue["stop_count"] = count
    venue["stop_rise_ticks"], venue["stop_fall_ticks"] = NO_ASK_TICKS, NO_BID_TICKS
    for j in range(count):
        widen_stops(venue, stops[j]["side"], stops[j]["stop_ticks"])


@kernel
def fire_stops(venue, latency, now_ns, price_ticks):
    """Let the stops that a print reaches become requests, ahead of those on their way."""
    fired = 0
    for side in (BUY, SELL):
        while True:
            k = _nearest_reached(venue, side, price_ticks)
            if k < 0:
                break
            _put_before(venue, stops_of(venue)[k], now_ns, fired)
            fired += 1
            order = stops_of(venue)[k]
            order_id, price, lots = order["order_id"], order["price_ticks"], order["qty_lots"]
            drop_stop(venue, k)
            send_answer(venue, latency, now_ns, ORDER_TRIGGERED, order_id, 0, side, price, lots, 0, 0, 0)


@kernel
def _nearest_reached(venue, side, price_ticks):
    """Place of the stop of a side that a print at this price reaches first, or -1."""
    stops, found = stops_of(venue), -1
    for k in range(venue["stop_count"]):
        order = stops[k]
        if order["side"] != side or (price_ticks - order["stop_ticks"]) * side < 0:
            continue
        if found < 0 or (stops[found]["stop_ticks"] - order["stop_ticks"]) * side > 0:
            found = k
    return found


@kernel
def _put_before(venue, order, now_ns, behind):
    """Put a request before all that are on their way, but behind the `behind` that were put so just now."""
    size, requests = venue["pipe_size"], requests_of(venue)
    if venue["request_tail"] - venue["request_head"] >= size:
        venue["status"] = PIPE_FULL
        return
    head = venue["request_head"] - 1 + size
    venue["request_head"] = head
    venue["request_tail"] += size
    for j in range(behind):
        copy_request(requests[(head + j + 1) % size], requests[(head + j) % size])
    row = requests[(head + behind) % size]
    copy_request(order, row)
    row["arrive_ns"], row["stop_ticks"], row["kind"] = now_ns, 0, SUBMIT
