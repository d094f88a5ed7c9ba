"""Which version a name stands for in a stage, what somebody who works alone asked for, and which sessions ran what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from b25.store.promotion_tables import promotion_pointer, promotion_request, promotion_run
from b25.store.store import Store


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a name points in a stage."""

    name: str
    stage: str
    version: int
    before_version: int | None
    who: str
    since_ns: int
    reason: str
    revision: int


@dataclass(frozen=True, slots=True)
class Request:
    """A move that waits for its confirmation."""

    name: str
    version: int
    to_state: str
    asked_by: str
    asked_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """A session that ran a version."""

    id: int
    name: str
    version: int
    content_id: str
    session: str
    mode: str
    account: str
    journal: str
    started_ns: int


_NAME: Final[Any] = bindparam("b_name")
_STAGE: Final[Any] = bindparam("b_stage")
_POINTER: Final = select(promotion_pointer).where(promotion_pointer.c.name == _NAME, promotion_pointer.c.stage == _STAGE)
_NEW_POINTER: Final = insert(promotion_pointer)
_MOVE_POINTER: Final = (
    update(promotion_pointer)
    .where(promotion_pointer.c.name == _NAME, promotion_pointer.c.stage == _STAGE)
    .values(
        version=bindparam("b_version"), before_version=bindparam("b_before"), who=bindparam("b_who"),
        since_ns=bindparam("b_since"), reason=bindparam("b_reason"), revision=bindparam("b_revision"),
    )
)  # fmt: skip
_OF_REQUEST: Final = (
    promotion_request.c.name == _NAME,
    promotion_request.c.version == bindparam("b_version"),
    promotion_request.c.to_state == bindparam("b_to"),
)
_REQUEST: Final = select(promotion_request).where(*_OF_REQUEST)
_NO_REQUEST: Final = delete(promotion_request).where(*_OF_REQUEST)
_NEW_REQUEST: Final = insert(promotion_request)
_NEW_RUN: Final = insert(promotion_run)
_LAST_RUN: Final = select(func.max(promotion_run.c.id))


def pointer_within(store: Store, name: str, stage: str) -> Pointer | None:
    """Inside `writing`: where a name points; nobody else moves it until the transaction ends."""
    store.lock("promotion_pointer")
    rows = store.rows_within(_POINTER, {"b_name": name, "b_stage": stage})
    return Pointer(*rows[0]) if rows else None


def point(store: Store, name: str, stage: str, version: int, *, who: str, now_ns: int, reason: str) -> Pointer | None:
    """Inside `writing`: have a name stand for a version in a stage; gives what it stood for before."""
    before = pointer_within(store, name, stage)
    if before is None:
        row = {"name": name, "stage": stage, "version": version, "before_version": None, "who": who, "since_ns": now_ns}
        store.execute(_NEW_POINTER, {**row, "reason": reason, "revision": 1})
    elif before.version != version:
        of = {"b_name": name, "b_stage": stage, "b_version": version, "b_before": before.version, "b_who": who}
        store.execute(_MOVE_POINTER, {**of, "b_since": now_ns, "b_reason": reason, "b_revision": before.revision + 1})
    return before


def pointers(store: Store, name: str = "") -> list[Pointer]:
    """Return where names point, by name and stage."""
    of = promotion_pointer.c
    found = select(promotion_pointer).order_by(of.name, of.stage)
    return [Pointer(*row) for row in store.rows(found.where(of.name == name) if name else found)]


def request_within(store: Store, name: str, version: int, to_state: str) -> Request | None:
    """Inside `writing`: what waits for a confirmation."""
    rows = store.rows_within(_REQUEST, {"b_name": name, "b_version": version, "b_to": to_state})
    return Request(*rows[0]) if rows else None


def put_request(store: Store, one: Request) -> None:
    """Inside `writing`: have a move wait; what waited for the same is replaced, and its time begins anew."""
    drop_request(store, one.name, one.version, one.to_state)
    store.execute(_NEW_REQUEST, {name: getattr(one, name) for name in Request.__slots__})


def drop_request(store: Store, name: str, version: int, to_state: str) -> None:
    """Inside `writing`: it waits no longer."""
    store.execute(_NO_REQUEST, {"b_name": name, "b_version": version, "b_to": to_state})


def requests(store: Store) -> list[Request]:
    """Return what waits, the oldest first."""
    return [Request(*row) for row in store.rows(select(promotion_request).order_by(promotion_request.c.asked_ns))]


def add_run(
    store: Store, name: str, version: int, *, content_id: str, session: str, mode: str, account: str, journal: str, now_ns: int
) -> int:
    """Write down that a session runs a version, and where its journal is; gives its number."""
    with store.writing(full=True):
        store.lock("promotion_run")
        number = int(store.rows_within(_LAST_RUN)[0][0] or 0) + 1
        row: dict[str, Any] = {"id": number, "name": name, "version": version, "content_id": content_id, "session": session}
        store.execute(_NEW_RUN, {**row, "mode": mode, "account": account, "journal": journal, "started_ns": now_ns})
    return number


def runs_of(store: Store, name: str, version: int) -> list[Run]:
    """Return the sessions that ran a version, the oldest first."""
    of = promotion_run.c
    found = select(promotion_run).where(of.name == name, of.version == version).order_by(of.id)
    return [Run(*row) for row in store.rows(found)]
