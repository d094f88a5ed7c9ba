"""Reports: which there are, what ran, their pages and figures; and a run that somebody asks for now."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from b25.api.answers import PAGE_HEADERS, Given, problems
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of
from b25.api.places import Limit, Place, next_place, place_of
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.model.errors import Misuse
from b25.reports.desk import ReportDesk, shown_run
from b25.reports.refusals import NoReport
from b25.store.audit import append_audit

router = APIRouter(prefix="/reports", tags=["reports"])
In = Annotated[Gateway, Depends(gateway_of)]
Reader = Annotated[Principal, requires(Permission.READ)]
Asker = Annotated[Principal, requires(Permission.RESEARCH)]
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,39}$", examples=["daily"])]
RunId = Annotated[str, Path(max_length=80, pattern=r"^[a-z][A-Za-z0-9_-]{0,79}$", examples=["daily-20260102T070000Z-1"])]
State = Literal["", "queued", "running", "ok", "failed", "timed_out", "missed", "skipped", "quarantined"]


class ReportOut(BaseModel):
    """A report; a time of 0 has not come, or will not."""

    name: str
    notebook: str
    schedule: str = Field(description="Five fields of cron with named weekdays; empty for one that runs on demand only.")
    timezone: str
    catch_up: Literal["latest", "all", "none"]
    next_ns: int
    last_run: str
    last_state: State
    last_ok_ns: int
    is_overdue: bool = Field(description="Whether two of its periods have passed without a success.")


class Reports(BaseModel):
    """Every report."""

    reports: list[ReportOut]
    is_led: bool = Field(description="Whether a scheduler lives.")


class RunOut(BaseModel):
    """A run; a time of 0 has not come, a text that is empty is not known."""

    id: str
    report: str
    scheduled_for_ns: int
    attempt: int
    origin: str
    asked_by: str
    state: State
    queued_ns: int
    started_ns: int
    ended_ns: int
    params: dict[str, Any]
    notebook_sha: str
    lock_sha: str
    data_sha: str
    html_sha: str
    error_cell: str
    error_name: str
    error_text: str
    headline: dict[str, Any]
    files: str = Field(description="What retention has left: all, page (without the notebook) or none.")


class RunPage(BaseModel):
    """Runs, the latest slot first; `next` goes on, and is null at the end."""

    runs: list[RunOut]
    next: str | None


class Figure(BaseModel):
    """A figure that a notebook has recorded; null is n/a, for a reason."""

    name: str
    value: bool | int | float | str | None
    unit: str
    headline: bool
    reason: str = ""


class Figures(BaseModel):
    """The figures of a run."""

    run: str
    metrics: list[Figure]


class Change(BaseModel):
    """A figure of two runs; `share` is the change as a share of the first."""

    name: str
    unit: str
    before: bool | int | float | str | None
    after: bool | int | float | str | None
    change: float | None
    share: float | None


class Comparison(BaseModel):
    """Two runs beside each other."""

    before: str
    after: str
    metrics: list[Change]


class Wish(Given):
    """A run that is wanted now; parameters that are left out are those of reports.toml, then of the notebook."""

    params: dict[str, Any] = Field(default_factory=dict, max_length=100)


class Asked(BaseModel):
    """A run that will be done; `is_led` is false while no scheduler lives that would do it."""

    run: RunOut
    is_led: bool


def _desk(gateway: In) -> ReportDesk:
    return ReportDesk(gateway.settings, gateway.store, gateway.now_ns)


Desk = Annotated[ReportDesk, Depends(_desk)]


def _out(row: dict[str, Any]) -> RunOut:
    told = shown_run(row)
    return RunOut(**{name: told[name] for name in RunOut.model_fields})


def _problem(fault: Misuse) -> Problem:
    """What is not there is 404, whatever else is wrong 422."""
    if isinstance(fault, NoReport):
        return Problem(404, fault.what, remedy=fault.remedy)
    return Problem(422, fault.what, remedy=fault.remedy)


@router.get("", responses=problems(422))
def reports(by: Reader, desk: Desk) -> Reports:
    """Every report with its next slot and how it ran last."""
    try:
        return Reports(reports=[ReportOut(**row) for row in desk.listing()], is_led=desk.is_led())
    except Misuse as fault:
        raise _problem(fault) from None


@router.get("/compare", responses=problems(404, 422))
def compare_reports(
    by: Reader, desk: Desk, before: Annotated[str, Query(max_length=80)], after: Annotated[str, Query(max_length=80)]
) -> Comparison:
    """Put the figures of two runs beside each other."""
    try:
        return Comparison(before=before, after=after, metrics=[Change(**row) for row in desk.compared(before, after)])
    except Misuse as fault:
        raise _problem(fault) from None


@router.get("/runs/{run_id}", responses=problems(404))
def report_run(run_id: RunId, by: Reader, desk: Desk) -> RunOut:
    """One run."""
    try:
        return _out(desk.run(run_id))
    except Misuse as fault:
        raise _problem(fault) from None


@router.get("/runs/{run_id}/html", responses={200: {"content": {"text/html": {}}}, **problems(404)}, response_class=Response)
def report_page(run_id: RunId, by: Reader, desk: Desk) -> Response:
    """The page of a run: for a frame in a sandbox, or to be kept. One in which a secret was found is not served."""
    try:
        return Response(desk.page(run_id), media_type="text/html", headers=PAGE_HEADERS)
    except Misuse as fault:
        raise _problem(fault) from None


@router.get("/runs/{run_id}/metrics", responses=problems(404, 422))
def report_metrics(run_id: RunId, by: Reader, desk: Desk) -> Figures:
    """The figures of a run."""
    try:
        return Figures(run=run_id, metrics=[Figure(**row) for row in desk.metrics(run_id)])
    except Misuse as fault:
        raise _problem(fault) from None


@router.get("/{name}/runs", responses=problems())
def report_runs(
    name: Name, by: Reader, desk: Desk, state: State = "", limit: Limit = 100, after: Annotated[Place, Query()] = ""
) -> RunPage:
    """Runs of a report, also of one that is defined no more."""
    rows = desk.runs.runs(name, states=[state] if state else (), limit=limit, before=place_of(after))
    return RunPage(runs=[_out(row) for row in rows], next=next_place(rows, limit, "scheduled_for_ns", "id"))


@router.post("/{name}/runs", status_code=202, responses=problems(404, 409, 422))
def ask_report(name: Name, wish: Wish, by: Asker, gateway: In, desk: Desk) -> Asked:
    """Have a report run now. With an Idempotency-Key it runs once however often it is asked for."""
    try:
        row = desk.ask(name, wish.params, by=by.name, origin="api")
    except Misuse as fault:
        raise _problem(fault) from None
    body = {"object": f"report/{row['id']}", "after": {"report": name, "params": wish.params}}
    append_audit(gateway.store, actor=by.name, action="report.run", body=body, now_ns=gateway.now_ns())
    return Asked(run=_out(row), is_led=desk.is_led())
