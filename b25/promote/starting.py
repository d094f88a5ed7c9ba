"""Which version may run, in which mode and how large: asked before a session starts, and while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from b25.promote.moves import POINTED, Promotions
from b25.promote.states import LADDER, LOWEST, Refused, Standing, State
from b25.promote.version import Version, versions
from b25.store.promotion_log import Move
from b25.store.promotion_pointers import pointers

MODES: Final = tuple(LOWEST)


@dataclass(frozen=True, slots=True)
class Start:
    """What a session may start with."""

    version: Version
    standing: Standing
    size_factor: float

    def facts(self, *, as_promoted: bool) -> dict[str, object]:
        """What the session's journal begins with of it."""
        return {
            "name": self.version.manifest["name"], "number": self.version.manifest["version"],
            "reference": self.version.reference, "content_id": self.version.content_id, "state": str(self.standing.state),
            "size_factor": self.size_factor, "as_promoted": as_promoted,
        }  # fmt: skip


def pointed(promotions: Promotions, name: str, mode: str) -> str:
    """Return the version that a name stands for in a mode, as ``name@number``.

    Raises
    ------
    Refused
        When it stands for none there.
    """
    held = {one.stage: one.version for one in pointers(promotions.store, name)}
    for stage in POINTED[mode]:
        if stage in held:
            return f"{name}@{held[stage]}"
    known = ", ".join(one.reference for one in versions(promotions.root, name)) or "none"
    stage = POINTED[mode][-1]
    raise Refused(
        f"{name} stands for no version in mode {mode}; its versions: {known}",
        remedy=f"approve one: b25 strategies approve {name}@N --to {stage}; or name it: b25 run {name}@N --mode {mode}",
    )


def may_start(promotions: Promotions, version: Version, mode: str) -> Start:
    """Return what a session of a version may start with.

    Raises
    ------
    Refused
        Names the state, what is missing, and the command that would help.
    """
    standing, moves = promotions.standing(version)
    if why := standing.why_not(mode):
        raise Refused(f"{version.reference} does not run: {why}{_said(moves)}", remedy=_help(promotions, version, standing, mode))
    return Start(version, standing, _size_of(moves, standing) if mode == "live" else 1.0)


def why_stopped(promotions: Promotions, version: Version, mode: str) -> str:
    """Why a session that runs must not go on trading; empty when it may."""
    standing, moves = promotions.standing(version)
    why = standing.why_not(mode)
    return f"{version.reference}: {why}{_said(moves)}" if why else ""


def _size_of(moves: list[Move], standing: Standing) -> float:
    return 1.0 if standing.state is State.LIVE else moves[-1].size_factor


def _said(moves: list[Move]) -> str:
    if not moves or moves[-1].to_state not in (State.PAUSED, State.RETIRED):
        return ""
    reason = f": {moves[-1].reason}" if moves[-1].reason else ""
    return f", by {moves[-1].who}{reason}"


def _help(promotions: Promotions, version: Version, standing: Standing, mode: str) -> str:
    """Say what leads on: the next step with what it still needs, or the way out of a pause."""
    if standing.state is State.RETIRED:
        return "run another version: b25 strategies list"
    if standing.state is State.PAUSED:
        return f"b25 strategies approve {version.reference} --to {standing.before} --reason …; or b25 strategies rollback"
    to = LADDER[LADDER.index(standing.state) + 1]
    missing = [f"{one.name}: {one.told}" for one in promotions.needs(version, standing, to)[0] if not one.met]
    told = f" (still needs {'; '.join(missing)})" if missing else ""
    return f"b25 strategies approve {version.reference} --to {to} --reason …{told}"
