"""Promoted versions: where each stands and what it has shown; moved from state to state, and rolled back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from b25.api.answers import Given, Page, problems
from b25.api.config_desk import answered
from b25.api.doors import audit_facts, requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.promotion_desk import PromotionDesk, actor, check_step_up
from b25.api.roles import Permission
from b25.promote.moves import Unmet, Wanted
from b25.promote.overview import move_facts, overview, shown
from b25.promote.states import State
from b25.runner.version_sessions import sessions_of

router = APIRouter(prefix="/strategies/versions", tags=["strategies"])
Desk = Annotated[PromotionDesk, Depends(part(PromotionDesk))]
Reader = Annotated[Principal, requires(Permission.READ)]
Staff = Annotated[Principal, requires(Permission.DRAFT)]
Trader = Annotated[Principal, requires(Permission.KILL)]  # trader, risk, admin; the gate says who of them
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,99}$", examples=["market_maker"])]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
Reason = Annotated[str, Field(max_length=1_000)]


class VersionView(BaseModel):
    """A promoted version."""

    reference: str = Field(examples=["market_maker@7"])
    name: str
    version: int
    class_: str = Field(alias="class")
    content_id: str
    state: str = Field(description="`not believed` when its files or its record are not as they were signed")
    before: str | None = Field(description="While it is paused: where it was")
    by: str
    created_ns: int
    moved_by: str
    moved_ns: int
    reason: str
    orders: int | None = Field(description="Of its proof")
    sessions: int
    fills: int
    drift: str
    pointers: list[str] = Field(description="Stages in which its name stands for it")
    fault: str


class NeedView(BaseModel):
    """One thing that a step needs."""

    name: str
    met: bool
    told: str
    remedy: str
    may_skip: bool


class MoveView(BaseModel):
    """A move that was made."""

    number: int
    from_: str = Field(alias="from")
    to: str
    who: str
    role: str
    when_ns: int
    reason: str
    skipped: list[str]
    size_factor: float
    alone: bool
    evidence_sha256: str
    evidence: dict[str, Any]
    content_id: str


class RunView(BaseModel):
    """What a session of it did, by its journal."""

    session: str
    mode: str
    began_ns: int
    ended_ns: int
    hours: float
    fills: int
    as_promoted: bool
    fault: str
    is_running: bool


class VersionDetail(VersionView):
    """A promoted version with all that is known of it."""

    manifest: dict[str, Any]
    moves: list[MoveView]
    runs: list[RunView]
    next: str | None
    next_roles: list[str]
    needs: list[NeedView]


class MoveAsked(Given):
    """A move that is asked for."""

    to: Literal["validated", "observe", "paper", "canary", "live", "paused", "retired"]
    reason: Reason = ""
    skip: bool = Field(default=False, description="Pass over steps and what is not met; role risk, and a reason")
    typed: str = Field(default="", max_length=200, description="Alone: `confirmation` of the answer before, after a minute")
    size_factor: float | None = Field(default=None, gt=0.0, le=1.0)


class Moved(BaseModel):
    """What came of it."""

    reference: str
    state: str
    move: MoveView | None = Field(description="None: it waits, and the same is asked for again with what is to be typed")
    confirmation: str | None
    wait_s: float
    needs: list[NeedView]


class RollbackAsked(Given):
    """Which version the name is to stand for again."""

    to: int | None = Field(default=None, ge=1, le=1_000_000)
    stage: Literal["", "observe", "paper", "canary", "live"] = ""
    reason: Reason


class RolledBack(BaseModel):
    """What the name stands for now, and which sessions still run what it left."""

    left: str
    takes: str
    running: list[dict[str, str]]


@router.get("")
def promoted_versions(by: Reader, desk: Desk) -> Page[VersionView]:
    """Every promoted version, by name and number."""
    found = [VersionView(**one) for one in overview(desk.promotions)]
    return Page(data=found, total=len(found))


@router.get("/{name}/{number}", responses=problems(404))
def promoted_version(name: Name, number: Number, by: Reader, desk: Desk) -> VersionDetail:
    """One version: its moves, what its sessions did, and what its next step needs."""
    version = desk.version(name, number)
    with answered():
        return VersionDetail(**shown(desk.promotions, version), manifest=version.manifest)


@router.post("/{name}/{number}/move", responses=problems(403, 404, 409))
def move_version(request: Request, name: Name, number: Number, by: Staff, desk: Desk, given: MoveAsked) -> Moved:
    """Move a version; who may is the gate's to say, and what is missing is in `fields`."""
    version, wanted = desk.version(name, number), _wanted(given)
    with answered():
        standing, _ = desk.promotions.standing(version)
        check_step_up(by, standing, wanted.to, skip=wanted.skip)
        try:
            came = desk.promotions.move(version.reference, wanted, actor(by, audit_facts(request)))
        except Unmet as fault:
            fields = [{"field": need.name, "rule": need.told, "remedy": need.remedy} for need in fault.needs if not need.met]
            raise Problem(409, fault.what, code="NOT_YET", remedy=fault.remedy, fields=fields) from None
    waits = came.request is not None
    return Moved(
        reference=version.reference, state=str(came.standing.state),
        move=None if came.move is None else MoveView(**move_facts(came.move)),
        confirmation=desk.promotions.confirmation(version, wanted.to) if waits else None,
        wait_s=desk.promotions.asked.cool_off_s if waits else 0.0, needs=[NeedView(**need.facts()) for need in came.needs],
    )  # fmt: skip


@router.post("/{name}/rollback", responses=problems(403, 404, 409))
def roll_back_strategy(request: Request, name: Name, by: Trader, desk: Desk, given: RollbackAsked) -> RolledBack:
    """Have a name stand for an older version again; the one that it leaves is paused."""
    if not desk.promotions.all(name):
        raise Problem(404, f"there is no version of {name}", remedy="GET /strategies/versions")
    with answered():
        takes, left = desk.promotions.rollback(
            name, actor(by, audit_facts(request)), to=given.to, stage=given.stage, reason=given.reason
        )
    reference = f"{name}@{left}"
    return RolledBack(left=reference, takes=takes.reference, running=sessions_of(desk.run_folder, reference))


def _wanted(given: MoveAsked) -> Wanted:
    return Wanted(to=State(given.to), reason=given.reason, skip=given.skip, typed=given.typed, size_factor=given.size_factor)
