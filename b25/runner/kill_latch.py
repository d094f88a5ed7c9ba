"""The latch of the kill switch: a file. While it is there nothing is sent that could add risk, whatever was restarted since.

    <run folder>/kill/<account>.latch.json      an account that is stopped; `all` stops every one
    <run folder>/kill/<kill id>.report.json     how far its kill has come
    <run folder>/kill/past/<kill id>.json       a latch that somebody took off
    <run folder>/kill/audit.jsonl               who latched and who re-armed, when and why

The file is the truth, and written first; the database is told after it, when there is one (`KillRecord`). A file that is
there and cannot be read is a latch; so is a folder that cannot be looked into. Only a missing file is none.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from b25.model.errors import Misuse
from b25.runner.durable_file import append_durably, create_durably, flush_folder, read_json, write_durably

ALL: Final = "all"
REASON_CHARS_MIN = 10
ACCOUNT_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Trigger(StrEnum):
    """What pulled the switch."""

    COMMAND = "command"
    FILE = "file"
    HEARTBEAT = "heartbeat"
    SIGNAL = "signal"
    RISK = "risk"
    API = "api"
    UNREADABLE = "unreadable"


class KillRecord(Protocol):
    """Where kills are written besides the file: the audit of the database. What it raises is told, and stops nothing."""

    def kill_recorded(self, action: str, row: Mapping[str, Any]) -> None:
        """Keep what happened: action `latched`, `reported` or `re-armed`, with the facts of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """One pull of the kill switch.

    Attributes
    ----------
    kill_id : str
        Names it in reports, logs and the audit; empty for a latch that cannot be read.
    account : str
        Whose; `all` for every account.
    by, reason : str
        Who pulled it and why.
    flatten : bool
        Whether positions are closed as well.
    time_ns : int
        Wall clock.
    """

    kill_id: str
    account: str
    by: str
    reason: str
    trigger: Trigger
    flatten: bool
    time_ns: int


def kill_folder(folder: Path) -> Path:
    """Where the kill switch keeps its files."""
    return folder / "kill"


def latched(folder: Path, account: str = ALL) -> Latch | None:
    """Return the latch that stops an account, or None when it may trade. A session asks before everything it sends."""
    for name in (ALL,) if account == ALL else (ALL, account):
        path = latch_path(folder, name)
        try:
            os.stat(path)
        except FileNotFoundError:
            continue
        except OSError as fault:
            return _unreadable(name, f"the latch cannot be looked at: {fault.strerror}")
        found = _read(path, name)
        if found is not None:
            return found
    return None


def latch_path(folder: Path, account: str) -> Path:
    """File of an account's latch. Raises Misuse for a name that is none."""
    if not ACCOUNT_NAME.fullmatch(account):
        raise Misuse(f"{account!r} names no account", remedy="use letters, digits, - and _")
    return kill_folder(folder) / f"{account}.latch.json"


def pull(
    folder: Path,
    account: str = ALL,
    *,
    by: str,
    reason: str,
    trigger: Trigger,
    flatten: bool = False,
    record: KillRecord | None = None,
    now_ns: int | None = None,
) -> Latch:
    """Latch an account. One that is latched stays as it is, except that `flatten` can be added.

    Returns
    -------
    Latch
        The one that holds now.

    Raises
    ------
    OSError
        When the disk takes not even an empty file. Whoever asked must then go on cancelling, and say so.
    """
    path = latch_path(folder, account)
    time_ns = time.time_ns() if now_ns is None else now_ns
    kill_id = f"{time_ns // 1_000_000:x}-{secrets.token_hex(2)}"
    latch = Latch(kill_id=kill_id, account=account, by=by, reason=reason, trigger=trigger, flatten=flatten, time_ns=time_ns)
    try:
        is_new = create_durably(path, orjson.dumps(asdict(latch)))
    except OSError:
        _touch(path)  # a full disk often still takes a name: an empty latch is a latch
        return latched(folder, account) or latch
    if not is_new:
        held = _read(path, account)
        if held is None or not flatten or held.flatten:
            return held or latch
        latch = Latch(**(asdict(held) | {"flatten": True}))
        write_durably(path, orjson.dumps(asdict(latch)))
    note(folder, "latched", asdict(latch), record)
    return latch


def rearm(
    folder: Path,
    account: str = ALL,
    *,
    by: str,
    reason: str,
    typed: str,
    signed_off: bool = False,
    record: KillRecord | None = None,
) -> Latch:
    """Take a latch off: a named person, a reason, and the confirmation typed out.

    Parameters
    ----------
    by, reason : str
        Kept for good.
    typed : str
        What the person typed: must be `confirmation(latch)`.
    signed_off : bool
        The person knows that the kill is not complete and answers for what is left.

    Returns
    -------
    Latch
        The one that was taken off.

    Raises
    ------
    Misuse
        When nothing is latched, the kill is not complete, or any of the three is missing.
    """
    path = latch_path(folder, account)
    latch = _read(path, account)
    if latch is None:
        raise Misuse(f"account {account} is not stopped", remedy="see `b25 kill status`")
    if not by.strip() or len(reason.strip()) < REASON_CHARS_MIN:
        raise Misuse(
            "re-arming needs a name and a reason of a sentence",
            remedy=f"give --by and --reason, {REASON_CHARS_MIN} characters or more",
        )
    if typed != confirmation(latch):
        raise Misuse("the confirmation was not typed as asked", remedy=f"type exactly: {confirmation(latch)}")
    report = read_report(folder, latch.kill_id)
    if not report.get("is_complete") and not signed_off:
        left = [*report.get("orders_left", []), *report.get("positions_left", [])]
        named = ", ".join(map(str, left)) or "nobody has reported on it"
        raise Misuse(
            f"the kill {latch.kill_id or '(unreadable)'} is not complete: {named}",
            remedy="let it finish (`b25 kill`), or answer for the rest with --sign-off",
        )
    row = asdict(latch) | {"rearmed_by": by, "rearm_reason": reason, "signed_off": signed_off, "rearmed_ns": time.time_ns()}
    note(folder, "re-armed", row, record)  # first: a latch must not vanish without a trace
    past = kill_folder(folder) / "past" / f"{latch.kill_id or time.time_ns()}.json"
    write_durably(past, orjson.dumps(row))
    path.unlink()
    flush_folder(path.parent)
    return latch


def confirmation(latch: Latch) -> str:
    """What a person must type to re-arm: it names this very kill, so that it cannot come from habit or a script's history."""
    return f"re-arm {latch.account} {latch.kill_id}".strip()


def write_report(folder: Path, report: Mapping[str, Any], record: KillRecord | None = None) -> None:
    """Keep how far a kill has come."""
    write_durably(kill_folder(folder) / f"{report['kill_id'] or 'unreadable'}.report.json", orjson.dumps(report))
    if record is not None:
        _tell(folder, "reported", report, record)


def read_report(folder: Path, kill_id: str) -> dict[str, Any]:
    """How far a kill has come; empty when nobody has said."""
    return read_json(kill_folder(folder) / f"{kill_id or 'unreadable'}.report.json")


def all_latches(folder: Path) -> list[Latch]:
    """Every latch that holds."""
    names = sorted(path.name.removesuffix(".latch.json") for path in kill_folder(folder).glob("*.latch.json"))
    return [latch for name in names if (latch := _read(latch_path(folder, name), name)) is not None]


def _read(path: Path, account: str) -> Latch | None:
    try:
        held = orjson.loads(path.read_bytes())
        return Latch(**(held | {"trigger": Trigger(held["trigger"])}))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        return _unreadable(account, f"the latch cannot be read: {type(fault).__name__}")


def _unreadable(account: str, reason: str) -> Latch:
    return Latch(kill_id="", account=account, by="", reason=reason, trigger=Trigger.UNREADABLE, flatten=False, time_ns=0)


def _touch(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def note(folder: Path, action: str, row: Mapping[str, Any], record: KillRecord | None) -> None:
    """Keep in the audit what happened; the database is told after the file."""
    append_durably(kill_folder(folder) / "audit.jsonl", {"action": action, **row})
    if record is not None:
        _tell(folder, action, row, record)


def _tell(folder: Path, action: str, row: Mapping[str, Any], record: KillRecord) -> None:
    try:
        record.kill_recorded(action, row)
    except Exception as fault:  # a database that is away, locked or full must not stop a kill
        lost = {"action": "not recorded", "what": action, "kill_id": row.get("kill_id"), "why": type(fault).__name__}
        append_durably(kill_folder(folder) / "audit.jsonl", lost)
