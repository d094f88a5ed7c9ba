"""Who did what, from where, with which before and after; and whether the record of it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel

from b25.api.doors import audit_facts, requires
from b25.api.gateway import Gateway, gateway_of
from b25.api.principal import Principal
from b25.api.roles import Permission
from b25.store.audit import append_audit, audit_entries, audit_length, verify_audit
from b25.store.audit_query import AuditQuery, Entry, entry_of, find_audit, ns_of

router = APIRouter(tags=["audit"])
Reader = Annotated[Principal, requires(Permission.AUDIT)]
Joined = Annotated[Gateway, Depends(gateway_of)]
REFUSED: dict[int | str, dict[str, Any]] = {400: {}, 401: {}, 403: {}, 422: {}, 503: {}}
NS_MAX = 2**63 - 1
Word = Annotated[str, Query(max_length=200)]


class AuditEntry(BaseModel):
    """One entry. `object`, `ip`, `before`, `after`, `reason` and `request_id` stand in `body`, where they were told."""

    seq: int
    ts_ns: int
    actor: str
    action: str
    body: dict[str, Any]
    prev: str
    hash: str


class AuditPage(BaseModel):
    """Entries, the latest first, and the cursor of the next page; null when there is no more."""

    entries: list[AuditEntry]
    cursor: int | None


class AuditCheck(BaseModel):
    """Whether the chain is whole. A cut end shows only against an anchor kept elsewhere: `b25 audit verify --anchor`."""

    is_whole: bool
    what: str
    entries: int


def _ns(moment: datetime | None) -> int | None:
    return None if moment is None else ns_of(moment)


def _shown(one: Entry) -> AuditEntry:
    return AuditEntry(
        seq=one.seq, ts_ns=one.ts_ns, actor=one.actor, action=one.action, body=one.body, prev=one.prev, hash=one.hash
    )


@router.get("/audit", responses=REFUSED)
def audit(
    by: Reader,
    gateway: Joined,
    actor: Word = "",
    action: Word = "",
    object: Word = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    cursor: Annotated[int | None, Query(ge=1, le=NS_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> AuditPage:
    """Search. An action that ends in a dot asks for all that begin so. A short page may still have a cursor."""
    asked = AuditQuery(
        actor=actor, action=action, object=object, since_ns=_ns(since), until_ns=_ns(until), before_seq=cursor
    )  # fmt: skip
    entries, following = find_audit(gateway.store, asked, limit=limit)
    return AuditPage(entries=[_shown(one) for one in entries], cursor=following)


@router.get("/audit/verify", responses=REFUSED)
def check_audit(by: Reader, gateway: Joined) -> AuditCheck:
    """Check every entry against the one before it."""
    what = verify_audit(gateway.store)
    return AuditCheck(is_whole=not what, what=what, entries=audit_length(gateway.store))


@router.get(
    "/audit/export", responses={**REFUSED, 200: {"content": {"application/x-ndjson": {}}}}, response_class=StreamingResponse
)
def export_audit(
    by: Reader, gateway: Joined, request: Request, after: Annotated[int, Query(ge=0, le=NS_MAX)] = 0
) -> StreamingResponse:
    """Give every entry after this number, one JSON object a line, in order. That it was taken out is itself an entry."""
    body = audit_facts(request, object="audit", after=after)
    append_audit(gateway.store, actor=by.name, action="audit.export", body=body, now_ns=gateway.now_ns())

    def lines() -> Iterator[bytes]:
        for row in audit_entries(gateway.store, after=after):
            one = entry_of(row)
            yield orjson.dumps(_shown(one).model_dump()) + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")
