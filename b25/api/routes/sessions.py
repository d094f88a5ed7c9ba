"""Sessions: how each stands, and what can be asked of it. An answer comes when the session itself has answered."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from b25.api.answers import Given, Page, problems
from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.commands import Asked, Commands
from b25.api.reach.pictures import Picture, Pictures
from b25.api.roles import Permission
from b25.model.errors import B25Error, Misuse, Retry
from b25.observe.redaction import shown
from b25.runner.heartbeat import Life, read_beat
from b25.runner.log_lines import log_lines
from b25.runner.seat import is_taken, occupant
from b25.runner.supervisor import ask as ask_supervisor
from b25.store.audit import append_audit
from b25.store.order_views import lives

router = APIRouter(prefix="/sessions", tags=["sessions"])
Reader = Annotated[Principal, requires(Permission.READ)]
Operator = Annotated[Principal, requires(Permission.OPERATE)]
Asks = Annotated[Commands, Depends(part(Commands))]
Seen = Annotated[Pictures, Depends(part(Pictures))]
Home = Annotated[Gateway, Depends(gateway_of)]
STARTED_S = 12.0
ENDED_S = 22.0


class SessionBrief(BaseModel):
    """One session."""

    name: str = Field(examples=["mm"])
    account: str
    phase: str = Field(description="up, down, waiting, stopping, finished or failed")
    is_running: bool
    state: str | None = Field(description="active, paused, ending or halted, as it says itself; null when it does not run")
    gate: str | None = Field(description="What the risk gate lets pass: active, reducing, stopped")
    why: str
    strategy: str | None
    mode: str | None
    epoch: int | None
    positions: dict[str, str] | None
    orders_open: int | None
    fills: int | None
    profit: str | None
    silent_s: float | None = Field(description="Age of its last heartbeat")
    age_s: float | None = Field(description="Age of what is told here")
    restarts: int


class SessionStatus(SessionBrief):
    """One session, and all that it says of itself."""

    status: dict[str, Any]


class LifeRow(BaseModel):
    """One life of a session, from a start to its end."""

    name: str
    epoch: int
    strategy: str
    venue: str
    account: str
    mode: str
    state: str
    started_ns: int
    ended_ns: int | None


class WhyBody(Given):
    """Why it is asked."""

    reason: str = Field(default="", max_length=500, examples=["quotes look wrong"])


class StopBody(WhyBody):
    """How to end."""

    flatten: bool = Field(default=False, description="Close what it holds before it ends.")


class ParameterBody(WhyBody):
    """Another value for a parameter of the strategy."""

    parameter: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,60}$", examples=["half_spread_bps"])
    value: float | int | bool | str = Field(examples=[0.5])


class RearmBody(Given):
    """Which latches of the gate to open."""

    reason: str = Field(min_length=10, max_length=500, examples=["the feed was stale; checked and repaired"])
    controls: list[str] = Field(default_factory=list, max_length=50)


class Outcome(BaseModel):
    """What a session answered."""

    session: str
    command: str
    command_id: str
    again: bool = Field(default=False, description="It was asked before with this Idempotency-Key, and not done again.")
    state: str | None = None
    gate: str | None = None
    why: str | None = None
    positions: dict[str, str] | None = None
    orders_open: int | None = None


class Begun(BaseModel):
    """How a start or an end stands."""

    session: str
    asked: str
    state: str = Field(description="running, starting, ended or ending")


def brief(one: Picture, now_ns: int) -> dict[str, Any]:
    """Facts of a session for an answer."""
    told = one.status if one.is_running else {}
    profit = told.get("profit")
    return {
        "name": one.name, "account": one.account, "phase": one.phase, "is_running": one.is_running, "why": one.why,
        "epoch": one.epoch, "silent_s": one.silent_s, "age_s": one.age_s(now_ns), "restarts": one.restarts,
        "profit": None if profit is None else repr(float(profit)),
        **{name: told.get(name) for name in ("state", "gate", "strategy", "mode", "positions", "orders_open", "fills")},
    }  # fmt: skip


def outcome(asked: str, told: dict[str, Any]) -> Outcome:
    """What a session answered, as an answer of ours."""
    names = ("command_id", "again", "state", "gate", "why", "positions", "orders_open")
    return Outcome(session=told["session"], command=asked, **{name: told[name] for name in names if name in told})


@router.get("")
async def listing(by: Reader, seen: Seen, home: Home) -> Page[SessionBrief]:
    """Every session of this machine, running or not."""
    found = [SessionBrief(**brief(one, home.now_ns())) for one in seen.seen_by(by)]
    return Page(data=found, total=len(found))


@router.get("/{name}", responses=problems(404))
@router.get("/{name}/status", responses=problems(404))
async def status(name: str, by: Reader, seen: Seen, home: Home) -> SessionStatus:
    """One session, with all that it wrote of itself within the last second."""
    one = seen.one(name, by)
    if one is None:
        raise Problem(404, "no session of that name", remedy="see GET /api/v1/sessions")
    return SessionStatus(**brief(one, home.now_ns()), status=dict(one.status))


@router.get("/{name}/lives", responses=problems(404))
def past(name: str, by: Reader, seen: Seen, home: Home, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> Page[LifeRow]:
    """Lives of a session, newest first."""
    if name in seen.all and seen.one(name, by) is None:
        raise Problem(404, "no session of that name")
    rows = [row for row in lives(home.store, name, limit=limit) if by.accounts is None or row.account in by.accounts]
    names = ("epoch", "strategy", "venue", "account", "mode", "state", "started_ns", "ended_ns")
    found = [LifeRow(name=row.id.rpartition("#")[0], **{one: getattr(row, one) for one in names}) for row in rows]
    return Page(data=found, total=len(found))


@router.get("/{name}/log", responses=problems(404))
def session_log(
    name: str, by: Reader, seen: Seen, last: Annotated[int, Query(ge=1, le=1_000)] = 50, alarms: bool = False
) -> Page[dict[str, Any]]:
    """The last lines of a session's log, without secrets, and what the supervisor says of it."""
    if seen.one(name, by) is None:
        raise Problem(404, "no session of that name", remedy="see GET /api/v1/sessions")
    try:
        rows = log_lines(seen.folder, name, last=last, alarms=alarms)
    except Misuse as fault:
        raise Problem(404, fault.what.partition(" in ")[0], remedy="it has written nothing yet") from None
    found = [shown("", row) for row in rows]
    return Page(data=found, total=len(found))


async def _ask(name: str, command: str, by: Principal, asks: Commands, request: Request, reason: str, **more: Any) -> Outcome:
    told = await asks.ask(Asked(session=name, command=command, by=by, reason=reason, request=request, more=more))
    return outcome(command, told)


@router.post("/{name}/pause", responses=problems(404))
async def pause(name: str, body: WhyBody, by: Operator, asks: Asks, request: Request) -> Outcome:
    """Cancel what works and add nothing; exits still pass."""
    return await _ask(name, "pause", by, asks, request, body.reason)


@router.post("/{name}/resume", responses=problems(404))
async def resume(name: str, body: WhyBody, by: Operator, asks: Asks, request: Request) -> Outcome:
    """Trade again. Refused while the kill switch or a hold stops the session."""
    return await _ask(name, "resume", by, asks, request, body.reason)


@router.post("/{name}/flatten", responses=problems(404))
async def flatten(name: str, body: WhyBody, by: Operator, asks: Asks, request: Request) -> Outcome:
    """Cancel what works, close every position at market, and wait for a resume."""
    return await _ask(name, "flatten", by, asks, request, body.reason)


@router.post("/{name}/parameters", responses=problems(404))
async def set_parameter(name: str, body: ParameterBody, by: Operator, asks: Asks, request: Request) -> Outcome:
    """Give a parameter of the strategy another value, from the next event on."""
    return await _ask(name, "set", by, asks, request, body.reason, parameter=body.parameter, value=body.value)


@router.post("/{name}/re-arm", responses=problems(404))
async def re_arm(
    name: str, body: RearmBody, by: Annotated[Principal, requires(Permission.REARM)], asks: Asks, request: Request
) -> Outcome:
    """Open latches of the risk gate, or lift a hold. Needs a second factor, or the password again, just before."""
    if not by.is_stepped_up:
        raise Problem(403, "sign in again, with your second factor, just before this", code="STEP_UP_NEEDED")
    return await _ask(name, "re-arm", by, asks, request, body.reason, controls=body.controls)


@router.post("/{name}/start", responses=problems(404) | {202: {"model": Begun, "description": "It is still starting."}})
async def start(name: str, body: WhyBody, by: Operator, seen: Seen, home: Home, request: Request, response: Response) -> Begun:
    """Have the supervisor start a session of its plan; answers when it runs, or after a while that it is still starting."""
    _may_control(name, by, seen)
    before = seen.all[name].phase if name in seen.all else None
    await _audited(home, by, request, "session.start", name, before, body.reason, is_safer=False)
    await _supervisor(seen, "start", name, by)
    until_s = time.monotonic() + STARTED_S
    while time.monotonic() < until_s:
        if await asyncio.to_thread(_runs, seen.folder, name):
            return Begun(session=name, asked="start", state="running")
        await asyncio.sleep(0.1)
    response.status_code = 202
    return Begun(session=name, asked="start", state="starting")


@router.post("/{name}/stop", responses=problems(404) | {202: {"model": Begun, "description": "It is still ending."}})
async def stop(
    name: str, body: StopBody, by: Operator, seen: Seen, home: Home, asks: Asks, request: Request, response: Response
) -> Begun:
    """End a session in order: orders cancelled, positions closed if asked for; answers when it has ended."""
    if body.flatten or name not in seen.all or not _is_supervised(seen, name):
        more = {"flatten": body.flatten}
        await asks.ask(Asked(session=name, command="stop", by=by, reason=body.reason, request=request, more=more))
    else:
        _may_control(name, by, seen)
        await _audited(home, by, request, "session.stop", name, seen.all[name].phase, body.reason, is_safer=True)
        await _supervisor(seen, "stop", name, by)
    until_s = time.monotonic() + ENDED_S
    while time.monotonic() < until_s:
        if name in seen.all and not await asyncio.to_thread(is_taken, seen.folder, name):
            return Begun(session=name, asked="stop", state="ended")
        await asyncio.sleep(0.1)
    response.status_code = 202
    return Begun(session=name, asked="stop", state="ending")


def _runs(folder: Path, name: str) -> bool:
    """Whether the one that sits there now has said that it runs; the beat of a life before says nothing."""
    beat, who = read_beat(folder, name), occupant(folder, name)
    is_own = beat is not None and beat.epoch == who.get("epoch") and beat.life in (Life.RUNNING, Life.PAUSED)
    return is_own and is_taken(folder, name)


def _is_supervised(seen: Pictures, name: str) -> bool:
    return seen.all[name].phase not in ("up", "down") or seen.all[name].restarts > 0 or _in_plan(seen, name)


def _in_plan(seen: Pictures, name: str) -> bool:
    from b25.runner.supervisor import status as supervisor_status
    from b25.runner.supervisor_plan import SEAT

    rows = supervisor_status(seen.folder).get("processes")
    known = isinstance(rows, list) and any(row.get("name") == name for row in rows)
    return known and is_taken(seen.folder, SEAT)


def _may_control(name: str, by: Principal, seen: Pictures) -> None:
    """Raise Problem for what is no session of a plan, or not his: the platform's own processes are not started from here."""
    if seen.one(name, by) is None:
        raise Problem(404, "no session of that name", remedy="see GET /api/v1/sessions")


async def _supervisor(seen: Pictures, act: str, name: str, by: Principal) -> None:
    try:
        await asyncio.to_thread(ask_supervisor, seen.folder, act, name, by=by.name)
    except Misuse as fault:
        raise Problem(409, fault.what, code="NOT_SUPERVISED", remedy=fault.remedy) from None
    except Retry as fault:
        raise Problem(504, fault.what, code="OUTCOME_UNKNOWN", remedy=fault.remedy) from None


async def _audited(
    home: Gateway, by: Principal, request: Request, action: str, name: str, before: Any, reason: str, *, is_safer: bool
) -> None:
    facts = audit_facts(request, object=f"session {name}", before={"phase": before}, after=None, reason=reason)
    try:
        await asyncio.to_thread(append_audit, home.store, actor=by.name, action=action, body=facts, now_ns=home.now_ns())
    except B25Error as fault:
        if not is_safer:
            raise Problem(503, f"it cannot be written down: {fault.what}", code="AUDIT_UNAVAILABLE") from None
