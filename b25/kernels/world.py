"""The arrays of a world, by the addresses in its CONTEXT record."""

import numpy as np

from b25.kernels.address import array_at
from b25.kernels.jit import kernel
from b25.model.book import BOOK, LEVEL
from b25.model.instrument import INSTRUMENT
from b25.model.order import EFFECT, INTENT, ORDER
from b25.model.position import POSITION
from b25.model.world import FILL_VIEW, HEAD, LIMITS, NOTE, ORDER_VIEW, QUEUE_ENDS

WORD_BITS = 64
int64 = np.dtype(np.int64)
uint64 = np.dtype(np.uint64)


@kernel
def head_of(ctx):
    """Return the HEAD record."""
    return array_at(ctx["head"], 1, HEAD)[0]


@kernel
def instruments_of(ctx):
    """Return the INSTRUMENT array."""
    return array_at(ctx["instruments"], ctx["n"], INSTRUMENT)


@kernel
def books_of(ctx):
    """Return the BOOK array."""
    return array_at(ctx["books"], ctx["n"], BOOK)


@kernel
def lots_of(ctx, i):
    """Return the ladder of instrument `i`, int64 of shape (2, ladder_ticks)."""
    size = ctx["ladder_ticks"]
    return array_at(ctx["lots"], (ctx["n"], 2, size), int64)[i]


@kernel
def bits_of(ctx, i):
    """Return the bitset of instrument `i`, uint64 of shape (2, ladder_ticks / 64)."""
    words = ctx["ladder_ticks"] // WORD_BITS
    return array_at(ctx["bits"], (ctx["n"], 2, words), uint64)[i]


@kernel
def far_of(ctx, i):
    """Return the far table of instrument `i`, LEVEL of shape (2, far_levels)."""
    return array_at(ctx["far"], (ctx["n"], 2, ctx["far_levels"]), LEVEL)[i]


@kernel
def orders_of(ctx):
    """Return the order table."""
    return array_at(ctx["orders"], ctx["orders_size"], ORDER)


@kernel
def lives_of(ctx):
    """Return the ends of the live-order queues, QUEUE_ENDS of shape (n, 2): buys, sells."""
    return array_at(ctx["lives"], (ctx["n"], 2), QUEUE_ENDS)


@kernel
def positions_of(ctx):
    """Return the POSITION array."""
    return array_at(ctx["positions"], ctx["n"], POSITION)


@kernel
def limits_of(ctx):
    """Return the LIMITS array."""
    return array_at(ctx["limits"], ctx["n"], LIMITS)


@kernel
def intents_of(ctx):
    """Return the INTENT rows; a strategy writes here and nowhere else."""
    return array_at(ctx["intents"], ctx["intents_size"], INTENT)


@kernel
def outbox_of(ctx):
    """Return the EFFECT rows; only the gate writes here."""
    return array_at(ctx["outbox"], ctx["outbox_size"], EFFECT)


@kernel
def notes_of(ctx):
    """Return the NOTE rows of `ctx.log`."""
    return array_at(ctx["notes"], ctx["notes_size"], NOTE)


@kernel
def order_view_of(ctx):
    """Return the order that `on_order` is about."""
    return array_at(ctx["order_view"], 1, ORDER_VIEW)[0]


@kernel
def fill_view_of(ctx):
    """Return the fill that `on_fill` is about."""
    return array_at(ctx["fill_view"], 1, FILL_VIEW)[0]


@kernel
def bar_marks_of(ctx):
    """Return the marks of bars, int64 of shape (2, n, frames): how many were complete so far, and which became so now."""
    return array_at(ctx["bar_marks"], (2, ctx["n"], ctx["frames"]), int64)
