"""What waits for a second person."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from b25.api.auth.approval import approve, refuse
from b25.api.auth.origin import origin_of
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.store.approvals import Approval, ApprovalState, find_approval, list_approvals

router = APIRouter(tags=["approvals"])
Reader = Annotated[Principal, requires(Permission.READ)]
Decider = Annotated[Principal, requires(Permission.RISK)]
Joined = Annotated[Gateway, Depends(gateway_of)]
ApprovalId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
READ: dict[int | str, dict[str, Any]] = {401: {}, 403: {}, 422: {}, 503: {}}
WRITE: dict[int | str, dict[str, Any]] = {**READ, 400: {}, 404: {}, 409: {}}


class Decision(BaseModel):
    """Why, and, where there is only one person, the sentence typed out."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1_000)
    typed: str = Field(default="", max_length=300)


class Refusal(BaseModel):
    """Why not."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1_000)


class Wish(BaseModel):
    """What was asked, and how far it has come."""

    id: str
    asked_by: str
    action: str
    about: str
    body: dict[str, Any]
    reason: str
    made_ns: int
    expires_ns: int
    state: ApprovalState
    is_expired: bool
    decided_by: str | None
    decided_ns: int | None
    decided_why: str | None
    ready_ns: int | None
    taken_ns: int | None


class Wishes(BaseModel):
    """Several, the latest first."""

    approvals: list[Wish]


def _shown(one: Approval, now_ns: int) -> Wish:
    is_open = one.state in (ApprovalState.PENDING, ApprovalState.APPROVED)
    return Wish(
        id=one.id, asked_by=one.asked_by, action=one.action, about=one.object, body=orjson.loads(one.body), reason=one.reason,
        made_ns=one.made_ns, expires_ns=one.expires_ns, state=ApprovalState(one.state),
        is_expired=is_open and now_ns >= one.expires_ns, decided_by=one.decided_by, decided_ns=one.decided_ns,
        decided_why=one.decided_why, ready_ns=one.ready_ns, taken_ns=one.taken_ns,
    )  # fmt: skip


@router.get("/approvals", responses=READ)
def approvals(
    by: Reader,
    gateway: Joined,
    state: ApprovalState | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Wishes:
    """Tell what waits, or was decided."""
    now_ns = gateway.now_ns()
    return Wishes(approvals=[_shown(one, now_ns) for one in list_approvals(gateway.store, state=state, limit=limit)])


@router.get("/approvals/{approval_id}", responses=READ | {404: {}})
def one_approval(approval_id: ApprovalId, by: Reader, gateway: Joined) -> Wish:
    """Tell of one."""
    held = find_approval(gateway.store, approval_id)
    if held is None:
        raise Problem(404, "there is no such approval")
    return _shown(held, gateway.now_ns())


@router.post("/approvals/{approval_id}/approve", responses=WRITE)
def approve_it(approval_id: ApprovalId, body: Decision, by: Decider, request: Request, gateway: Joined) -> Wish:
    """Allow what somebody else asked; asks for a fresh proof."""
    now_ns = gateway.now_ns()
    told = {"why": body.reason, "typed": body.typed, "now_ns": now_ns, "origin": origin_of(request)}
    return _shown(approve(gateway.store, approval_id, by, **told), now_ns)  # type: ignore[arg-type]


@router.post("/approvals/{approval_id}/refuse", responses=WRITE)
def refuse_it(approval_id: ApprovalId, body: Refusal, by: Reader, request: Request, gateway: Joined) -> Wish:
    """Refuse it, or take one's own wish back."""
    now_ns = gateway.now_ns()
    return _shown(refuse(gateway.store, approval_id, by, why=body.reason, now_ns=now_ns, origin=origin_of(request)), now_ns)
