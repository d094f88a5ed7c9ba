"""The trader's side of a replay: bring messages into the world, one by one or in one stride up to a time.

The code that keeps the whole depth is called by its address, and compiled only for strategies that look at the depth.
"""

import numpy as np

from b25.engine.apply import CALL_BOOK, CALL_GAP, CALL_TRADE, apply_trade, count_traded
from b25.engine.depth import deepen
from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.kernels.world import books_of
from b25.model.event import GAP, NO_ASK_TICKS, NO_BID_TICKS, TRADE
from b25.model.tape import MESSAGE

FOREVER = 2**62


@kernel
def messages_of(venue):
    """Return the tape's messages."""
    return array_at(venue["messages"], venue["message_count"], MESSAGE)


@kernel
def next_message_ns(venue):
    """When the next message reaches the trader; FOREVER after the last."""
    if venue["message_next"] >= venue["message_count"]:
        return np.int64(FOREVER)
    return messages_of(venue)[venue["message_next"]]["local_ns"]


@kernel
def last_message_ns(venue):
    """When the last message reaches the trader; -FOREVER without messages."""
    if venue["message_count"] == 0:
        return np.int64(-FOREVER)
    return messages_of(venue)[venue["message_count"] - 1]["local_ns"]


@kernel
def show_touch(book, message):
    """Write a message's touch into the trader's book."""
    book["best_bid_ticks"] = message["bid_ticks"]
    book["best_ask_ticks"] = message["ask_ticks"]
    book["best_bid_lots"] = message["bid_lots"]
    book["best_ask_lots"] = message["ask_lots"]
    book["last_update_id"] = message["update_id"]
    book["exch_ns"] = message["exch_ns"]
    book["local_ns"] = message["local_ns"]
    book["health"] = message["health"]


@kernel
def read_message(ctx, venue, i):
    """Apply the next message; returns the callbacks it calls for."""
    message = messages_of(venue)[venue["message_next"]]
    venue["message_next"] += 1
    book = books_of(ctx)[i]
    kind = message["kind"]
    if kind == TRADE:
        apply_trade(book, message["price_ticks"], message["qty_lots"], message["side"], message["exch_ns"])
        count_traded(ctx, book, message["price_ticks"], message["qty_lots"])
        book["local_ns"] = message["local_ns"]
        return CALL_TRADE
    if ctx["depth_kept"] != 0:
        deepen(venue["levels_code"], (ctx["self"], venue["self"], np.int64(i), message["row_end"]))
        book["last_update_id"] = message["update_id"]
        book["exch_ns"] = message["exch_ns"]
        book["local_ns"] = message["local_ns"]
        book["health"] = message["health"]
    else:
        show_touch(book, message)
    return CALL_GAP if kind == GAP else CALL_BOOK


@kernel
def read_until(ctx, venue, i, until_ns):
    """Apply every message up to and including `until_ns`, for a strategy that is not called for each."""
    messages = messages_of(venue)
    k = venue["message_next"]
    count = venue["message_count"]
    if ctx["depth_kept"] != 0:
        while k < count and messages[k]["local_ns"] <= until_ns:
            read_message(ctx, venue, i)
            k += 1
        return
    if k >= count or messages[k]["local_ns"] > until_ns:
        return
    book = books_of(ctx)[i]
    touch = np.int64(-1)
    last = k
    while k < count and messages[k]["local_ns"] <= until_ns:
        message = messages[k]
        if message["kind"] == TRADE:
            apply_trade(book, message["price_ticks"], message["qty_lots"], message["side"], message["exch_ns"])
        else:
            touch = k
        last = k
        k += 1
    if touch >= 0:
        show_touch(book, messages[touch])
    book["local_ns"] = messages[last]["local_ns"]
    venue["message_next"] = k


@kernel
def mid2_of(book):
    """Twice the mid in ticks; 0 while a side is empty."""
    if book["best_bid_ticks"] == NO_BID_TICKS or book["best_ask_ticks"] == NO_ASK_TICKS:
        return np.int64(0)
    return book["best_bid_ticks"] + book["best_ask_ticks"]
