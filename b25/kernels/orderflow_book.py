"""The simulator's own book: price levels in a ring of ticks, without queues, made to be correct rather than complete."""

from b25.kernels.dice import uniform
from b25.kernels.jit import kernel
from b25.kernels.orderflow_state import ASKS, BIDS, CANCEL, PLACE, REACH_TICKS, RUNG_MASK, TAKE
from b25.model.event import BUY, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, TRADE


@kernel
def apply_input(flow, order, rows, used):
    """Let the book take one order.

    Parameters
    ----------
    flow : Flow
    order : INPUT record
        A PLACE that would trade is dropped (every resting order is post-only); a CANCEL takes at most what is there; a
        TAKE fills from the touch outward within its limit and what is left of it expires.
    rows : ndarray of ROW
        Receives one TRADE row a print, `recv_ns` still unset.
    used : int
        Rows already written.

    Returns
    -------
    int
        Rows now written.
    """
    kind = order["kind"]
    if kind == PLACE:
        _place(flow, order["side"], order["price_ticks"], order["qty_lots"])
    elif kind == CANCEL:
        side_index = 0 if order["side"] == BUY else 1
        lots = min(order["qty_lots"], resting_lots(flow, side_index, order["price_ticks"]))
        _remove(flow, side_index, order["price_ticks"], lots)
    elif kind == TAKE:
        used = _take(flow, order, rows, used)
    return used


@kernel
def resting_lots(flow, side_index, price_ticks):
    """Lots at a price, 0 where the book does not reach; the ring alone would answer for a price a lap away."""
    state = flow.state[0]
    if side_index == BIDS:
        inside = state["low_bid_ticks"] <= price_ticks <= state["best_bid_ticks"]
    else:
        inside = state["best_ask_ticks"] <= price_ticks <= state["high_ask_ticks"]
    return flow.rungs[side_index, price_ticks & RUNG_MASK]["qty_lots"] if inside else 0


@kernel
def _touch(flow, side_index, price_ticks):
    state = flow.state[0]
    state["update_id"] += 1
    rung = flow.rungs[side_index, price_ticks & RUNG_MASK]
    if rung["touched"] == 0:
        rung["touched"] = 1
        flow.touched[state["touched"]] = side_index << 32 | price_ticks
        state["touched"] += 1


@kernel
def _place(flow, side, price_ticks, qty_lots):
    state = flow.state[0]
    side_index = BIDS if side == BUY else ASKS
    best_bid, best_ask = state["best_bid_ticks"], state["best_ask_ticks"]
    if side == BUY:
        if price_ticks >= best_ask or price_ticks <= NO_BID_TICKS or price_ticks < best_bid - REACH_TICKS:
            return
        state["best_bid_ticks"] = max(best_bid, price_ticks)
        state["low_bid_ticks"] = min(state["low_bid_ticks"], price_ticks) if best_bid != NO_BID_TICKS else price_ticks
    else:
        if price_ticks <= best_bid or price_ticks >= NO_ASK_TICKS or price_ticks > best_ask + REACH_TICKS:
            return
        state["best_ask_ticks"] = min(best_ask, price_ticks)
        state["high_ask_ticks"] = max(state["high_ask_ticks"], price_ticks) if best_ask != NO_ASK_TICKS else price_ticks
    _trim(flow)
    rung = flow.rungs[side_index, price_ticks & RUNG_MASK]
    if rung["qty_lots"] == 0:
        state["levels"] += 1
    rung["qty_lots"] += qty_lots
    _touch(flow, side_index, price_ticks)


@kernel
def _remove(flow, side_index, price_ticks, qty_lots):
    """Take `qty_lots`, which the level holds, away; move the touch when it was the last of it."""
    if qty_lots <= 0:
        return
    state = flow.state[0]
    rung = flow.rungs[side_index, price_ticks & RUNG_MASK]
    rung["qty_lots"] -= qty_lots
    _touch(flow, side_index, price_ticks)
    if rung["qty_lots"] > 0:
        return
    state["levels"] -= 1
    if side_index == BIDS and price_ticks == state["best_bid_ticks"]:
        price_ticks -= 1
        while price_ticks >= state["low_bid_ticks"] and flow.rungs[0, price_ticks & RUNG_MASK]["qty_lots"] == 0:
            price_ticks -= 1
        state["best_bid_ticks"] = price_ticks if price_ticks >= state["low_bid_ticks"] else NO_BID_TICKS
    elif side_index == ASKS and price_ticks == state["best_ask_ticks"]:
        price_ticks += 1
        while price_ticks <= state["high_ask_ticks"] and flow.rungs[1, price_ticks & RUNG_MASK]["qty_lots"] == 0:
            price_ticks += 1
        state["best_ask_ticks"] = price_ticks if price_ticks <= state["high_ask_ticks"] else NO_ASK_TICKS


@kernel
def _trim(flow):
    """Withdraw what the touch has left too far behind: the ring must never hold two prices in one slot."""
    state = flow.state[0]
    while state["low_bid_ticks"] < state["best_bid_ticks"] - REACH_TICKS:
        price = state["low_bid_ticks"]
        _remove(flow, BIDS, price, resting_lots(flow, BIDS, price))
        state["low_bid_ticks"] += 1
    while state["high_ask_ticks"] > state["best_ask_ticks"] + REACH_TICKS:
        price = state["high_ask_ticks"]
        _remove(flow, ASKS, price, resting_lots(flow, ASKS, price))
        state["high_ask_ticks"] -= 1


@kernel
def _take(flow, order, rows, used):
    state = flow.state[0]
    side, left, limit = order["side"], order["qty_lots"], order["price_ticks"]
    side_index = ASKS if side == BUY else BIDS
    while left > 0:
        price = state["best_ask_ticks"] if side == BUY else state["best_bid_ticks"]
        if not NO_BID_TICKS < price < NO_ASK_TICKS or (price - limit) * side > 0:
            break
        resting = flow.rungs[side_index, price & RUNG_MASK]["qty_lots"]
        # A level is many orders: a print is one of them, and here its share of the level is drawn.
        lots = min(left, resting, 1 + int(resting * (0.3 + 0.7 * uniform(state))))
        _remove(flow, side_index, price, lots)
        left -= lots
        state["trade_id"] += 1
        row = rows[used]
        row["exch_ns"] = state["now_ns"]
        row["first_id"] = state["trade_id"]
        row["last_id"] = state["trade_id"]
        row["prev_id"] = -1
        row["qty_lots"] = lots
        row["price_ticks"] = price
        row["kind"] = TRADE
        row["side"] = side
        row["flags"] = LAST_OF_MESSAGE
        used += 1
    return used
