"""Reads and writes of the configuration's tables. What belongs together is written by `b25.config` in one transaction.

Everything here that writes is called inside `store.writing()`, after `lock_configurations`: changes are numbered in the order in
which they are committed, so whoever reads on from a number misses none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import Select, Table, and_, bindparam, func, insert, or_, select, update

from b25.store.config_tables import config_change, config_cursor, config_version, configuration
from b25.store.faults import failed
from b25.store.store import Store

CHAIN: Final = 8  # keys that one can inherit from, itself among them
Read = Callable[[Any, Mapping[str, Any]], list[tuple[Any, ...]]]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Head:
    """A configuration as it stands."""

    id: str
    key: str
    type: str
    format: str
    namespace: str
    component: str
    environment: str
    name: str
    description: str
    state: str
    version: int
    active_version: int | None
    revision: int
    created_by: str
    created_ns: int
    updated_ns: int
    deleted_ns: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of it; nothing of it ever changes."""

    config_id: str
    number: int
    text: str
    source: str
    checksum: str
    changed_by: str
    reason: str
    made_ns: int
    of_version: int | None

    @property
    def value(self) -> dict[str, Any]:
        """What is configured."""
        value: dict[str, Any] = orjson.loads(self.text)
        return value


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done with it."""

    seq: int
    time_ns: int
    config_id: str
    key: str
    type: str
    action: str
    version: int | None
    before_version: int | None
    actor: str
    reason: str
    body: str


_ID: Final[Any] = bindparam("b_id")
_HEADS: Final = select(configuration)
_BY_ID: Final = _HEADS.where(configuration.c.id == _ID)
_BY_KEY: Final = _HEADS.where(configuration.c.key == bindparam("b_key"))
_CHAIN: Final = _HEADS.where(
    configuration.c.type == bindparam("b_type"),
    configuration.c.active_version.is_not(None),
    or_(*(configuration.c.key == bindparam(f"b_{k}") for k in range(CHAIN))),
)
_NAMED: Final = _HEADS.where(
    configuration.c.type == bindparam("b_type"),
    configuration.c.name == bindparam("b_name"),
    configuration.c.active_version.is_not(None),
)
_VERSION: Final = select(config_version).where(
    config_version.c.config_id == _ID, config_version.c.number == bindparam("b_number")
)
_WAS_ACTIVE: Final = select(config_change.c.seq).where(
    config_change.c.config_id == _ID,
    config_change.c.version == bindparam("b_number"),
    config_change.c.action == "activated",
)
_LAST: Final = select(func.max(config_change.c.seq))
_NEW: Final = insert(configuration)
_NEW_VERSION: Final = insert(config_version)
_NEW_CHANGE: Final = insert(config_change)
_MOVED: Final = (
    update(configuration)
    .where(configuration.c.id == _ID, configuration.c.revision == bindparam("b_revision"))
    .values(
        {
            name: bindparam(f"b_{name}")
            for name in ("description", "format", "state", "version", "active_version", "updated_ns", "deleted_ns")
        }
        | {"revision": configuration.c.revision + 1}
    )
)
_CURSOR: Final = select(config_cursor.c.seq).where(config_cursor.c.reader == bindparam("b_reader"))
_NEW_CURSOR: Final = insert(config_cursor)
_MOVE_CURSOR: Final = update(config_cursor).where(config_cursor.c.reader == bindparam("b_reader")).values(seq=bindparam("b_seq"))


def lock_configurations(store: Store) -> None:
    """Inside `writing`: nobody else changes a configuration until it ends."""
    store.lock("config_change")


def reading(store: Store) -> Read:
    """Read outside of a transaction, as `store.rows_within` does inside of one."""

    def read(statement: Any, row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        try:
            with store.engine.connect() as connection:
                return [tuple(one) for one in connection.execute(statement, dict(row))]
        except Exception as error:
            cause = failed(getattr(error, "orig", None) or error)
            if cause is None:
                raise
            raise cause from error

    return read


def head_of(read: Read, key_or_id: str) -> Head | None:
    """Return a configuration by its key or its id, deleted or not."""
    rows = read(_BY_KEY, {"b_key": key_or_id}) if "/" in key_or_id else read(_BY_ID, {"b_id": key_or_id})
    return Head(*rows[0]) if rows else None


def active_of(read: Read, kind: str, keys: Sequence[str]) -> list[Head]:
    """Return those of some keys (at most `CHAIN`) that are of a type and hold."""
    asked = [*keys, *[""] * (CHAIN - len(keys))]
    return [Head(*row) for row in read(_CHAIN, {"b_type": kind} | {f"b_{k}": key for k, key in enumerate(asked)})]


def active_named(read: Read, kind: str, name: str) -> list[Head]:
    """Return whatever holds of a type under a name, in all namespaces, components and environments."""
    return [Head(*row) for row in read(_NAMED, {"b_type": kind, "b_name": name})]


def version_of(read: Read, config_id: str, number: int) -> Version | None:
    """Return one version."""
    rows = read(_VERSION, {"b_id": config_id, "b_number": number})
    return Version(*rows[0]) if rows else None


def was_active(read: Read, config_id: str, number: int) -> bool:
    """Whether a version ever held."""
    return bool(read(_WAS_ACTIVE, {"b_id": config_id, "b_number": number}))


def last_change(read: Read) -> int:
    """Number of the latest change; 0 before the first."""
    return int(read(_LAST, {})[0][0] or 0)


def add_head(store: Store, head: Head) -> None:
    """Write a new configuration."""
    store.execute(_NEW, {name: getattr(head, name) for name in Head.__slots__})


def move_head(store: Store, before: Head, after: Head) -> bool:
    """Change a configuration that is as it was read; False when somebody was quicker."""
    row = {
        f"b_{name}": getattr(after, name)
        for name in ("description", "format", "state", "version", "active_version", "updated_ns", "deleted_ns")
    }
    return store.execute(_MOVED, {"b_id": before.id, "b_revision": before.revision, **row}) == 1


def add_version(store: Store, version: Version) -> None:
    """Write a version."""
    row = {name: getattr(version, name) for name in Version.__slots__ if name != "text"}
    store.execute(_NEW_VERSION, {**row, "value": version.text})


def add_change(store: Store, change: Change) -> int:
    """Write down what was done; gives its number. `seq` of what is given does not matter."""
    seq = last_change(lambda statement, row: store.rows_within(statement, row)) + 1
    store.execute(_NEW_CHANGE, {**{name: getattr(change, name) for name in Change.__slots__}, "seq": seq})
    return seq


def page(store: Store, table: Table, *conditions: Any, order: Any, limit: int, offset: int) -> tuple[list[tuple[Any, ...]], int]:
    """Return some rows and how many there are in all."""
    where: Any = and_(True, *conditions)
    found: Select[Any] = select(table).where(where).order_by(*order).limit(limit).offset(offset)
    total = store.rows(select(func.count()).select_from(table).where(where))[0][0]
    return [tuple(row) for row in store.rows(found)], int(total)


def heads(
    store: Store, *, kind: str = "", state: str = "", prefix: str = "", deleted: bool = False, limit: int = 50, offset: int = 0
) -> tuple[list[Head], int]:
    """Return configurations by their keys, and how many there are in all."""
    of = configuration.c
    conditions: list[Any] = [] if deleted else [of.deleted_ns.is_(None)]
    conditions += [of.type == kind] if kind else []
    conditions += [of.state == state] if state else []
    conditions += [of.key.startswith(prefix, autoescape=True)] if prefix else []
    rows, total = page(store, configuration, *conditions, order=[of.key], limit=limit, offset=offset)
    return [Head(*row) for row in rows], total


def versions(store: Store, config_id: str, *, limit: int = 50, offset: int = 0) -> tuple[list[Version], int]:
    """Return versions, the newest first, and how many there are in all."""
    of = config_version.c
    rows, total = page(store, config_version, of.config_id == config_id, order=[of.number.desc()], limit=limit, offset=offset)
    return [Version(*row) for row in rows], total


def changes(store: Store, config_id: str = "", *, limit: int = 100, offset: int = 0) -> tuple[list[Change], int]:
    """Return what was done, the newest first, and how often something was."""
    conditions = [config_change.c.config_id == config_id] if config_id else []
    rows, total = page(store, config_change, *conditions, order=[config_change.c.seq.desc()], limit=limit, offset=offset)
    return [Change(*row) for row in rows], total


def changes_after(store: Store, seq: int, limit: int = 500) -> list[Change]:
    """Return what was done after a number, in order."""
    of = config_change.c
    return [Change(*row) for row in store.rows(select(config_change).where(of.seq > seq).order_by(of.seq).limit(limit))]


def cursor(store: Store, reader: str) -> int | None:
    """How far a reader of the changes has come; None for one that never was there."""
    rows = reading(store)(_CURSOR, {"b_reader": reader})
    return int(rows[0][0]) if rows else None


def move_cursor(store: Store, reader: str, seq: int) -> None:
    """Remember how far a reader has come."""
    with store.writing():
        if not store.execute(_MOVE_CURSOR, {"b_reader": reader, "b_seq": seq}):
            store.execute(_NEW_CURSOR, {"reader": reader, "seq": seq})
