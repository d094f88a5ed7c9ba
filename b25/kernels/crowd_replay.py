"""A recording replayed into the matching engine, with other accounts' orders among its levels.

A recording holds levels, not orders. What a level gains joins it as one more order of the crowd; what it loses without a
trade was withdrawn ahead of us or behind us, by the same queue models as in backtests. A print is sent to the book and takes
whom it meets, us included. A level shown at or through a price of ours meets us there. The crowd is account 0.
"""

import numpy as np

from b25.kernels.crowd import EVENTS_KEPT, keep_events, withdraw
from b25.kernels.jit import kernel
from b25.kernels.matching import execute, has_room
from b25.kernels.matching_book import next_level, no_price
from b25.kernels.matching_take import executable_lots
from b25.kernels.queue import after_depth
from b25.model.event import BUY, CLEAR, DEPTH, SELL, SNAPSHOT, TRADE
from b25.model.matching import ASKS, BIDS, PLACE
from b25.model.order import Tif

IOC, GTC = int(Tif.IOC), int(Tif.GTC)
ZERO = np.int64(0)

REPLAY = np.dtype(
    [
        ("order_id", "i8"),  # of the crowd's last order
        ("row", "i8"),  # next row
        ("queue_model", "i8"),
        ("queue_n", "f8"),
        ("lot", "f8"),  # base units
        ("prints_missed", "i8"),  # lots printed where the book showed too few: they were added
    ],
    align=True,
)


@kernel
def replay(state, book, command, rows, until_ns):
    """Replay rows up to and including a venue time.

    Parameters
    ----------
    state : REPLAY record
    book : Matching
    command : MATCH_COMMAND record
        Written over.
    rows : ndarray of ROW
    until_ns : int
        On the recording's clock.

    Returns
    -------
    bool
        False when events or room call for the caller; call again once they are seen to.
    """
    head = book.head[0]
    while state["row"] < rows.shape[0] and rows[state["row"]]["exch_ns"] <= until_ns:
        if not has_room(book) or head["events"] > EVENTS_KEPT:
            return False
        row = rows[state["row"]]
        kind, side, price_ticks = row["kind"], np.int64(row["side"]), np.int64(row["price_ticks"])
        if kind == CLEAR:
            clear(book, side, price_ticks)
        elif 0 < price_ticks < book.page_of.shape[1] << 8:
            if kind == TRADE:
                if not show_print(state, book, command, side, price_ticks, row["qty_lots"]):
                    return False
            elif kind == DEPTH or kind == SNAPSHOT:
                show_level(state, book, command, side, price_ticks, row["qty_lots"])
        state["row"] += 1
    return True


@kernel
def send(state, book, command, side, price_ticks, qty_lots, tif):
    """Send an order of the crowd."""
    state["order_id"] += 1
    command["order_id"], command["account"], command["side"] = state["order_id"], 0, side
    command["qty_lots"], command["price_ticks"] = qty_lots, price_ticks
    command["stop_ticks"] = command["budget_ticklots"] = 0
    command["kind"], command["stp"], command["flags"], command["tif"] = PLACE, 0, 0, tif
    first = book.head[0]["events"]
    execute(book, command)
    keep_events(book, first)


@kernel
def show_print(state, book, command, side, price_ticks, qty_lots):
    """Let a print happen here too; False, with nothing done, when there is no room for it."""
    there = executable_lots(book, side, price_ticks, 0, 0, qty_lots)
    if there < qty_lots:
        # Nobody stands in the way at this price, or they would have been counted.
        state["prints_missed"] += qty_lots - there
        give_way(book, -side, price_ticks)
        send(state, book, command, -side, price_ticks, qty_lots - there, GTC)
        if not has_room(book):
            return False
    send(state, book, command, side, price_ticks, qty_lots, IOC)
    return True


@kernel
def show_level(state, book, command, side, price_ticks, qty_lots):
    """Let the crowd's part of a level be what the recording shows."""
    if qty_lots > 0:
        give_way(book, side, price_ticks)
    queue = BIDS if side == BUY else ASKS
    front, own, held = stand_at(book, queue, price_ticks)
    if qty_lots > held:
        send(state, book, command, side, price_ticks, qty_lots - held, GTC)
    elif qty_lots < held:
        ahead = ZERO
        if own:
            lot = state["lot"]
            left, _ = after_depth(state["queue_model"], state["queue_n"], front * lot, 0.0, held * lot, qty_lots * lot)
            ahead = front - min(front, max(ZERO, np.int64(np.round(left / lot))))
            ahead = max(ahead, held - qty_lots - (held - front))
            withdraw(book, queue, price_ticks, ahead, 0)
        withdraw(book, queue, price_ticks, held - qty_lots - ahead, 1)


@kernel
def stand_at(book, queue, price_ticks):
    """Crowd's lots ahead of the first order of another account at a level, whether there is one, and all the crowd's lots."""
    page = np.int64(book.page_of[queue, price_ticks >> 8]) - 1
    if page < 0 or book.levels[page, price_ticks & 255]["lots"] == 0:
        return ZERO, False, ZERO
    front, held, own = ZERO, ZERO, False
    slot = np.int64(book.levels[page, price_ticks & 255]["first"])
    while slot >= 0:
        order = book.orders[slot]
        if order["account"] != 0:
            own = True
        else:
            held += order["leaves_lots"]
            if not own:
                front += order["leaves_lots"]
        slot = np.int64(order["next"])
    return front, own, held


@kernel
def give_way(book, side, price_ticks):
    """Withdraw the crowd's orders that a level of the other side would cross: the recording has no such orders any more."""
    queue = ASKS if side == BUY else BIDS
    at = np.int64(book.head[0]["best_ticks"][queue])
    while at != no_price(queue) and (price_ticks - at) * side >= 0:
        following = next_level(book, queue, at)
        withdraw(book, queue, at, np.int64(2**62), 0)
        at = following


@kernel
def clear(book, side, price_ticks):
    """Withdraw the crowd's levels from the touch up to and including a price; without a side, all of them."""
    for queue in range(2):
        toward = BUY if queue == BIDS else SELL
        if side == toward or side == 0:
            at = np.int64(book.head[0]["best_ticks"][queue])
            while at != no_price(queue) and (side == 0 or (at - price_ticks) * toward >= 0):
                following = next_level(book, queue, at)
                withdraw(book, queue, at, np.int64(2**62), 0)
                at = following
