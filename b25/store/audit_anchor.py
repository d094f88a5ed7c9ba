"""The head of the audit, kept where the database cannot reach: only against it does a cut or rewritten chain show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from b25.model.errors import Misuse
from b25.store.audit import audit_entries, verify_audit
from b25.store.store import Store
from b25.store.tables import audit


def anchor_audit(store: Store, path: Path, *, now_ns: int) -> dict[str, Any]:
    """Append the number and hash of the last entry to a file, and return what was written.

    Raises
    ------
    Misuse
        When the file lies beside the database, where whoever changes one can change the other; when the chain is broken.
    """
    if store.is_sqlite and store.engine.url.database:
        beside = Path(store.engine.url.database).resolve().parent
        if path.resolve().is_relative_to(beside):
            raise Misuse(f"{path} lies beside the database", remedy="keep the anchor elsewhere, at best on another machine")
    if wrong := verify_audit(store):
        raise Misuse(f"the audit is broken: {wrong}", remedy="keep the database as it is, and find out who changed it")
    rows = store.rows(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1))
    seq, head = (int(rows[0].seq), bytes(rows[0].hash).hex()) if rows else (0, "")
    line = {"seq": seq, "hash": head, "ts_ns": now_ns}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, orjson.dumps(line) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return line


def verify_against(store: Store, path: Path) -> str:
    """Say what is wrong with the chain itself or against a file of anchors; empty when nothing is."""
    if wrong := verify_audit(store):
        return wrong
    anchors = _anchors(path)
    numbers = {seq for seq, _ in anchors}
    hashes = {row.seq: bytes(row.hash).hex() for row in audit_entries(store) if row.seq in numbers}
    for seq, head in anchors:
        if seq and seq not in hashes:
            return f"entry {seq}, which was anchored, is gone: the end was cut off"
        if seq and hashes[seq] != head:
            return f"entry {seq} is not the one that was anchored: the chain was written anew"
    return ""


def _anchors(path: Path) -> list[tuple[int, str]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as fault:
        raise Misuse(
            f"the anchors {path} cannot be read: {fault.strerror}", remedy="name the file of `b25 audit anchor`"
        ) from None
    anchors = []
    for number, line in enumerate(lines, 1):
        try:
            told = orjson.loads(line)
            anchors.append((int(told["seq"]), str(told["hash"])))
        except (ValueError, KeyError, TypeError):
            raise Misuse(f"{path}, line {number} is no anchor", remedy="use the file as `b25 audit anchor` wrote it") from None
    return anchors
