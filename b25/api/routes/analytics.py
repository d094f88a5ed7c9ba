"""Events of the platform and what they add up to: stored once, asked for by name, never by SQL."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from b25.analytics.events.buckets import DAY_NS, NS_PER_S
from b25.analytics.events.event import RESERVED, DomainEvent, checked
from b25.analytics.events.order_fold import derived as order_derived
from b25.api import analytics_models as say
from b25.api.analytics_desk import AnalyticsDesk
from b25.api.doors import audit_facts, requires
from b25.api.exports import FORMATS, Format, cursor_of, exported, place_of, span_of
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.problems import MEDIA, Problem
from b25.api.roles import Permission
from b25.model.errors import B25Error
from b25.runner.analytics_events import replay
from b25.store import derived
from b25.store.audit import add_audit, append_audit
from b25.store.dead_letters import letter_counts, letters, settle_within, waiting_letter
from b25.store.history import event_history

router = APIRouter(tags=["analytics"], prefix="/analytics")

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": what, "content": {MEDIA: {"schema": {"type": "object"}}}}
    for status, what in {
        400: "misuse", 401: "not signed in", 403: "not allowed", 404: "no such thing", 422: "not valid", 503: "not to be had now",
    }.items()
}  # fmt: skip
DASHBOARD_S: Final = 10.0
PAYLOAD_SHOWN: Final = 1_024

Reader = Annotated[Principal, requires(Permission.READ)]
Keeper = Annotated[Principal, requires(Permission.PLATFORM)]
Desk = Annotated[AnalyticsDesk, Depends(part(AnalyticsDesk))]
Limit = Annotated[int, Query(ge=1, le=10_000)]
Short = Annotated[str, Query(max_length=260, pattern=r"^[^\x00]*$")]
Members = Annotated[list[say.Name] | None, Query(max_length=100)]
Time = Annotated[str, Query(max_length=40, description="ISO time in UTC, or ns since 1970; the span is [start, end)")]
Cursor = Annotated[str, Query(max_length=2_000, description="next_cursor of the page before")]
Number = Annotated[int, InPath(ge=1, lt=2**62)]


@router.post("/events", responses=PROBLEMS)
def ingest(body: say.NewEvents, by: Annotated[Principal, requires(Permission.INGEST)], desk: Desk) -> say.Ingested:
    """Store events of one's own; the platform's own types cannot be told this way. Told again, they are known."""
    made = []
    for one in body.events:
        if one.type.startswith(RESERVED):
            raise Problem(422, f"{one.type} is told by the platform only", remedy="choose another type, e.g. custom.thing")
        if by.accounts is not None and one.account not in by.accounts:
            raise Problem(403, f"{by.name} tells nothing of this account")
        event = DomainEvent(
            id=f"api/{by.name}/{one.id}", type=one.type, principal=by.name, source="api", properties=one.properties,
            time_ns=desk.now_ns() if one.time_ns is None else one.time_ns, account=one.account, session=one.session,
            strategy=one.strategy, symbol=one.symbol,
        )  # fmt: skip
        try:
            made.append(checked(event))
        except B25Error as fault:
            raise Problem(422, fault.what, remedy=fault.remedy) from fault
    added = desk.add(made)
    if added.dead:
        raise Problem(422, "the database does not take one of the events", remedy="see the dead letters")
    return say.Ingested(stored=added.stored, known=added.doubled)


@router.get("/events", response_model=say.Events, responses=PROBLEMS)
def events(
    by: Reader, desk: Desk, kind: Annotated[str, Query(alias="type", max_length=128, pattern=r"^[^\x00]*$")] = "",
    symbol: Short = "", session: Short = "", strategy: Short = "", start: Time = "", end: Time = "", limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Events in order of time."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=DAY_NS)
    after = place_of(cursor, [int, int])
    rows = event_history(
        desk.store, start_ns, end_ns, after=after, limit=limit + 1, accounts=by.accounts, kind=kind, symbol=symbol,
        session=session, strategy=strategy,
    )  # fmt: skip
    more = cursor_of([rows[limit - 1]["ts_ns"], rows[limit - 1]["seq"]]) if len(rows) > limit else None
    told = [{**row, "time_ns": row["ts_ns"], "properties": orjson.loads(row["properties"])} for row in rows[:limit]]
    for row in told:
        del row["ts_ns"]
    return Response(orjson.dumps({"data": told, "next_cursor": more}), media_type="application/json")


@router.get("/stats", response_model=say.Stats, responses=PROBLEMS)
def stats(by: Reader, desk: Desk, start: Time = "", end: Time = "") -> Response:
    """Count the events of each type."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=DAY_NS)

    def answer() -> dict[str, Any]:
        counts = desk.aggregates.counts(start_ns, end_ns, by.accounts)
        return {"start_ns": start_ns, "end_ns": end_ns, "total": sum(counts.values()), "counts": counts}

    return desk.cached(by, "stats", {"start": start, "end": end}, answer)


@router.get("/metrics/names", responses=PROBLEMS)
def names(by: Reader, desk: Desk) -> say.Names:
    """Every measure that can be asked for."""
    return say.Names(names=desk.aggregates.names())


@router.get(
    "/metrics", response_model=say.Metrics,
    responses={**PROBLEMS, 200: {"description": "Aggregates.", "content": FORMATS}},
)  # fmt: skip
def metrics(
    by: Reader, desk: Desk, name: Annotated[str, Query(min_length=1, max_length=260, pattern=r"^[^\x00]*$")],
    interval: say.Interval = "1m", dimension: say.Dimension = say.Dimension.ALL, member: Members = None, start: Time = "",
    end: Time = "", limit: Limit = 500, cursor: Cursor = "", form: Annotated[Format, Query(alias="format")] = Format.JSON,
) -> Response:  # fmt: skip
    """Aggregates of one measure: an event's type counts it, ``type.property`` is a number in it."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=DAY_NS)
    members = desk.seen_members(by, dimension.value, member)
    after = place_of(cursor, [int, str])
    asked = {
        "name": name, "interval": interval, "dimension": dimension.value, "member": sorted(set(member or [])), "start": start,
        "end": end, "limit": limit, "cursor": cursor, "all": member is None,
    }  # fmt: skip

    def answer() -> dict[str, Any]:
        found = desk.aggregates.read(
            name, interval, start_ns, end_ns, dimension=dimension.value, members=members, limit=limit + 1, now_ns=desk.now_ns(),
            after=after,
        )  # fmt: skip
        more = cursor_of([found[limit - 1]["open_ns"], found[limit - 1]["member"]]) if len(found) > limit else None
        for row in found:
            for word in ("name", "interval", "dimension", "type"):
                del row[word]
        head = {"name": name, "interval": interval, "dimension": dimension.value}
        return {**head, "data": found[:limit], "next_cursor": more}

    if form is Format.JSON:
        return desk.cached(by, "metrics", asked, answer)
    told = answer()
    return exported(told["data"], form, cursor=told["next_cursor"], notes={"name": name, "interval": interval})


@router.get("/dashboard", response_model=say.Dashboard, responses=PROBLEMS)
def dashboard(by: Reader, desk: Desk) -> Response:
    """The few figures of the first screen."""
    return desk.cached(by, "dashboard", {}, lambda: desk.dashboard(by), kept_s=DASHBOARD_S)


@router.post("/custom", response_model=say.Answers, responses=PROBLEMS)
def custom(body: say.Question, by: Reader, desk: Desk) -> Response:
    """Put the aggregates of one measure together over time, over members, or both."""
    start_ns, end_ns = span_of(body.start, body.end, now_ns=desk.now_ns(), default_ns=DAY_NS)
    desk.seen_members(by, body.dimension.value, body.members)

    def answer() -> dict[str, Any]:
        found = desk.custom(
            by, name=body.name, interval=body.interval, start_ns=start_ns, end_ns=end_ns, dimension=body.dimension.value,
            members=body.members, figures=body.figures, group_by=body.group_by,
        )  # fmt: skip
        return {"data": found}

    return desk.cached(by, "custom", body.model_dump(mode="json"), answer)


@router.get("/orders", response_model=say.Orders, responses=PROBLEMS)
def orders(
    by: Reader, desk: Desk, symbol: Short = "", strategy: Short = "", start: Time = "", end: Time = "", limit: Limit = 500,
    cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Orders with their slippage, shortfall, maker share and waits; never cached."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=DAY_NS)
    after = place_of(cursor, [int, str, str])
    rows = derived.orders(
        desk.store, start_ns, end_ns, after=after, limit=limit + 1, accounts=by.accounts, symbol=symbol, strategy=strategy
    )
    last = rows[limit - 1] if len(rows) > limit else None
    more = cursor_of([last["seen_ns"], last["account"], last["client_id"]]) if last else None
    told = []
    for row in rows[:limit]:
        one = {**row, **order_derived(row), "fees": orjson.loads(row["fees"])}
        told.append({word: one[word] for word in say.OrderFigures.model_fields})
    return Response(orjson.dumps({"data": told, "next_cursor": more}), media_type="application/json")


@router.get("/strategies", response_model=say.Strategies, responses=PROBLEMS)
def strategies(by: Reader, desk: Desk, strategy: Short = "", start: Time = "", end: Time = "", limit: Limit = 500) -> Response:
    """What the fills of strategies came to, by day and symbol; the profit is the ledger's."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=30 * DAY_NS)

    def answer() -> dict[str, Any]:
        days = derived.performance(desk.store, start_ns, end_ns, accounts=by.accounts, strategy=strategy, limit=limit)
        for row in days:
            volume, made = float(row["volume"]), float(row["maker_volume"])
            row["maker_share"] = made / volume if volume and not row["maker_unknown"] else None
            row["fees"] = orjson.loads(row["fees"])
        return {"days": days, "closing": desk.profits(by, start_ns, end_ns, strategy)}

    return desk.cached(by, "strategies", {"strategy": strategy, "start": start, "end": end, "limit": limit}, answer)


@router.get("/market", response_model=say.Market, responses=PROBLEMS)
def market(by: Reader, desk: Desk, symbol: Short = "", start: Time = "", end: Time = "", limit: Limit = 500) -> Response:
    """Closed candles that sessions told, with the spread that was seen."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=DAY_NS)
    asked = {"symbol": symbol, "start": start, "end": end, "limit": limit}
    return desk.cached(
        by, "market", asked, lambda: {"data": derived.market(desk.store, start_ns, end_ns, symbol=symbol, limit=limit)}
    )


@router.get("/system", response_model=say.System, responses=PROBLEMS)
def system(by: Reader, desk: Desk, component: Short = "", start: Time = "", end: Time = "", limit: Limit = 500) -> Response:
    """How components were at each half minute."""
    start_ns, end_ns = span_of(start, end, now_ns=desk.now_ns(), default_ns=3_600 * NS_PER_S)
    asked = {"component": component, "start": start, "end": end, "limit": limit}
    return desk.cached(
        by, "system", asked, lambda: {"data": derived.system(desk.store, start_ns, end_ns, component=component, limit=limit)}
    )


@router.get("/dead-letters", responses=PROBLEMS)
def dead_letters(
    by: Keeper, desk: Desk, state: Annotated[str, Query(pattern="^(waiting|replayed|dropped)$")] = "waiting",
    after: Annotated[int, Query(ge=0, lt=2**62)] = 0, limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> say.DeadLetters:  # fmt: skip
    """What could not be read."""
    rows = letters(desk.store, state=state, after=after, limit=limit)
    data = [say.DeadLetter(**{**row, "payload": bytes(row["payload"])[:PAYLOAD_SHOWN].decode(errors="replace")}) for row in rows]
    return say.DeadLetters(data=data, counts=letter_counts(desk.store))


@router.post("/dead-letters/{number}/replay", responses=PROBLEMS)
def replay_letter(number: Number, body: say.Why, request: Request, by: Keeper, desk: Desk) -> say.Settled:
    """Read a dead letter again, as after an update."""
    _waiting(desk, number)
    facts = audit_facts(request, object=f"dead letter {number}", reason=body.reason)
    append_audit(desk.store, actor=by.name, action="analytics.replay", body=facts, now_ns=desk.now_ns())
    return say.Settled(seq=number, is_done=replay(desk.log, number))


@router.post("/dead-letters/{number}/drop", responses=PROBLEMS)
def drop_letter(number: Number, body: say.Why, request: Request, by: Keeper, desk: Desk) -> say.Settled:
    """Let a dead letter be; it is kept for ninety days."""
    _waiting(desk, number)
    facts = audit_facts(request, object=f"dead letter {number}", before="waiting", after="dropped", reason=body.reason)
    with desk.store.writing():
        add_audit(desk.store, actor=by.name, action="analytics.drop", body=facts, now_ns=desk.now_ns())
        settle_within(desk.store, number, "dropped", now_ns=desk.now_ns())
    return say.Settled(seq=number, is_done=True)


def _waiting(desk: AnalyticsDesk, number: int) -> None:
    try:
        waiting_letter(desk.store, number)
    except B25Error as fault:
        raise Problem(404, fault.what, remedy="see /api/v1/analytics/dead-letters") from fault
