"""Alerts: what fires and has fired, who has seen it, and what nobody wants to hear for a while."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from b25.api.announcer import announcer_of
from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of
from b25.api.places import Limit, Nanoseconds, Place, Words, next_place, place_of
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.store.alert_log import AlertLog

router = APIRouter(prefix="/alerts", tags=["alerts"])
Id = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
In = Annotated[Gateway, Depends(gateway_of)]
Reader = Annotated[Principal, requires(Permission.READ)]
Watcher = Annotated[Principal, requires(Permission.ACKNOWLEDGE)]


class AlertOut(BaseModel):
    """An alert; a time of 0 has not come."""

    alert_id: str
    rule: str
    severity: Literal["info", "warning", "critical"]
    state: Literal["pending", "firing", "resolved"]
    source: str
    key: str
    text: str
    value: str
    since_ns: int
    fired_ns: int
    resolved_ns: int
    notified_ns: int
    acknowledged_ns: int
    acknowledged_by: str
    escalated_ns: int


class AlertEvent(BaseModel):
    """What became of an alert."""

    time_ns: int
    event: str
    by: str
    text: str


class AlertStory(AlertOut):
    """An alert with all that became of it."""

    events: list[AlertEvent]


class AlertPage(BaseModel):
    """Alerts, the newest first; `next` goes on, and is null at the end."""

    alerts: list[AlertOut]
    next: str | None


class Acknowledgement(BaseModel):
    """Why, or what is being done about it."""

    model_config = ConfigDict(extra="forbid")
    reason: Words = ""


class SilenceIn(BaseModel):
    """A wish to hear nothing: of a rule, of a source, or with both left out of everything."""

    model_config = ConfigDict(extra="forbid")
    rule: Words = ""
    source: Words = ""
    starts_ns: Nanoseconds = 0
    ends_ns: Nanoseconds
    reason: Annotated[Words, Field(min_length=1)]


class SilenceOut(BaseModel):
    """A silence."""

    silence_id: str
    rule: str
    source: str
    starts_ns: int
    ends_ns: int
    by: str
    reason: str
    created_ns: int
    ended_by: str


class Silences(BaseModel):
    """Silences that hold or will."""

    silences: list[SilenceOut]


@router.get("", responses={400: {}, 401: {}, 403: {}, 503: {}})
def alerts(
    by: Reader, gateway: In, state: Literal["", "firing", "resolved"] = "",
    severity: Literal["", "info", "warning", "critical"] = "", rule: Words = "", source: Words = "", text: Words = "",
    since_ns: Nanoseconds = 0, until_ns: Nanoseconds = 2**62,
    unacknowledged: bool = False, limit: Limit = 100, after: Annotated[Place, Query()] = "",
) -> AlertPage:  # fmt: skip
    """Search alerts."""
    rows = AlertLog(gateway.store).alerts(
        state=state, severity=severity, rule=rule, source=source, text=text, since_ns=since_ns, until_ns=until_ns,
        unacknowledged=unacknowledged, limit=limit, before=place_of(after),
    )  # fmt: skip
    return AlertPage(alerts=[AlertOut(**_shown(one)) for one in rows], next=next_place(rows, limit, "fired_ns", "alert_id"))


@router.get("/silences", responses={401: {}, 403: {}, 503: {}})
def silences(by: Reader, gateway: In, all_of_them: bool = False) -> Silences:
    """Silences that hold or will."""
    rows = AlertLog(gateway.store).silences(gateway.now_ns(), all_of_them=all_of_them)
    return Silences(silences=[SilenceOut(**one) for one in rows])


@router.post("/silences", status_code=201, responses={400: {}, 401: {}, 403: {}, 503: {}})
def silence(wish: SilenceIn, by: Watcher, gateway: In, request: Request) -> SilenceOut:
    """Have nobody told of some alerts for a while."""
    row = AlertLog(gateway.store).silence(
        rule=wish.rule, source=wish.source, starts_ns=wish.starts_ns or gateway.now_ns(), ends_ns=wish.ends_ns, by=by.name,
        reason=wish.reason, facts=audit_facts(request), now_ns=gateway.now_ns(),
    )  # fmt: skip
    return SilenceOut(**row)


@router.delete("/silences/{silence_id}", status_code=204, responses={401: {}, 403: {}, 404: {}, 503: {}})
def end_silence(silence_id: Id, by: Watcher, gateway: In, request: Request, reason: Words = "") -> Response:
    """End a silence now."""
    facts = audit_facts(request)
    if not AlertLog(gateway.store).end_silence(silence_id, by=by.name, reason=reason, facts=facts, now_ns=gateway.now_ns()):
        raise Problem(404, "no silence of this id holds", remedy="see GET /alerts/silences")
    return Response(status_code=204)


@router.get("/{alert_id}", responses={401: {}, 403: {}, 404: {}, 503: {}})
def alert(alert_id: Id, by: Reader, gateway: In) -> AlertStory:
    """One alert, and what became of it."""
    row = AlertLog(gateway.store).alert(alert_id)
    if row is None:
        raise Problem(404, "there is no such alert", remedy="see GET /alerts")
    return AlertStory(**_shown(row), events=row["events"])


@router.post("/{alert_id}/acknowledge", responses={401: {}, 403: {}, 404: {}, 503: {}})
def acknowledge(alert_id: Id, told: Acknowledgement, by: Watcher, gateway: In, request: Request) -> AlertStory:
    """Say that somebody has seen it; the first one counts."""
    log, now_ns = AlertLog(gateway.store), gateway.now_ns()
    if log.alert(alert_id) is None:
        raise Problem(404, "there is no such alert", remedy="see GET /alerts")
    row = log.acknowledge(alert_id, by=by.name, reason=told.reason, facts=audit_facts(request), now_ns=now_ns)
    announcer_of(gateway.parts).alert(row, now_ns)
    return AlertStory(**_shown(row), events=row["events"])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in AlertOut.model_fields}
