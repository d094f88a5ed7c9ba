"""Two parts of the loop as code called by its address: judging what a strategy asked for, and taking a venue's answer."""

from b25.engine.apply import CALL_FILL, CALL_ORDER, apply_order
from b25.engine.logs import log_effect, log_fill, log_marks, log_order
from b25.engine.records import ON_FILL, ON_ORDER, RUN
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.world import head_of, outbox_of
from b25.model.event import ORDER_FILLED
from b25.model.order import ORDER
from b25.model.world import CONTEXT, RUNNING
from b25.risk.gate import judge
from b25.venue.pipes import answers_of, send_request
from b25.venue.records import LATENCY, VENUE

SETTLE = "void(uintp)"
ANSWER = "void(uintp, int64)"


@kernel
def venues_of(run, ctx):
    """Return the VENUE array."""
    return array_at(run["venues"], ctx["n"], VENUE)


@kernel
def latencies_of(run, ctx):
    """Return the LATENCY array."""
    return array_at(run["latencies"], ctx["n"], LATENCY)


@late_kernel(SETTLE)
def settle(address):
    """Judge what the strategy asked for and send what the gate approved."""
    run = record_at(address, RUN)
    ctx = record_at(run["context"], CONTEXT)
    head = head_of(ctx)
    head["outbox"] = 0
    judge(ctx)
    outbox = outbox_of(ctx)
    for k in range(head["outbox"]):
        effect = outbox[k]
        log_effect(run, effect)
        if effect["reason"] == 0:
            i = effect["instrument"]
            venue = venues_of(run, ctx)[i]
            send_request(venue, latencies_of(run, ctx)[i], ctx["now_ns"], effect)
            if venue["status"] != RUNNING:
                head["status"] = venue["status"]


@late_kernel(ANSWER)
def take_answer(address, i):
    """Bring the next answer of instrument `i` to the trader."""
    run = record_at(address, RUN)
    ctx = record_at(run["context"], CONTEXT)
    venue = venues_of(run, ctx)[i]
    event = answers_of(venue)[venue["answer_head"] % venue["pipe_size"]]
    event["instrument"] = i
    finished = array_at(run["finished"], 1, ORDER)[0]
    calls = apply_order(ctx, event, finished)
    if event["kind"] == ORDER_FILLED and calls & CALL_FILL:
        log_fill(run, ctx, event)
        log_marks(run, ctx)
    if finished["state"] != 0:
        log_order(run, finished)
    venue["answer_head"] += 1
    if calls & CALL_FILL:
        run["pending"] |= ON_FILL
    if calls & CALL_ORDER:
        run["pending"] |= ON_ORDER


call_settle = calls(SETTLE, otherwise=settle)
call_answer = calls(ANSWER, otherwise=take_answer)
