"""States of a promoted version, and which move leads where: no I/O, no clock, nobody's name.

draft -> validated -> observe -> paper -> canary -> live
any -> paused -> back where it was;  any -> retired, and never back
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from b25.config import refusals


class State(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"  # frozen; nobody has looked at it
    VALIDATED = "validated"  # proven, and may watch
    OBSERVE = "observe"  # watches, and may trade on paper
    PAPER = "paper"  # trades on paper
    CANARY = "canary"  # trades live, with its limits scaled down
    LIVE = "live"  # trades live
    PAUSED = "paused"
    RETIRED = "retired"


LADDER: Final = (State.DRAFT, State.VALIDATED, State.OBSERVE, State.PAPER, State.CANARY, State.LIVE)
LOWEST: Final = {"observe": State.VALIDATED, "paper": State.OBSERVE, "live": State.CANARY}  # by mode of a session


class Refused(refusals.Refused):
    """A move, or a start, that the states do not allow."""

    exit_code = 1


class NotAllowed(refusals.NotAllowed):
    """Not this person, or not yet."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands.

    Attributes
    ----------
    before : State or None
        While it is paused: where it was.
    """

    state: State = State.DRAFT
    before: State | None = None

    def next(self, to: State) -> Standing:
        """Return where a move leads.

        Raises
        ------
        Refused
            When there is no such move.
        """
        if self.state is State.RETIRED:
            raise Refused("it is retired, and that is for good", remedy="promote its source anew: b25 promote")
        if to is self.state:
            raise Refused(f"it is {to} already", remedy="see b25 strategies list")
        if to is State.RETIRED:
            return Standing(to)
        if to is State.PAUSED:
            return Standing(to, self.state)
        if self.state is State.PAUSED:
            if to is not self.before:
                raise Refused(
                    f"it is paused, and was {self.before}: it goes back there first", remedy=f"move it to {self.before}, then on"
                )
            return Standing(to)
        if LADDER.index(to) < LADDER.index(self.state):
            raise Refused(
                f"from {self.state} nothing leads back to {to}",
                remedy="pause it, or go back to an older version: b25 strategies rollback",
            )
        return Standing(to)

    def steps(self, to: State) -> tuple[tuple[State, State], ...]:
        """Steps up the ladder that a move goes through; none for a pause, a resumption or the end. Raises Refused as `next`."""
        self.next(to)
        if to not in LADDER or self.state not in LADDER:
            return ()
        return tuple(pairwise(LADDER[LADDER.index(self.state) : LADDER.index(to) + 1]))

    def why_not(self, mode: str) -> str:
        """Why it may not run in a mode; empty when it may."""
        if self.state is State.PAUSED:
            return f"it is paused (it was {self.before})"
        if self.state is State.RETIRED:
            return "it is retired"
        lowest = LOWEST[mode]
        if LADDER.index(self.state) < LADDER.index(lowest):
            return f"it is {self.state}, and mode {mode} needs {lowest} or higher"
        return ""


def standing_after(moves: Sequence[tuple[str, str]]) -> Standing:
    """Return where moves, as (from, to) from the first on, lead.

    Raises
    ------
    Refused
        When one does not begin where the one before ended, or is no move.
    """
    standing = Standing()
    for number, (begins, ends) in enumerate(moves, 1):
        if begins != standing.state:
            raise Refused(f"move {number} begins at {begins}, and it stood at {standing.state}", remedy="b25 audit verify")
        standing = standing.next(State(ends))
    return standing
