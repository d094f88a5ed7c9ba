"""Judge what a strategy on bars asked for, and let its venue answer: it is there at once, and so is its answer."""

import numpy as np

from b25.engine.bar_records import BAR_RUN
from b25.engine.logs import log_effect
from b25.kernels.address import calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.order_table import find_order
from b25.kernels.world import book_at, head_of, order_at, outbox_of
from b25.model.event import (
    BUY,
    CANCEL_REJECTED,
    EVENT,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_REPLACED,
    REPLACE_REJECTED,
)
from b25.model.order import CANCEL, POST_ONLY, SUBMIT, Reason
from b25.model.world import CONTEXT, NO_END, PIPE_FULL
from b25.risk.gate import judge

SETTLE = "void(uintp)"
ANSWERS_MAX = 65_536  # in one bar; more than that is a strategy that answers every answer
EVENT_SIZE = np.uint64(EVENT.itemsize)
REQUESTED, UNKNOWN_ORDER = int(Reason.CANCEL_REQUESTED), int(Reason.UNKNOWN_ORDER)
CROSSED, BELOW_FILLED, OK = int(Reason.POST_ONLY_WOULD_CROSS), int(Reason.QUANTITY_BELOW_FILLED), int(Reason.OK)


@kernel
def answer_effect(run, ctx, effect):
    """Put the venue's answer to one approved effect into the ring."""
    head = head_of(ctx)
    if run["answer_tail"] - run["answer_head"] >= run["answer_size"]:
        head["status"] = PIPE_FULL
        return
    if run["answer_tail"] - run["answers_before"] >= ANSWERS_MAX:
        head["status"] = NO_END
        return
    event = record_at(run["answers"] + np.uint64(run["answer_tail"] % run["answer_size"]) * EVENT_SIZE, EVENT)
    run["answer_tail"] += 1
    kind, status = ORDER_ACCEPTED, OK
    if effect["kind"] == SUBMIT:
        if effect["flags"] & POST_ONLY and crosses(ctx, effect):
            kind, status = ORDER_EXPIRED, CROSSED
    else:
        slot = find_order(ctx, effect["order_id"])
        if effect["kind"] == CANCEL:
            kind, status = ORDER_CANCELLED, REQUESTED
            if slot < 0:
                kind, status = CANCEL_REJECTED, UNKNOWN_ORDER
        else:
            kind = ORDER_REPLACED
            if slot < 0:
                kind, status = REPLACE_REJECTED, UNKNOWN_ORDER
            elif effect["qty_lots"] <= order_at(ctx, slot)["filled_lots"]:
                kind, status = REPLACE_REJECTED, BELOW_FILLED
            elif order_at(ctx, slot)["flags"] & POST_ONLY and crosses(ctx, effect):
                kind, status = ORDER_EXPIRED, CROSSED
    event["kind"] = kind
    event["status"] = status
    event["seq"] = effect["request_id"]
    event["order_id"] = effect["order_id"]
    event["instrument"] = effect["instrument"]
    event["side"] = effect["side"]
    event["price_ticks"] = effect["price_ticks"]
    event["qty_lots"] = effect["qty_lots"]
    event["amount"] = 0
    event["flags"] = 0
    event["exch_ns"] = ctx["now_ns"]
    event["local_ns"] = ctx["now_ns"]


@kernel
def crosses(ctx, effect):
    """True when an order would take liquidity at the last price."""
    book = book_at(ctx, effect["instrument"])
    touch = book["best_ask_ticks"] if effect["side"] == BUY else book["best_bid_ticks"]
    return (effect["price_ticks"] - touch) * effect["side"] >= 0


@late_kernel(SETTLE)
def settle_bars(address):
    """Judge what the strategy asked for; approved orders are at the venue."""
    run = record_at(address, BAR_RUN)
    ctx = record_at(run["context"], CONTEXT)
    head = head_of(ctx)
    head["outbox"] = 0
    judge(ctx)
    outbox = outbox_of(ctx)
    trading = ctx["now_ns"] >= head["trading_ns"]
    if not trading:
        head["refused"] = 0  # what is refused while the strategy warms up is no part of the record
    for k in range(head["outbox"]):
        effect = outbox[k]
        if run["compact"] == 0 and trading:
            log_effect(run, effect)
        if effect["reason"] == OK:
            answer_effect(run, ctx, effect)


call_settle_bars = calls(SETTLE, otherwise=settle_bars)
