"""Take a message's events through `step` in one call from Python, up to the first that leaves something to be done."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs

from b25.engine.step import step
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.jit import late_kernel
from b25.kernels.world import head_of
from b25.model.event import EVENT, ORDER_ACCEPTED
from b25.model.world import CONTEXT, RUNNING

call_step = calls("int64(uintp, uintp, uintp, uintp, uintp, int64)", otherwise=step)


@late_kernel("int64(uintp, uintp, int64, int64, uintp, uintp, uintp, uintp, int64)")
def take_events(context, events, first, count, finished, step_code, apply_code, callback, callbacks):
    """Take events from `first` on; returns how many of `count` are then done.

    It ends after an event that left effects, that was an order's or a fill, or that halted the world.

    Parameters
    ----------
    context, events, finished : int
        Addresses of a CONTEXT, of EVENT rows and of an ORDER, see `b25.engine.step.step`.
    step_code, apply_code, callback : int
        Addresses of code.
    callbacks : int
        Bits of the callbacks that are called.
    """
    head = head_of(record_at(context, CONTEXT))
    rows = array_at(events, count, EVENT)
    k = first
    while k < count:
        status = call_step(step_code, (context, rows[k : k + 1].ctypes.data, finished, apply_code, callback, callbacks))
        k += 1
        if head["outbox"] != 0 or status != RUNNING or rows[k - 1]["kind"] >= ORDER_ACCEPTED:
            break
    return k
