"""What waits for a second person, what is to begin to hold at a time, and what sessions answered to what they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, update

from b25.store.config_tables import config_ack, config_pending, config_schedule
from b25.store.configurations import reading
from b25.store.store import Store


@dataclass(frozen=True, slots=True)
class Pending:
    """A change that loosens something, and waits for somebody else to agree."""

    id: str
    config_id: str
    key: str
    action: str
    version: int | None
    before_version: int | None
    asked_by: str
    asked_ns: int
    reason: str
    loosened: str
    revision: int
    state: str = "PENDING"
    decided_by: str | None = None
    decided_ns: int | None = None
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A version that is to hold from a time on."""

    id: str
    config_id: str
    key: str
    version: int
    at_ns: int
    asked_by: str
    asked_ns: int
    reason: str
    approval: str | None = None
    state: str = "WAITING"
    before_version: int | None = None
    since_ns: int | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """What a session answered: it runs a version now, or goes on with the one it had, and why."""

    seq: int
    session: str
    key: str
    type: str
    version: int
    checksum: str
    outcome: str
    detail: str
    time_ns: int


ACTS_NOW: Final = ("activated", "deactivated", "deleted")  # changes after which something else holds
APPLIED, REJECTED, RESTART = "applied", "rejected", "requires_restart"
_ID: Final[Any] = bindparam("b_id")
_PENDING: Final = select(config_pending).where(config_pending.c.id == _ID)
_NEW_PENDING: Final = insert(config_pending)
_DECIDE: Final = (
    update(config_pending)
    .where(config_pending.c.id == _ID, config_pending.c.state == "PENDING")
    .values(
        state=bindparam("b_state"), decided_by=bindparam("b_by"), decided_ns=bindparam("b_ns"), decision=bindparam("b_decision")
    )
)
_SCHEDULE: Final = select(config_schedule).where(config_schedule.c.id == _ID)
_NEW_SCHEDULE: Final = insert(config_schedule)
_MOVE_SCHEDULE: Final = (
    update(config_schedule)
    .where(config_schedule.c.id == _ID, config_schedule.c.state == bindparam("b_was"))
    .values(
        state=bindparam("b_state"), before_version=bindparam("b_before"), since_ns=bindparam("b_since"), told=bindparam("b_told")
    )
)
_NEW_ACK: Final = insert(config_ack)
_LAST_ACK: Final = select(func.max(config_ack.c.seq))


def pending_of(store: Store, pending_id: str, *, within: bool = False) -> Pending | None:
    """Return what waits, or waited, by its id."""
    rows = (store.rows_within if within else reading(store))(_PENDING, {"b_id": pending_id})
    return Pending(*rows[0]) if rows else None


def pendings(store: Store, state: str = "PENDING", limit: int = 100) -> list[Pending]:
    """Return what waits, the oldest first."""
    of = config_pending.c
    found = select(config_pending).where(of.state == state).order_by(of.asked_ns, of.id).limit(limit)
    return [Pending(*row) for row in store.rows(found)]


def add_pending(store: Store, one: Pending) -> None:
    """Inside `writing`: have a change wait."""
    store.execute(_NEW_PENDING, {name: getattr(one, name) for name in Pending.__slots__})


def decide_pending(store: Store, pending_id: str, state: str, by: str, now_ns: int, decision: str) -> bool:
    """Inside `writing`: settle it; False when it was settled before."""
    row = {"b_id": pending_id, "b_state": state, "b_by": by, "b_ns": now_ns, "b_decision": decision}
    return store.execute(_DECIDE, row) == 1


def schedule_of(store: Store, schedule_id: str, *, within: bool = False) -> Schedule | None:
    """Return a schedule by its id."""
    rows = (store.rows_within if within else reading(store))(_SCHEDULE, {"b_id": schedule_id})
    return Schedule(*rows[0]) if rows else None


def schedules(store: Store, *states: str, until_ns: int | None = None, limit: int = 100) -> list[Schedule]:
    """Return schedules by their time; all states without any."""
    of = config_schedule.c
    found = select(config_schedule)
    if states:
        found = found.where(of.state.in_(states))
    if until_ns is not None:
        found = found.where(of.at_ns <= until_ns)
    return [Schedule(*row) for row in store.rows(found.order_by(of.at_ns, of.id).limit(limit))]


def add_schedule(store: Store, one: Schedule) -> None:
    """Inside `writing`: have a version begin to hold later."""
    store.execute(_NEW_SCHEDULE, {name: getattr(one, name) for name in Schedule.__slots__})


def move_schedule(
    store: Store, one: Schedule, state: str, *, before: int | None = None, since_ns: int | None = None, told: str = ""
) -> bool:
    """Inside `writing`: bring it to another state; False when somebody else did."""
    row = {"b_id": one.id, "b_was": one.state, "b_state": state, "b_before": before, "b_since": since_ns, "b_told": told}
    return store.execute(_MOVE_SCHEDULE, row) == 1


def add_ack(
    store: Store, session: str, key: str, kind: str, version: int, checksum: str, outcome: str, detail: str, now_ns: int
) -> int:
    """Write down what a session answered; gives its number."""
    with store.writing():
        store.lock("config_ack")
        seq = int(store.rows_within(_LAST_ACK)[0][0] or 0) + 1
        row: dict[str, Any] = {"seq": seq, "session": session, "key": key, "type": kind, "version": version, "time_ns": now_ns}
        store.execute(_NEW_ACK, {**row, "checksum": checksum, "outcome": outcome, "detail": detail[:2_000]})
    return seq


def acks(store: Store, *, key: str = "", session: str = "", since_ns: int = 0, limit: int = 200) -> list[Ack]:
    """Return the latest answer of each session to each key, the newest first."""
    of = config_ack.c
    latest = select(func.max(of.seq)).group_by(of.session, of.key)
    found = select(config_ack).where(of.seq.in_(latest), of.time_ns >= since_ns)
    if key:
        found = found.where(of.key == key)
    if session:
        found = found.where(of.session == session)
    return [Ack(*row) for row in store.rows(found.order_by(of.seq.desc()).limit(limit))]


def acks_since(store: Store, key: str, since_ns: int) -> list[Ack]:
    """Return every answer to a key since a time, in order."""
    of = config_ack.c
    return [Ack(*row) for row in store.rows(select(config_ack).where(of.key == key, of.time_ns >= since_ns).order_by(of.seq))]
