"""Events that could not be read: seen by people, and replayed or dropped by them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from b25.model.errors import Misuse
from b25.store.analytics_tables import dead_letter
from b25.store.event_log import WAITING
from b25.store.plain_rows import plain
from b25.store.store import Store

_SETTLE: Final = (
    update(dead_letter)
    .where(dead_letter.c.seq == bindparam("b_seq"), dead_letter.c.state == WAITING)
    .values(state=bindparam("b_state"), settled_ns=bindparam("b_now_ns"), tries=dead_letter.c.tries + 1)
)
_TRIED: Final = (
    update(dead_letter)
    .where(dead_letter.c.seq == bindparam("b_seq"))
    .values(reason=bindparam("b_reason"), tries=dead_letter.c.tries + 1)
)


def letters(store: Store, *, state: str = WAITING, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """Dead letters of a state, oldest first, payloads included."""
    wanted = select(dead_letter).where(dead_letter.c.state == state, dead_letter.c.seq > after)
    return [plain(row) for row in store.rows(wanted.order_by(dead_letter.c.seq).limit(limit))]


def letter_counts(store: Store) -> dict[str, int]:
    """How many there are of each state."""
    rows = store.rows(select(dead_letter.c.state, func.count()).group_by(dead_letter.c.state))
    return {row[0]: int(row[1]) for row in rows}


def waiting_letter(store: Store, number: int) -> Any:
    """Return one that waits. Raises Misuse when there is none of this number."""
    rows = store.rows(select(dead_letter).where(dead_letter.c.seq == number, dead_letter.c.state == WAITING))
    if not rows:
        raise Misuse(f"no dead letter {number} waits", remedy="see b25 analytics dead-letters")
    return rows[0]


def settle(store: Store, number: int, state: str | None, *, now_ns: int, reason: str = "") -> None:
    """Say what became of one; None: it was tried once more, and still waits."""
    with store.writing():
        settle_within(store, number, state, now_ns=now_ns, reason=reason)


def settle_within(store: Store, number: int, state: str | None, *, now_ns: int, reason: str = "") -> None:
    """Do the same inside `writing`, e.g. with its entry in the audit."""
    if state is None:
        store.execute(_TRIED, {"b_seq": number, "b_reason": reason})
    else:
        store.execute(_SETTLE, {"b_seq": number, "b_state": state, "b_now_ns": now_ns})
