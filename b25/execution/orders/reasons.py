"""What a venue's refusal, or our own, means in the world's own words."""

from __future__ import annotations

from typing import Any, Final

from b25.execution.orders.states import OrderState
from b25.model.order import Reason
from b25.venue.port.outcome import Answer, Outcome
from b25.venue.port.requests import NewOrder

CODES: Final[dict[int, Reason]] = {
    -5022: Reason.POST_ONLY_WOULD_CROSS, -5021: Reason.NOTHING_TO_MATCH, -2019: Reason.INSUFFICIENT_FUNDS,
    -2018: Reason.INSUFFICIENT_FUNDS, -4131: Reason.NOTHING_TO_MATCH, -1021: Reason.CLOCK_SKEW,
    -2021: Reason.STOP_WRONG_SIDE, -2022: Reason.WOULD_INCREASE,
}  # fmt: skip
# One code of the spot market says everything: only its words tell.
WORDS: Final = {
    "immediately match": Reason.POST_ONLY_WOULD_CROSS,
    "insufficient balance": Reason.INSUFFICIENT_FUNDS,
    "would trigger immediately": Reason.STOP_WRONG_SIDE,
}


def reason_of(outcome: Outcome[Any]) -> Reason:
    """Why the venue, or we before it, did not do what was asked."""
    if isinstance(outcome.code, int) and outcome.code in CODES:
        return CODES[outcome.code]
    told = outcome.text.lower()
    for words, reason in WORDS.items():
        if words in told:
            return reason
    if outcome.answer is Answer.NOT_SENT:
        return Reason.RATE_LIMIT
    return Reason.NOT_SUPPORTED if outcome.answer is Answer.REJECTED else Reason.UNKNOWN_ORDER


def end_reason(state: OrderState, new: NewOrder, *, filled_lots: int) -> Reason:
    """Why an order that lived ended: cancelled, or because nothing was left for it."""
    if state is OrderState.CANCELED:
        return Reason.CANCEL_REQUESTED
    return Reason.POST_ONLY_WOULD_CROSS if new.post_only and not filled_lots else Reason.NOTHING_TO_MATCH
