"""The seat of a session: one process at a time may sit on it, each with an epoch of its own, higher than all before.

    <run folder>/sessions/<name>/lock        held for as long as the process lives, by the operating system
    <run folder>/sessions/<name>/epoch       the last one given, flushed to the disk before it is used
    <run folder>/sessions/<name>/fence       epochs below this one may send nothing any more
    <run folder>/sessions/<name>/seat.json   who sits there: pid, epoch, account, prefix of its order ids

A process that hangs still holds its lock, and may wake up later. So whoever declares it dead raises the fence first, then
cancels what it left; `b25.runner.kill.refusal` is what the process would have to get past.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from b25.model.errors import Misuse
from b25.runner.durable_file import read_json, write_durably

SESSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def session_folder(folder: Path, session: str) -> Path:
    """Where a session keeps its files. Raises Misuse for a name that is none."""
    if not SESSION_NAME.fullmatch(session):
        raise Misuse(f"{session!r} names no session", remedy="use letters, digits, - and _, at most 40")
    return folder / "sessions" / session


@dataclass(slots=True)
class Seat:
    """The right to be a session, until `leave` or the end of the process.

    Attributes
    ----------
    epoch : int
        Of this start; no two starts share one.
    """

    folder: Path
    session: str
    epoch: int
    _lock: int

    @classmethod
    def take(cls, folder: Path, session: str, *, account: str = "", client_id_prefix: str = "", epoch_min: int = 1) -> Seat:
        """Sit down.

        Parameters
        ----------
        folder : Path
            The run folder.
        account : str
            At which it will have orders; empty when it will have none.
        client_id_prefix : str
            What the ids of its orders begin with; empty when its orders cannot be told from others of the account.
        epoch_min : int
            A database or a venue may know of later epochs than this folder.

        Raises
        ------
        Misuse
            When another process sits there.
        """
        own = session_folder(folder, session)
        own.mkdir(parents=True, exist_ok=True)
        lock, tries = _locked(own / "lock"), 20
        while lock is None and tries:  # somebody may only be looking whether it is taken
            time.sleep(0.01)
            lock, tries = _locked(own / "lock"), tries - 1
        if lock is None:
            raise Misuse(
                f"session {session} runs already, as process {occupant(folder, session).get('pid', 'unknown')}",
                remedy=f"stop it first: b25 session stop {session}",
            )
        epoch = max(_number(own / "epoch") + 1, fence_of(folder, session), epoch_min)
        write_durably(own / "epoch", str(epoch).encode())
        who = {
            "pid": os.getpid(),
            "started_ticks": started_ticks(os.getpid()),
            "epoch": epoch,
            "account": account,
            "client_id_prefix": client_id_prefix,
            "time_ns": time.time_ns(),
        }
        write_durably(own / "seat.json", orjson.dumps(who))
        return cls(folder, session, epoch, lock)

    def name_orders(self, client_id_prefix: str) -> None:
        """Say what the ids of its orders begin with, once that is known; until then every order of the account counts as its."""
        path = session_folder(self.folder, self.session) / "seat.json"
        write_durably(path, orjson.dumps(read_json(path) | {"client_id_prefix": client_id_prefix}))

    def leave(self) -> None:
        """Stand up: another process may sit down."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def is_taken(folder: Path, session: str) -> bool:
    """Whether a process sits there now."""
    path = session_folder(folder, session) / "lock"
    if not path.exists():
        return False
    lock = _locked(path)
    if lock is None:
        return True
    os.close(lock)
    return False


def occupant(folder: Path, session: str) -> dict[str, Any]:
    """Who sat down last: pid, started_ticks, epoch, account, client_id_prefix."""
    return read_json(session_folder(folder, session) / "seat.json")


def closing_prefix(folder: Path, account: str) -> str:
    """What the ids of an account's orders begin with, so that a closing order is booked as its strategy's; "" if unknown.

    A session in the foreground may call the account otherwise than the plan does: where only one session trades at all, it is it.
    """
    seats = [occupant(folder, path.parent.name) for path in sorted((folder / "sessions").glob("*/seat.json"))]
    named = {str(who.get("account")): str(who.get("client_id_prefix")) for who in seats if who.get("client_id_prefix")}
    return named.get(account, next(iter(named.values())) if len(set(named.values())) == 1 else "")


def raise_fence(folder: Path, session: str) -> int:
    """Forbid every epoch given so far to send; gives the first that may."""
    own = session_folder(folder, session)
    own.mkdir(parents=True, exist_ok=True)
    first = max(_number(own / "epoch") + 1, fence_of(folder, session))
    write_durably(own / "fence", str(first).encode())
    return first


def fence_of(folder: Path, session: str) -> int:
    """First epoch that may send; 0 when none was ever fenced off. A fence that cannot be read lets nobody pass."""
    try:
        return int((session_folder(folder, session) / "fence").read_bytes())
    except FileNotFoundError:
        return 0
    except (OSError, ValueError):
        return 2**62


def started_ticks(pid: int) -> int:
    """When a process began, in ticks since the machine did: with its pid it names a process for good. 0 when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] in ("Z", "X") else int(fields[19])


def is_alive(who: dict[str, Any]) -> bool:
    """Whether the very process that sat down is still there."""
    pid = int(who.get("pid") or 0)
    return pid > 0 and started_ticks(pid) == int(who.get("started_ticks") or -1)


def _locked(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _number(path: Path) -> int:
    try:
        return int(path.read_bytes())
    except (OSError, ValueError):
        return 0
