"""What the store tells of trouble: kills and alerts, differences from the venue and what became of them, holds, halts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import orjson
from sqlalchemy import column, func, inspect, select, table

from b25.reports.records import Happening
from b25.reports.store_rows import NS_PER_MS, Scope
from b25.store.account_tables import account_entry
from b25.store.alert_tables import alert
from b25.store.store import Store
from b25.store.tables import balance, kill

# Written by the nightly job; see docs of drift. Named here by its columns, so that stores without it are read too.
DRIFT: Final = table("drift_note", *(column(name) for name in ("name", "version", "session", "at_ns", "state", "detail")))
NO_DRIFT: Final = "no drift"
TOLD_CHARACTERS_MAX: Final = 400
ENDS: Final = {"SIGNATURE": "settled", "REJECTION": "rejected"}


def stops_of(store: Store, scope: Scope) -> list[Happening]:
    """Kills of the account or of everything, alerts, and halts that a person ended, oldest first."""
    found = [
        Happening(
            time_ns=row.ts_ns, kind="kill switch", what=f"{row.action}: {row.scope}", text=row.reason, by=row.actor,
            state="re-armed" if "re-arm" in row.action or "rearm" in row.action else "killed",
        )
        for row in store.rows(select(kill).where(kill.c.ts_ns >= scope.start_ns, kill.c.ts_ns < scope.end_ns).order_by(kill.c.id))
        if scope.account in row.scope.split() or "all" in row.scope.split()
    ]  # fmt: skip
    asked = select(alert).where(alert.c.fired_ns >= scope.start_ns, alert.c.fired_ns < scope.end_ns, alert.c.fired_ns > 0)
    for row in store.rows(asked.order_by(alert.c.fired_ns, alert.c.alert_id)):
        if scope.account in row.source or scope.account in row.key or row.severity == "critical":
            found.append(
                Happening(time_ns=row.fired_ns, kind=f"alert, {row.severity}", what=row.rule, text=row.text, by=row.source,
                          state=row.state)
            )  # fmt: skip
    for row in _entries(store, scope, "RESUME"):
        body = _body(row)
        found.append(
            Happening(time_ns=row.time_ms * NS_PER_MS, kind="halt", what=row.ref, text=str(body.get("reason", "")),
                      by=str(body.get("by", "")), state="resolved")
        )  # fmt: skip
    return sorted(found, key=lambda one: one.time_ns)


def reconciliations_of(store: Store, scope: Scope) -> list[Happening]:
    """Differences from the venue with what was done about them, and holds of the drop copy, oldest first."""
    ends = {row.ref: row for kind in ENDS for row in _entries(store, scope, kind, since_only=True)}
    found = []
    for row in _entries(store, scope, "ADJUSTMENT"):
        body, end = _body(row), ends.get(row.ref)
        decided = _body(end) if end is not None else {}
        text = str(body.get("why", ""))
        if decided:
            text += f" ({ENDS[end.kind]} by {decided.get('by', '')}: {decided.get('reason', '')})" if end is not None else ""
        found.append(
            Happening(
                time_ns=row.time_ms * NS_PER_MS, kind="position" if row.symbol else "balance", what=row.symbol or row.asset or "",
                text=text, by=str(decided.get("by", "")), state=ENDS[end.kind] if end is not None else "open",
            )
        )  # fmt: skip
    released = {row.ref: row for row in _entries(store, scope, "RELEASE", since_only=True)}
    for row in _entries(store, scope, "HOLD"):
        found.append(
            Happening(
                time_ns=row.time_ms * NS_PER_MS, kind="drop copy", what=row.symbol or "", text=str(_body(row).get("why", "")),
                state="released" if row.ref in released else "held",
            )
        )  # fmt: skip
    found += _comparisons(store, scope)
    return sorted(found, key=lambda one: one.time_ns)


def _comparisons(store: Store, scope: Scope) -> list[Happening]:
    """That the venue was asked what it holds, as often as its balances were stored."""
    c = balance.c
    inside = (c.venue == scope.venue, c.account == scope.account, c.ts_ns >= scope.start_ns, c.ts_ns < scope.end_ns)
    count, last_ns = store.rows(select(func.count(c.ts_ns.distinct()), func.max(c.ts_ns)).where(*inside))[0]
    if not count:
        return []
    text = f"{count:,} in this span; what differed in one of them is listed here"
    return [Happening(time_ns=int(last_ns), kind="venue", what="last comparison with the venue", text=text, state="agrees")]


def drift_of(store: Store, names: Collection[str], scope: Scope) -> list[Happening]:
    """What comparisons of sessions with their replays came to, since the span began, oldest first."""
    if not inspect(store.engine).has_table("drift_note"):
        return []  # a store of before there were any
    c = DRIFT.c
    wanted = select(DRIFT).where(c.session.in_(sorted(names)), c.at_ns >= scope.start_ns).order_by(c.at_ns, c.session)
    return [
        Happening(
            time_ns=row.at_ns, kind="replay", what=f"{row.session} as {row.name}@{row.version}", text=_told(row.detail),
            state=NO_DRIFT if row.state == "none" else row.state,
        )
        for row in store.rows(wanted)
    ]  # fmt: skip


def _told(detail: str) -> str:
    """The sentence that a comparison was noted with, and what of its conditions had changed."""
    facts = orjson.loads(detail)
    changed = facts.get("changed") or []
    said = [str(facts.get("detail") or ""), *(str(one) for one in changed)]
    return "; ".join(one for one in said if one)[:TOLD_CHARACTERS_MAX]


def _entries(store: Store, scope: Scope, kind: str, *, since_only: bool = False) -> list[Any]:
    c = account_entry.c
    wanted = select(account_entry).where(c.venue == scope.venue, c.account == scope.account, c.kind == kind)
    wanted = wanted.where(c.time_ms >= -(-scope.start_ns // NS_PER_MS))
    if not since_only:
        wanted = wanted.where(c.time_ms < -(-scope.end_ns // NS_PER_MS))
    return store.rows(wanted.order_by(c.time_ms, c.ref))


def _body(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(row.body)
    return found
