"""Keeps events, each counted once: keys, events, counts, orders and performance in one transaction, or none of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import InvalidOperation
from typing import Any, Final

import orjson
from sqlalchemy import Insert, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.analytics_tables import (
    bucket_pending,
    dead_letter,
    domain_event,
    event_count,
    event_key,
    order_analytics,
    strategy_performance,
)
from b25.store.event_rules import DAY_NS, Event, Rules, minutes_of
from b25.store.store import Store

WAITING: Final = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What could not be read, as it came."""

    subject: str
    id: str
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch."""

    stored: int = 0
    doubled: int = 0
    dead: int = 0

    def __add__(self, other: Added) -> Added:
        return Added(self.stored + other.stored, self.doubled + other.doubled, self.dead + other.dead)


class EventLog:
    """The writing end of the events.

    Parameters
    ----------
    store : Store
    rules : Rules
        What events mean: `b25.analytics.events.rules`.
    now_ns : callable
        Local clock, for the rows' own times.
    """

    def __init__(self, store: Store, rules: Rules, *, now_ns: Callable[[], int]) -> None:
        self.store, self.rules, self.now_ns = store, rules, now_ns
        is_sqlite = store.is_sqlite
        many = "(SELECT value FROM json_each(:keys))" if is_sqlite else "(SELECT json_array_elements_text(CAST(:keys AS json)))"
        self._known = text(f"SELECT key FROM event_key WHERE key IN {many}")  # noqa: S608 - no input
        self._intents = text(f"SELECT coid, ts_ns FROM intent WHERE kind = 'NEW' AND coid IN {many}")  # noqa: S608
        ids = ", ".join(column.name for column in order_analytics.c)
        self._orders = text(f"SELECT {ids} FROM order_analytics WHERE client_id IN {many}")  # noqa: S608
        days = ", ".join(column.name for column in strategy_performance.c)
        few = many if is_sqlite else "(SELECT CAST(json_array_elements_text(CAST(:keys AS json)) AS BIGINT))"
        self._days = text(f"SELECT {days} FROM strategy_performance WHERE day_ns IN {few}")  # noqa: S608
        self._count = _adding(event_count, "count", is_sqlite=is_sqlite)
        self._pending = _adding(bucket_pending, "mark", is_sqlite=is_sqlite)
        self._save_orders = replacing(order_analytics, is_sqlite=is_sqlite)
        self._save_days = replacing(strategy_performance, is_sqlite=is_sqlite)
        make: Any = sqlite.insert if is_sqlite else postgresql.insert
        self._letter_once = make(dead_letter).on_conflict_do_nothing()

    def add(self, events: Sequence[Event], letters: Sequence[Letter] = ()) -> Added:
        """Store a batch; what is in it twice, or was stored before, counts once.

        An event that the database does not take becomes a dead letter, and the others are stored.

        Raises
        ------
        StoreFailed
            Nothing of the batch is known to be stored: it must not be acknowledged.
        """
        try:
            return self._add(events, letters)
        except Exception as fault:
            if not _is_of_a_value(fault):
                raise
            if len(events) > 1:
                middle = len(events) // 2
                return self.add(events[:middle], letters) + self.add(events[middle:])
            if not events:
                raise
            return self._add((), [*letters, refused(events[0], f"{type(fault).__name__}: {fault}")])

    def _add(self, events: Sequence[Event], letters: Sequence[Letter]) -> Added:
        by_key = {event.key: event for event in events}
        with self.store.writing(full=True):  # whoever told it forgets it then
            fresh: list[Event] = []
            keys: list[str] = []
            if by_key:
                self.store.lock("event_key")
                asked = {"keys": orjson.dumps(list(by_key)).decode()}
                known = {row[0] for row in self.store.rows_within(self._known, asked)}
                keys = [key for key in by_key if key not in known]
                fresh = [by_key[key] for key in keys]
            if fresh:
                fresh = self._with_intents(fresh)
                self._insert(fresh, keys)
                self._fold_orders(fresh)
                self._fold_days(fresh)
            dead = sum(self.store.execute(self._letter_once, self._letter(one)) for one in letters)
        return Added(len(fresh), len(events) - len(fresh), dead)

    def _insert(self, fresh: list[Event], keys: list[str]) -> None:
        now_ns = self.now_ns()
        day = now_ns // DAY_NS
        self.store.append_many(event_key, [(key, day) for key in keys], ("key", "day"))
        self.store.append_many(domain_event, [_row(event, now_ns) for event in fresh], _COLUMNS)
        names = ("minute_ns", "type", "account", "count")
        rows = [dict(zip(names, (*place, n), strict=True)) for place, n in sorted(minutes_of(fresh).items())]
        self.store.execute_many(self._count, rows)
        self.mark((event.type, event.time_ns) for event in fresh)

    def mark(self, kinds_and_times: Iterable[tuple[str, int]]) -> None:
        """Inside `writing`: note that the buckets of some (type, time_ns) are to be added up again."""
        names = ("interval", "open_ns", "type", "mark")
        buckets = sorted(self.rules.touched(kinds_and_times))
        self.store.execute_many(self._pending, [dict(zip(names, (*one, 1), strict=True)) for one in buckets])

    def _fold_orders(self, fresh: list[Event]) -> None:
        ours = [(key, event) for event in fresh if (key := self.rules.order_key(event)) is not None]
        if not ours:
            return
        asked = {"keys": orjson.dumps(sorted({key[1] for key, _ in ours})).decode()}
        found = [dict(zip(_ORDER_NAMES, row, strict=True)) for row in self.store.rows_within(self._orders, asked)]
        rows: dict[Any, dict[str, Any]] = {(row["account"], row["client_id"]): row for row in found}
        for key, event in ours:
            rows[key] = self.rules.folded(rows.get(key) or self.rules.new_order(event), event)
        self.store.execute_many(self._save_orders, [rows[key] for key in sorted({key for key, _ in ours})])

    def _fold_days(self, fresh: list[Event]) -> None:
        ours = [(key, event) for event in fresh if (key := self.rules.performance_key(event)) is not None]
        if not ours:
            return
        asked = {"keys": orjson.dumps(sorted({key[0] for key, _ in ours})).decode()}
        found = [dict(zip(_DAY_NAMES, row, strict=True)) for row in self.store.rows_within(self._days, asked)]
        rows: dict[Any, dict[str, Any]] = {(row["day_ns"], row["account"], row["strategy"], row["symbol"]): row for row in found}
        for key, event in ours:
            rows[key] = self.rules.performed(rows.get(key) or self.rules.new_day(key), event)
        self.store.execute_many(self._save_days, [rows[key] for key in sorted({key for key, _ in ours})])

    def _with_intents(self, events: list[Event]) -> list[Event]:
        """Add when each order was wished for, where this store knows it."""
        asked = sorted({str(event.properties["client_id"]) for event in events if self.rules.wants_intent(event)})
        if not asked:
            return events
        known = dict(self.store.rows_within(self._intents, {"keys": orjson.dumps(asked).decode()}))
        return [
            event.but(intent_ns=known[event.properties["client_id"]])
            if self.rules.wants_intent(event) and event.properties["client_id"] in known
            else event
            for event in events
        ]

    def _letter(self, one: Letter) -> dict[str, Any]:
        key = hashlib.blake2b(f"{one.subject}\n{one.id}\n{one.payload!r}".encode(), digest_size=15).hexdigest()
        return {
            "key": key, "ts_ns": self.now_ns(), "subject": one.subject, "id": one.id, "reason": one.reason.replace("\0", "?"),
            "payload": one.payload, "state": WAITING, "settled_ns": None, "tries": 0,
        }  # fmt: skip


def refused(event: Event, reason: str) -> Letter:
    """A dead letter of an event that was read and could not be stored."""
    whole: dict[str, Any] = {"id": event.id, "type": event.type, "time_ns": event.time_ns}
    whole |= dict(zip(("principal", "account", "session", "strategy", "symbol", "source"), event.named(), strict=True))
    payload = json.dumps({**whole, "properties": dict(event.properties)}).encode()  # which can say what orjson cannot
    return Letter(subject="event", id=event.id, payload=payload, reason=reason)


def replacing(table: Table, *, is_sqlite: bool) -> Insert:
    """An insert that replaces the row that is there."""
    keys = [column.name for column in table.primary_key]
    make: Any = (sqlite.insert if is_sqlite else postgresql.insert)(table)
    rest = {column.name: make.excluded[column.name] for column in table.c if column.name not in keys}
    made: Insert = make.on_conflict_do_update(index_elements=keys, set_=rest)
    return made


def _adding(table: Table, name: str, *, is_sqlite: bool) -> Insert:
    """An insert that adds one column to that of the row that is there."""
    keys = [column.name for column in table.primary_key]
    make: Any = (sqlite.insert if is_sqlite else postgresql.insert)(table)
    made: Insert = make.on_conflict_do_update(index_elements=keys, set_={name: table.c[name] + make.excluded[name]})
    return made


def _is_of_a_value(fault: Exception) -> bool:
    """Whether the database refused a value (class 22 of SQL's codes), and not the statement or the moment."""
    if isinstance(fault, OverflowError | UnicodeError | InvalidOperation):
        return True
    told = fault.args[0] if fault.args else None
    return isinstance(told, dict) and str(told.get("C", "")).startswith("22")


def _row(event: Event, now_ns: int) -> tuple[Any, ...]:
    return (event.time_ns, now_ns, event.id, event.type, *event.named(), orjson.dumps(event.properties).decode())


_COLUMNS: Final = (
    "ts_ns", "stored_ns", "id", "type", "principal", "account", "session", "strategy", "symbol", "source", "properties",
)  # fmt: skip
_ORDER_NAMES: Final = [str(column.name) for column in order_analytics.c]
_DAY_NAMES: Final = [str(column.name) for column in strategy_performance.c]
