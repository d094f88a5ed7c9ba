"""Parent orders: one wish that is worked by several orders, its children, over time or in reaction to the market."""

from enum import IntEnum
from typing import Final

import numpy as np

PARENTS: Final = 64  # rows of the table; a power of two. A finished parent is kept until its row is needed
CURVE: Final = 48  # buckets of a volume curve at most
SLICES_MAX: Final = 100_000
NEVER_NS: Final = 2**62


class Algo(IntEnum):
    """How a parent works."""

    NONE = 0
    TWAP = 1
    VWAP = 2
    ICEBERG = 3
    BRACKET = 4
    OCO = 5
    TRAILING_STOP = 6


class ParentState(IntEnum):
    """Where a parent stands."""

    NONE = 0
    CREATED = 1  # no child was sent yet
    WORKING = 2
    PAUSED = 3
    DONE = 4  # all of it is filled, or its time is over; what is left is told
    CANCELLED = 5
    FAILED = 6


class Role(IntEnum):
    """What a child does for its parent, which has one live child of each at most."""

    WORK = 0  # buys or sells the parent's quantity: a slice, a tranche, a bracket's entry
    STOP = 1
    TARGET = 2
    CLOSE = 3  # closes at market what a leg could not protect
    EXCESS = 4  # takes back what both legs together closed too much


ROLES: Final = len(Role)

# Flags of a parent.
PASSIVE: Final = 1  # rests at the touch
CATCH_UP: Final = 2  # crosses for what its slice left
POST_ONLY_CHILD: Final = 4

# Who paused it, as bits.
BY_STRATEGY: Final = 1
BY_SESSION: Final = 2

# Whether what is open is closed at market, because a leg cannot protect it.
CLOSING_ASKED: Final = 1
CLOSING: Final = 2

# Notes that the engine itself leaves beside those of `ctx.log`; the value is the parent's id.
NOTE_FAILED: Final = -101
NOTE_CLOSED_AT_MARKET: Final = -102
NOTE_EXCESS: Final = -103

PARENT = np.dtype(
    [
        ("parent_id", "i8"),
        ("algo", "i8"),
        ("state", "i8"),
        ("ending", "i8"),  # the state that it takes once no child is left; 0 while it goes on
        ("reason", "i8"),  # the latest refusal, or why it failed
        ("side", "i8"),  # of the children that work; of a bracket's entry
        ("exit_side", "i8"),  # of the legs; 0 without
        ("instrument", "i8"),
        ("flags", "i8"),
        ("qty_lots", "i8"),
        ("limit_ticks", "i8"),  # no child that works is worse; 0 means none
        ("display_lots", "i8"),
        ("slices", "i8"),
        ("slice", "i8"),  # slices begun, or ended where participation is bounded
        ("sent", "i8"),  # what this slice may do once was done
        ("crossed", "i8"),  # the slice at whose beginning it crossed last; slices + 1 once it crossed at the end
        ("replaces", "i8"),  # the resting child belongs to a slice that is over
        ("participation_e9", "i8"),
        ("allowed_lots", "i8"),  # of this slice, by the volume of the one before
        ("bucket_filled_lots", "i8"),  # filled when the slice began
        ("bucket_traded_lots", "i8"),  # the instrument's volume then
        ("created_ns", "i8"),
        ("start_ns", "i8"),
        ("span_ns", "i8"),
        ("due_ns", "i8"),  # when it wants to be worked although nothing happens
        ("moved_ns", "i8"),  # when a child that is moved was placed
        ("paused_ns", "i8"),
        ("paused_by", "i8"),
        ("ended_ns", "i8"),
        ("stop_ticks", "i8"),  # 0 means no such leg, or a trailing stop that has no level yet
        ("target_ticks", "i8"),
        ("distance_ticks", "i8"),  # of a trailing stop: this, or the next
        ("distance_e9", "i8"),
        ("step_e9", "i8"),  # by how much of the price it moves at least
        ("activation_ticks", "i8"),  # 0 once it is reached
        ("extreme_ticks", "i8"),  # best price since then; 0 before
        ("opened_lots", "i8"),  # what the legs protect
        ("waived_lots", "i8"),  # of that, what somebody else closed
        ("closing", "i8"),
        ("alarmed", "i8"),
        ("arrival2_ticks", "i8"),  # twice the mid when it was asked for; 0 when there was none
        ("traded_lots", "i8"),  # of the instrument, when it was asked for
        ("traded_ticklots", "i8"),
        ("traded_end_lots", "i8"),  # and when it ended
        ("traded_end_ticklots", "i8"),
        ("child_ids", "i8", (ROLES,)),  # the live child; 0 means none
        ("live_lots", "i8", (ROLES,)),  # resting, in flight, and of unknown outcome
        ("filled_lots", "i8", (ROLES,)),
        ("filled_ticklots", "i8", (ROLES,)),
        ("tries", "i8", (ROLES,)),  # placements in a row that came to nothing
        ("retry_ns", "i8", (ROLES,)),
        ("curve_e9", "i8", (CURVE,)),  # share of the quantity that is due in each bucket, cumulated
    ],
    align=True,
)

# What a strategy sees of a parent: floats in quote and base units; NaN where there is none.
PARENT_VIEW = np.dtype(
    [
        ("parent_id", "i8"),
        ("algo", "i8"),
        ("state", "i8"),
        ("reason", "i8"),
        ("side", "i8"),
        ("instrument", "i8"),
        ("quantity", "f8"),
        ("filled", "f8"),  # by the children that work; of OCO and trailing stop by their legs
        ("closed", "f8"),  # by the legs
        ("live", "f8"),
        ("average_price", "f8"),
        ("exit_price", "f8"),  # average of the legs
        ("stop_price", "f8"),
        ("arrival_price", "f8"),
        ("slippage_bps", "f8"),  # of the average against the mid when it was asked for; positive is a cost
        ("vwap_slippage_bps", "f8"),  # against what the market traded at meanwhile
    ],
    align=True,
)
