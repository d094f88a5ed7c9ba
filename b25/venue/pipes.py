"""Requests and answers on their way: one FIFO a direction, each with its latency, neither overtaking itself."""

import math

import numpy as np

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.model.event import EVENT
from b25.model.world import PIPE_FULL
from b25.venue.records import CONSTANT, RECORDED, REQUEST, ROUND_TRIP

TWO_PI = 2.0 * math.pi
UNIT = 1.0 / 9007199254740992.0  # 2**-53
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@kernel
def uniform(latency):
    """Next number in (0, 1] of the generator whose state is in the record (splitmix64)."""
    seed = np.uint64(latency["seed"]) + GOLDEN
    latency["seed"] = seed
    z = (seed ^ (seed >> SHIFT_30)) * MIX_1
    z = (z ^ (z >> SHIFT_27)) * MIX_2
    z = z ^ (z >> SHIFT_31)
    return (np.float64(np.int64(z >> SHIFT_11)) + 1.0) * UNIT


@kernel
def drawn_ns(latency):
    """One latency from the lognormal distribution."""
    normal = math.sqrt(-2.0 * math.log(uniform(latency))) * math.cos(TWO_PI * uniform(latency))
    return latency["floor_ns"] + np.int64(math.exp(latency["log_mu"] + latency["log_sigma"] * normal))


@kernel
def interpolated(trips, entry, now_ns):
    """Latency at `now_ns` between the neighbouring round trips, held at the ends, truncated to ns."""
    low, high = 0, trips.shape[0]
    while low < high:
        middle = (low + high) >> 1
        at = trips[middle]["request_ns"] if entry else trips[middle]["exch_ns"]
        if at <= now_ns:
            low = middle + 1
        else:
            high = middle
    right = min(low, trips.shape[0] - 1)
    left = max(low - 1, 0)
    if entry:
        t0, t1 = trips[left]["request_ns"], trips[right]["request_ns"]
        y0, y1 = trips[left]["exch_ns"] - t0, trips[right]["exch_ns"] - t1
    else:
        t0, t1 = trips[left]["exch_ns"], trips[right]["exch_ns"]
        y0, y1 = trips[left]["answer_ns"] - t0, trips[right]["answer_ns"] - t1
    if t1 <= t0 or now_ns <= t0:
        return y0 if now_ns <= t0 else y1
    return np.int64(y0 + (y1 - y0) * ((now_ns - t0) / (t1 - t0)))


@kernel
def latency_ns(latency, entry, now_ns):
    """Nanoseconds that a request sent now (`entry`), or an answer given now, takes."""
    kind = latency["kind"]
    if kind == CONSTANT:
        return latency["entry_ns"] if entry else latency["response_ns"]
    if kind == RECORDED:
        return interpolated(array_at(latency["trips"], latency["trip_count"], ROUND_TRIP), entry, now_ns)
    return drawn_ns(latency)


@kernel
def requests_of(venue):
    """Ring of requests under way."""
    return array_at(venue["requests"], venue["pipe_size"], REQUEST)


@kernel
def answers_of(venue):
    """Ring of answers under way, as EVENT rows; `local_ns` is their arrival."""
    return array_at(venue["answers"], venue["pipe_size"], EVENT)


@kernel
def send_request(venue, latency, now_ns, effect):
    """Put an approved effect on its way to the venue."""
    size = venue["pipe_size"]
    if venue["request_tail"] - venue["request_head"] >= size:
        venue["status"] = PIPE_FULL
        return
    row = requests_of(venue)[venue["request_tail"] % size]
    arrive = max(now_ns + latency_ns(latency, True, now_ns), venue["last_arrive_ns"])
    venue["last_arrive_ns"] = arrive
    row["arrive_ns"] = arrive
    row["order_id"] = effect["order_id"]
    row["request_id"] = effect["request_id"]
    row["price_ticks"] = effect["price_ticks"]
    row["qty_lots"] = effect["qty_lots"]
    row["stop_ticks"] = effect["stop_ticks"]
    row["kind"] = effect["kind"]
    row["side"] = effect["side"]
    row["tif"] = effect["tif"]
    row["flags"] = effect["flags"]
    venue["request_tail"] += 1


@kernel
def send_answer(venue, latency, now_ns, kind, order_id, request_id, side, price_ticks, qty_lots, fee_e8, flags, status):
    """Put one answer on its way to the trader."""
    size = venue["pipe_size"]
    if venue["answer_tail"] - venue["answer_head"] >= size:
        venue["status"] = PIPE_FULL
        return
    row = answers_of(venue)[venue["answer_tail"] % size]
    arrive = max(now_ns + latency_ns(latency, False, now_ns), venue["last_answer_ns"])
    venue["last_answer_ns"] = arrive
    row["exch_ns"] = now_ns
    row["local_ns"] = arrive
    row["seq"] = request_id
    row["price_ticks"] = price_ticks
    row["qty_lots"] = qty_lots
    row["order_id"] = order_id
    row["amount"] = fee_e8
    row["kind"] = kind
    row["flags"] = flags
    row["side"] = side
    row["status"] = status
    venue["answer_tail"] += 1
