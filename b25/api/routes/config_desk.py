"""What goes with configurations: what waits for a second person, what is planned, and bundles of many."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from b25.api.config_desk import ConfigDesk, answered, author, check_may
from b25.api.config_forms import (
    Agreement,
    Bundle,
    ImportedOut,
    Many,
    One,
    OutcomeOut,
    PendingOut,
    Planned,
    ScheduleOut,
)
from b25.api.doors import audit_facts, requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.config.approvals import confirmation
from b25.config.bundle import exported, import_bundle, profiles, read_bundle, read_profile
from b25.store.config_desk import schedules

router = APIRouter(prefix="/configuration-desk", tags=["configurations"])
Desk = Annotated[ConfigDesk, Depends(part(ConfigDesk))]
Reader = Annotated[Principal, requires(Permission.READ)]
Drafter = Annotated[Principal, requires(Permission.DRAFT)]
Risk = Annotated[Principal, requires(Permission.RISK)]
REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "sign in first"}, 403: {"description": "not this person, or not yet"},
    404: {"description": "there is none"}, 409: {"description": "it is settled, or not as it was"},
    422: {"description": "VALIDATION_FAILED"},
}  # fmt: skip


def _id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


@router.get("/pending", responses=REFUSED)
def pending(request: Request, desk: Desk, by: Reader) -> Many[PendingOut]:
    """Return what waits for a second person."""
    rows = [PendingOut.of(one, confirmation(one)) for one in desk.approvals.waiting()]
    return Many(data=rows, total=len(rows), request_id=_id(request))


@router.post("/pending/{pending_id}/approve", responses=REFUSED)
def approved(request: Request, desk: Desk, by: Risk, pending_id: str, given: Agreement) -> One[OutcomeOut]:
    """Agree to what somebody else asked for, and have it hold; a fresh proof of who one is is needed."""
    if not by.is_stepped_up:
        raise Problem(403, "prove again who you are", code="STEP_UP_REQUIRED", remedy="POST /auth/step-up, and ask again")
    with answered():
        came = desk.approvals.approve(pending_id, author(by, audit_facts(request)), reason=given.reason, typed=given.typed)
    desk.keeper.wake()
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.post("/pending/{pending_id}/refuse", responses=REFUSED)
def refused(request: Request, desk: Desk, by: Risk, pending_id: str, given: Agreement) -> One[PendingOut]:
    """Do not agree, or take back what one asked for."""
    with answered():
        one = desk.approvals.refuse(pending_id, author(by, audit_facts(request)), reason=given.reason)
    return One(data=PendingOut.of(one, confirmation(one)), request_id=_id(request))


@router.get("/schedules", responses=REFUSED)
def planned(request: Request, desk: Desk, by: Reader) -> Many[ScheduleOut]:
    """Return what is planned, and what became of it."""
    rows = [ScheduleOut.of(one) for one in schedules(desk.configurations.store)]
    return Many(data=rows, total=len(rows), request_id=_id(request))


@router.post("/schedules", status_code=201, responses=REFUSED)
def plan(request: Request, desk: Desk, by: Risk, given: Planned) -> One[ScheduleOut]:
    """Have a draft hold from a time on; a session that refuses it takes it back for all."""
    with answered():
        who = author(by, audit_facts(request))
        one = desk.schedules.add(given.key, given.version, given.at_ns, who, reason=given.reason)
    return One(data=ScheduleOut.of(one), request_id=_id(request))


@router.delete("/schedules/{schedule_id}", responses=REFUSED)
def unplan(request: Request, desk: Desk, by: Risk, schedule_id: str) -> One[ScheduleOut]:
    """Have it not happen."""
    with answered():
        one = desk.schedules.cancel(schedule_id, author(by, audit_facts(request)))
    return One(data=ScheduleOut.of(one), request_id=_id(request))


@router.get("/export", responses=REFUSED)
def export(
    request: Request, desk: Desk, by: Reader, type: str = "", prefix: str = "", drafts: bool = False
) -> One[dict[str, Any]]:
    """Return a bundle of what holds."""
    if "\0" in type + prefix:
        raise Problem(422, "a NUL is in none of these words", remedy="leave it out")
    return One(data=exported(desk.configurations, kind=type, prefix=prefix, drafts=drafts), request_id=_id(request))


@router.get("/profiles", responses=REFUSED)
async def known_profiles(request: Request, by: Reader) -> One[list[str]]:
    """Return the names of the profiles that come with b25."""
    return One(data=profiles(), request_id=_id(request))


@router.post("/import", responses=REFUSED)
def imported(request: Request, desk: Desk, by: Drafter, given: Bundle) -> Many[ImportedOut]:
    """Take over a bundle or a profile as a whole, or not at all; to have it hold needs the role for that."""
    if given.activate and not given.dry:
        check_may(by, Permission.RISK)
    with answered():
        items = read_profile(given.profile) if given.profile else read_bundle(given.text or "", given.format, "the bundle")
        who = author(by, audit_facts(request))
        done = import_bundle(desk.configurations, items, who, reason=given.reason, activate=given.activate, dry=given.dry)
    desk.keeper.wake()
    rows = [ImportedOut.of(one) for one in done]
    return Many(data=rows, total=len(rows), request_id=_id(request))
