"""What a supervised process must do, and the few lines that do it.

The supervisor starts a process with these in its environment, and nothing else is agreed between them:

    B25_RUN_FOLDER      the run folder
    B25_PROCESS         the process' name there
    B25_RUN_ID          of this `b25 up`, for the logs
    B25_ACCOUNT         at which it may have orders, by its name in the plan; empty for none
    B25_LIFELINE_FD     a pipe that is never written to: its end of file means that the supervisor is gone
    B25_START_PAUSED    "1" when the one before hung or broke: start, reconcile, and wait for a person

The process
1. takes its seat (`b25.runner.seat`), a session with its account and the prefix of its order ids;
2. beats (`Heartbeat.beat`) at least once a second **from the loop that does its work**, never from a thread of its own: a
   thread beats on while the work hangs. It tells how many things it has done, and how many wait;
3. on SIGTERM, and when the supervisor is gone (`supervisor_is_gone`), cancels its orders, saves, says STOPPED and ends
   within its drain time;
4. ends with an exit code that says what kind of error it was (`EXIT_CODES`).

Compiling may take minutes, during which nothing can beat: do it while STARTING, whose limit is one of its own.

A heartbeat is 64 bytes in a file that both map: one writer, no lock, no system call. The count of beats is written last.
"""

from __future__ import annotations

import mmap
import os
import select
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from b25.model.errors import B25Error, Halt, Misuse, Resync, Retry
from b25.runner.seat import session_folder

RECORD = struct.Struct("<8sqqqqqqq")  # magic, pid, epoch, state, done, waiting, beaten_ns, beats
MAGIC: Final = b"b25beat1"
BEATS_AT: Final = RECORD.size - 8

EXIT_DONE, EXIT_CRASHED, EXIT_MISUSE, EXIT_HALT, EXIT_RETRY, EXIT_RESYNC = 0, 1, 4, 70, 75, 76
EXIT_CODES: Final[Mapping[type[B25Error], int]] = {
    Misuse: EXIT_MISUSE,
    Halt: EXIT_HALT,
    Retry: EXIT_RETRY,
    Resync: EXIT_RESYNC,
}


class Life(IntEnum):
    """How far a process is in its life."""

    STARTING = 0
    RUNNING = 1
    PAUSED = 2
    STOPPING = 3
    STOPPED = 4
    FAILED = 5
    COMPILING = 6  # silent until it is done, and not because it hangs


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat as it is read.

    Attributes
    ----------
    done : int
        How many things the process has done since it began.
    waiting : int
        How many wait to be done now; 0 when it may stand still.
    beaten_ns : int
        Monotonic time of the machine, which all its processes share.
    """

    pid: int
    epoch: int
    life: Life
    done: int
    waiting: int
    beaten_ns: int
    beats: int


class Heartbeat:
    """The writing end.

    Parameters
    ----------
    folder : Path
        The run folder.
    name : str
        The process' name there.
    epoch : int
        Of its seat; 0 for a process that has none.
    """

    def __init__(self, folder: Path, name: str, *, epoch: int = 0) -> None:
        path = heartbeat_path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.pid, self.epoch, self.beats = os.getpid(), epoch, 0
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(handle, RECORD.size)
            self._map = mmap.mmap(handle, RECORD.size)
        finally:
            os.close(handle)
        self.beat(Life.STARTING)

    def beat(self, life: Life, done: int = 0, waiting: int = 0) -> None:
        """Say that the process lives, what it has done, and what still waits."""
        self.beats += 1
        row = RECORD.pack(MAGIC, self.pid, self.epoch, life, done, waiting, time.monotonic_ns(), self.beats)
        self._map[:BEATS_AT] = row[:BEATS_AT]
        self._map[BEATS_AT:] = row[BEATS_AT:]

    def close(self) -> None:
        """Let go of the file; what was said last stays."""
        self._map.close()


def heartbeat_path(folder: Path, name: str) -> Path:
    """File of a process' heartbeat."""
    return session_folder(folder, name) / "heartbeat"


def read_beat(folder: Path, name: str) -> Beat | None:
    """Return the last heartbeat of a process; None when it never beat, or the file is no heartbeat."""
    try:
        content = heartbeat_path(folder, name).read_bytes()
        magic, pid, epoch, life, done, waiting, beaten_ns, beats = RECORD.unpack(content)
        return Beat(pid, epoch, Life(life), done, waiting, beaten_ns, beats) if magic == MAGIC else None
    except (OSError, struct.error, ValueError):
        return None


def supervisor_is_gone(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a supervisor started this process and lives no more. Costs one system call; ask once a second or oftener."""
    handle = (os.environ if environment is None else environment).get("B25_LIFELINE_FD", "")
    if not handle.isdigit():
        return False
    try:
        readable, _, _ = select.select([int(handle)], [], [], 0)
    except (OSError, ValueError):
        return True
    return bool(readable)  # nothing is ever written to it: it is readable at its end only


def exit_code_of(fault: BaseException | None) -> int:
    """Exit code by which the supervisor knows what to do next."""
    if fault is None:
        return EXIT_DONE
    return next((code for kind, code in EXIT_CODES.items() if isinstance(fault, kind)), EXIT_CRASHED)
