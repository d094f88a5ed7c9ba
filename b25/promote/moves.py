"""Moves versions from state to state: needs are looked up, who may is checked; row, pointer and audit are one write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from b25.config.settings import PromotionSettings
from b25.promote.evidence import evidence, requirements
from b25.promote.gate import (
    RESUME_ROLES,
    ROLLBACK_ROLES,
    SECOND_PERSON,
    SKIP_ROLES,
    STEP_ROLES,
    STOP_ROLES,
    Need,
    needs_of,
)
from b25.promote.record import Actor, authors_of, believed, signed_move
from b25.promote.states import LADDER, NotAllowed, Refused, Standing, State
from b25.promote.version import Version, find, verify, versions
from b25.store.audit import add_audit
from b25.store.people import is_alone
from b25.store.promotion_log import Move, add_move, last_moves, moves_of, moves_within
from b25.store.promotion_pointers import (
    Pointer,
    Request,
    drop_request,
    point,
    pointer_within,
    pointers,
    put_request,
    request_within,
)
from b25.store.store import Store

REASON_MAX: Final = 1_000
STAGES: Final = (State.OBSERVE, State.PAPER, State.CANARY, State.LIVE)
POINTED: Final = {"observe": ("observe",), "paper": ("paper",), "live": ("live", "canary")}  # by mode, which stage is asked first


class Unmet(Refused):
    """What a step needs is not there yet."""

    def __init__(self, reference: str, to: State, needs: Sequence[Need]) -> None:
        missing = [one for one in needs if not one.met]
        told = "; ".join(f"{one.name}: {one.told}" for one in missing)
        super().__init__(f"{reference} cannot be {to} yet: {told}", remedy=missing[0].remedy)
        self.needs = list(needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A move that somebody asks for.

    Attributes
    ----------
    skip : bool
        Pass over steps and over what is not met, as far as that is allowed; needs a reason and the role `risk`.
    typed : str
        What who works alone types to agree with himself.
    size_factor : float or None
        Of a canary, lower than it would be.
    """

    to: State
    reason: str = ""
    skip: bool = False
    typed: str = ""
    size_factor: float | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """What came of it: a move, or a request that waits for its confirmation."""

    version: Version
    standing: Standing
    move: Move | None = None
    request: Request | None = None
    needs: tuple[Need, ...] = ()


@dataclass(slots=True)
class Promotions:
    """The states of all versions of an installation.

    Attributes
    ----------
    root, secrets_folder : Path
        Of the frozen versions, and of the promotion key.
    asked : PromotionSettings
    now_ns, drill_ns : callable
        The clock; when the kill switch was last tried.
    """

    store: Store
    root: Path
    secrets_folder: Path
    asked: PromotionSettings = field(default_factory=PromotionSettings)
    now_ns: Callable[[], int] = lambda: 0
    drill_ns: Callable[[], int] = lambda: 0

    # Reading.

    def find(self, reference: str) -> Version:
        """Return a version. Raises Misuse when there is none."""
        return find(self.root, reference)

    def standing(self, version: Version) -> tuple[Standing, list[Move]]:
        """Return where a version stands, and its moves. Raises Refused when they cannot be believed."""
        moves = moves_of(self.store, str(version.manifest["name"]), int(version.manifest["version"]))
        return believed(moves, version, self.secrets_folder), moves

    def all(self, name: str = "") -> list[tuple[Version, list[Move]]]:
        """Return every version with its moves, by name and number."""
        known = last_moves(self.store)
        found = versions(self.root, name)
        return [(one, known.get((str(one.manifest["name"]), int(one.manifest["version"])), [])) for one in found]

    def needs(self, version: Version, standing: Standing, to: State) -> tuple[list[Need], PromotionSettings]:
        """Return what a move needs, of every step that it goes through, and by which requirements."""
        steps = standing.steps(to)
        asked = requirements(version, self.asked)
        if not steps:
            return [], asked
        found = evidence(self.store, version, self.secrets_folder, now_ns=self.now_ns(), drill_ns=self.drill_ns)
        needs: dict[str, Need] = {}
        for _, end in steps:  # a later step asks for as much or more by the same name
            needs |= {one.name: one for one in needs_of(end, found, asked, version.reference)}
        return list(needs.values()), asked

    def confirmation(self, version: Version, to: State) -> str:
        """What is to be typed by who agrees with himself."""
        return f"{version.reference} to {to}"

    # Moving.

    def move(self, reference: str, wanted: Wanted, by: Actor) -> Came:
        """Move a version, or have the move wait for its confirmation.

        Raises
        ------
        Unmet
            When something that it needs is missing; `needs` tells all of it.
        NotAllowed
            When it is not for this person, or not yet.
        Refused
            When there is no such move, or somebody else moved it meanwhile.
        """
        version = self.find(reference)
        standing, moves = self.standing(version)
        role = self._role(standing, wanted, by)
        _check_reason(standing, wanted)
        needs, asked = self.needs(version, standing, wanted.to)
        unmet = [one for one in needs if not one.met]
        if [one for one in unmet if not (wanted.skip and one.may_skip)]:
            raise Unmet(version.reference, wanted.to, needs)
        alone = self._second_person(version, standing, wanted, by, moves)
        factor = self._size_factor(moves, standing, wanted, asked)
        steps = standing.steps(wanted.to)
        passed = [f"state {end}" for _, end in steps[:-1]] + [one.name for one in unmet]
        told = {"needs": [one.facts() for one in needs], "requirements": asked.model_dump()}
        with self.store.writing(full=True):
            moves = self._unmoved(version, moves)
            if alone and (request := self._confirmed(version, wanted, by)) is not None:
                return Came(version, standing, request=request, needs=tuple(needs))
            made = signed_move(
                version, moves, standing.state, wanted.to, by, self.secrets_folder, role=role, when_ns=self.now_ns(),
                reason=wanted.reason, evidence=told, skipped=passed, size_factor=factor, alone=alone,
            )  # fmt: skip
            self._write(made, by)
        return Came(version, standing.next(wanted.to), move=made, needs=tuple(needs))

    def rollback(self, name: str, by: Actor, *, to: int | None = None, stage: str = "", reason: str = "") -> tuple[Version, int]:
        """Have a name stand for an older version again, and pause the one that it leaves; gives both.

        Parameters
        ----------
        to : int, optional
            Left out: the version that the name stood for before.
        stage : str
            Left out: live if the name stands for something there, else canary, else paper.

        Raises
        ------
        Refused
            When there is nothing to go back to, or the older version may not run in that stage.
        """
        if not by.roles & ROLLBACK_ROLES:
            raise NotAllowed(f"{by.name} may not roll back", remedy=f"needs one of {', '.join(sorted(ROLLBACK_ROLES))}")
        if not reason.strip():
            raise Refused("a rollback without a reason", remedy="give --reason")
        held = {one.stage: one for one in pointers(self.store, name)}
        stage = stage or next((one for one in ("live", "canary", "paper", "observe") if one in held), "")
        if stage not in held:
            raise Refused(f"{name} stands for nothing{f' in {stage}' if stage else ''}", remedy="see b25 strategies list")
        leaves = self.find(f"{name}@{held[stage].version}")
        takes = self._older(held[stage], to)
        with self.store.writing(full=True):
            moves = moves_within(self.store, name, held[stage].version)
            now = pointer_within(self.store, name, stage)
            if now is None or now.version != held[stage].version:
                raise Refused(f"{name} was moved meanwhile", remedy="look again: b25 strategies list")
            point(self.store, name, stage, int(takes.manifest["version"]), who=by.name, now_ns=self.now_ns(), reason=reason)
            body = {**by.facts, "object": name, "stage": stage, "before": leaves.reference, "after": takes.reference}
            add_audit(
                self.store, actor=by.name, action="strategy.rollback", body={**body, "reason": reason}, now_ns=self.now_ns()
            )
            standing = believed(moves, leaves, self.secrets_folder)
            if standing.state in LADDER:
                made = signed_move(
                    leaves, moves, standing.state, State.PAUSED, by, self.secrets_folder,
                    role=min(by.roles & ROLLBACK_ROLES), when_ns=self.now_ns(), reason=f"rolled back: {reason}",
                    evidence={"rollback_to": takes.reference}, size_factor=moves[-1].size_factor if moves else 1.0,
                )  # fmt: skip
                self._write(made, by)
        return takes, int(leaves.manifest["version"])

    # What is inside.

    def _older(self, pointer: Pointer, to: int | None) -> Version:
        """Return the version to go back to: one that may run in the stage as it stands."""
        mode = "live" if pointer.stage in ("canary", "live") else pointer.stage
        tried = [to] if to is not None else [pointer.before_version] if pointer.before_version else []
        if not tried:
            known = versions(self.root, pointer.name)
            tried = [one.manifest["version"] for one in reversed(known) if one.manifest["version"] < pointer.version]
        why = "there is no older version"
        for number in tried:
            if number == pointer.version:
                raise Refused(f"{pointer.name} stands for {number} in {pointer.stage} already", remedy="give another: --to N")
            version = self.find(f"{pointer.name}@{number}")
            verify(version, self.secrets_folder)
            standing, _ = self.standing(version)
            told = standing.why_not(mode)
            if not told and pointer.stage == "live" and standing.state is not State.LIVE:
                told = f"it is {standing.state}, and was never live"
            if not told:
                return version
            why = f"{version.reference}: {told}"
        raise Refused(
            f"nothing to go back to from {pointer.name}@{pointer.version}: {why}", remedy="give another: --to N; or pause"
        )

    def _role(self, standing: Standing, wanted: Wanted, by: Actor) -> str:
        """Return the role by which somebody may make a move. Raises NotAllowed without one."""
        steps = standing.steps(wanted.to)  # refuses what is no move
        if wanted.to in (State.PAUSED, State.RETIRED):
            needed = STOP_ROLES
        elif standing.state is State.PAUSED:
            needed = RESUME_ROLES
        elif wanted.skip:
            needed = SKIP_ROLES
        elif len(steps) > 1:
            remedy = f"move it to {steps[0][1]} first; or, with role risk and a reason, --skip"
            raise Refused(f"from {standing.state} to {wanted.to} steps are left out", remedy=remedy)
        else:
            needed = STEP_ROLES[wanted.to]
        if not by.roles & needed:
            raise NotAllowed(
                f"{by.name} may not move it from {standing.state} to {wanted.to}",
                remedy=f"needs the role {' or '.join(sorted(needed))}",
            )
        return min(by.roles & needed)

    def _second_person(self, version: Version, standing: Standing, wanted: Wanted, by: Actor, moves: Sequence[Move]) -> bool:
        """Whether somebody agrees with himself, who works alone. Raises NotAllowed when another must agree."""
        ends = {end for _, end in standing.steps(wanted.to)}
        if standing.state is State.PAUSED and wanted.to not in (State.PAUSED, State.RETIRED):
            ends = {wanted.to}  # who may trade with money again after a pause is the same question
        if not ends & SECOND_PERSON:
            return False
        if is_alone(self.store):
            return True
        if by.name in authors_of(version, moves):
            raise NotAllowed(
                f"{by.name} made {version.reference}, and does not approve it",
                remedy="have another person with the role risk do it",
            )
        if not by.is_proven:
            raise NotAllowed("nobody proves on a command line who he is", remedy="agree at the gateway, signed in")
        return False

    def _confirmed(self, version: Version, wanted: Wanted, by: Actor) -> Request | None:
        """Inside `writing`: None when it is confirmed now; else the request that waits. Raises NotAllowed for a wrong one."""
        name, number, now_ns = str(version.manifest["name"]), int(version.manifest["version"]), self.now_ns()
        request = request_within(self.store, name, number, wanted.to)
        if request is None or request.asked_by != by.name or not wanted.typed:
            made = Request(name, number, str(wanted.to), by.name, now_ns, wanted.reason)
            put_request(self.store, made)
            body = {**by.facts, "object": version.reference, "to": str(wanted.to), "reason": wanted.reason}
            add_audit(self.store, actor=by.name, action="strategy.request", body=body, now_ns=now_ns)
            return made
        left_s = self.asked.cool_off_s - (now_ns - request.asked_ns) / 1e9
        if left_s > 0:
            raise NotAllowed(f"it may be confirmed in {left_s:.0f} s, not before", remedy="think it over meanwhile")
        if wanted.typed != self.confirmation(version, wanted.to):
            raise NotAllowed(
                "the confirmation is not as it must be typed", remedy=f"type exactly: {self.confirmation(version, wanted.to)}"
            )
        return None

    def _size_factor(self, moves: Sequence[Move], standing: Standing, wanted: Wanted, asked: PromotionSettings) -> float:
        if wanted.size_factor is not None and wanted.to is not State.CANARY:
            raise Refused("only a canary has a size factor", remedy="leave it out")
        if wanted.to is State.CANARY and standing.state is not State.PAUSED:
            most = asked.canary_size_factor
            if wanted.size_factor is not None and not 0 < wanted.size_factor <= most:
                raise Refused(f"size factor {wanted.size_factor:g} of a canary", remedy=f"give more than 0, and at most {most:g}")
            return wanted.size_factor or most
        if wanted.to is State.LIVE and standing.state is not State.PAUSED:
            return 1.0
        return moves[-1].size_factor if moves else 1.0

    def _unmoved(self, version: Version, seen: Sequence[Move]) -> list[Move]:
        """Inside `writing`: the moves as they are, which must be those that were judged by."""
        moves = moves_within(self.store, str(version.manifest["name"]), int(version.manifest["version"]))
        if [one.signature for one in moves] != [one.signature for one in seen]:
            raise Refused(f"{version.reference} was moved meanwhile", remedy="look again: b25 strategies show")
        return moves

    def _write(self, move: Move, by: Actor) -> None:
        """Inside `writing`: the row, where the name points, and the audit, together or not at all."""
        add_move(self.store, move)
        if move.to_state in STAGES and move.from_state != State.PAUSED:
            point(self.store, move.name, move.to_state, move.version, who=move.who, now_ns=move.when_ns, reason=move.reason)
        for state in STAGES:
            drop_request(self.store, move.name, move.version, state)
        body = {
            **by.facts, "object": f"{move.name}@{move.version}", "content_id": move.content_id, "before": move.from_state,
            "after": move.to_state, "role": move.role, "reason": move.reason, "evidence_sha256": move.evidence_sha256,
            "skipped": move.skipped, "size_factor": move.size_factor, "alone": bool(move.alone), "number": move.number,
        }  # fmt: skip
        add_audit(self.store, actor=move.who, action=f"strategy.{move.to_state}", body=body, now_ns=move.when_ns)


def _check_reason(standing: Standing, wanted: Wanted) -> None:
    """Refuse what must not go without a sentence: skipping, money, an end, and a resumption."""
    if len(wanted.reason) > REASON_MAX:
        raise Refused(f"a reason of {len(wanted.reason)} characters", remedy=f"give at most {REASON_MAX}")
    is_grave = wanted.skip or wanted.to in SECOND_PERSON or wanted.to is State.RETIRED or standing.state is State.PAUSED
    if is_grave and not wanted.reason.strip():
        raise Refused(f"a move to {wanted.to} without a reason", remedy="say why: --reason")
