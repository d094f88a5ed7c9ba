"""Kills in the database: written after the file, from a thread of its own, so that a database that is away delays no kill."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import func, insert, select

from b25.runner.durable_file import append_durably
from b25.store.audit import append_audit
from b25.store.store import Store, open_store
from b25.store.tables import kill

RETRY_S: Final = 1.0
_ADD: Final = insert(kill)
ENDING: Final[tuple[str, Mapping[str, Any]]] = ("", {})


class StoreRecord:
    """The kill and audit tables of a store; see `kill_latch.KillRecord`.

    Parameters
    ----------
    url : str
        Of the store.
    folder : Path
        The run folder: what could not be written in the end is told in its audit.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.written = 0
        self._store: Store | None = None
        self._rows: queue.SimpleQueue[tuple[str, Mapping[str, Any]]] = queue.SimpleQueue()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="kill-record", daemon=True)
        self._thread.start()

    def kill_recorded(self, action: str, row: Mapping[str, Any]) -> None:
        """Have it written; returns at once."""
        self._rows.put((action, dict(row)))

    def close(self, within_s: float = 5.0) -> bool:
        """Write what waits, for so long; whether all of it is written."""
        self._is_closing.set()
        self._rows.put(ENDING)
        self._thread.join(within_s)
        return not self._thread.is_alive() and self._rows.empty()

    def _write_on(self) -> None:
        while True:
            action, row = self._rows.get()
            if not action:
                break
            while not self._try(action, row):
                if self._is_closing.wait(RETRY_S):
                    self._give_up(action, row)
                    break
        if self._store is not None:
            self._store.close()

    def _try(self, action: str, row: Mapping[str, Any]) -> bool:
        try:
            if self._store is None:
                self._store = open_store(self.url, durable=True)
            record_kill(self._store, action, row, now_ns=time.time_ns())
        except Exception:  # away, locked, full, or of another version: the file has it, and this goes on trying
            if self._store is not None:
                with suppress(Exception):
                    self._store.close()
            self._store = None
            return False
        self.written += 1
        return True

    def _give_up(self, action: str, row: Mapping[str, Any]) -> None:
        with suppress(OSError):
            lost = {"action": "not recorded", "what": action, "kill_id": row.get("kill_id"), "why": "the store did not take it"}
            append_durably(self.folder / "kill" / "audit.jsonl", lost)


def record_kill(store: Store, action: str, row: Mapping[str, Any], *, now_ns: int) -> None:
    """Write one row of the kill table and one entry of the audit, both or neither told of by what it raises."""
    actor = str(row.get("rearmed_by") or row.get("by") or "kill process")
    reason = str(row.get("rearm_reason") or row.get("reason") or "")
    target = str(row.get("target") or "")
    scope = " ".join(part for part in (str(row.get("level") or "K4"), str(row.get("account") or "all"), target) if part)
    body = {name: value for name, value in row.items() if name != "accounts"}
    with store.writing(full=True):
        last = store.rows(select(func.max(kill.c.id)))[0][0]
        held = {"id": int(last or 0) + 1, "ts_ns": now_ns, "scope": scope, "action": action, "actor": actor, "reason": reason}
        store.execute(_ADD, {**held, "body": orjson.dumps(body, default=str).decode()})
    said = {"scope": scope, "reason": reason, "kill_id": row.get("kill_id")}
    append_audit(store, actor=actor, action=f"kill {action}", body=said, now_ns=now_ns)
