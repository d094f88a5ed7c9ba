"""Work all parent orders: called once for each event, after the strategy. No clock, no I/O, no dice.

Parents see what the strategy sees and ask as it does: their wishes pass the gate. Time comes with events; where a parent waits
for a time alone, the head of the world says when, and whoever drives the world makes an event of it.
"""

from typing import Final

from b25.execution.children import withdraw, withdraw_all
from b25.execution.exits import work_exits
from b25.execution.schedules import work_iceberg, work_schedule
from b25.kernels.address import calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.parent_table import ask_end, end_parent, is_at_work, pause, resume
from b25.kernels.world import head_of, parents_of
from b25.model.order import Reason
from b25.model.parent import BY_SESSION, NEVER_NS, Algo, ParentState, Role
from b25.model.world import CONTEXT

TWAP, VWAP, ICEBERG = int(Algo.TWAP), int(Algo.VWAP), int(Algo.ICEBERG)
PAUSED, CANCELLED = int(ParentState.PAUSED), int(ParentState.CANCELLED)
WORK, OK = int(Role.WORK), int(Reason.OK)

# What a session can ask of all parents.
PAUSE_ALL: Final = 1
RESUME_ALL: Final = 2
CANCEL_ALL: Final = 3


@kernel
def work_one(ctx, parent):
    """Work one parent that is not over."""
    parent["due_ns"] = NEVER_NS
    if parent["ending"] != 0:
        if not withdraw_all(ctx, parent):
            end_parent(ctx, parent, parent["ending"])
    elif parent["state"] == PAUSED:
        if parent["paused_by"] & BY_SESSION:
            withdraw_all(ctx, parent)
        else:
            withdraw(ctx, parent, WORK)  # legs go on protecting where they stand
    elif parent["algo"] == TWAP or parent["algo"] == VWAP:
        work_schedule(ctx, parent)
    elif parent["algo"] == ICEBERG:
        work_iceberg(ctx, parent)
    else:
        work_exits(ctx, parent)


@late_kernel("void(uintp)")
def work_parents(context):
    """Work every parent, and say when the next one wants to be worked."""
    ctx = record_at(context, CONTEXT)
    table = parents_of(ctx)
    due_ns = NEVER_NS
    for slot in range(table.shape[0]):
        parent = table[slot]
        if is_at_work(parent):
            work_one(ctx, parent)
            due_ns = min(due_ns, parent["due_ns"])
    head_of(ctx)["parent_due_ns"] = due_ns


call_parents = calls("void(uintp)", otherwise=work_parents)


@late_kernel("void(uintp, int64)")
def command_parents(context, what):
    """Do to every parent what a session's command says: PAUSE_ALL, RESUME_ALL or CANCEL_ALL."""
    ctx = record_at(context, CONTEXT)
    table = parents_of(ctx)
    for slot in range(table.shape[0]):
        parent = table[slot]
        if not is_at_work(parent):
            continue
        if what == PAUSE_ALL:
            pause(ctx, parent, BY_SESSION)
        elif what == CANCEL_ALL:
            ask_end(parent, CANCELLED, OK)
        else:
            resume(ctx, parent, BY_SESSION)
