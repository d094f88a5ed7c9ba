"""Whether it lives, whether it is ready, and how everything stands that it depends on."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from b25.api.doors import public, requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.health import Check, Health, State, overall
from b25.api.principal import Principal
from b25.api.roles import Permission

AT_ROOT: Final = True
router = APIRouter(prefix="/health", tags=["platform"])
Asks = Annotated[Health, Depends(part(Health))]
Home = Annotated[Gateway, Depends(gateway_of)]


class Alive(BaseModel):
    """It lives: its loop came round to answer."""

    status: State = State.OK


class CheckBrief(BaseModel):
    """How one thing stands."""

    name: str
    state: State
    age_s: float


class CheckDetail(CheckBrief):
    """How one thing stands, and why."""

    why: str
    took_ms: float
    is_essential: bool


class Ready(BaseModel):
    """How everything stands."""

    status: State
    checks: list[CheckBrief]


class Overview(BaseModel):
    """How everything stands, and why."""

    status: State
    started_ns: int
    checks: list[CheckDetail]


NOT_READY: Final = {503: {"model": Ready, "description": "It is not ready."}}


def _age_s(one: Check, now_ns: int) -> float:
    return round(max(0, now_ns - one.asked_ns) / 1e9, 3)


@router.get("/live", dependencies=[public()])
async def live() -> Alive:
    """Answer, if the loop goes round. Nothing else is asked: a database that is away is no reason to be restarted."""
    return Alive()


@router.get("/startup", dependencies=[public()], responses={503: {"model": Alive, "description": "It has not started."}})
async def startup(asks: Asks, response: Response) -> Alive:
    """Tell whether every part has started."""
    if asks.started_ns:
        return Alive()
    response.status_code = 503
    return Alive(status=State.BAD)


@router.get("/ready", dependencies=[public()], responses=NOT_READY)  # type: ignore[arg-type]
async def ready(asks: Asks, home: Home, response: Response) -> Ready:
    """Ask everything that it depends on. 503 when what it cannot do without is away; a part that does less is `degraded`."""
    found = await asks.checks()
    status = overall(found) if asks.started_ns else State.BAD
    if status is State.BAD:
        response.status_code = 503
    now_ns = home.now_ns()
    return Ready(status=status, checks=[CheckBrief(name=one.name, state=one.state, age_s=_age_s(one, now_ns)) for one in found])


@router.get("")
async def told(by: Annotated[Principal, requires(Permission.READ)], asks: Asks, home: Home) -> Overview:
    """Tell how everything stands, and why."""
    found, now_ns = await asks.checks(), home.now_ns()
    checks = [
        CheckDetail(
            name=one.name, state=one.state, age_s=_age_s(one, now_ns), why=one.why, took_ms=one.took_ms,
            is_essential=one.is_essential,
        )
        for one in found
    ]  # fmt: skip
    return Overview(status=overall(found), started_ns=asks.started_ns, checks=checks)
