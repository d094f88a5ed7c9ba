"""Requests by the key that their sender gave them, with the answer: one that comes again is answered again, not done again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from b25.store.store import Store

idempotency_metadata = MetaData()
idempotency = Table(
    "idempotency",
    idempotency_metadata,
    Column("principal", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("asked_ns", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    PrimaryKeyConstraint("principal", "key"),
)
Index("ix_idempotency_asked", idempotency.c.asked_ns)

DAY_NS: Final = 86_400 * 10**9
RUNNING_NS: Final = 330 * 10**9  # longer than any route may take: after that, whoever was at it is gone
_MINE: Final[Any] = (idempotency.c.principal == bindparam("b_principal")) & (idempotency.c.key == bindparam("b_key"))
_FIND: Final = select(
    idempotency.c.fingerprint, idempotency.c.asked_ns, idempotency.c.status, idempotency.c.kind, idempotency.c.answer
).where(_MINE)
_BEGIN: Final = insert(idempotency)
_ANSWER: Final = (
    update(idempotency).where(_MINE).values(status=bindparam("b_status"), kind=bindparam("b_kind"), answer=bindparam("b_answer"))
)
_FORGET: Final = delete(idempotency).where(_MINE)
_EXPIRE: Final = delete(idempotency).where(idempotency.c.asked_ns < bindparam("b_before"))


class Standing(StrEnum):
    """How a request with this key stands."""

    NEW = "new"
    RUNNING = "running"
    LOST = "lost"  # begun, and never answered: whoever did it is gone, and nobody knows how far it came
    ANSWERED = "answered"
    OTHER = "other"  # the key was another request's


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a key."""

    standing: Standing
    status: int = 0
    kind: str = ""
    answer: bytes = b""


def begin_request(store: Store, principal: str, key: str, fingerprint: bytes, *, now_ns: int) -> Known:
    """Take a key, or tell whose it is.

    Raises
    ------
    StoreFailed
    """
    mine = {"b_principal": principal, "b_key": key}
    with store.writing():
        store.lock("idempotency")
        store.execute(_EXPIRE, {"b_before": now_ns - DAY_NS})
        found = store.rows_within(_FIND, mine)
        if not found:
            row = {
                "principal": principal, "key": key, "fingerprint": fingerprint, "asked_ns": now_ns, "status": 0, "kind": "",
                "answer": b"",
            }  # fmt: skip
            store.execute(_BEGIN, row)
            return Known(Standing.NEW)
    held, asked_ns, status, kind, answer = found[0]
    if bytes(held) != fingerprint:
        return Known(Standing.OTHER)
    if status:
        return Known(Standing.ANSWERED, int(status), str(kind), bytes(answer))
    return Known(Standing.RUNNING if now_ns - int(asked_ns) < RUNNING_NS else Standing.LOST)


def keep_answer(store: Store, principal: str, key: str, *, status: int, kind: str, answer: bytes) -> None:
    """Keep what a request was answered."""
    row = {"b_principal": principal, "b_key": key, "b_status": status, "b_kind": kind, "b_answer": answer}
    with store.writing():
        store.execute(_ANSWER, row)


def forget_request(store: Store, principal: str, key: str) -> None:
    """Let the key be used again: what was asked was certainly not done, or is safe to ask for anew."""
    with store.writing():
        store.execute(_FORGET, {"b_principal": principal, "b_key": key})
