"""How well the parts of the platform are: what each said of itself, how old that is, and what follows from what it needs.

Nothing here asks anybody: `b25.runner.health_checks.check_all` does, and hands what it found to these functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """How a part is. Unknown is never taken for healthy."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"  # it works, and somebody should look
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"  # it was not asked, did not answer, or its answer is too old
    DISABLED = "disabled"  # not part of this installation, on purpose


WORST_FIRST: Final = (State.UNHEALTHY, State.UNKNOWN, State.DEGRADED, State.HEALTHY, State.DISABLED)
NUMBERS: Final = {State.HEALTHY: 0, State.DEGRADED: 1, State.UNHEALTHY: 2, State.UNKNOWN: 3, State.DISABLED: 4}  # of the metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is known of one part.

    Attributes
    ----------
    name : str
        ``database``, ``bus``, ``kill``, ``supervisor``, ``disk``, ``clock``, ``session NAME``.
    state : State
    age_s : float or None
        How old what it says is; None when nothing was ever heard.
    detail : str
        For people, without secrets.
    depends_on : tuple of str
        Names of checks that it cannot do without.
    is_required : bool
        Whether the platform is not ready without it.
    """

    name: str
    state: State
    age_s: float | None = None
    detail: str = ""
    depends_on: tuple[str, ...] = ()
    is_required: bool = True


def aged(check: Check, *, age_s_max: float) -> Check:
    """Return the check, as unknown when what it says is older than it may be."""
    if check.state in (State.UNKNOWN, State.DISABLED):
        return check
    if check.age_s is None or math.isnan(check.age_s) or check.age_s > age_s_max:
        told = (
            "never heard" if check.age_s is None else f"last heard {check.age_s:.1f} s ago, at most {age_s_max:g} s are allowed"
        )
        return replace(check, state=State.UNKNOWN, detail=f"{told}; it said {check.state}: {check.detail}".rstrip(": "))
    return check


def weighed(checks: Iterable[Check]) -> list[Check]:
    """Return the checks, each no better than degraded when something that it needs is unhealthy or unknown.

    What is needed by way of others counts as well; a circle harms nobody.
    """
    known = {one.name: one for one in checks}
    bad = {name for name, one in known.items() if one.state in (State.UNHEALTHY, State.UNKNOWN)}

    def missing(name: str, seen: frozenset[str]) -> set[str]:
        one = known.get(name)
        found: set[str] = set()
        for below in () if one is None else one.depends_on:
            if below in bad or below not in known:
                found.add(below)
            if below not in seen:
                found |= missing(below, seen | {below})
        return found

    told = []
    for name, one in known.items():
        lacking = sorted(missing(name, frozenset({name})) - {name})
        if lacking and one.state is State.HEALTHY:
            needs = f"needs {', '.join(lacking)}"
            one = replace(one, state=State.DEGRADED, detail=f"{one.detail}; {needs}" if one.detail else needs)
        told.append(one)
    return told


def overall(checks: Sequence[Check]) -> State:
    """Return the state of all together: the worst of what is required; what is not can only degrade it.

    Without a single check nothing is known.
    """
    told = [one for one in checks if one.state is not State.DISABLED]
    if not told:
        return State.UNKNOWN
    required = [one.state for one in told if one.is_required]
    worst = min(required, key=WORST_FIRST.index, default=State.HEALTHY)
    others = any(not one.is_required and one.state is not State.HEALTHY for one in told)
    return State.DEGRADED if worst is State.HEALTHY and others else worst


def is_ready(checks: Sequence[Check]) -> bool:
    """Whether requests may be sent here: nothing that is required is unhealthy or unknown."""
    return overall(checks) in (State.HEALTHY, State.DEGRADED)
