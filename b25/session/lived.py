"""What a session really did, read from its journal: how long, how many fills, what they cost, and whether it ended by itself."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.model.errors import B25Error
from b25.model.event import COMMAND, ORDER_FILLED
from b25.session.commands import Command
from b25.store.journal import END, EVENTS, HEADER, Reading

SILENCE_NS: Final = (
    60_000_000_000  # a longer silence than this counts as no more than this: a machine that sleeps watches nothing
)
KEPT: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What a journal tells of its session.

    Attributes
    ----------
    mode, session, content_id : str
        Of its header; `content_id` is empty for a session of a file that was not promoted.
    as_promoted : bool
        Whether it ran with the parameters that were promoted, and no others.
    watched_ns : int
        From event to event, in the session's own time, without long silences.
    fills : int
    fee_e8, turnover : int
        Sum of the fees in 1e-8, and of ticks times lots, both in money units.
    fault : str
        What went wrong: it halted, was cut off, or its journal cannot be read. Empty for a session that ended well or runs.
    is_running : bool
    """

    session: str = ""
    mode: str = ""
    content_id: str = ""
    as_promoted: bool = False
    began_ns: int = 0
    ended_ns: int = 0
    watched_ns: int = 0
    fills: int = 0
    fee_e8: int = 0
    turnover: int = 0
    fault: str = ""
    is_running: bool = False


def lived(path: Path) -> Lived:
    """Return what a journal tells. One that is gone or damaged is a fault, and no exception: it must not hide what it held."""
    try:
        told = path.stat()
    except OSError as fault:
        return Lived(session=path.stem, fault=f"its journal cannot be read: {fault.strerror}")
    return _lived(path, told.st_size, told.st_mtime_ns, is_written(path))


def is_written(path: Path) -> bool:
    """Whether a process has the journal open to write it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@lru_cache(maxsize=KEPT)
def _lived(path: Path, size: int, changed_ns: int, is_running: bool) -> Lived:
    found: dict[str, Any] = {"session": path.stem, "is_running": is_running}
    times: list[np.ndarray[Any, Any]] = []
    sums = np.zeros(3, np.int64)
    ended: dict[str, Any] | None = None
    is_set = False
    try:
        for record in Reading(path):
            if record.kind == HEADER:
                header = record.json
                version = header["more"].get("version") or {}
                found |= {"session": header["session"], "mode": header["mode"], "content_id": version.get("content_id", "")}
                found["as_promoted"] = bool(version.get("as_promoted"))
            elif record.kind == EVENTS:
                rows = record.events
                times.append(rows["local_ns"][[0, -1]])
                sums += _filled(rows[rows["kind"] == ORDER_FILLED])
                is_set = is_set or bool(np.any((rows["kind"] == COMMAND) & (rows["status"] == Command.SET)))
            elif record.kind == END:
                ended = record.json
    except B25Error as fault:
        return Lived(**found, fault=fault.what)
    at = np.concatenate(times) if times else np.zeros(0, np.int64)
    at = at[at > 0]
    if at.size:
        found |= {"began_ns": int(at[0]), "ended_ns": int(at[-1])}
        found["watched_ns"] = int(np.clip(np.diff(at), 0, SILENCE_NS).sum())
    found |= {"fills": int(sums[0]), "fee_e8": int(sums[1]), "turnover": int(sums[2])}
    found["as_promoted"] = bool(found.get("as_promoted")) and not is_set
    return Lived(**found, fault=_fault(ended, is_running))


def _filled(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Count, fees, and ticks times lots, of fills."""
    return np.array([rows.size, rows["amount"].sum(), (rows["price_ticks"] * rows["qty_lots"]).sum()], np.int64)


def _fault(ended: dict[str, Any] | None, is_running: bool) -> str:
    if ended is None:
        return "" if is_running else "it was cut off before it ended"
    if ended.get("halt"):
        return f"it halted: {ended['halt']}"
    return f"it ended: {ended['why']}" if str(ended.get("why", "")).startswith(("the feed ended", "its watch failed")) else ""
