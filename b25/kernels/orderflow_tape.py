"""What the simulated exchange publishes: prints at once, depth changes in numbered batches, both a little late."""

from typing import Final

from b25.kernels.dice import draw, heavy, skewed
from b25.kernels.jit import kernel
from b25.kernels.orderflow import sample_step
from b25.kernels.orderflow_book import apply_input, resting_lots
from b25.kernels.orderflow_state import BIDS, NONE_YET, RUNG_MASK, RUNGS
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, SELL, SNAPSHOT

PRICE_MASK: Final = 2**32 - 1
ROWS_SPARE: Final = 4 * RUNGS  # room that one step may need: a level of each rung in one message, and the prints of a sweep


@kernel
def advance(flow, rows, until_ns):
    """Let the market live until a time, and write what its exchange publishes.

    Parameters
    ----------
    flow : Flow
        Moves on to the first step at or after `until_ns`, or to where `rows` had no room for another step.
    rows : ndarray of ROW
        Must hold more than `ROWS_SPARE`.
    until_ns : int

    Returns
    -------
    int
        Rows written. Call again while ``flow.state[0]["now_ns"] < until_ns``.
    """
    model, state = flow.model[0], flow.state[0]
    used = NONE_YET
    room = rows.shape[0] - ROWS_SPARE
    while state["now_ns"] < until_ns and used < room:
        first = used
        count = sample_step(flow)
        for i in range(count):
            used = apply_input(flow, flow.inputs[i], rows, used)
        for i in range(first, used):
            rows[i]["recv_ns"] = _receive(model, state)
        if state["now_ns"] >= state["publish_ns"]:
            spread_ns = model["publish_ns_max"] - model["publish_ns_min"]
            wait_ns = model["publish_ns_min"] + (draw(state) * (spread_ns + 1) >> 32)
            state["publish_ns"] = state["now_ns"] + wait_ns
            used = _publish_depth(flow, rows, used)
    return used


@kernel
def publish_snapshot(flow, rows):
    """Write the whole book as one snapshot message; the stream of depth messages does not notice.

    Parameters
    ----------
    flow : Flow
    rows : ndarray of ROW
        Must hold more than `ROWS_SPARE`.

    Returns
    -------
    int
        Rows written: for each side a CLEAR up to its last level, then its levels from the touch outward.
    """
    model, state = flow.model[0], flow.state[0]
    recv_ns = _receive(model, state)
    used = NONE_YET
    for side_index in range(2):
        side = BUY if side_index == BIDS else SELL
        price = state["best_bid_ticks"] if side == BUY else state["best_ask_ticks"]
        last = state["low_bid_ticks"] if side == BUY else state["high_ask_ticks"]
        if not NO_BID_TICKS < price < NO_ASK_TICKS:
            continue
        clear = used
        used += 1
        while (price - last) * side >= 0:
            lots = resting_lots(flow, side_index, price)
            if lots > 0:
                _write(state, rows[used], SNAPSHOT, side, price, lots, recv_ns)
                used += 1
            price -= side
        _write(state, rows[clear], CLEAR, side, rows[used - 1]["price_ticks"], 0, recv_ns)
    for i in range(used):
        rows[i]["first_id"] = state["update_id"]
        rows[i]["last_id"] = state["update_id"]
        rows[i]["prev_id"] = -1
    if used > 0:
        rows[used - 1]["flags"] = LAST_OF_MESSAGE
    return used


@kernel
def _publish_depth(flow, rows, used):
    """Write the rungs whose lots differ from what was last shown, bids then asks, each from the lowest price up."""
    model, state = flow.model[0], flow.state[0]
    touched = state["touched"]
    _sort(flow.touched, touched)
    first = used
    for i in range(touched):
        key = flow.touched[i]
        side_index, price = key >> 32, key & PRICE_MASK
        rung = flow.rungs[side_index, price & RUNG_MASK]
        rung["touched"] = 0
        if rung["qty_lots"] != rung["shown_lots"]:
            rung["shown_lots"] = rung["qty_lots"]
            _write(state, rows[used], DEPTH, BUY if side_index == BIDS else SELL, price, rung["qty_lots"], 0)
            used += 1
    state["touched"] = 0
    if used == first:
        return used
    recv_ns = _receive(model, state)
    for i in range(first, used):
        row = rows[i]
        row["recv_ns"] = recv_ns
        row["first_id"] = state["shown_update_id"] + 1
        row["last_id"] = state["update_id"]
        row["prev_id"] = state["shown_update_id"]
    rows[used - 1]["flags"] = LAST_OF_MESSAGE
    state["shown_update_id"] = state["update_id"]
    return used


@kernel
def _sort(keys, count):
    # A few dozen keys, and far fewer instructions to compile than numba's general sort.
    for i in range(1, count):
        key = keys[i]
        j = i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1] = keys[j]
            j -= 1
        keys[j + 1] = key


@kernel
def _write(state, row, kind, side, price_ticks, qty_lots, recv_ns):
    row["exch_ns"] = state["now_ns"]
    row["recv_ns"] = recv_ns
    row["qty_lots"] = qty_lots
    row["price_ticks"] = price_ticks
    row["kind"] = kind
    row["side"] = side
    row["flags"] = 0
    row["pad"] = 0


@kernel
def _receive(model, state):
    """When a message of this moment reaches us: lognormal delay, now and then a slow one, never out of order."""
    delay_ns = skewed(state, model["latency_ns_median"], model["latency_spread"])
    if draw(state) & 255 == 0:
        delay_ns += heavy(state, 2e6, 2e8)
    state["recv_ns"] = max(state["recv_ns"] + 1_000, state["now_ns"] + int(delay_ns))
    return state["recv_ns"]
