"""Stops that are narrower than an account: one session (K1), one symbol (K2), or everything but what reduces (K3).

    <run folder>/kill/scoped/<account>.<level>.<target>.json

Like the latch of an account (K4), such a file is the truth, is written first, outlives everybody, and is taken off by a named
person only. The session that it is about obeys it within its next look; the kill process cancels what rests under it.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import orjson

from b25.model.errors import Misuse
from b25.runner.durable_file import create_durably, flush_folder, write_durably
from b25.runner.kill_latch import REASON_CHARS_MIN, KillRecord, Trigger, kill_folder, latch_path, note
from b25.runner.seat import SESSION_NAME


class Level(StrEnum):
    """How much a kill stops."""

    SESSION = "K1"
    SYMBOL = "K2"
    REDUCE_ONLY = "K3"
    ACCOUNT = "K4"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedStop:
    """One stop of a part of an account.

    Attributes
    ----------
    target : str
        Name of the session, unified symbol, or empty for the account.
    """

    kill_id: str
    level: Level
    account: str
    target: str
    by: str
    reason: str
    trigger: Trigger
    time_ns: int

    def stops(self, session: str) -> bool:
        """Whether a session of the account must heed it."""
        return self.level is not Level.SESSION or self.target == session

    def __str__(self) -> str:
        about = {Level.SESSION: f"session {self.target}", Level.SYMBOL: self.target}.get(self.level, "only what reduces leaves")
        return f"{self.level} {about} ({self.kill_id}) by {self.by}: {self.reason}"


def pull_scoped(
    folder: Path,
    account: str,
    level: Level,
    target: str,
    *,
    by: str,
    reason: str,
    trigger: Trigger,
    record: KillRecord | None = None,
) -> ScopedStop:  # fmt: skip
    """Stop a part of an account; one that is stopped stays as it is.

    Raises
    ------
    Misuse
        For a level without its target.
    """
    if level is Level.ACCOUNT:
        raise Misuse("an account is stopped by its latch", remedy="leave the level out")
    if bool(target) != (level in (Level.SESSION, Level.SYMBOL)):
        raise Misuse(f"{level} of {target or 'nothing'}", remedy="K1 needs --session, K2 --symbol, K3 neither")
    if level is Level.SESSION and not SESSION_NAME.fullmatch(target):
        raise Misuse(f"{target!r} names no session", remedy="see b25 session list")
    path = scoped_path(folder, account, level, target)
    kill_id = f"{time.time_ns() // 1_000_000:x}-{secrets.token_hex(2)}"
    stop = ScopedStop(
        kill_id=kill_id,
        level=level,
        account=account,
        target=target,
        by=by,
        reason=reason,
        trigger=trigger,
        time_ns=time.time_ns(),
    )
    if not create_durably(path, orjson.dumps(asdict(stop))):
        return _read(path)
    note(folder, "latched", asdict(stop), record)
    return stop


def scoped_stops(folder: Path, account: str = "") -> list[ScopedStop]:
    """Return the stops of an account, or of all. One that cannot be read lets only pass what reduces."""
    found = []
    for path in sorted(_folder(folder).glob("*.json")):
        if not account or path.name.startswith(f"{account}."):
            found.append(_read(path))
    return found


def rearm_scoped(folder: Path, kill_id: str, *, by: str, reason: str, record: KillRecord | None = None) -> ScopedStop:
    """Take a stop off, by a named person with a reason.

    Raises
    ------
    Misuse
        When there is none of that id, or name or reason is missing.
    """
    if not by.strip() or len(reason.strip()) < REASON_CHARS_MIN:
        raise Misuse("re-arming needs a name and a reason of a sentence", remedy=f"give {REASON_CHARS_MIN} characters or more")
    for path in sorted(_folder(folder).glob("*.json")):
        stop = _read(path)
        if stop.kill_id == kill_id:
            row = asdict(stop) | {"rearmed_by": by, "rearm_reason": reason, "rearmed_ns": time.time_ns()}
            note(folder, "re-armed", row, record)  # first: a stop must not vanish without a trace
            write_durably(kill_folder(folder) / "past" / f"{kill_id}.json", orjson.dumps(row))
            path.unlink()
            flush_folder(path.parent)
            return stop
    raise Misuse(f"there is no stop {kill_id}", remedy="see `b25 kill status`")


def scoped_path(folder: Path, account: str, level: Level, target: str) -> Path:
    """File of a stop."""
    latch_path(folder, account)  # refuses a name that is none
    slug = "".join(sign if sign.isalnum() else "-" for sign in target) or "all"
    return _folder(folder) / f"{account}.{level}.{slug}.json"


def _folder(folder: Path) -> Path:
    return kill_folder(folder) / "scoped"


def _read(path: Path) -> ScopedStop:
    try:
        held = orjson.loads(path.read_bytes())
        return ScopedStop(**(held | {"level": Level(held["level"]), "trigger": Trigger(held["trigger"])}))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        why = f"the stop {path.name} cannot be read: {type(fault).__name__}"
        return ScopedStop(
            kill_id=path.stem, level=Level.REDUCE_ONLY, account=path.name.split(".")[0], target="", by="", reason=why,
            trigger=Trigger.UNREADABLE, time_ns=0,
        )  # fmt: skip
