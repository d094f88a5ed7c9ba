"""What is known after a request: six answers, of which only some are proof. Nothing ambiguous is ever called a failure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Answer(IntEnum):
    """What a request came to."""

    ACCEPTED = 1  # the venue did it, or had no need to
    REJECTED = 2  # the venue refused it for good: the request was read and judged
    NOT_SENT = 3  # no byte of it reached the venue's core: refused by us, by the limiter, or no connection
    NOT_ACCEPTED = 4  # the venue turned it away before judging it: clock, signature, order count
    UNKNOWN = 5  # it may have been done; only a later query can tell
    QUERY = 6  # the answer raises a question about an order (duplicate, not found): ask for the order's state


class Scope(IntEnum):
    """How far a reaction reaches."""

    NONE = 0
    SYMBOL = 1
    ACCOUNT = 2


class Reaction(IntEnum):
    """What must happen beyond this request."""

    NONE = 0
    HOLD = 1  # refuse what would increase risk; cancels and reduce-only orders go on
    HALT = 2  # hold, cancel everything, wake a person


DEFINITE = frozenset({Answer.ACCEPTED, Answer.REJECTED, Answer.NOT_SENT, Answer.NOT_ACCEPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What is known after a request.

    Attributes
    ----------
    answer : Answer
    value : T, optional
        What the venue told, parsed; None unless ACCEPTED, and then None where it told nothing.
    scope, reaction : Scope, Reaction
        What else must stop, and where.
    http : int
        Status of the answer; 0 when there was none.
    code : int or str, optional
        The venue's own error code.
    text : str
        The venue's own words, or ours when nothing was sent.
    retry_after_s : float
        Seconds before which nothing may be sent; 0 for none.
    resync_clock, renew_stream : bool
        The venue's clock must be measured anew; the key of the user stream must be asked for anew.
    alarm : bool
        A person should look: a fault of ours, or an answer that the table does not know.
    ended_unfilled : bool
        The order asked for is over, and nothing of it was executed.
    """

    answer: Answer
    value: T | None = None
    scope: Scope = Scope.NONE
    reaction: Reaction = Reaction.NONE
    http: int = 0
    code: int | str | None = None
    text: str = ""
    retry_after_s: float = 0.0
    resync_clock: bool = False
    renew_stream: bool = False
    alarm: bool = False
    ended_unfilled: bool = False

    @property
    def is_definite(self) -> bool:
        """Whether it proves what became of the request."""
        return self.answer in DEFINITE

    def must(self) -> T:
        """The value of an accepted request.

        Raises
        ------
        NoAnswer
            When the request was not accepted, or the venue told nothing.
        """
        if self.answer is not Answer.ACCEPTED or self.value is None:
            raise NoAnswer(self)
        return self.value

    def without_value(self) -> Outcome[Any]:
        """The same knowledge, for a request that returns something else."""
        return replace(self, value=None)


class NoAnswer(Exception):
    """A value was demanded of a request that has none.

    Parameters
    ----------
    outcome : Outcome
    """

    def __init__(self, outcome: Outcome[Any]) -> None:
        self.outcome = outcome
        super().__init__(f"{outcome.answer.name}: HTTP {outcome.http}, code {outcome.code}: {outcome.text}")


def accepted(value: T, *, http: int = 0) -> Outcome[T]:
    """Return the outcome of a request that the venue did."""
    return Outcome(answer=Answer.ACCEPTED, value=value, http=http)


def not_sent(text: str, *, retry_after_s: float = 0.0, alarm: bool = False) -> Outcome[Any]:
    """Return the outcome of a request that never left."""
    return Outcome(answer=Answer.NOT_SENT, text=text, retry_after_s=retry_after_s, alarm=alarm)
