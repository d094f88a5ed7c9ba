"""Messages that are to be sent, each once: they wait in the store, are claimed for a while by one sender, and end sent or dead.

A sender that dies keeps its claim until it runs out; then the message is sent again under the same id. So it arrives at
least once, and a receiver that knows the id takes it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.alert_tables import notification
from b25.store.store import Store

_n = notification.c
_ADD: Final = {
    is_sqlite: make(notification).on_conflict_do_nothing()
    for is_sqlite, make in ((True, sqlite.insert), (False, postgresql.insert))
}
_IS_DUE: Final = or_(
    and_(or_(_n.status == "pending", _n.status == "retrying"), _n.next_ns <= bindparam("at")),
    and_(_n.status == "sending", _n.lease_until_ns <= bindparam("at")),
)
_CLAIM: Final = (
    update(notification)
    .where(_n.notification_id == bindparam("of"), _IS_DUE)
    .values(status="sending", owner=bindparam("who"), lease_until_ns=bindparam("until"), tries=_n.tries + 1)
)
_FINISH: Final = (
    update(notification)
    .where(_n.notification_id == bindparam("of"), _n.owner == bindparam("who"), _n.status == "sending")
    .values(
        status=bindparam("now_status"), next_ns=bindparam("again"), sent_ns=bindparam("sent"), fault=bindparam("why"),
        lease_until_ns=0,
    )
)  # fmt: skip
_RELEASE: Final = (
    update(notification)
    .where(_n.owner == bindparam("who"), _n.status == "sending")
    .values(status="retrying", next_ns=bindparam("at"), lease_until_ns=0)
)
_DIGESTED: Final = (
    update(notification)
    .where(_n.notification_id == bindparam("of"), _n.status == "folded")
    .values(status="digested", correlation_id=bindparam("digest"))
)
_FOLDED: Final = (
    select(_n.notification_id, _n.severity, _n.rule, _n.title, _n.created_ns)
    .where(_n.channel == bindparam("of"), _n.status == "folded")
    .order_by(_n.created_ns)
    .limit(500)
)
_PRUNE: Final = delete(notification).where(
    _n.created_ns < bindparam("before"), or_(*(_n.status == one for one in ("sent", "dead", "digested", "cancelled")))
)
BLANK: Final[dict[str, Any]] = {
    "kind": "alert", "severity": "info", "rule": "", "title": "", "body": "", "alert_ids": "[]", "correlation_id": "",
    "status": "pending", "tries": 0, "tries_max": 3, "next_ns": 0, "owner": "", "lease_until_ns": 0, "sent_ns": 0, "fault": "",
}  # fmt: skip


class NotificationQueue:
    """Messages of a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def add(self, row: Mapping[str, Any]) -> bool:
        """Put a message into the queue, inside `writing`; False when one of this id is there already."""
        return self.store.execute(_ADD[self.store.is_sqlite], {**BLANK, **row}) == 1

    def claim(self, owner: str, now_ns: int, lease_ns: int, limit: int) -> list[dict[str, Any]]:
        """Take messages that are due, what is critical first: for so long nobody else does."""
        order = case((_n.severity == "critical", 0), else_=1)
        due = select(notification).where(_IS_DUE).order_by(order, _n.next_ns).limit(limit).params(at=now_ns)
        waiting = [plain_row(one) for one in self.store.rows(due)]
        taken = []
        for row in waiting:
            with self.store.writing():
                mine = {"of": row["notification_id"], "at": now_ns, "who": owner, "until": now_ns + lease_ns}
                if self.store.execute(_CLAIM, mine):
                    taken.append({**row, "tries": row["tries"] + 1})
        return taken

    def finish(self, notification_id: str, owner: str, *, status: str, next_ns: int, now_ns: int, fault: str = "") -> bool:
        """Note what became of a message that was claimed; False when the claim had run out and another has it."""
        row = {
            "of": notification_id, "who": owner, "now_status": status, "again": next_ns, "why": fault,
            "sent": now_ns if status == "sent" else 0,
        }  # fmt: skip
        with self.store.writing():
            return self.store.execute(_FINISH, row) == 1

    def release(self, owner: str, now_ns: int) -> int:
        """Give back what a sender had claimed who is dead for certain: it is sent again, under the same id, now."""
        with self.store.writing():
            return self.store.execute(_RELEASE, {"who": owner, "at": now_ns})

    def count_since(self, channel: str, since_ns: int, rule: str = "") -> int:
        """Messages that a channel was given since a time and that are no digest's, for its limits."""
        wanted = select(func.count()).where(
            _n.channel == channel, _n.created_ns >= since_ns, _n.status.not_in(("folded", "digested"))
        )
        return int(self.store.rows(wanted.where(_n.rule == rule) if rule else wanted)[0][0])

    def fold_into(self, channel: str, digest_id: str, made: Any, now_ns: int) -> int:
        """Make one message of all that were held back for a channel; gives how many there were.

        Parameters
        ----------
        made : callable
            Given the messages held back, tells what the digest says: `title`, `body`, `severity`.
        """
        with self.store.writing():
            held = [
                dict(zip(("notification_id", "severity", "rule", "title", "created_ns"), one, strict=True))
                for one in self.store.rows_within(_FOLDED, {"of": channel})
            ]
            if held:
                row = {
                    "notification_id": digest_id,
                    "channel": channel,
                    "kind": "digest",
                    "created_ns": now_ns,
                    "next_ns": now_ns,
                }
                self.add({**row, **made(held)})
                for one in held:
                    self.store.execute(_DIGESTED, {"of": one["notification_id"], "digest": digest_id})
        return len(held)

    def rows(
        self, *, channel: str = "", status: str = "", alert_id: str = "", text: str = "", since_ns: int = 0,
        before: tuple[int, str] | None = None, limit: int = 100,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Messages that fit, the newest first."""
        wanted = select(notification).where(_n.created_ns >= since_ns)
        for column, held in ((_n.channel, channel), (_n.status, status)):
            wanted = wanted.where(column == held) if held else wanted
        if alert_id:
            wanted = wanted.where(_n.alert_ids.contains(f'"{alert_id}"', autoescape=True))
        if text:
            wanted = wanted.where(func.lower(_n.title).contains(text.lower(), autoescape=True))
        if before is not None:
            at_ns, name = before
            wanted = wanted.where(or_(_n.created_ns < at_ns, and_(_n.created_ns == at_ns, _n.notification_id < name)))
        ordered = wanted.order_by(_n.created_ns.desc(), _n.notification_id.desc()).limit(limit)
        return [{**plain_row(one), "alert_ids": orjson.loads(one.alert_ids)} for one in self.store.rows(ordered)]

    def statistics(self, since_ns: int) -> list[dict[str, Any]]:
        """What became of messages since a time, by channel: counts by status, tries, mean and longest time until sent."""
        took = case((_n.sent_ns > 0, _n.sent_ns - _n.created_ns))
        wanted = (
            select(_n.channel, _n.status, func.count(), func.sum(_n.tries), func.sum(took), func.max(took))
            .where(_n.created_ns >= since_ns)
            .group_by(_n.channel, _n.status)
            .order_by(_n.channel, _n.status)
        )
        found: dict[str, dict[str, Any]] = {}
        for channel, status, count, tries, whole_ns, longest_ns in self.store.rows(wanted):
            row = found.setdefault(
                channel, {"channel": channel, "by_status": {}, "tries": 0, "mean_ns": None, "longest_ns": None}
            )
            row["by_status"][status] = int(count)
            row["tries"] += int(tries or 0)
            if status == "sent":
                row["mean_ns"], row["longest_ns"] = int(whole_ns) // int(count), int(longest_ns)
        return list(found.values())

    def waiting(self, now_ns: int) -> dict[str, Any]:
        """How many messages wait or are under way, how many are dead, and how long the oldest waits."""
        open_ones = _n.status.in_(("pending", "sending", "retrying"))
        row = self.store.rows(
            select(func.sum(case((open_ones, 1), else_=0)), func.sum(case((_n.status == "dead", 1), else_=0)),
                   func.min(case((open_ones, _n.created_ns))))
        )[0]  # fmt: skip
        oldest_s = max(0.0, (now_ns - int(row[2])) / 1e9) if row[2] is not None else 0.0
        return {"waiting": int(row[0] or 0), "dead": int(row[1] or 0), "oldest_s": oldest_s}

    def prune(self, before_ns: int) -> int:
        """Let go of messages that are done with and older than that."""
        with self.store.writing():
            return self.store.execute(_PRUNE, {"before": before_ns})


def ids_text(alert_ids: Iterable[str]) -> str:
    """Ids of alerts, as they stand in the column."""
    return orjson.dumps(list(alert_ids)).decode()


def plain_row(found: Any) -> dict[str, Any]:
    """A row by its columns' names, as plain text: a name that is quoted in SQL is no text to JSON."""
    return {str(name): value for name, value in found._mapping.items()}
