"""Risk: what the gates and the kill switch say, the emergency stop, and the way back from it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from b25.api.answers import SYMBOL_EXAMPLE, Given, Page, problems, symbol_of
from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.pictures import Picture, Pictures
from b25.api.roles import Permission
from b25.model.errors import B25Error, Misuse
from b25.model.world import NO_LIMIT
from b25.runner.kill_latch import ALL, Latch, Trigger, all_latches, confirmation, latched, pull, read_report, rearm
from b25.runner.kill_scopes import Level, ScopedStop, pull_scoped, rearm_scoped, scoped_stops
from b25.store.audit import append_audit
from b25.store.journal import read_header

router = APIRouter(prefix="/risk", tags=["risk"])
Reader = Annotated[Principal, requires(Permission.READ)]
Seen = Annotated[Pictures, Depends(part(Pictures))]
Home = Annotated[Gateway, Depends(gateway_of)]
ACCOUNT: Final = r"^[A-Za-z0-9_-]{1,40}$"
# Threads of its own: nothing else that waits can keep a stop waiting.
_STOPS: Final = ThreadPoolExecutor(2, thread_name_prefix="emergency-stop")
RECORD_S: Final = 1.0


class LimitsView(BaseModel):
    """Limits that a session is judged by."""

    session: str
    account: str
    version: int | None
    hash: str | None
    limits: list[dict[str, float | int | str]] | None = Field(
        description="By instrument, in ticks, lots and money units; null when they changed since the session began."
    )


class StopView(BaseModel):
    """Something that stops an account, or a part of it."""

    kill_id: str
    level: str
    account: str
    target: str
    by: str
    reason: str
    flatten: bool
    time_ns: int
    is_complete: bool | None = Field(description="Whether everything was cancelled, and closed if asked for; null: not told yet.")
    confirmation: str | None = Field(description="What a person types to re-arm.")


class GateView(BaseModel):
    """The gate of one session."""

    session: str
    account: str
    state: str | None
    gate: str | None
    why: str
    latched: list[str]
    warnings: list[str]
    refused: int | None
    equity: str | None


class RiskStatus(BaseModel):
    """How risk stands."""

    is_stopped: bool = Field(description="Whether every account is stopped.")
    stops: list[StopView]
    sessions: list[GateView]


class PolicyView(BaseModel):
    """One policy of an account, and what it says."""

    session: str
    account: str
    policy: str
    value: float | None
    threshold: float
    holds: bool


class EmergencyBody(Given):
    """What to stop."""

    account: str = Field(default=ALL, pattern=ACCOUNT, description="`all` stops every account.")
    level: Literal["account", "session", "symbol", "reduce-only"] = "account"
    session: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    symbol: str | None = Field(default=None, max_length=60, examples=[SYMBOL_EXAMPLE])
    flatten: bool = Field(default=False, description="Close positions as well; of a whole account only.")
    reason: str = Field(min_length=1, max_length=500, examples=["quotes look wrong"])


class Stopped(BaseModel):
    """The stop that holds now."""

    stop: StopView
    is_recorded: bool = Field(description="Whether the database has it too; the file, which counts, is there in any case.")


class EnableBody(Given):
    """What to take off."""

    account: str = Field(default=ALL, pattern=ACCOUNT)
    kill_id: str | None = Field(default=None, pattern=r"^[0-9a-f-]{1,40}$", description="Of a stop of a part of an account.")
    reason: str = Field(min_length=10, max_length=500, examples=["the feed was stale; checked and repaired"])
    typed: str = Field(default="", max_length=200, description="The confirmation, as GET /risk/status tells it.")
    signed_off: bool = Field(default=False, description="Answer for what the kill has not completed.")


class Enabled(BaseModel):
    """What was taken off."""

    kill_id: str
    account: str
    by: str


def _latch_view(folder: Path, latch: Latch) -> StopView:
    report = read_report(folder, latch.kill_id)
    return StopView(
        kill_id=latch.kill_id, level=Level.ACCOUNT.value, account=latch.account, target="", by=latch.by, reason=latch.reason,
        flatten=latch.flatten, time_ns=latch.time_ns,
        is_complete=bool(report["is_complete"]) if "is_complete" in report else None,
        confirmation=confirmation(latch),
    )  # fmt: skip


def _scoped_view(stop: ScopedStop) -> StopView:
    return StopView(
        kill_id=stop.kill_id, level=stop.level.value, account=stop.account, target=stop.target, by=stop.by, reason=stop.reason,
        flatten=False, time_ns=stop.time_ns, is_complete=None, confirmation=None,
    )  # fmt: skip


def _gate_view(one: Picture) -> GateView:
    told = one.status if one.is_running else {}
    risk = (told.get("picture") or {}).get("risk") or {}
    equity = risk.get("equity")
    return GateView(
        session=one.name, account=one.account, state=told.get("state"), gate=told.get("gate"), why=one.why,
        latched=list(risk.get("latched") or []), warnings=[str(text) for text in risk.get("warnings") or []],
        refused=risk.get("refused"), equity=None if equity is None else str(equity),
    )  # fmt: skip


def _may(by: Principal, account: str) -> bool:
    return by.accounts is None or account in by.accounts


@router.get("/status")
def status(by: Reader, seen: Seen) -> RiskStatus:
    """What is stopped, by whom and why, and what each gate says. Read from files: it needs neither database nor bus."""
    stops = [_latch_view(seen.folder, one) for one in all_latches(seen.folder) if one.account == ALL or _may(by, one.account)]
    stops += [_scoped_view(one) for one in scoped_stops(seen.folder) if _may(by, one.account)]
    return RiskStatus(
        is_stopped=latched(seen.folder) is not None, stops=stops, sessions=[_gate_view(one) for one in seen.seen_by(by)]
    )


@router.get("/limits")
def limits(by: Reader, seen: Seen) -> Page[LimitsView]:
    """Limits of every session that runs."""
    found = [_limits_view(one) for one in seen.seen_by(by) if one.is_running and one.status]
    return Page(data=found, total=len(found))


def _limits_view(one: Picture) -> LimitsView:
    risk = (one.status.get("picture") or {}).get("risk") or {}
    rows: list[dict[str, Any]] | None = None
    journal = Path(str(one.status.get("journal") or ""))
    if journal.is_file():
        header = read_header(journal)
        rows = [
            {"symbol": instrument["symbol"]} | {name: value for name, value in row.items() if value != NO_LIMIT and name != "pad"}
            for instrument, row in zip(header["instruments"], header["limits"], strict=True)
        ]
        if risk.get("limits_version") not in (None, header["limits"][0].get("version")):
            rows = None
    return LimitsView(
        session=one.name, account=one.account, version=risk.get("limits_version"), hash=risk.get("limits_hash"), limits=rows
    )


@router.get("/policies")
async def policies(by: Reader, seen: Seen) -> Page[PolicyView]:
    """Policies of accounts, as their sessions judged them within the last second."""
    found = [
        PolicyView(
            session=one.name, account=one.account, policy=row["id"], value=row["value"], threshold=row["threshold"],
            holds=row["holds"],
        )
        for one in seen.seen_by(by)
        if one.is_running
        for row in (one.status.get("ledger") or {}).get("policies") or []
    ]  # fmt: skip
    return Page(data=found, total=len(found))


@router.post("/emergency-stop", responses=problems(404))
async def emergency_stop(
    body: EmergencyBody, by: Annotated[Principal, requires(Permission.KILL)], seen: Seen, home: Home, request: Request
) -> Stopped:
    """Stop an account, or a part of it, now: a file that every session obeys, written before anything else is tried.

    It needs neither database, bus nor session. The kill process cancels, and closes if asked for.
    """
    if by.accounts is not None and body.account not in by.accounts:
        raise Problem(403, f"{by.name} may not act on account {body.account}")
    loop = asyncio.get_running_loop()
    try:
        stop = await loop.run_in_executor(_STOPS, _pulled, seen.folder, body, by.name)
    except Misuse as fault:
        raise Problem(422, fault.what, remedy=fault.remedy) from None
    except OSError as fault:
        raise Problem(
            503, f"the disk does not take the latch: {fault.strerror}", code="LATCH_FAILED",
            remedy="stop at the venue itself, or b25 session stop; free some space",
        ) from None  # fmt: skip
    facts = audit_facts(request, object=f"account {body.account}", before=None, after=stop.model_dump(), reason=body.reason)
    try:
        async with asyncio.timeout(RECORD_S):
            await asyncio.to_thread(
                append_audit, home.store, actor=by.name, action="risk.emergency-stop", body=facts, now_ns=home.now_ns()
            )
        is_recorded = True
    except (B25Error, TimeoutError):  # kill/audit.jsonl has it
        is_recorded = False
    return Stopped(stop=stop, is_recorded=is_recorded)


def _pulled(folder: Path, body: EmergencyBody, by: str) -> StopView:
    if body.level == "account":
        latch = pull(folder, body.account, by=by, reason=body.reason, trigger=Trigger.API, flatten=body.flatten)
        return _latch_view(folder, latch)
    level = {"session": Level.SESSION, "symbol": Level.SYMBOL, "reduce-only": Level.REDUCE_ONLY}[body.level]
    targets = {Level.SESSION: body.session or "", Level.SYMBOL: symbol_of(body.symbol) if body.symbol else ""}
    if body.account == ALL:
        raise Misuse("a part of every account", remedy="name the account")
    stop = pull_scoped(folder, body.account, level, targets.get(level, ""), by=by, reason=body.reason, trigger=Trigger.API)
    return _scoped_view(stop)


@router.post("/enable", responses=problems(404))
def enable(
    body: EnableBody, by: Annotated[Principal, requires(Permission.REARM)], seen: Seen, home: Home, request: Request
) -> Enabled:
    """Take a stop off. Needs the role, a second factor just before, a reason, and the confirmation of this very kill."""
    if not by.is_stepped_up:
        raise Problem(403, "sign in again, with your second factor, just before this", code="STEP_UP_NEEDED")
    if by.accounts is not None and body.account not in by.accounts:
        raise Problem(403, f"{by.name} may not act on account {body.account}")
    before = [one.model_dump() for one in status(by, seen).stops]
    facts = audit_facts(request, object=f"account {body.account}", before=before, after=None, reason=body.reason)
    append_audit(home.store, actor=by.name, action="risk.enable", body=facts, now_ns=home.now_ns())  # first, or not at all
    try:
        if body.kill_id is not None:
            known = {one.kill_id: one.account for one in scoped_stops(seen.folder)}
            if not _may(by, known.get(body.kill_id, body.account)):
                raise Problem(404, "there is no such stop")
            taken_off = rearm_scoped(seen.folder, body.kill_id, by=by.name, reason=body.reason)
            return Enabled(kill_id=taken_off.kill_id, account=taken_off.account, by=by.name)
        latch = rearm(seen.folder, body.account, by=by.name, reason=body.reason, typed=body.typed, signed_off=body.signed_off)
    except Misuse as fault:
        raise Problem(409, fault.what, code="NOT_ENABLED", remedy=fault.remedy) from None
    return Enabled(kill_id=latch.kill_id, account=latch.account, by=by.name)
