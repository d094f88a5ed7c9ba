"""Keys of programs as they are kept: whose, what they may, from where, until when, and when they were last used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, insert, select, update

from b25.store.access_tables import access_key
from b25.store.store import Store

KEY: Final = "key"
SERVICE: Final = "service"
_ADD: Final = insert(access_key)
_ALL: Final = select(access_key).order_by(access_key.c.made_ns)
_ONE: Final = select(access_key).where(access_key.c.id == bindparam("b_id"))
_REVOKE: Final = (
    update(access_key)
    .where(access_key.c.id == bindparam("b_id"), access_key.c.revoked_ns.is_(None))
    .values(revoked_ns=bindparam("b_ns"))
)
_SHORTEN: Final = (
    update(access_key)
    .where(access_key.c.id == bindparam("b_id"), access_key.c.revoked_ns.is_(None))
    .values(expires_ns=bindparam("b_ns"))
)
_USED: Final = (
    update(access_key).where(access_key.c.id == bindparam("b_id")).values(used_ns=bindparam("b_ns"), used_ip=bindparam("b_ip"))
)
_LISTS: Final = ("scopes", "accounts", "ips")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """One key.

    Attributes
    ----------
    kind, owner : str
        `KEY` of the person named so, or `SERVICE` of that name.
    hash : bytes
        SHA-256 of its secret.
    roles : tuple of str
        Of a service; empty for a person's key, which has the roles of its owner.
    scopes, accounts, ips : tuple of str or None
        What it is limited to; None for no limit.
    """

    id: str
    kind: str
    owner: str
    label: str
    hash: bytes
    roles: tuple[str, ...]
    scopes: tuple[str, ...] | None
    accounts: tuple[str, ...] | None
    ips: tuple[str, ...] | None
    made_by: str
    made_ns: int
    expires_ns: int | None
    revoked_ns: int | None
    used_ns: int | None
    used_ip: str | None
    replaces: str | None

    def is_good(self, now_ns: int) -> bool:
        """Whether it opens anything."""
        return self.revoked_ns is None and (self.expires_ns is None or now_ns < self.expires_ns)


def _key(row: Any) -> AccessKey:
    told = dict(zip(access_key.c.keys(), row, strict=True))
    for name in _LISTS:
        told[name] = None if told[name] is None else tuple(orjson.loads(told[name]))
    return AccessKey(**(told | {"roles": tuple(told["roles"].split()), "hash": bytes(told["hash"])}))


def add_key(store: Store, one: AccessKey) -> None:
    """Write a new one, inside `writing`."""
    row = {name: getattr(one, name) for name in AccessKey.__slots__}
    for name in _LISTS:
        row[name] = None if row[name] is None else orjson.dumps(list(row[name])).decode()
    store.execute(_ADD, row | {"roles": " ".join(one.roles)})


def keys_of(store: Store) -> list[AccessKey]:
    """All, the oldest first; those that open nothing any more included."""
    return [_key(row) for row in store.rows(_ALL)]


def key_within(store: Store, key_id: str) -> AccessKey | None:
    """Read one inside `writing`."""
    rows = store.rows_within(_ONE, {"b_id": key_id})
    return _key(rows[0]) if rows else None


def revoke_key(store: Store, key_id: str, *, now_ns: int) -> bool:
    """Inside `writing`: end a key; False when it was ended before."""
    return store.execute(_REVOKE, {"b_id": key_id, "b_ns": now_ns}) == 1


def shorten_key(store: Store, key_id: str, *, expires_ns: int) -> bool:
    """Inside `writing`: let a key run out at another time."""
    return store.execute(_SHORTEN, {"b_id": key_id, "b_ns": expires_ns}) == 1


def note_use(store: Store, key_id: str, ip: str, *, now_ns: int) -> None:
    """Inside `writing`: keep when and from where it was last used."""
    store.execute(_USED, {"b_id": key_id, "b_ns": now_ns, "b_ip": ip})
