"""What one person asks and another must allow, as it is kept. Allowed once, for exactly this body, until it runs out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from b25.store.access_tables import approval
from b25.store.store import Store


class ApprovalState(StrEnum):
    """How far it has come."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One thing that was asked.

    Attributes
    ----------
    action, object, body : str
        What is to be done, to what, and how exactly: canonical JSON.
    ready_ns : int or None
        From when on it may be taken, once approved.
    """

    id: str
    asked_by: str
    action: str
    object: str
    body: str
    reason: str
    made_ns: int
    expires_ns: int
    state: str
    decided_by: str | None
    decided_ns: int | None
    decided_why: str | None
    ready_ns: int | None
    taken_ns: int | None


_ADD: Final = insert(approval)
_ONE: Final = select(approval).where(approval.c.id == bindparam("b_id"))
# Two that decide or take at one moment: the condition on the state lets one of them.
_DECIDE: Final = (
    update(approval)
    .where(
        approval.c.id == bindparam("b_id"), approval.c.state == ApprovalState.PENDING.value,
        approval.c.expires_ns > bindparam("b_ns"),
    )
    .values(
        state=bindparam("b_state"), decided_by=bindparam("b_by"), decided_ns=bindparam("b_decided_ns"),
        decided_why=bindparam("b_why"), ready_ns=bindparam("b_ready_ns"),
    )
)  # fmt: skip
_TAKE: Final = (
    update(approval)
    .where(
        approval.c.id == bindparam("b_id"), approval.c.state == ApprovalState.APPROVED.value,
        approval.c.expires_ns > bindparam("b_ns"), approval.c.ready_ns <= bindparam("b_ready_ns"),
    )
    .values(state=ApprovalState.TAKEN.value, taken_ns=bindparam("b_taken_ns"))
)  # fmt: skip


def _approval(row: Any) -> Approval:
    return Approval(**dict(zip(approval.c.keys(), row, strict=True)))


def add_approval(store: Store, one: Approval) -> None:
    """Write a new one, inside `writing`."""
    store.execute(_ADD, {name: getattr(one, name) for name in Approval.__slots__})


def approval_within(store: Store, approval_id: str) -> Approval | None:
    """Read one inside `writing`."""
    rows = store.rows_within(_ONE, {"b_id": approval_id})
    return _approval(rows[0]) if rows else None


def find_approval(store: Store, approval_id: str) -> Approval | None:
    """Read one."""
    rows = store.rows(select(approval).where(approval.c.id == approval_id))
    return _approval(rows[0]) if rows else None


def list_approvals(store: Store, *, state: ApprovalState | None, limit: int) -> list[Approval]:
    """The latest first; of one state, or all."""
    query = select(approval) if state is None else select(approval).where(approval.c.state == state.value)
    return [_approval(row) for row in store.rows(query.order_by(approval.c.made_ns.desc(), approval.c.id).limit(limit))]


def decide(store: Store, approval_id: str, state: ApprovalState, *, by: str, why: str, now_ns: int, ready_ns: int | None) -> bool:
    """Inside `writing`: approve or refuse what still waits; False when it does not wait any more."""
    row = {"b_id": approval_id, "b_ns": now_ns, "b_state": state.value, "b_by": by, "b_decided_ns": now_ns}
    return store.execute(_DECIDE, row | {"b_why": why, "b_ready_ns": ready_ns}) == 1


def take(store: Store, approval_id: str, *, now_ns: int) -> bool:
    """Inside `writing`: use an approval up; False when it is not there to be used."""
    row = {"b_id": approval_id, "b_ns": now_ns, "b_ready_ns": now_ns, "b_taken_ns": now_ns}
    return store.execute(_TAKE, row) == 1
