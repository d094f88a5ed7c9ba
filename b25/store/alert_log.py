"""What the store keeps of alerts: how they stand, what became of each, who has seen it, and who wants to hear nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from b25.model.errors import Misuse
from b25.store.alert_tables import alert, alert_event, alert_place, alert_silence
from b25.store.audit import add_audit
from b25.store.notification_queue import plain_row
from b25.store.store import Store

PEOPLES: Final = ("acknowledged_ns", "acknowledged_by")  # written by people only, never by who keeps the alerts' state
STATES: Final = ("firing", "resolved")
ROWS_MAX: Final = 1_000
DAY_NS: Final = 86_400 * 10**9


def _upsert(make: Any, table: Any, key: str, kept: Iterable[str]) -> Any:
    made = make(table)
    others = {one.name: made.excluded[one.name] for one in table.c if one.name not in {key, *kept}}
    return made.on_conflict_do_update(index_elements=[key], set_=others)


_SAVE: Final = {
    is_sqlite: _upsert(make, alert, "alert_id", PEOPLES)
    for is_sqlite, make in ((True, sqlite.insert), (False, postgresql.insert))
}
_PLACE: Final = {
    is_sqlite: _upsert(make, alert_place, "name", ()) for is_sqlite, make in ((True, sqlite.insert), (False, postgresql.insert))
}
_EVENT: Final = insert(alert_event)
_SILENCE: Final = insert(alert_silence)
_SEEN: Final = (
    update(alert)
    .where(alert.c.alert_id == bindparam("of"), alert.c.acknowledged_ns == 0)
    .values(acknowledged_ns=bindparam("at"), acknowledged_by=bindparam("who"))
)
_OF: Final = select(alert.c.state, alert.c.acknowledged_ns, alert.c.acknowledged_by).where(alert.c.alert_id == bindparam("of"))
_END_SILENCE: Final = (
    update(alert_silence)
    .where(alert_silence.c.silence_id == bindparam("of"), alert_silence.c.ends_ns > bindparam("at"))
    .values(ends_ns=bindparam("until"), ended_by=bindparam("who"))
)
_PRUNE: Final = delete(alert).where(alert.c.state == "resolved", alert.c.resolved_ns < bindparam("before"))


class AlertLog:
    """Alerts of a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- inside a transaction of the caller -------------------------------------------------------

    def save(self, row: Mapping[str, Any], events: Iterable[str], now_ns: int) -> None:
        """Keep how an alert stands, and what became of it; inside `writing`."""
        self.store.execute(_SAVE[self.store.is_sqlite], row)
        for event in events:
            self._note(str(row["alert_id"]), now_ns, event, "", str(row["text"]))

    def save_place(self, name: str, place: int) -> None:
        """Keep how far something was read; inside `writing`."""
        self.store.execute(_PLACE[self.store.is_sqlite], {"name": name, "place": place})

    def _note(self, alert_id: str, now_ns: int, event: str, by: str, text: str) -> None:
        self.store.execute(_EVENT, {"alert_id": alert_id, "ts_ns": now_ns, "event": event, "by": by, "text": text})

    # -- what people do ---------------------------------------------------------------------------

    def acknowledge(self, alert_id: str, *, by: str, reason: str, facts: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
        """Note that somebody has seen an alert; the audit stands in the same transaction. The first one counts.

        Raises
        ------
        Misuse
            When there is no such alert.
        """
        with self.store.writing():
            before = self.store.rows_within(_OF, {"of": alert_id})
            if not before:
                raise Misuse(f"there is no alert {alert_id!r}", remedy="see b25 alerts list")
            changed = self.store.execute(_SEEN, {"of": alert_id, "at": now_ns, "who": by})
            if changed:
                self._note(alert_id, now_ns, "acknowledged", by, reason)
                told = {"object": f"alert/{alert_id}", "before": {"acknowledged_by": ""}, "after": {"acknowledged_by": by}}
                add_audit(
                    self.store, actor=by, action="alert.acknowledge", body={**facts, **told, "reason": reason}, now_ns=now_ns
                )
        return self.alert(alert_id) or {}

    def silence(
        self, *, rule: str, source: str, starts_ns: int, ends_ns: int, by: str, reason: str, facts: Mapping[str, Any], now_ns: int
    ) -> dict[str, Any]:
        """Have nobody told of some alerts until a time, audited."""
        if ends_ns <= max(starts_ns, now_ns):
            raise Misuse("the silence ends before it begins, or has ended", remedy="give a later end")
        if ends_ns - max(starts_ns, now_ns) > 30 * DAY_NS:
            raise Misuse("a silence lasts 30 days at most", remedy="switch the rule off instead")
        row: dict[str, Any] = {
            "silence_id": f"s{secrets.token_hex(6)}", "rule": rule, "source": source, "starts_ns": starts_ns, "ends_ns": ends_ns,
            "by": by, "reason": reason, "created_ns": now_ns, "ended_by": "",
        }  # fmt: skip
        with self.store.writing():
            self.store.execute(_SILENCE, row)
            told = {"object": f"silence/{row['silence_id']}", "before": None, "after": row, "reason": reason}
            add_audit(self.store, actor=by, action="alert.silence", body={**facts, **told}, now_ns=now_ns)
        return row

    def end_silence(self, silence_id: str, *, by: str, reason: str, facts: Mapping[str, Any], now_ns: int) -> bool:
        """End a silence now, audited; False when none of this id holds."""
        with self.store.writing():
            changed = self.store.execute(_END_SILENCE, {"of": silence_id, "at": now_ns, "until": now_ns, "who": by})
            if changed:
                told = {"object": f"silence/{silence_id}", "before": {"holds": True}, "after": {"holds": False}}
                body = {**facts, **told, "reason": reason}
                add_audit(self.store, actor=by, action="alert.silence.end", body=body, now_ns=now_ns)
        return bool(changed)

    # -- reading ----------------------------------------------------------------------------------

    def alert(self, alert_id: str) -> dict[str, Any] | None:
        """One alert, with what became of it; None when there is none."""
        found = self.store.rows(select(alert).where(alert.c.alert_id == alert_id))
        if not found:
            return None
        events = self.store.rows(select(alert_event).where(alert_event.c.alert_id == alert_id).order_by(alert_event.c.seq))
        told = [{"time_ns": one.ts_ns, "event": one.event, "by": one.by, "text": one.text} for one in events]
        return {**plain_row(found[0]), "events": told}

    def alerts(
        self, *, state: str = "", severity: str = "", rule: str = "", source: str = "", text: str = "", since_ns: int = 0,
        until_ns: int = 2**62, before: tuple[int, str] | None = None, unacknowledged: bool = False, limit: int = 100,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Alerts that fit, the newest first; go on with `before`, time and id of the last one."""
        found = select(alert).where(alert.c.fired_ns >= since_ns, alert.c.fired_ns < until_ns)
        for column, wanted in (
            (alert.c.state, state),
            (alert.c.severity, severity),
            (alert.c.rule, rule),
            (alert.c.source, source),
        ):
            if wanted:
                found = found.where(column == wanted)
        if text:
            found = found.where(func.lower(alert.c.text).contains(text.lower(), autoescape=True))
        if unacknowledged:
            found = found.where(alert.c.acknowledged_ns == 0)
        if before is not None:
            at_ns, name = before
            found = found.where(or_(alert.c.fired_ns < at_ns, and_(alert.c.fired_ns == at_ns, alert.c.alert_id < name)))
        ordered = found.order_by(alert.c.fired_ns.desc(), alert.c.alert_id.desc()).limit(min(limit, ROWS_MAX))
        return [plain_row(one) for one in self.store.rows(ordered)]

    def unfinished(self, since_ns: int) -> list[dict[str, Any]]:
        """What fires, and what was told since a time, oldest first: where a new life goes on."""
        wanted = or_(alert.c.state == "firing", alert.c.notified_ns >= since_ns)
        return [plain_row(one) for one in self.store.rows(select(alert).where(wanted).order_by(alert.c.since_ns))]

    def acknowledged(self, alert_ids: Iterable[str]) -> dict[str, str]:
        """Which of these somebody has seen, and who."""
        wanted = select(alert.c.alert_id, alert.c.acknowledged_by).where(
            alert.c.alert_id.in_(list(alert_ids)), alert.c.acknowledged_ns > 0
        )
        return {one.alert_id: one.acknowledged_by for one in self.store.rows(wanted)}

    def silences(self, now_ns: int, *, all_of_them: bool = False) -> list[dict[str, Any]]:
        """Silences that hold or will; or all."""
        wanted = select(alert_silence).order_by(alert_silence.c.created_ns.desc()).limit(ROWS_MAX)
        if not all_of_them:
            wanted = wanted.where(alert_silence.c.ends_ns > now_ns)
        return [plain_row(one) for one in self.store.rows(wanted)]

    def place(self, name: str) -> int:
        """How far something was read; -1 when never."""
        found = self.store.rows(select(alert_place.c.place).where(alert_place.c.name == name))
        return int(found[0].place) if found else -1

    def prune(self, before_ns: int) -> int:
        """Let go of alerts that were over long ago; what became of them stays."""
        with self.store.writing():
            return self.store.execute(_PRUNE, {"before": before_ns})
