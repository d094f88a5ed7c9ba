"""Search in the audit: who did what to which thing, and when. The latest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import select

from b25.model.errors import Misuse
from b25.store.store import Store
from b25.store.tables import audit

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LOOKED_AT_MAX: Final = 20_000  # entries that one call reads; the cursor goes on from there


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the audit."""

    seq: int
    ts_ns: int
    actor: str
    action: str
    body: dict[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What is looked for; empty and None ask for anything.

    Attributes
    ----------
    actor, action, object : str
        `action` ending in a dot asks for all that begin so: ``"config."``.
    since_ns, until_ns : int or None
        From, and before.
    before_seq : int or None
        Entries below this number: the cursor.
    """

    actor: str = ""
    action: str = ""
    object: str = ""
    since_ns: int | None = None
    until_ns: int | None = None
    before_seq: int | None = None


def ns_of(moment: datetime) -> int:
    """Nanoseconds since 1970 of a moment that has a zone. Raises Misuse for one that no entry can have."""
    told = (moment - EPOCH) // timedelta(microseconds=1) * 1_000
    if not 0 <= told < 2**63:
        raise Misuse(f"{moment} is outside of what is recorded", remedy="name a moment between 1970 and 2262")
    return told


def entry_of(row: Any) -> Entry:
    """An entry as it is shown."""
    return Entry(
        seq=int(row.seq), ts_ns=int(row.ts_ns), actor=row.actor, action=row.action, body=orjson.loads(row.body),
        prev=bytes(row.prev).hex(), hash=bytes(row.hash).hex(),
    )  # fmt: skip


def find_audit(store: Store, asked: AuditQuery, *, limit: int) -> tuple[list[Entry], int | None]:
    """Return up to so many entries, and the cursor of the next page; None when there is no more.

    A page may be short, or empty, and still have a cursor: one call looks at a bounded number of entries.
    """
    query = select(audit)
    if asked.actor:
        query = query.where(audit.c.actor == asked.actor)
    if asked.action:
        is_prefix = asked.action.endswith(".")
        query = query.where(
            audit.c.action.startswith(asked.action, autoescape=True) if is_prefix else audit.c.action == asked.action
        )
    if asked.object:  # the body is canonical JSON; what is found so is looked at below
        query = query.where(audit.c.body.contains(orjson.dumps(asked.object).decode(), autoescape=True))
    if asked.since_ns is not None:
        query = query.where(audit.c.ts_ns >= asked.since_ns)
    if asked.until_ns is not None:
        query = query.where(audit.c.ts_ns < asked.until_ns)
    found: list[Entry] = []
    before, looked_at = asked.before_seq, 0
    while looked_at < LOOKED_AT_MAX:
        page = query if before is None else query.where(audit.c.seq < before)
        rows = store.rows(page.order_by(audit.c.seq.desc()).limit(limit + 1))
        for row in rows:
            if len(found) == limit:
                return found, found[-1].seq
            entry = entry_of(row)
            before = entry.seq
            if not asked.object or entry.body.get("object") == asked.object:
                found.append(entry)
        if len(rows) <= limit:
            return found, None
        looked_at += len(rows)
    return found, before
