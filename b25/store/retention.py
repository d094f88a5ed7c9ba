"""How long everything of analytics is kept, and its deletion: a few rows a transaction, at any time to be gone on with.

Fills, the account's history and the audit are never deleted here; the database itself refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Table, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.aggregates import RAW
from b25.store.analytics_tables import (
    aggregate,
    bucket_pending,
    dead_letter,
    domain_event,
    event_count,
    event_key,
    maintenance,
    market_analytics,
    order_analytics,
    system_metrics,
)
from b25.store.event_log import WAITING
from b25.store.event_rules import DAY_NS, open_of
from b25.store.store import Store

DAYS: Final[Mapping[str, int]] = {
    "raw": 90, "1m": 365, "5m": 365, "15m": 365, "30m": 365, "1h": 730, "4h": 730, "1d": 3_650, "counts": 365, "orders": 3_650,
    "market": 730, "system": 30, "letters": 90, "keys": 3_650,
}  # fmt: skip
ROWS_AT_ONCE: Final = 2_000
RETENTION: Final = "retention"


class Retention:
    """Deletes what is too old.

    Parameters
    ----------
    store : Store
    days : mapping of str to int
        Of `DAYS`, those that are to be others.
    """

    def __init__(self, store: Store, days: Mapping[str, int] | None = None, *, rows_at_once: int = ROWS_AT_ONCE) -> None:
        self.store, self.days, self.rows_at_once = store, {**DAYS, **(days or {})}, rows_at_once
        make: Any = (sqlite.insert if store.is_sqlite else postgresql.insert)(maintenance)
        kept = {"done_ns": make.excluded.done_ns, "body": make.excluded.body}
        self._note = make.on_conflict_do_update(index_elements=["name"], set_=kept)

    def run(self, now_ns: int, *, rows_max: int = 2**31) -> dict[str, int]:
        """Delete what is too old; return how many rows of each kind. Whatever ends it, the next run goes on.

        Parameters
        ----------
        rows_max : int
            No more than so many now.
        """
        deleted: dict[str, int] = {}
        left = rows_max
        for kind, statement, row in self._acts(now_ns):
            gone = 0
            while left > 0:
                with self.store.writing():
                    if kind == RAW:  # from here on nothing is added up again that lacks events
                        self._remember(RAW, now_ns, str(self._raw_until(now_ns)))
                    some = self.store.execute(statement, {**row, "b_rows": min(self.rows_at_once, left)})
                gone, left = gone + some, left - some
                if some == 0:
                    break
            deleted[kind] = gone
        if left > 0:
            with self.store.writing():
                self._remember(RETENTION, now_ns, orjson.dumps(deleted).decode())
        return deleted

    def last_ns(self) -> int:
        """When it was last done to the end; 0 for never."""
        rows = self.store.rows(select(maintenance.c.done_ns).where(maintenance.c.name == RETENTION))
        return int(rows[0][0]) if rows else 0

    def raw_is_added_up(self, now_ns: int) -> bool:
        """Whether every bucket of the events that would be deleted is up to date."""
        old = select(func.count()).select_from(bucket_pending).where(bucket_pending.c.open_ns < self._raw_until(now_ns))
        return int(self.store.rows(old.where(bucket_pending.c.type.not_in(LASTING)))[0][0]) == 0

    def _raw_until(self, now_ns: int) -> int:
        return max(0, open_of(now_ns - self.days["raw"] * DAY_NS, DAY_NS))

    def _acts(self, now_ns: int) -> list[tuple[str, Any, dict[str, Any]]]:
        def until(kind: str) -> dict[str, Any]:
            return {"b_until": now_ns - self.days[kind] * DAY_NS}

        acts: list[tuple[str, Any, dict[str, Any]]] = []
        if self.raw_is_added_up(now_ns):
            acts.append((RAW, _RAW, {"b_until": self._raw_until(now_ns)}))
        for interval in ("1m", "5m", "15m", "30m", "1h", "4h", "1d"):
            acts.append((interval, _AGGREGATE, {**until(interval), "b_interval": interval}))
        acts += [(kind, statement, until(kind)) for kind, statement in _BY_TIME.items()]
        acts.append(("keys", _KEYS, {"b_until": until("keys")["b_until"] // DAY_NS}))
        return acts

    def _remember(self, name: str, now_ns: int, body: str) -> None:
        self.store.execute(self._note, {"name": name, "done_ns": now_ns, "body": body})


def _oldest(table: Table, column: Any, *where: Any) -> Any:
    """Delete some rows before a time, told apart by their whole key, which both databases can."""
    keys = list(table.primary_key)
    some = select(*keys).where(column < bindparam("b_until"), *where).limit(bindparam("b_rows"))
    if len(keys) == 1:
        return delete(table).where(keys[0].in_(some))
    return delete(table).where(tuple_(*keys).in_(some))


# Types that are never deleted: fills.
LASTING: Final = ("fill.executed",)
_RAW: Final = _oldest(domain_event, domain_event.c.ts_ns, domain_event.c.type.not_in([bindparam("b_lasting", LASTING[0])]))
_AGGREGATE: Final = _oldest(aggregate, aggregate.c.open_ns, aggregate.c.interval == bindparam("b_interval"))
_KEYS: Final = _oldest(event_key, event_key.c.day)
_BY_TIME: Final = {
    "counts": _oldest(event_count, event_count.c.minute_ns),
    "orders": _oldest(order_analytics, order_analytics.c.seen_ns),
    "market": _oldest(market_analytics, market_analytics.c.open_ns),
    "system": _oldest(system_metrics, system_metrics.c.ts_ns),
    "letters": _oldest(dead_letter, dead_letter.c.settled_ns, dead_letter.c.state != bindparam("b_waiting", WAITING)),
}
