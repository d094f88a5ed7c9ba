"""What the store has of one order: its intent, the venue's words, its fills and their bookings; for whoever looks back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select

from b25.store.order_log import fill_ref
from b25.store.store import Store
from b25.store.tables import fill, intent, journal, order_event

Row = Mapping[str, Any]
HASHES: Final = ("code_hash", "cfg_hash")


def intent_of_order(store: Store, order_id: int, epoch_min: int, decided_at: int) -> Row | None:
    """The intent of an order: by its number in the session, the event that it was decided at, the session's first epoch."""
    rows = store.rows(
        select(intent)
        .where(intent.c.order_id == order_id, intent.c.kind == "NEW", intent.c.epoch >= epoch_min)
        .order_by(intent.c.id)
    )
    mark = f'"seq":{decided_at},'
    same = [
        row for row in rows if mark in row.decision.replace(" ", "") or f'"seq":{decided_at}}}' in row.decision.replace(" ", "")
    ]
    return _plain(same[0]) if same else None


def events_of_order(store: Store, coid: str) -> list[Row]:
    """Its events, oldest first."""
    return [_plain(row) for row in store.rows(select(order_event).where(order_event.c.coid == coid).order_by(order_event.c.seq))]


def fills_of_order(store: Store, coid: str) -> list[tuple[Row, list[Row]]]:
    """Its fills, each with the legs of its booking."""
    found = []
    for row in store.rows(select(fill).where(fill.c.coid == coid).order_by(fill.c.venue_ts_ms)):
        ref = fill_ref(row.venue, row.account, row.symbol, row.trade_id)
        legs = store.rows(select(journal).where(journal.c.fill_ref == ref).order_by(journal.c.seq, journal.c.leg))
        found.append((_plain(row), [_plain(leg) for leg in legs]))
    return found


def _plain(row: Any) -> Row:
    return {name: value for name, value in row._mapping.items() if name not in HASHES}
