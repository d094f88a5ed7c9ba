"""States of an order, as they stand in journal, database and on every screen, and which may follow which."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from b25.model.order import Pending, State


class OrderState(StrEnum):
    """What we know of an order."""

    INTENT = "INTENT"
    SENDING = "SENDING"
    NEW = "NEW"
    PARTIAL = "PARTIAL"
    CANCELING = "CANCELING"
    UNKNOWN = "UNKNOWN"  # sent, and what became of it is not proven
    UNKNOWN_CANCEL = "UNKNOWN_CANCEL"  # it lived, and what became of its cancel is not proven
    LOST = "LOST"  # it lived, and the venue no longer knows it: a person resolves it
    DENIED = "DENIED"
    NOT_SENT = "NOT_SENT"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    REJECTED = "REJECTED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


S = OrderState
TERMINAL: Final = frozenset({S.DENIED, S.NOT_SENT, S.NOT_ACCEPTED, S.REJECTED, S.FILLED, S.CANCELED, S.EXPIRED})
AT_VENUE: Final = frozenset({S.NEW, S.PARTIAL, S.CANCELING, S.UNKNOWN_CANCEL})
IN_DOUBT: Final = frozenset({S.UNKNOWN, S.UNKNOWN_CANCEL, S.LOST})
ENDS: Final = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED})

# What may follow. A trade or a report may come from any state that is not terminal, even before the order was acknowledged.
# NOT_ACCEPTED and NOT_SENT to LOST: an order found after it was proven absent, so that the proof's margin was wrong.
FOLLOWS: Final[dict[OrderState, frozenset[OrderState]]] = {
    S.INTENT: frozenset({S.DENIED, S.NOT_SENT, S.SENDING, S.UNKNOWN, S.NEW, S.PARTIAL}) | ENDS,
    S.SENDING: frozenset({S.NOT_SENT, S.NOT_ACCEPTED, S.UNKNOWN, S.NEW, S.PARTIAL}) | ENDS,
    S.UNKNOWN: frozenset({S.NOT_SENT, S.NOT_ACCEPTED, S.NEW, S.PARTIAL, S.LOST}) | ENDS,
    S.NEW: frozenset({S.PARTIAL, S.CANCELING, S.UNKNOWN_CANCEL, S.LOST}) | ENDS,
    S.PARTIAL: frozenset({S.CANCELING, S.UNKNOWN_CANCEL, S.LOST}) | ENDS,
    S.CANCELING: frozenset({S.NEW, S.PARTIAL, S.UNKNOWN_CANCEL, S.LOST}) | ENDS,
    S.UNKNOWN_CANCEL: frozenset({S.NEW, S.PARTIAL, S.CANCELING, S.LOST}) | ENDS,
    S.LOST: frozenset({S.NEW, S.PARTIAL, S.CANCELING}) | ENDS,
    S.NOT_ACCEPTED: frozenset({S.LOST}),
    S.NOT_SENT: frozenset({S.LOST}),
    S.DENIED: frozenset(),
    S.REJECTED: frozenset({S.LOST}),
    S.FILLED: frozenset(),
    S.CANCELED: frozenset(),
    S.EXPIRED: frozenset(),
}

# What a venue tells, in our words; it tells nothing that is ours alone.
OF_REPORT: Final = {
    State.OPEN: S.NEW,
    State.PART_FILLED: S.PARTIAL,
    State.FILLED: S.FILLED,
    State.CANCELLED: S.CANCELED,
    State.EXPIRED: S.EXPIRED,
    State.REJECTED: S.REJECTED,
}

# The world's compact record is a projection: what is true, and what was asked and not yet answered.
PROJECTED: Final[dict[OrderState, tuple[State, Pending]]] = {
    S.INTENT: (State.CREATED, Pending.NEW),
    S.SENDING: (State.CREATED, Pending.NEW),
    S.UNKNOWN: (State.UNKNOWN, Pending.NEW),
    S.NEW: (State.OPEN, Pending.NONE),
    S.PARTIAL: (State.PART_FILLED, Pending.NONE),
    S.CANCELING: (State.OPEN, Pending.CANCEL),
    S.UNKNOWN_CANCEL: (State.UNKNOWN, Pending.CANCEL),
    S.LOST: (State.UNKNOWN, Pending.NONE),
    S.DENIED: (State.DENIED, Pending.NONE),
    S.NOT_SENT: (State.REJECTED, Pending.NONE),
    S.NOT_ACCEPTED: (State.REJECTED, Pending.NONE),
    S.REJECTED: (State.REJECTED, Pending.NONE),
    S.FILLED: (State.FILLED, Pending.NONE),
    S.CANCELED: (State.CANCELLED, Pending.NONE),
    S.EXPIRED: (State.EXPIRED, Pending.NONE),
}
