"""The arrays of a world, by the addresses in its CONTEXT record."""

import numpy as np

from b25.kernels.address import array_at, record_at
from b25.kernels.jit import kernel
from b25.model.bar import BAR_MARK, BAR_PLACE
from b25.model.book import BOOK, LEVEL
from b25.model.instrument import INSTRUMENT
from b25.model.order import EFFECT, INTENT, ORDER
from b25.model.parent import PARENT, PARENT_VIEW
from b25.model.position import POSITION
from b25.model.risk import RISK
from b25.model.world import FILL_VIEW, HEAD, LIMITS, NOTE, ORDER_VIEW, QUEUE_ENDS

WORD_BITS = 64
POSITION_SIZE, INSTRUMENT_SIZE, BOOK_SIZE = (
    np.uint64(POSITION.itemsize),
    np.uint64(INSTRUMENT.itemsize),
    np.uint64(BOOK.itemsize),
)
MARK_SIZE, PLACE_SIZE = np.uint64(BAR_MARK.itemsize), np.uint64(BAR_PLACE.itemsize)
ORDER_SIZE, ENDS_SIZE = np.uint64(ORDER.itemsize), np.uint64(QUEUE_ENDS.itemsize)
int64 = np.dtype(np.int64)
uint64 = np.dtype(np.uint64)


@kernel
def head_of(ctx):
    """Return the HEAD record."""
    return record_at(ctx["head"], HEAD)


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
def risk_of(ctx):
    """Return what the gate remembers."""
    return record_at(ctx["risk"], RISK)


@kernel
def verdicts_of(ctx):
    """Return the bits of the controls that each effect of the outbox broke."""
    return array_at(ctx["verdicts"], ctx["outbox_size"], int64)


@kernel
def parents_of(ctx):
    """Return the table of parent orders; empty in a run that keeps none."""
    return array_at(ctx["parents"], ctx["parents_size"], PARENT)


@kernel
def parent_views_of(ctx):
    """Return what a strategy sees of each row of the table, and one row more for a parent that is not there."""
    return array_at(ctx["parent_views"], ctx["parents_size"] + 1, PARENT_VIEW)


@kernel
def order_view_of(ctx):
    """Return the order that `on_order` is about."""
    return record_at(ctx["order_view"], ORDER_VIEW)


@kernel
def fill_view_of(ctx):
    """Return the fill that `on_fill` is about."""
    return record_at(ctx["fill_view"], FILL_VIEW)


@kernel
def bar_mark_at(ctx, i, frame):
    """Return the BAR_MARK of an instrument and timeframe."""
    return record_at(ctx["bar_marks"] + np.uint64(i * ctx["frames"] + frame) * MARK_SIZE, BAR_MARK)


@kernel
def bar_place_at(ctx, i, frame):
    """Return the BAR_PLACE of an instrument and timeframe."""
    return record_at(ctx["bar_at"] + np.uint64(i * ctx["frames"] + frame) * PLACE_SIZE, BAR_PLACE)


@kernel
def position_at(ctx, i):
    """Return the POSITION of instrument `i`; by its address alone, which costs less than by way of the array."""
    return record_at(ctx["positions"] + np.uint64(i) * POSITION_SIZE, POSITION)


@kernel
def instrument_at(ctx, i):
    """Return the INSTRUMENT `i`."""
    return record_at(ctx["instruments"] + np.uint64(i) * INSTRUMENT_SIZE, INSTRUMENT)


@kernel
def book_at(ctx, i):
    """Return the BOOK of instrument `i`."""
    return record_at(ctx["books"] + np.uint64(i) * BOOK_SIZE, BOOK)


@kernel
def order_at(ctx, slot):
    """Return the ORDER in a slot of the table."""
    return record_at(ctx["orders"] + np.uint64(slot) * ORDER_SIZE, ORDER)


@kernel
def live_at(ctx, i, index):
    """Return the QUEUE_ENDS of instrument `i`: 0 buys, 1 sells."""
    return record_at(ctx["lives"] + np.uint64(2 * i + index) * ENDS_SIZE, QUEUE_ENDS)
