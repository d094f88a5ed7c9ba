"""An order of ours as the venue has it, what was sent and came back, and what a refusal means in the world's own words."""

from dataclasses import dataclass, field
from typing import Any, Final

from b25.model.order import Reason
from b25.venue.port.outcome import Answer, Outcome

WOULD_TAKE: Final = frozenset({-5022, -2010, -5021})
NO_FUNDS: Final = frozenset({-2019, -2018, -4131})


@dataclass(slots=True)
class Own:
    """An order of ours as the venue has it."""

    order_id: int
    instrument: int
    client_id: str
    side: int
    qty_lots: int
    flags: int
    venue_id: str = ""
    filled_lots: int = 0
    is_over: bool = False
    busy: bool = True  # a request is under way, which will tell


@dataclass(slots=True)
class Counts:
    """What was sent and what came back."""

    sent: int = 0
    fills: int = 0
    unknown: int = 0
    strangers: set[str] = field(default_factory=set)  # trades of orders that are not this session's


def reason_of(outcome: Outcome[Any]) -> Reason:
    """Why the venue, or we before it, did not do what was asked."""
    if outcome.code in WOULD_TAKE:
        return Reason.POST_ONLY_WOULD_CROSS
    if outcome.code in NO_FUNDS:
        return Reason.INSUFFICIENT_FUNDS
    if outcome.answer is Answer.NOT_SENT:
        return Reason.RATE_LIMIT
    return Reason.NOT_SUPPORTED if outcome.answer is Answer.REJECTED else Reason.UNKNOWN_ORDER
