"""Who may write orders of an account: one holder at a time, each with an epoch above all that came before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from b25.store.faults import Fenced
from b25.store.store import Store
from b25.store.tables import alias, intent, lease

LEASE_MS: Final = 10_000
_ACCOUNT: Final[Any] = bindparam("b_account")
_EPOCH: Final[Any] = bindparam("b_epoch")
TAKE: Final = insert(lease)
RETAKE: Final = (
    update(lease)
    .where(lease.c.account == _ACCOUNT, lease.c.epoch == bindparam("b_old"))
    .values(epoch=_EPOCH, holder=bindparam("b_holder"), expires_ms=bindparam("b_expires_ms"))
)
RENEW: Final = (
    update(lease).where(lease.c.account == _ACCOUNT, lease.c.epoch == _EPOCH).values(expires_ms=bindparam("b_expires_ms"))
)
NAME: Final = insert(alias)


@dataclass(frozen=True, slots=True)
class Lease:
    """A right to send orders of an account, until another takes it."""

    account: str
    epoch: int
    holder: str


def take_lease(
    store: Store, account: str, holder: str, *, now_ms: int, next_epoch: Callable[[int], int], lease_ms: int = LEASE_MS
) -> Lease:
    """Begin a life: raise the epoch, durably even against a power cut.

    Parameters
    ----------
    next_epoch : callable
        Epoch from the highest that the store remembers, e.g. `b25.execution.orders.identity.next_epoch` with what else is known.

    Raises
    ------
    Fenced
        When another holder's lease has not run out.
    StoreFailed
    """
    with store.writing(full=True):
        store.lock("lease")  # two accounts that begin at one moment get two epochs
        leases = {row.account: row for row in store.rows(select(lease))}
        held = leases.get(account)
        if held is not None and held.holder != holder and held.expires_ms > now_ms:
            raise Fenced(account, f"{held.holder} holds it, as epoch {held.epoch}, for {held.expires_ms - now_ms} ms more")
        # Above the epochs of every account: the ids of intents are made of them, and are one row each in the store.
        used = store.rows(select(intent.c.epoch).order_by(intent.c.id.desc()).limit(1))
        stored = max([row.epoch for row in (*leases.values(), *used)], default=0)
        epoch = next_epoch(stored)
        assert epoch > stored
        if held is not None:
            row = {
                "b_account": account,
                "b_old": held.epoch,
                "b_epoch": epoch,
                "b_holder": holder,
                "b_expires_ms": now_ms + lease_ms,
            }
            if store.execute(RETAKE, row) != 1:
                raise Fenced(account, "another took it at the same moment")
        else:
            store.execute(TAKE, {"account": account, "epoch": epoch, "holder": holder, "expires_ms": now_ms + lease_ms})
    return Lease(account, epoch, holder)


def renew_lease(store: Store, held: Lease, *, now_ms: int, lease_ms: int = LEASE_MS) -> None:
    """Keep a lease.

    Raises
    ------
    Fenced
        When it is another's by now: nothing may be sent any more.
    """
    with store.writing():
        row = {"b_account": held.account, "b_epoch": held.epoch, "b_expires_ms": now_ms + lease_ms}
        if store.execute(RENEW, row) != 1:
            raise Fenced(held.account, f"epoch {held.epoch} is over")


def release_lease(store: Store, held: Lease) -> None:
    """End a life in order; the epoch stays, so that the next is above it."""
    renew_lease(store, held, now_ms=0, lease_ms=0)


def names_of(store: Store, kind: str) -> dict[str, int]:
    """Every name of a kind with its number."""
    return {row.name: int(row.number) for row in store.rows(select(alias).where(alias.c.kind == kind))}


def number_of(store: Store, kind: str, name: str) -> int:
    """Number that stands for a name in client ids; given once, for good."""
    known = store.rows(select(alias.c.number).where(alias.c.kind == kind, alias.c.name == name))
    if known:
        return int(known[0].number)
    taken = store.rows(select(alias.c.number).where(alias.c.kind == kind).order_by(alias.c.number.desc()).limit(1))
    number = int(taken[0].number) + 1 if taken else 0
    with store.writing(full=True):
        store.execute(NAME, {"kind": kind, "name": name, "number": number})
    return number
