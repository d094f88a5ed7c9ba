"""`step`: one event into the world, its effects into the outbox. Every mode's loop is something around this.

Apply the event, call the strategy's code, judge what it asked for, and work the parent orders. No I/O, no clock, no dice. The
backtest's loop calls the same three, and takes market data by the message instead of by the row.
"""

from b25.engine.apply import CALL_BOOK, CALL_FILL, CALL_GAP, CALL_ORDER, CALL_TRADE, apply_market, apply_order
from b25.engine.apply_bar import apply_bar, apply_funding, apply_mark
from b25.engine.records import ON_BOOK, ON_FILL, ON_FUNDING, ON_GAP, ON_ORDER, ON_TIMER, ON_TRADE
from b25.execution.parents import call_parents
from b25.kernels.address import calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.risk_meters import hear_command
from b25.kernels.world import head_of
from b25.model.event import BAR, COMMAND, EVENT, FUNDING, GAP, LAST_OF_MESSAGE, MARK, ORDER_ACCEPTED, PARENTS_DUE, TIMER, TRADE
from b25.model.order import ORDER
from b25.model.world import CONTEXT, INSTRUMENT_UNKNOWN, RUNNING
from b25.risk.gate import judge

call_back = calls("void(int64, uintp, uintp)")


@kernel
def callbacks_for(found):
    """Turn what an event calls for into callback bits."""
    bits = 0
    if found & CALL_BOOK:
        bits |= ON_BOOK
    if found & CALL_TRADE:
        bits |= ON_TRADE
    if found & CALL_GAP:
        bits |= ON_GAP
    if found & CALL_FILL:
        bits |= ON_FILL
    if found & CALL_ORDER:
        bits |= ON_ORDER
    return bits


@late_kernel("int64(uintp, uintp, uintp)")
def apply_event(context, event_address, finished_address):
    """First part of `step`: apply the event; returns the callback bits that it calls for. The outbox is emptied.

    Parameters
    ----------
    context, event_address, finished_address : int
        Addresses of a CONTEXT, of an EVENT, and of an ORDER that receives the order that the event ended (state 0: none).
    """
    ctx = record_at(context, CONTEXT)
    event = record_at(event_address, EVENT)
    finished = record_at(finished_address, ORDER)
    head = head_of(ctx)
    head["outbox"] = 0
    head["seq"] += 1
    finished["state"] = 0
    if event["instrument"] >= ctx["n"]:
        head["status"] = INSTRUMENT_UNKNOWN
        return 0
    head["now_ns"] = event["local_ns"]
    ctx["now_ns"] = event["local_ns"]
    ctx["i"] = event["instrument"]
    if event["kind"] == TIMER:
        if event["status"] == PARENTS_DUE:
            return 0
        if head["timer_ns"] > 0:
            head["timer_next_ns"] = event["local_ns"] + head["timer_ns"]
        head["steps"] += 1
        return ON_TIMER
    if event["kind"] == COMMAND:
        hear_command(ctx, event["status"], event["amount"])
        return 0
    if event["kind"] == BAR:
        return apply_bar(ctx, event)
    if event["kind"] == MARK:
        apply_mark(ctx, event)
        return 0
    if event["kind"] == FUNDING:
        return ON_FUNDING if apply_funding(ctx, event) else 0
    if event["kind"] >= ORDER_ACCEPTED:
        return callbacks_for(apply_order(ctx, event, finished))
    return callbacks_for(apply_market(ctx, event))


call_apply = calls("int64(uintp, uintp, uintp)", otherwise=apply_event)


@late_kernel("void(uintp)")
def judge_intents(context):
    """Judge what a callback of the strategy asked for; the only writer of the outbox."""
    judge(record_at(context, CONTEXT))


@kernel
def is_whole(event):
    """True for an event after which the world can be looked at: not for a level in the middle of its message."""
    kind = event["kind"]
    return kind == TRADE or kind == GAP or kind == FUNDING or kind >= TIMER or event["flags"] & LAST_OF_MESSAGE != 0


@kernel
def work_and_judge(ctx):
    """Work the parent orders and judge what they ask for."""
    call_parents(ctx["parents_code"], (ctx["self"],))
    judge(ctx)


@late_kernel("void(uintp, uintp)")
def end_event(context, event_address):
    """Last part of `step`, after the strategy: work the parent orders, and judge what they ask for."""
    ctx = record_at(context, CONTEXT)
    head = head_of(ctx)
    if head["parents"] != 0 and head["status"] == RUNNING and is_whole(record_at(event_address, EVENT)):
        work_and_judge(ctx)


@late_kernel("int64(uintp, uintp, uintp, uintp, uintp, int64)")
def step(context, event_address, finished_address, apply_code, callback, callbacks):
    """Apply one event, call a compiled strategy, judge its wishes; the effects stand in the outbox.

    A plain-Python strategy is called between `apply_event` and `end_event` by whoever drives it, and judged after each callback.

    Parameters
    ----------
    context, event_address, finished_address : int
        As of `apply_event`.
    apply_code : int
        Address of `apply_event`'s code.
    callback : int
        Address of the strategy's code; its record's address stands in the context.
    callbacks : int
        Bits of the callbacks that the strategy has.

    Returns
    -------
    int
        The world's status; RUNNING, or why it halted.
    """
    ctx = record_at(context, CONTEXT)
    head = head_of(ctx)
    bits = call_apply(apply_code, (context, event_address, finished_address)) & callbacks
    while bits != 0 and head["status"] == RUNNING:
        bit = bits & -bits
        bits &= ~bit
        call_back(callback, (bit, ctx["strategy"], context))
        judge(ctx)
    if head["parents"] != 0 and head["status"] == RUNNING and is_whole(record_at(event_address, EVENT)):
        work_and_judge(ctx)
    return head["status"]
