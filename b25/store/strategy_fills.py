"""What one strategy traded, in the order in which it was booked, and what its orders came to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from b25.store.order_log import fill_ref
from b25.store.store import Store
from b25.store.tables import fill, intent, journal


@dataclass(frozen=True, slots=True)
class BookedFill:
    """A fill and whose it was. `number` is its place in the ledger, `epoch` and `order_id` those of its order."""

    number: int
    row: Any
    epoch: int
    order_id: int


def last_number(store: Store, venue: str, account: str) -> int:
    """Number of an account's last booking in the ledger. Those of other accounts may be higher, and say nothing of it."""
    mine = journal.c.fill_ref.startswith(f"{venue}/{account}/", autoescape=True)
    return int(store.rows(select(func.coalesce(func.max(journal.c.seq), 0)).where(mine))[0][0])


def fills_after(
    store: Store, venue: str, account: str, strategy: str, *, number: int = 0, until: int | None = None
) -> list[BookedFill]:
    """Fills of a strategy that were booked after one place of the ledger, and up to another, in its order.

    The ledger says whose a fill is: one by which the kill process closed what the strategy held has no intent, and is its too.
    """
    booked = select(journal.c.fill_ref, func.min(journal.c.seq).label("number"))
    booked = booked.where(journal.c.seq > number, journal.c.account == strategy)
    if until is not None:
        booked = booked.where(journal.c.seq <= until)
    numbers = {row.fill_ref: int(row.number) for row in store.rows(booked.group_by(journal.c.fill_ref))}
    rows = store.rows(
        select(fill, intent.c.epoch, intent.c.order_id)
        .outerjoin(intent, intent.c.coid == fill.c.coid)
        .where(fill.c.venue == venue, fill.c.account == account)
    )
    found = []
    for row in rows:
        at = numbers.get(fill_ref(row.venue, row.account, row.symbol, row.trade_id))
        if at is not None:
            found.append(BookedFill(at, row, int(row.epoch or 0), int(row.order_id or 0)))
    return sorted(found, key=lambda one: one.number)


def intents_of(store: Store, account: str, epochs: Collection[int]) -> list[Any]:
    """Every intent of some lives, oldest first."""
    return store.rows(select(intent).where(intent.c.account == account, intent.c.epoch.in_(sorted(epochs))).order_by(intent.c.id))
