"""What the matching engine says: its events, written into the book's own array, and the numbers that they are made of."""

import numpy as np

from b25.kernels.jit import inlined_kernel
from b25.kernels.matching_queue import give_slot
from b25.model.matching import MatchKind, MatchReason

OPENED, TRADE, CANCELLED, EXPIRED = int(MatchKind.OPENED), int(MatchKind.TRADE), int(MatchKind.CANCELLED), int(MatchKind.EXPIRED)
REJECTED, AMENDED, WAITING = int(MatchKind.REJECTED), int(MatchKind.AMENDED), int(MatchKind.WAITING)
TRIGGERED, PREVENTED, DONE = int(MatchKind.TRIGGERED), int(MatchKind.PREVENTED), int(MatchKind.DONE)
NO_REASON, WOULD_TAKE, NO_LIQUIDITY = int(MatchReason.NONE), int(MatchReason.WOULD_TAKE), int(MatchReason.NO_LIQUIDITY)
WOULD_INCREASE, UNKNOWN_ORDER = int(MatchReason.WOULD_INCREASE), int(MatchReason.UNKNOWN_ORDER)
DUPLICATE_ORDER, NOTHING_CHANGED = int(MatchReason.DUPLICATE_ORDER), int(MatchReason.NOTHING_CHANGED)
WOULD_TRIGGER, IOC_LEFTOVER = int(MatchReason.WOULD_TRIGGER), int(MatchReason.IOC_LEFTOVER)
FOK_UNFILLABLE, POSITION_GONE, INVALID = int(MatchReason.FOK_UNFILLABLE), int(MatchReason.REDUCE_ONLY), int(MatchReason.INVALID)
ZERO = np.int64(0)


@inlined_kernel
def say(book, kind, order, price_ticks, qty_lots, leaves_lots, reason):
    """Write an event about one order."""
    head = book.head[0]
    event = book.events[head["events"]]
    head["events"] += 1
    event["kind"], event["order_id"], event["account"] = kind, order["order_id"], order["account"]
    event["side"], event["price_ticks"], event["qty_lots"] = order["side"], price_ticks, qty_lots
    event["leaves_lots"], event["reason"] = leaves_lots, reason
    event["maker_order_id"] = event["maker_account"] = event["maker_leaves_lots"] = event["trade_id"] = 0


@inlined_kernel
def say_unknown(book, order_id):
    """Answer a command for an order that is not there."""
    head = book.head[0]
    event = book.events[head["events"]]
    head["events"] += 1
    event["kind"], event["order_id"], event["reason"] = REJECTED, order_id, UNKNOWN_ORDER
    event["account"] = event["side"] = event["price_ticks"] = event["qty_lots"] = event["leaves_lots"] = 0
    event["maker_order_id"] = event["maker_account"] = event["maker_leaves_lots"] = event["trade_id"] = 0


@inlined_kernel
def end(book, slot, kind, reason):
    """Say that an order that stands nowhere is over, and free its slot."""
    order = book.orders[slot]
    leaves_lots = order["leaves_lots"] if kind == REJECTED else ZERO
    say(book, kind, order, order["price_ticks"], order["leaves_lots"], leaves_lots, reason)
    give_slot(book, slot)
