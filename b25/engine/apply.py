"""First kernel of `step`: apply one event to the books, the orders and the ledger."""

import numpy as np

from b25.kernels.book import CLEAR_CROSSED, clear_all, clear_side, end_message, set_level
from b25.kernels.jit import kernel
from b25.kernels.ledger import book_fill
from b25.kernels.order_table import drop_order, find_order
from b25.kernels.parent_table import child_accepted, child_ended, child_filled, count_child
from b25.kernels.risk_meters import note_answer
from b25.kernels.units import money_of, price_of, quantity_of
from b25.kernels.world import (
    bits_of,
    books_of,
    far_of,
    fill_view_of,
    head_of,
    instruments_of,
    lots_of,
    order_view_of,
    orders_of,
    positions_of,
)
from b25.model.book import GAP_SEEN, NO_SNAPSHOT
from b25.model.event import (
    BUY,
    CANCEL_REJECTED,
    CLEAR,
    GAP,
    LAST_OF_MESSAGE,
    MAKER,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_TRIGGERED,
    REPLACE_REJECTED,
    SNAPSHOT,
    TRADE,
)
from b25.model.order import MANUAL, Pending, State
from b25.risk.gate import count_open
from b25.strategy.door_orders import view_order

OPEN, PART_FILLED, FILLED = int(State.OPEN), int(State.PART_FILLED), int(State.FILLED)
CANCELLED, EXPIRED, REJECTED = int(State.CANCELLED), int(State.EXPIRED), int(State.REJECTED)
CREATED = int(State.CREATED)
NO_REQUEST, ASKED_NEW, ASKED_MODIFY = int(Pending.NONE), int(Pending.NEW), int(Pending.MODIFY)

# What an event calls for, as bits; the loops turn each into a callback, in this order.
CALL_BOOK = 1
CALL_TRADE = 2
CALL_GAP = 4
CALL_FILL = 8
CALL_ORDER = 16
OF_A_PERSON = np.int64(-1)  # the `parent` that a strategy sees of such an order's execution


@kernel
def apply_level(ctx, i, kind, side, price_ticks, qty_lots):
    """Apply one row of a depth message or snapshot to the trader's book."""
    head, lots, bits, far = books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i)
    index = 0 if side == BUY else 1
    if kind == CLEAR:
        clear_side(head, lots, bits, far, index, price_ticks)
    else:
        set_level(head, lots, bits, far, index, price_ticks, qty_lots)


@kernel
def apply_market(ctx, event):
    """Apply one market event as it arrives from a feed; returns the callbacks it calls for."""
    i = event["instrument"]
    kind = event["kind"]
    book = books_of(ctx)[i]
    if kind == TRADE:
        apply_trade(book, event["price_ticks"], event["qty_lots"], event["side"], event["exch_ns"])
        count_traded(ctx, book, event["price_ticks"], event["qty_lots"])
        book["local_ns"] = event["local_ns"]
        return CALL_TRADE
    if kind == GAP:
        book["health"] |= GAP_SEEN
        return CALL_GAP
    if kind == CLEAR and event["side"] == 0:
        clear_all(book, lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i))
    else:
        apply_level(ctx, i, kind, event["side"], event["price_ticks"], event["qty_lots"])
    if not event["flags"] & LAST_OF_MESSAGE:
        return 0
    end_message(book, lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), CLEAR_CROSSED)
    if kind == SNAPSHOT:
        book["health"] = np.uint8(book["health"] & ~(GAP_SEEN | NO_SNAPSHOT))
    book["last_update_id"] = event["amount"]
    book["exch_ns"] = event["exch_ns"]
    book["local_ns"] = event["local_ns"]
    return CALL_BOOK


@kernel
def apply_trade(book, price_ticks, qty_lots, side, exch_ns):
    """Remember the last public trade."""
    book["last_trade_ticks"] = price_ticks
    book["last_trade_lots"] = qty_lots
    book["last_trade_side"] = side
    book["last_trade_ns"] = exch_ns


@kernel
def count_traded(ctx, book, price_ticks, qty_lots):
    """Count what the public traded while parent orders look at how much that is, and at what average."""
    if head_of(ctx)["parents"] != 0:
        book["traded_lots"] += qty_lots
        book["traded_ticklots"] += qty_lots * np.int64(price_ticks)


@kernel
def answers(order, event):
    """Clear the pending request if, and only if, this event answers it."""
    if order["pending"] != NO_REQUEST and order["request_id"] == event["seq"]:
        order["pending"] = NO_REQUEST
        return True
    return False


@kernel
def release(ctx, order, lots):
    """Take lots off the open lots of the order's side, and off what is live of its parent."""
    count_open(positions_of(ctx)[order["instrument"]], order["side"], -lots)
    if order["parent"] != 0:
        count_child(ctx, order["parent"], order["role"], -lots)


@kernel
def reserved_for_amend(order):
    """Lots that the gate set aside for a pending amend beyond the order's own leaves."""
    if order["pending"] != ASKED_MODIFY:
        return np.int64(0)
    return max(np.int64(0), order["want_qty_lots"] - order["filled_lots"] - order["leaves_lots"])


@kernel
def apply_order(ctx, event, finished):
    """Apply one answer of the venue or one fill; returns the callbacks it calls for.

    Parameters
    ----------
    ctx : CONTEXT record
    event : EVENT record
        `seq` is the number of the request that it answers (0 for none), `amount` the fee of a fill in 1e-8 money units.
    finished : ORDER record
        Receives a copy of the order when the event ends it; its state is 0 otherwise.
    """
    finished["state"] = 0
    slot = find_order(ctx, event["order_id"])
    if slot < 0:
        # A cancel that crossed the last fill is answered after the order is gone here. A liquidation has no order at all.
        if event["kind"] == ORDER_FILLED and event["order_id"] == 0:
            return apply_foreign_fill(ctx, event)
        return 0
    order = orders_of(ctx)[slot]
    kind = event["kind"]
    was_taken = order["state"] != CREATED
    calls = 0
    set_aside = reserved_for_amend(order)
    answered = answers(order, event)
    if answered and set_aside > 0:
        release(ctx, order, set_aside)
    if kind == ORDER_FILLED:
        apply_fill(ctx, order, event)
        calls |= CALL_FILL
    elif kind == ORDER_ACCEPTED:
        if order["state"] == CREATED:
            order["state"] = OPEN
            calls |= CALL_ORDER
            note_answer(ctx, 0)
            if order["parent"] != 0:
                child_accepted(ctx, order)
    elif kind == ORDER_REPLACED:
        leaves = max(np.int64(0), event["qty_lots"] - order["filled_lots"])
        release(ctx, order, order["leaves_lots"] - leaves)
        order["price_ticks"] = event["price_ticks"]
        order["qty_lots"] = event["qty_lots"]
        order["leaves_lots"] = leaves
        if not answered:
            # A late answer while another amend is under way changes what that one sets aside.
            release(ctx, order, set_aside - reserved_for_amend(order))
        calls |= CALL_ORDER
    elif kind == CANCEL_REJECTED or kind == REPLACE_REJECTED:
        order["reason"] = event["status"]
        calls |= CALL_ORDER
    elif kind == ORDER_TRIGGERED:
        order["stop_ticks"] = 0
        calls |= CALL_ORDER
    elif kind == ORDER_CANCELLED:
        order["state"] = CANCELLED
    elif kind == ORDER_EXPIRED:
        order["state"] = EXPIRED
    elif kind == ORDER_REJECTED:
        order["state"] = REJECTED
        note_answer(ctx, 1)
    order["updated_ns"] = ctx["now_ns"]
    if order["state"] >= FILLED:
        if kind != ORDER_FILLED:
            order["reason"] = event["status"]
        calls |= CALL_ORDER
    if order["flags"] & MANUAL:
        calls &= ~CALL_ORDER  # what becomes of a person's order is not the strategy's to answer; its executions are
    if calls & CALL_ORDER and ctx["viewed"] != 0:
        view_order(ctx, order, order_view_of(ctx))
    if order["state"] >= FILLED:
        release(ctx, order, order["leaves_lots"] + reserved_for_amend(order))
        if order["parent"] != 0:
            child_ended(ctx, order, was_taken or order["state"] == FILLED, order["reason"])
        copy_order(order, finished)
        drop_order(ctx, slot)
    return calls


@kernel
def apply_fill(ctx, order, event):
    """Count one execution: it adds to the order's total, and never overwrites one."""
    i = order["instrument"]
    lots, ticks, fee_e8 = event["qty_lots"], event["price_ticks"], event["amount"]
    instrument = instruments_of(ctx)[i]
    order["filled_lots"] += lots
    order["filled_ticklots"] += lots * ticks
    order["leaves_lots"] -= lots
    release(ctx, order, lots)
    if order["parent"] != 0:
        child_filled(ctx, order, ticks, lots)
    order["state"] = FILLED if order["leaves_lots"] <= 0 else PART_FILLED
    if order["pending"] == ASKED_NEW:
        note_answer(ctx, 0)
        # A fill before the acknowledgement proves that the venue took the order.
        order["pending"] = NO_REQUEST
    book_fill(positions_of(ctx)[i], instrument, order["side"], ticks, lots, fee_e8)
    if event["flags"] & MAKER:
        positions_of(ctx)[i]["maker_lots"] += lots
    else:
        positions_of(ctx)[i]["taker_lots"] += lots
    view_fill(ctx, event, order["side"], i, OF_A_PERSON if order["flags"] & MANUAL else np.int64(order["parent"]))


@kernel
def apply_foreign_fill(ctx, event):
    """Book an execution that no order of ours led to: a liquidation."""
    i = event["instrument"]
    lots = event["qty_lots"]
    position = positions_of(ctx)[i]
    book_fill(position, instruments_of(ctx)[i], event["side"], event["price_ticks"], lots, event["amount"])
    position["taker_lots"] += lots
    view_fill(ctx, event, event["side"], i, 0)
    return CALL_FILL


@kernel
def view_fill(ctx, event, side, i, parent):
    """Write what a strategy sees of an execution into the FILL_VIEW record; nothing for one that never looks."""
    if ctx["viewed"] == 0:
        return
    instrument = instruments_of(ctx)[i]
    ticks, lots, fee_e8 = event["price_ticks"], event["qty_lots"], event["amount"]
    view = fill_view_of(ctx)
    view["order_id"] = event["order_id"]
    view["side"] = side
    view["price"] = price_of(instrument, ticks)
    view["quantity"] = quantity_of(instrument, lots)
    view["fee"] = money_of(instrument, fee_e8 / 1e8)
    view["maker"] = 1 if event["flags"] & MAKER else 0
    view["instrument"] = i
    view["parent"] = parent


@kernel
def copy_order(order, out):
    """Copy an ORDER record field by field, without its links."""
    out["order_id"] = order["order_id"]
    out["price_ticks"] = order["price_ticks"]
    out["qty_lots"] = order["qty_lots"]
    out["leaves_lots"] = order["leaves_lots"]
    out["filled_lots"] = order["filled_lots"]
    out["filled_ticklots"] = order["filled_ticklots"]
    out["created_ns"] = order["created_ns"]
    out["updated_ns"] = order["updated_ns"]
    out["request_id"] = order["request_id"]
    out["stop_ticks"] = order["stop_ticks"]
    out["want_price_ticks"] = order["want_price_ticks"]
    out["want_qty_lots"] = order["want_qty_lots"]
    out["next"] = -1
    out["prev"] = -1
    out["instrument"] = order["instrument"]
    out["side"] = order["side"]
    out["state"] = order["state"]
    out["pending"] = order["pending"]
    out["tif"] = order["tif"]
    out["flags"] = order["flags"]
    out["reason"] = order["reason"]
    out["parent"] = order["parent"]
    out["role"] = order["role"]
