"""What people and programs did, each entry bound to the one before by a hash: nothing is changed or left out unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import orjson
from sqlalchemy import func, insert, select

from b25.store.store import Store
from b25.store.tables import audit

GENESIS: Final = b"\0" * 32
PAGE: Final = 500
_APPEND: Final = insert(audit)
_LAST: Final = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)


def entry_hash(prev: bytes, seq: int, ts_ns: int, actor: str, action: str, body: str) -> bytes:
    """Hash of an entry and everything before it."""
    said = orjson.dumps({"seq": seq, "ts_ns": ts_ns, "actor": actor, "action": action, "body": body}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(prev + said).digest()


def append_audit(store: Store, *, actor: str, action: str, body: dict[str, Any], now_ns: int) -> int:
    """Add an entry; return its number.

    Raises
    ------
    StoreFailed
        What was to be audited must then not happen.
    """
    with store.writing():
        return add_audit(store, actor=actor, action=action, body=body, now_ns=now_ns)


def add_audit(store: Store, *, actor: str, action: str, body: dict[str, Any], now_ns: int) -> int:
    """Add an entry inside `writing`, so that it stands or falls with what it tells of; return its number.

    Parameters
    ----------
    body : dict
        What else is known, in these words: `object` acted on, `ip`, `before`, `after`, `reason`, `request_id`. No secrets.
    """
    store.lock("audit")
    text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    last = store.rows_within(_LAST)
    seq, prev = (int(last[0][0]) + 1, bytes(last[0][1])) if last else (1, GENESIS)
    row = {"seq": seq, "ts_ns": now_ns, "actor": actor, "action": action, "body": text, "prev": prev}
    store.execute(_APPEND, {**row, "hash": entry_hash(prev, seq, now_ns, actor, action, text)})
    return int(seq)


def verify_audit(store: Store) -> str:
    """Say what is wrong with the chain, empty when nothing is. A cut tail shows only against a number kept elsewhere."""
    prev, expected = GENESIS, 1
    for row in audit_entries(store):
        if row.seq != expected:
            return f"entry {expected} is missing"
        if bytes(row.prev) != prev or bytes(row.hash) != entry_hash(prev, row.seq, row.ts_ns, row.actor, row.action, row.body):
            return f"entry {row.seq} was changed"
        prev, expected = bytes(row.hash), expected + 1
    return ""


def audit_entries(store: Store, *, after: int = 0) -> Iterator[Any]:
    """Entries in their order, from the one after this number on; some hundred are in memory at a time."""
    while True:
        page = store.rows(select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(PAGE))
        yield from page
        if len(page) < PAGE:
            return
        after = int(page[-1].seq)


def audit_length(store: Store) -> int:
    """Number of entries."""
    return int(store.rows(select(func.count()).select_from(audit))[0][0])
