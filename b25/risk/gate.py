"""The gate: the only writer of the outbox. Every intent leaves it as an effect, approved or refused with its reason.

Cancels are never held back. What reduces a position is not held back by a limit, a rate or a sick book. What adds risk
needs a market to judge it by: missing data fails closed. Each intent sees the ones approved before it. All controls are
judged, whatever the first says: the verdict beside the effect has a bit for each that was broken, the effect the first's reason.

An exit uses up room that resting orders of its side were approved in: whoever closes should cancel those too.
"""

import numpy as np

from b25.kernels.bitscan import trailing_zeros
from b25.kernels.jit import kernel
from b25.kernels.ledger import notional, notional_fits
from b25.kernels.order_table import add_order, find_order
from b25.kernels.parent_table import child_refused, child_sent, count_child, judge_amended, judge_child
from b25.kernels.risk_controls import break_controls, note_recent, refill_messages, spend_message, stands_open
from b25.kernels.risk_meters import keeps, watch_account
from b25.kernels.world import (
    books_of,
    head_of,
    instruments_of,
    intents_of,
    limits_of,
    lives_of,
    orders_of,
    outbox_of,
    positions_of,
    risk_of,
    verdicts_of,
)
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS
from b25.model.order import CANCEL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT, Pending, Reason, State, Tif
from b25.model.risk import REASON_OF, Control
from b25.model.world import NO_LIMIT, OUTBOX_FULL

OK = int(Reason.OK)
NOT_POSITIVE, OUT_OF_RANGE = int(Reason.QUANTITY_NOT_POSITIVE), int(Reason.QUANTITY_OUT_OF_RANGE)
PRICE_RANGE, UNKNOWN_ORDER = int(Reason.PRICE_OUT_OF_RANGE), int(Reason.UNKNOWN_ORDER)
PENDING_REQUEST, NO_MARKET = int(Reason.REQUEST_PENDING), int(Reason.NO_MARKET)
WOULD_INCREASE, TABLE_FULL = int(Reason.WOULD_INCREASE), int(Reason.ORDER_TABLE_FULL)
CONFLICT, MIN_NOTIONAL = int(Reason.CONFLICTING_FLAGS), int(Reason.MIN_NOTIONAL)
BELOW_FILLED = int(Reason.QUANTITY_BELOW_FILLED)
NOT_SUPPORTED, WARMING_UP, WRONG_SIDE = int(Reason.NOT_SUPPORTED), int(Reason.WARMING_UP), int(Reason.STOP_WRONG_SIDE)
GTC, FOK = int(Tif.GTC), int(Tif.FOK)
CREATED, OPEN, PART_FILLED = int(State.CREATED), int(State.OPEN), int(State.PART_FILLED)
ASKED_NOTHING, ASKED_NEW = int(Pending.NONE), int(Pending.NEW)
ASKED_CANCEL, ASKED_MODIFY = int(Pending.CANCEL), int(Pending.MODIFY)
E9 = 1_000_000_000
BIT, NONE = np.int64(1), np.int64(0)
SUSPECT, NOTHING_SHOWN = BIT << int(Control.BOOK), BIT << int(Control.MARKET)
OPEN_ORDERS, POSITION = int(Control.OPEN_ORDERS), int(Control.POSITION)
ORDER_VALUE, COLLAR = BIT << int(Control.ORDER_VALUE), BIT << int(Control.COLLAR)
COLLAR_UNKNOWN = BIT << int(Control.COLLAR_UNKNOWN)
ORDER_RATE, MESSAGE_RATE = BIT << int(Control.ORDER_RATE), BIT << int(Control.MESSAGE_RATE)
REASONS = np.array([int(REASON_OF[control]) for control in Control])


@kernel
def judge(ctx):
    """Turn every intent of this step into an effect; leave no intent behind."""
    head = head_of(ctx)
    intents = intents_of(ctx)
    if ctx["guarded"] != 0:
        watch_account(ctx)
    for k in range(head["intents"]):
        intent = intents[k]
        reason = np.int64(intent["reason"])
        request, verdict = np.int64(0), np.int64(0)
        kind = intent["kind"]
        if reason == OK and intent["parent"] != 0 and kind == SUBMIT:
            reason = judge_child(ctx, intent)
        if reason == OK:
            if kind == SUBMIT:
                reason, verdict = judge_new(ctx, intent)
            elif kind == CANCEL:
                reason = judge_cancel(ctx, intent)
            else:
                reason, verdict = judge_amend(ctx, intent)
        if verdict != 0:
            reason = REASONS[trailing_zeros(np.uint64(verdict))]
        if reason == OK:
            request = head["next_request_id"]
            head["next_request_id"] = request + 1
            take_over(ctx, intent, request)
            if ctx["guarded"] != 0:
                spend_message(ctx)
                if kind == SUBMIT:
                    note_recent(ctx, intent)
        else:
            head["refused"] += 1
            if intent["parent"] != 0 and kind == SUBMIT:
                child_refused(ctx, intent, reason)
        leave(ctx, intent, request, reason, verdict)
    head["intents"] = 0


@kernel
def leave(ctx, intent, request, reason, verdict):
    """Write one effect; a full outbox halts the session."""
    head = head_of(ctx)
    outbox = outbox_of(ctx)
    k = head["outbox"]
    if k >= outbox.shape[0]:
        head["status"] = OUTBOX_FULL
        return
    effect = outbox[k]
    effect["time_ns"] = ctx["now_ns"]
    effect["order_id"] = intent["order_id"]
    effect["request_id"] = request
    effect["price_ticks"] = intent["price_ticks"]
    effect["qty_lots"] = intent["qty_lots"]
    effect["stop_ticks"] = intent["stop_ticks"]
    effect["instrument"] = intent["instrument"]
    effect["kind"] = intent["kind"]
    effect["side"] = intent["side"]
    effect["tif"] = intent["tif"]
    effect["flags"] = intent["flags"]
    effect["reason"] = reason
    effect["role"] = intent["role"]
    effect["parent"] = intent["parent"]
    verdicts_of(ctx)[k] = verdict
    head["outbox"] = k + 1


@kernel
def judge_new(ctx, intent):
    """Reason to refuse a new order that makes no sense, or OK; and the verdict of the controls on one that does."""
    i = intent["instrument"]
    instrument = instruments_of(ctx)[i]
    lots, price, flags = intent["qty_lots"], intent["price_ticks"], intent["flags"]
    if lots <= 0:
        return NOT_POSITIVE, NONE
    if lots > instrument["qty_lots_max"]:
        return OUT_OF_RANGE, NONE
    if not flags & MARKET and not 0 < price <= instrument["price_ticks_max"]:
        return PRICE_RANGE, NONE
    if intent["tif"] > FOK:
        return NOT_SUPPORTED, NONE
    if ctx["now_ns"] < head_of(ctx)["trading_ns"]:
        return WARMING_UP, NONE
    if flags & POST_ONLY and intent["tif"] != GTC:
        return CONFLICT, NONE
    held = positions_of(ctx)[i]["position_lots"]
    if flags & REDUCE_ONLY and held * intent["side"] >= 0:
        return WOULD_INCREASE, NONE
    # A reduce-only order cannot add, however large: the venue holds it to what there is to reduce.
    reduces = flags & REDUCE_ONLY != 0 or is_reducing(ctx, i, intent["side"], lots)
    head = head_of(ctx)
    if head["live_orders"] >= orders_of(ctx).shape[0]:
        return TABLE_FULL, NONE
    book = books_of(ctx)[i]
    limits = limits_of(ctx)[i]
    if intent["stop_ticks"] != 0:
        reason = judge_stop(instrument, book, intent)
        if reason != OK:
            return reason, NONE
        if flags & MARKET:
            price = intent["stop_ticks"]
    elif flags & MARKET:
        # Judged at the price that it would begin to pay.
        price = book["best_ask_ticks"] if intent["side"] == BUY else book["best_bid_ticks"]
        if price == NO_ASK_TICKS or price == NO_BID_TICKS:
            return NO_MARKET, NONE
    if not notional_fits(instrument, price, lots):
        return OUT_OF_RANGE, NONE
    value = notional(instrument, price, lots)
    if limits["value_bound"] != NO_LIMIT and value > limits["value_bound"]:
        return OUT_OF_RANGE, NONE
    if (value < instrument["min_notional"] or lots < instrument["qty_lots_min"]) and not flags & REDUCE_ONLY:
        return MIN_NOTIONAL, NONE
    verdict = stands_open(ctx, i, reduces)
    if not reduces:
        verdict |= judge_risk(ctx, i, intent["side"], price, lots, value, limits, book)
        if ctx["guarded"] != 0:
            verdict |= break_controls(ctx, i, intent["side"], price, lots, lots, flags, intent["stop_ticks"] != 0)
        if verdict == 0:
            verdict = take_tokens(ctx, head, limits_of(ctx)[0])
    return OK, verdict


@kernel
def judge_stop(instrument, book, intent):
    """Reason to refuse a stop price, or OK: a buy stop lies above the market, a sell stop below."""
    stop = intent["stop_ticks"]
    if not 0 < stop <= instrument["price_ticks_max"]:
        return PRICE_RANGE
    if intent["flags"] & POST_ONLY or (intent["tif"] != GTC and not intent["flags"] & MARKET):
        return CONFLICT
    market = book["best_ask_ticks"] if intent["side"] == BUY else book["best_bid_ticks"]
    if market == NO_ASK_TICKS or market == NO_BID_TICKS:
        return NO_MARKET
    if (stop - market) * intent["side"] <= 0:
        return WRONG_SIDE
    return OK


@kernel
def judge_risk(ctx, i, side, price, added_lots, value, limits, book):
    """Verdict of the first controls on what adds risk; 0 when all hold."""
    low, high = book["best_bid_ticks"], book["best_ask_ticks"]
    verdict = NONE
    if book["health"] != 0:
        verdict |= SUSPECT
    if low == NO_BID_TICKS and high == NO_ASK_TICKS:
        verdict |= NOTHING_SHOWN
    risk = risk_of(ctx)
    if limits["open_orders_max"] != NO_LIMIT:
        lives = lives_of(ctx)
        if not keeps(risk, OPEN_ORDERS, lives[i, 0]["count"] + lives[i, 1]["count"] + 1.0, float(limits["open_orders_max"])):
            verdict |= BIT << OPEN_ORDERS
    if limits["order_value_max"] != NO_LIMIT and value > limits["order_value_max"]:
        verdict |= ORDER_VALUE
    if limits["collar_e6"] != NO_LIMIT:
        if low == NO_BID_TICKS or high == NO_ASK_TICKS:
            verdict |= COLLAR_UNKNOWN
        elif abs(2 * price - low - high) > (low + high) * (limits["collar_e6"] / 1e6):
            verdict |= COLLAR
    if limits["position_lots_max"] != NO_LIMIT:
        position = positions_of(ctx)[i]
        if side == BUY:
            reach = position["position_lots"] + position["open_buy_lots"] + added_lots
        else:
            reach = -position["position_lots"] + position["open_sell_lots"] + added_lots
        keeps(risk, POSITION, float(reach), float(limits["position_lots_max"]))
        # Compared as integers: beyond 2**53 a float would not tell two of them apart.
        if reach > limits["position_lots_max"]:
            verdict |= BIT << POSITION
    return verdict


@kernel
def is_reducing(ctx, i, side, lots):
    """True when the order and those of its side already under way together cannot carry the position through zero."""
    position = positions_of(ctx)[i]
    held = position["position_lots"]
    if held * side >= 0:
        return False
    working = position["open_buy_lots"] if side == BUY else position["open_sell_lots"]
    return lots + working <= abs(held)


@kernel
def take_tokens(ctx, head, limits):
    """Take one token of the order-rate bucket, in event time, when the bucket of requests has one as well."""
    verdict = judge_pace(ctx, limits)
    rate = limits["orders_per_s_max"]
    if rate == NO_LIMIT:
        return verdict
    now_ns = ctx["now_ns"]
    full = limits["orders_burst_max"] * E9
    gained_ns = min(now_ns - head["rate_filled_ns"], full // max(rate, 1) + 1)
    head["rate_tokens_e9"] = min(full, head["rate_tokens_e9"] + gained_ns * rate)
    head["rate_filled_ns"] = now_ns
    if head["rate_tokens_e9"] < E9:
        return verdict | ORDER_RATE
    if verdict == 0:
        head["rate_tokens_e9"] -= E9
    return verdict


@kernel
def judge_pace(ctx, limits):
    """Verdict on the pace of all requests together; `spend_message` takes the token of each that leaves."""
    if limits["messages_per_s_max"] == NO_LIMIT or refill_messages(ctx, limits) >= E9:
        return NONE
    return MESSAGE_RATE


@kernel
def judge_cancel(ctx, intent):
    """Reason to refuse a cancel, or OK; only what cannot be sent is refused."""
    slot = find_order(ctx, intent["order_id"])
    if slot < 0:
        return UNKNOWN_ORDER
    order = orders_of(ctx)[slot]
    if order["pending"] != ASKED_NOTHING or (order["state"] != OPEN and order["state"] != PART_FILLED):
        return PENDING_REQUEST
    return OK


@kernel
def judge_amend(ctx, intent):
    """Reason to refuse an amend that makes no sense, or OK; what it adds is judged as a new order would be."""
    reason = judge_cancel(ctx, intent)
    if reason != OK:
        return reason, NONE
    order = orders_of(ctx)[find_order(ctx, intent["order_id"])]
    i = order["instrument"]
    instrument = instruments_of(ctx)[i]
    price, lots = intent["price_ticks"], intent["qty_lots"]
    if lots <= 0:
        return NOT_POSITIVE, NONE
    if lots <= order["filled_lots"]:
        return BELOW_FILLED, NONE
    if lots > instrument["qty_lots_max"]:
        return OUT_OF_RANGE, NONE
    if not 0 < price <= instrument["price_ticks_max"]:
        return PRICE_RANGE, NONE
    added = max(0, lots - order["filled_lots"] - order["leaves_lots"])
    if order["parent"] != 0:
        reason = judge_amended(ctx, order, price, added)
        if reason != OK:
            return reason, NONE
    if order["flags"] & REDUCE_ONLY or (added == 0 and price == order["price_ticks"]):
        return OK, stands_open(ctx, i, True)
    if added == 0 and is_reducing(ctx, i, order["side"], 0):
        return OK, stands_open(ctx, i, True)
    if not notional_fits(instrument, price, lots):
        return OUT_OF_RANGE, NONE
    value = notional(instrument, price, lots - order["filled_lots"])
    bound = limits_of(ctx)[i]["value_bound"]
    if bound != NO_LIMIT and value > bound:
        return OUT_OF_RANGE, NONE
    # The order's own leaves are already counted in the open lots.
    limits = limits_of(ctx)[i]
    verdict = stands_open(ctx, i, False) | judge_risk(ctx, i, order["side"], price, added, value, limits, books_of(ctx)[i])
    if ctx["guarded"] != 0:
        left = lots - order["filled_lots"]
        verdict |= break_controls(ctx, i, order["side"], price, left, added, order["flags"], order["stop_ticks"] != 0)
    if verdict == 0:
        verdict = judge_pace(ctx, limits_of(ctx)[0])
    return OK, verdict


@kernel
def take_over(ctx, intent, request):
    """Enter an approved intent into the world: the order is in flight, or its request is."""
    head = head_of(ctx)
    orders = orders_of(ctx)
    kind = intent["kind"]
    if kind == SUBMIT:
        i = intent["instrument"]
        order = orders[add_order(ctx, intent["order_id"], i, intent["side"])]
        order["price_ticks"] = intent["price_ticks"]
        order["qty_lots"] = intent["qty_lots"]
        order["leaves_lots"] = intent["qty_lots"]
        order["stop_ticks"] = intent["stop_ticks"]
        order["created_ns"] = ctx["now_ns"]
        order["tif"] = intent["tif"]
        order["flags"] = intent["flags"]
        order["state"] = CREATED
        order["pending"] = ASKED_NEW
        if intent["parent"] != 0:
            order["parent"] = intent["parent"]
            order["role"] = intent["role"]
            child_sent(ctx, intent)
        count_open(positions_of(ctx)[i], intent["side"], intent["qty_lots"])
        head["submits"] += 1
    else:
        order = orders[find_order(ctx, intent["order_id"])]
        if kind == CANCEL:
            order["pending"] = ASKED_CANCEL
            head["cancels"] += 1
        else:
            order["pending"] = ASKED_MODIFY
            order["want_price_ticks"] = intent["price_ticks"]
            order["want_qty_lots"] = intent["qty_lots"]
            added = max(0, intent["qty_lots"] - order["filled_lots"] - order["leaves_lots"])
            count_open(positions_of(ctx)[order["instrument"]], order["side"], added)
            if order["parent"] != 0:
                count_child(ctx, order["parent"], order["role"], added)
            head["amends"] += 1
    order["request_id"] = request
    order["updated_ns"] = ctx["now_ns"]


@kernel
def count_open(position, side, lots):
    """Add to the lots of a side that are live or in flight."""
    if side == BUY:
        position["open_buy_lots"] += lots
    else:
        position["open_sell_lots"] += lots
