"""Risk: limits that hold, in one step. They are a configuration of type `risk_limit`, and go its whole way."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from b25.api.answers import Given
from b25.api.config_desk import ConfigDesk, answered, author
from b25.api.config_forms import One, OutcomeOut
from b25.api.doors import audit_facts, requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.roles import Permission
from b25.api.routes.configurations import CHANGED
from b25.model.errors import Misuse

router = APIRouter(prefix="/risk", tags=["risk"])
KIND: Final = "risk_limit"


class LimitsGiven(Given):
    """Limits, and the version that they were made from: none for the first ones under a key."""

    key: str = Field(max_length=300, examples=["default/mm/live/limits"])
    version: int | None = Field(default=None, ge=1, le=2**53, description="The latest version as it was read.")
    limits: dict[str, Any] = Field(examples=[{"account": {"order_value_max": 500.0, "daily_loss_max": 50.0}}])
    reason: str = Field(min_length=1, max_length=500)


@router.put("/limits", responses=CHANGED)
def put_limits(
    request: Request, desk: Annotated[ConfigDesk, Depends(part(ConfigDesk))], by: Annotated[Principal, requires(Permission.RISK)],
    given: LimitsGiven,
) -> One[OutcomeOut]:  # fmt: skip
    """Write limits and have them hold. What loosens something waits for somebody else: then `pending` has its number.

    A session takes them up between two events, and `GET /configurations/running` says which version each runs.
    """
    desks, who = desk.configurations, author(by, audit_facts(request))
    with answered():
        if given.version is not None and (kind := desks.head(given.key).type) != KIND:
            raise Misuse(f"{given.key} is a configuration of type {kind}", remedy=f"name one of type {KIND}")
        if given.version is None:
            desks.create(given.key, KIND, given.limits, who, form="json", reason=given.reason, description="")
        else:
            desks.update(given.key, given.version, given.limits, who, form="json", reason=given.reason, description=None)
        came = desks.activate(given.key, who, version=None, reason=given.reason)
    desk.keeper.wake()
    return One(data=OutcomeOut.of(came), request_id=str(getattr(request.state, "request_id", "")))
