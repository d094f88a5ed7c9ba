"""Configurations over the API: drafts, versions, what holds, who runs which. In a path `~` stands for the `/` of a key."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from b25.api.config_desk import ConfigDesk, answered, author, check_may, ref
from b25.api.config_forms import (
    Activation,
    ChangeOut,
    ConfigurationOut,
    Creation,
    DifferenceOut,
    Ending,
    FaultOut,
    Held,
    LoosenedOut,
    Many,
    One,
    OutcomeOut,
    Rollback,
    RunningOut,
    Trial,
    TrialOut,
    TriedOut,
    Update,
    VersionOut,
)
from b25.api.doors import audit_facts, requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.config.difference import differences
from b25.config.documents import parse, plain
from b25.config.schemas.types import TYPES, json_schemas
from b25.store import configurations as kept
from b25.store.config_desk import REJECTED, acks

router = APIRouter(prefix="/configurations", tags=["configurations"])
Desk = Annotated[ConfigDesk, Depends(part(ConfigDesk))]
Reader = Annotated[Principal, requires(Permission.READ)]
Drafter = Annotated[Principal, requires(Permission.DRAFT)]
Risk = Annotated[Principal, requires(Permission.RISK)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
GONE: dict[int | str, dict[str, Any]] = {
    401: {"description": "sign in first"}, 403: {"description": "not this person"}, 404: {"description": "there is none"},
    422: {"description": "VALIDATION_FAILED: each field with its value, rule and remedy"},
}  # fmt: skip
CHANGED: dict[int | str, dict[str, Any]] = GONE | {409: {"description": "VERSION_CONFLICT, DUPLICATE_KEY or CONFLICT"}}


def _id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


@router.get("", responses=GONE)
def listed(
    request: Request, desk: Desk, by: Reader, type: str = "", state: str = "", prefix: str = "", deleted: bool = False,
    limit: Limit = 50, offset: Offset = 0,
) -> Many[ConfigurationOut]:  # fmt: skip
    """List configurations by their keys."""
    store = desk.configurations.store
    if "\0" in type + state + prefix:
        raise Problem(422, "a NUL is in none of these words", remedy="leave it out")
    found, total = kept.heads(store, kind=type, state=state, prefix=prefix, deleted=deleted, limit=limit, offset=offset)
    return Many(data=[ConfigurationOut.of(one) for one in found], total=total, request_id=_id(request))


@router.post("", status_code=201, responses=CHANGED)
def created(request: Request, desk: Desk, by: Drafter, given: Creation) -> One[OutcomeOut]:
    """Write a configuration that does not hold yet."""
    with answered():
        who = author(by, audit_facts(request))
        more: dict[str, Any] = {"form": given.format, "reason": given.reason, "description": given.description}
        came = desk.configurations.create(given.key, given.type, given.given, who, **more)
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.get("/schemas", responses=GONE)
async def schemas(request: Request, by: Reader) -> One[dict[str, Any]]:
    """Return the JSON Schema of every type."""
    return One(data=json_schemas(), request_id=_id(request))


@router.get("/running", responses=GONE)
def running(request: Request, desk: Desk, by: Reader, session: str = "", key: str = "") -> Many[RunningOut]:
    """Say who runs which version: what each session answered last, beside the version that holds."""
    store = desk.configurations.store
    if "\0" in session + key:
        raise Problem(422, "a NUL is in none of these words", remedy="leave it out")
    rows = []
    for one in acks(store, key=key, session=session):
        head = kept.head_of(kept.reading(store), one.key)
        rows.append(RunningOut.of(one, head.active_version if head is not None else None))
    return Many(data=rows, total=len(rows), request_id=_id(request))


@router.post("/validate", responses=GONE)
def validated(request: Request, desk: Desk, by: Drafter, given: Trial) -> One[TrialOut]:
    """Look at a value on four levels, changing nothing: schema, meaning, running sessions, and whether somebody must agree."""
    with answered():
        value = plain(given.value) if given.value is not None else parse(given.text or "", given.format)
        faults = [FaultOut(**one.facts()) for one in desk.configurations.faults(given.type, given.key, value)]
        sessions, loosened = [], []
        if not faults:
            tried = desk.tried(given.type, given.key, 1, value) if given.tries else []
            sessions = [TriedOut(**one) for one in tried]
            loosened = [LoosenedOut(**one.facts()) for one in desk.configurations.would_loosen(given.type, given.key, value)]
    faults += [
        FaultOut(
            field="the whole", value=None, rule=f"{one.session}: {one.detail}", remedy="change it, or stop the session", level=3
        )
        for one in sessions
        if one.outcome == REJECTED
    ]
    told = TrialOut(is_valid=not faults, faults=faults, sessions=sessions, loosened=loosened, needs_approval=bool(loosened))
    return One(data=told, request_id=_id(request))


@router.get("/{ref_or_id}", responses=GONE)
def one(
    request: Request, desk: Desk, by: Reader, ref_or_id: str, version: Annotated[int | None, Query(ge=1, le=2**53)] = None
) -> One[Held]:
    """Return a configuration with the version that holds, or another one, and all that holds under its key."""
    with answered():
        head, found = desk.configurations.version(ref(ref_or_id), version)
        effective = desk.configurations.effective(head.type, head.key) if head.type in TYPES else {}
    whole = Held(configuration=ConfigurationOut.of(head), version=VersionOut.of(found), effective=effective)
    return One(data=whole, request_id=_id(request))


@router.put("/{ref_or_id}", responses=CHANGED)
def updated(request: Request, desk: Desk, by: Drafter, ref_or_id: str, given: Update) -> One[OutcomeOut]:
    """Write the next version; it holds when it is activated."""
    with answered():
        who = author(by, audit_facts(request))
        more: dict[str, Any] = {"form": given.format, "reason": given.reason, "description": given.description}
        came = desk.configurations.update(ref(ref_or_id), given.version, given.given, who, **more)
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.delete("/{ref_or_id}", responses=CHANGED)
def deleted(request: Request, desk: Desk, by: Drafter, ref_or_id: str, reason: str = "") -> One[OutcomeOut]:
    """Put it aside: versions and history stay. One that holds needs the role for that."""
    with answered():
        if desk.configurations.head(ref(ref_or_id)).active_version is not None:
            check_may(by, Permission.RISK)
        came = desk.configurations.delete(ref(ref_or_id), author(by, audit_facts(request)), reason=reason)
    desk.keeper.wake()
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.post("/{ref_or_id}/activate", responses=CHANGED)
def activated(request: Request, desk: Desk, by: Risk, ref_or_id: str, given: Activation) -> One[OutcomeOut]:
    """Have a version hold; what loosens something waits for somebody else."""
    with answered():
        who = author(by, audit_facts(request))
        came = desk.configurations.activate(ref(ref_or_id), who, version=given.version, reason=given.reason)
    desk.keeper.wake()
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.post("/{ref_or_id}/deactivate", responses=CHANGED)
def deactivated(request: Request, desk: Desk, by: Risk, ref_or_id: str, given: Ending) -> One[OutcomeOut]:
    """Have nothing of it hold any more."""
    with answered():
        came = desk.configurations.deactivate(ref(ref_or_id), author(by, audit_facts(request)), reason=given.reason)
    desk.keeper.wake()
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.post("/{ref_or_id}/rollback", responses=CHANGED)
def rolled_back(request: Request, desk: Desk, by: Risk, ref_or_id: str, given: Rollback) -> One[OutcomeOut]:
    """Take up an old version again, as a new one that is validated anew."""
    with answered():
        who = author(by, audit_facts(request))
        came = desk.configurations.rollback(ref(ref_or_id), given.version, who, reason=given.reason)
    desk.keeper.wake()
    return One(data=OutcomeOut.of(came), request_id=_id(request))


@router.get("/{ref_or_id}/versions", responses=GONE)
def versions(request: Request, desk: Desk, by: Reader, ref_or_id: str, limit: Limit = 50, offset: Offset = 0) -> Many[VersionOut]:
    """Return its versions, the newest first."""
    with answered():
        head = desk.configurations.head(ref(ref_or_id))
    found, total = kept.versions(desk.configurations.store, head.id, limit=limit, offset=offset)
    return Many(data=[VersionOut.of(each) for each in found], total=total, request_id=_id(request))


@router.get("/{ref_or_id}/diff", responses=GONE)
def differing(
    request: Request, desk: Desk, by: Reader, ref_or_id: str, before: Annotated[int, Query(ge=1, le=2**53)],
    after: Annotated[int, Query(ge=1, le=2**53)],
) -> One[list[DifferenceOut]]:  # fmt: skip
    """Say in which fields two versions differ."""
    with answered():
        _, old = desk.configurations.version(ref(ref_or_id), before)
        _, new = desk.configurations.version(ref(ref_or_id), after)
    return One(data=[DifferenceOut(**each) for each in differences(old.value, new.value)], request_id=_id(request))


@router.get("/{ref_or_id}/audit", responses=GONE)
def audit(
    request: Request, desk: Desk, by: Annotated[Principal, requires(Permission.AUDIT)], ref_or_id: str, limit: Limit = 100,
    offset: Offset = 0,
) -> Many[ChangeOut]:  # fmt: skip
    """Return what was done with it, by whom, from where, why, and the values before and after; the newest first."""
    with answered():
        head = desk.configurations.head(ref(ref_or_id))
    store = desk.configurations.store
    found, total = kept.changes(store, head.id, limit=limit, offset=offset)
    read = kept.reading(store)
    rows = []
    for each in found:
        pair = [kept.version_of(read, head.id, number) if number else None for number in (each.before_version, each.version)]
        rows.append(ChangeOut.of(each, pair[0], pair[1]))
    return Many(data=rows, total=total, request_id=_id(request))
