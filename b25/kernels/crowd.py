"""A crowd trades on the matching engine: the order flow of `orderflow`, among everybody else's orders.

The sampler of the order flow decides by the public picture of a book. Here that picture is kept from the matching engine's
own book, which others trade on too, and what is sampled is sent to it: what rests is post-only, what takes is immediate or
cancel, and who withdraws lets go of orders at either end of a level. The crowd is account 0 of its book.
"""

import numpy as np

from b25.kernels.dice import draw
from b25.kernels.jit import kernel
from b25.kernels.matching import execute, has_room
from b25.kernels.matching_book import next_level, no_price
from b25.kernels.matching_queue import shrink
from b25.kernels.orderflow import remember, sample_step
from b25.kernels.orderflow_state import CANCEL as WITHDRAW
from b25.kernels.orderflow_state import PLACE as REST
from b25.kernels.orderflow_state import REACH_TICKS, RUNG_MASK, RUNGS
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, SELL
from b25.model.matching import ASKS, BIDS, MARKET, PLACE, POST_ONLY, MatchKind
from b25.model.order import Tif

TRADE = int(MatchKind.TRADE)
BIDS_SEEN, ASKS_SEEN = np.int64(0), np.int64(1)  # sides of the picture
IOC, GTC = int(Tif.IOC), int(Tif.GTC)
EVENTS_KEPT = 8192  # before the caller is asked to read them

CROWD = np.dtype(
    [
        ("order_id", "i8"),  # of its last order
        ("scale", "i8"),  # lots of the book in one lot of the sampler
        ("step_ticks", "i8"),  # ticks of the book in one tick of the sampler
        ("anchor_ticks", "f8"),  # what the fair value is drawn towards; 0 for nothing
        ("pull_per_s", "f8"),
        ("push_ticks", "f8"),  # added to the fair value at each of the next `push_steps`: a crash, a squeeze
        ("push_steps", "i8"),
        ("inputs", "i8"),  # sampled in the step under way, and how many of them are done
        ("inputs_done", "i8"),
        ("changes_seen", "i8"),
        ("taken_seen", "i8"),  # lots that accounts had taken when the crowd last looked
    ],
    align=True,
)


@kernel
def live(flow, crowd, book, command, until_ns):
    """Let the crowd trade until a time.

    Parameters
    ----------
    flow : Flow
        Its picture of the book must be as the book is: see `look_around`.
    crowd : CROWD record
    book : Matching
        Notes its changes. Its events are the trades, and what became of other accounts' orders.
    command : MATCH_COMMAND record
        Written over.
    until_ns : int

    Returns
    -------
    bool
        False when events or room call for the caller; call again once they are seen to.
    """
    head, state, model = book.head[0], flow.state[0], flow.model[0]
    crowd["changes_seen"] = head["changes"]
    while True:
        while crowd["inputs_done"] < crowd["inputs"]:
            if not has_room(book) or head["events"] > EVENTS_KEPT:
                return False
            send(flow, crowd, book, command, flow.inputs[crowd["inputs_done"]])
            crowd["inputs_done"] += 1
        if state["now_ns"] >= until_ns:
            return True
        if crowd["push_steps"] > 0:
            crowd["push_steps"] -= 1
            state["fair_ticks"] += crowd["push_ticks"]
        if crowd["anchor_ticks"] > 0.0:
            step_s = model["step_ns"] * 1e-9
            state["fair_ticks"] += (crowd["anchor_ticks"] - state["fair_ticks"]) * crowd["pull_per_s"] * step_s
        crowd["inputs"] = sample_step(flow)
        crowd["inputs_done"] = 0


@kernel
def send(flow, crowd, book, command, order):
    """Send one sampled order to the book, and look at what that changed."""
    head = book.head[0]
    kind, side, price_ticks = order["kind"], np.int64(order["side"]), order["price_ticks"]
    qty_lots, step = order["qty_lots"] * crowd["scale"], crowd["step_ticks"]
    in_range = 0 < price_ticks < (book.page_of.shape[1] << 8) // step
    if kind == WITHDRAW:
        if in_range:
            from_the_back = draw(flow.state[0]) & 1
            for at in range(price_ticks * step, (price_ticks + 1) * step):
                qty_lots -= withdraw(book, BIDS if side == BUY else ASKS, at, qty_lots, from_the_back)
        see_changes(flow, crowd, book)
        return
    unlimited = price_ticks == NO_ASK_TICKS or price_ticks == NO_BID_TICKS
    if kind == REST and not in_range:
        return
    if not in_range and not unlimited:
        return
    crowd["order_id"] += 1
    command["order_id"], command["account"], command["side"] = crowd["order_id"], 0, side
    # Nobody's quantities and prices are whole multiples of one number.
    command["qty_lots"] = qty_lots - draw(flow.state[0]) % crowd["scale"]
    if unlimited:
        command["price_ticks"] = 0
    elif kind == REST:
        command["price_ticks"] = price_ticks * step + draw(flow.state[0]) % step
    else:
        command["price_ticks"] = price_ticks * step + (step - 1 if side == BUY else 0)
    command["stop_ticks"] = command["budget_ticklots"] = 0
    command["kind"], command["stp"] = PLACE, 0
    command["tif"] = GTC if kind == REST else IOC
    command["flags"] = POST_ONLY if kind == REST else (MARKET if unlimited else 0)
    first = head["events"]
    execute(book, command)
    keep_events(book, first)
    see_changes(flow, crowd, book)


@kernel
def keep_events(book, first):
    """Keep of the events from `first` on the trades, and what concerns an account."""
    head, kept = book.head[0], first
    for k in range(first, head["events"]):
        event = book.events[k]
        if event["kind"] == TRADE or event["account"] != 0:
            if kept != k:
                book.events[kept] = event
            kept += 1
    head["events"] = kept


@kernel
def withdraw(book, queue, price_ticks, qty_lots, from_the_back):
    """Take up to so many lots of the crowd's away from a level, order by order from one end; returns how many."""
    page = np.int64(book.page_of[queue, price_ticks >> 8]) - 1
    if page < 0:
        return np.int64(0)
    level, taken = book.levels[page, price_ticks & 255], np.int64(0)
    if level["lots"] == 0:
        return np.int64(0)
    slot = np.int64(level["last"] if from_the_back else level["first"])
    while slot >= 0 and taken < qty_lots:
        order = book.orders[slot]
        following = np.int64(order["prev"] if from_the_back else order["next"])
        if order["account"] == 0:
            lots = min(qty_lots - taken, order["leaves_lots"])
            shrink(book, slot, lots)
            taken += lots
        slot = following
    return taken


@kernel
def in_crowds_lots(crowd, lots):
    """Lots of the book as the sampler counts them, rounded up so that nothing that rests looks like nothing."""
    return (lots + crowd["scale"] - 1) // crowd["scale"]


@kernel
def look_around(flow, crowd, book):
    """Take the picture of the book anew, learn what others took, and withdraw what was left too far behind."""
    state, head, step = flow.state[0], book.head[0], crowd["step_ticks"]
    taken = head["taken_lots"] - crowd["taken_seen"]
    crowd["taken_seen"] = head["taken_lots"]
    if taken != 0:
        side = np.int64(BUY) if taken > 0 else np.int64(SELL)
        remember(flow.model[0], state, side, in_crowds_lots(crowd, abs(taken)), flow.model[0]["impact_ticks"])
    forget(flow.rungs, BIDS_SEEN, state["low_bid_ticks"], state["best_bid_ticks"])
    forget(flow.rungs, ASKS_SEEN, state["best_ask_ticks"], state["high_ask_ticks"])
    state["levels"] = 0
    look_at_touch(state, crowd, book)
    state["low_bid_ticks"], state["high_ask_ticks"] = NO_ASK_TICKS, NO_BID_TICKS
    for queue in range(2):
        best = np.int64(head["best_ticks"][queue])
        at, seen = best, np.int64(-1)
        while at != no_price(queue):
            following = next_level(book, queue, at)
            if abs(at - best) > REACH_TICKS * step:
                withdraw(book, queue, at, np.int64(2**62), 0)
            elif at // step != seen:
                seen = at // step
                see_level(flow, crowd, book, queue, seen)
            at = following


@kernel
def forget(rungs, side_index, low_ticks, high_ticks):
    """Empty the picture of a side between the prices that it knows; all of it when they are not prices."""
    whole = low_ticks > high_ticks or high_ticks - low_ticks >= RUNGS or low_ticks == NO_BID_TICKS or high_ticks == NO_ASK_TICKS
    for k in range(RUNGS if whole else high_ticks - low_ticks + 1):
        rungs[side_index, (low_ticks + k) & RUNG_MASK]["qty_lots"] = 0


@kernel
def look_at_touch(state, crowd, book):
    """Take both best prices into the picture."""
    best, step = book.head[0]["best_ticks"], crowd["step_ticks"]
    bid, ask = np.int64(best[BIDS]), np.int64(best[ASKS])
    state["best_bid_ticks"] = bid // step if bid != NO_BID_TICKS else bid
    state["best_ask_ticks"] = ask // step if ask != NO_ASK_TICKS else ask


@kernel
def see_level(flow, crowd, book, queue, price_ticks):
    """Take what rests at one of the sampler's prices into the picture."""
    state, step, lots = flow.state[0], crowd["step_ticks"], np.int64(0)
    for at in range(price_ticks * step, (price_ticks + 1) * step):
        page = np.int64(book.page_of[queue, at >> 8]) - 1
        if page >= 0:
            lots += book.levels[page, at & 255]["lots"]
    lots = in_crowds_lots(crowd, lots)
    rung = flow.rungs[0 if queue == BIDS else 1, price_ticks & RUNG_MASK]
    state["levels"] += np.int64(lots > 0) - np.int64(rung["qty_lots"] > 0)
    rung["qty_lots"] = lots
    if lots > 0 and queue == BIDS:
        state["low_bid_ticks"] = min(state["low_bid_ticks"], price_ticks)
    elif lots > 0:
        state["high_ask_ticks"] = max(state["high_ask_ticks"], price_ticks)


@kernel
def see_changes(flow, crowd, book):
    """Bring the picture up to what has changed since it was last looked at."""
    state, head, step = flow.state[0], book.head[0], crowd["step_ticks"]
    look_at_touch(state, crowd, book)
    for k in range(crowd["changes_seen"], head["changes"]):
        change = book.changes[k]
        queue, price_ticks = (BIDS if change["side"] == BUY else ASKS), change["price_ticks"] // step
        best = state["best_bid_ticks"] if queue == BIDS else state["best_ask_ticks"]
        if abs(price_ticks - best) <= 2 * REACH_TICKS or best == NO_BID_TICKS or best == NO_ASK_TICKS:
            see_level(flow, crowd, book, queue, price_ticks)
    crowd["changes_seen"] = head["changes"]
