"""Lives of sessions: which session had which epoch of an account, so that an order's epoch tells whose it was."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from b25.store.store import Store
from b25.store.tables import session

RUNNING: Final = "running"
ENDED: Final = "ended"
BEGIN: Final = insert(session)
_LIFE: Final[Any] = bindparam("b_id")
END: Final = update(session).where(session.c.id == _LIFE).values(state=bindparam("b_state"), ended_ns=bindparam("b_ns"))


def life_id(name: str, epoch: int) -> str:
    """Key of one life of a session."""
    return f"{name}#{epoch}"


def begin_life(
    store: Store, name: str, *, strategy: str, venue: str, account: str, mode: str, epoch: int, folder: str, now_ns: int
) -> None:
    """Write down that a session lives from now on under an epoch."""
    row: dict[str, Any] = {"id": life_id(name, epoch), "strategy": strategy, "venue": venue, "account": account, "mode": mode}
    with store.writing():
        store.execute(BEGIN, {**row, "state": RUNNING, "epoch": epoch, "started_ns": now_ns, "ended_ns": None, "folder": folder})


def end_life(store: Store, name: str, epoch: int, *, now_ns: int, state: str = ENDED) -> None:
    """Write down that it ended in order."""
    with store.writing():
        store.execute(END, {"b_id": life_id(name, epoch), "b_state": state, "b_ns": now_ns})


def epochs_of(store: Store, account: str, name: str, *, since: int = 0) -> set[int]:
    """Epochs that a session had, from one on."""
    rows = store.rows(select(session.c.id, session.c.epoch).where(session.c.account == account, session.c.epoch >= since))
    return {int(row.epoch) for row in rows if row.id == life_id(name, row.epoch)}
