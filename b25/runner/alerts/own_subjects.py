"""What the alerts' own process sees beside the bus: this machine, its supervised processes, their alarms, its store.

These are read like subjects of the bus, and published nowhere.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

import orjson

from b25.runner.alarms import FILE
from b25.runner.durable_file import read_json
from b25.runner.structured_log import shown

MACHINE, PROCESS, ALARM, STORE, BUS, DELIVERY, MENTION, REPORT, SILENCE = (
    "own.machine", "own.process", "own.alarm", "own.store", "own.bus", "own.delivery", "own.mention", "own.report",
    "own.report_silence",
)  # fmt: skip
OWN: Final[dict[str, tuple[str, ...]]] = {
    MACHINE: ("cpu_share", "memory_share", "disk_free_share"),
    PROCESS: ("name", "phase", "why", "account", "restarts", "silent_s", "is_up"),
    ALARM: ("process", "kind", "what"),
    STORE: ("is_up", "why"),
    BUS: ("is_up",),
    DELIVERY: ("waiting", "dead", "oldest_s"),
    MENTION: ("user", "author", "annotation_id", "object"),
    REPORT: ("name", "run_id", "change", "error_cell", "error_name", "link"),
    SILENCE: ("name", "is_overdue", "last_ok"),
}
EVENTS: Final = frozenset({ALARM, MENTION, REPORT})  # the others are states, told again and again
FRESH_S: Final = 10.0  # a supervisor's status that is older says nothing but that the supervisor is gone


class Machine:
    """Load of this machine, of which a share is that between two looks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._before: tuple[int, int] | None = None

    def look(self) -> dict[str, Any]:
        """Shares from 0 to 1; None where the system does not tell."""
        disk = os.statvfs(self.folder)
        return {
            "cpu_share": self._cpu(), "memory_share": _memory(), "disk_free_share": disk.f_bavail / max(disk.f_blocks, 1),
        }  # fmt: skip

    def _cpu(self) -> float | None:
        try:
            ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
        except (OSError, ValueError, IndexError):
            return None
        now = (sum(ticks), ticks[3] + ticks[4])
        before, self._before = self._before, now
        if before is None or now[0] <= before[0]:
            return None
        return 1.0 - (now[1] - before[1]) / (now[0] - before[0])


def _memory() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        held = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return 1.0 - held["MemAvailable"] / held["MemTotal"]
    except (OSError, ValueError, IndexError, KeyError):
        return None


def processes(folder: Path, now_ns: int) -> list[dict[str, Any]]:
    """Processes of the supervisor on this run folder, itself among them; none where there has never been one."""
    held = read_json(folder / "supervisor.json")
    if not held:
        return []
    age_s = (now_ns - int(held.get("time_ns") or 0)) / 1e9
    is_over = bool(held.get("stopping"))
    own = {"name": "supervisor", "phase": "running", "why": "", "account": "", "restarts": 0, "silent_s": age_s}
    found = [{**own, "is_up": 1 if age_s < FRESH_S or is_over else 0}]
    for one in held.get("processes") or []:
        if age_s >= FRESH_S or is_over:
            continue
        phase = str(one.get("phase"))
        row = {name: one.get(name) for name in ("name", "why", "account", "restarts", "silent_s")}
        found.append({**row, "phase": phase, "is_up": 0 if phase in ("failed", "waiting") else 1})
    return found


class AlarmFile:
    """Reads along in the run folder's alarms, which every process writes and the kill process tells too.

    Parameters
    ----------
    folder : Path
        The run folder.
    place : int
        Byte to begin at; -1 for the end of what is there.
    """

    def __init__(self, folder: Path, place: int = -1) -> None:
        self.path = folder / FILE
        size = self.path.stat().st_size if self.path.exists() else 0
        self.place = self._next = size if place < 0 else place

    def look(self) -> list[dict[str, Any]]:
        """Alarms since the last look; `place` moves on when the caller has kept them, see `done`."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self.place:
                    self.place = 0  # somebody has begun the file anew
                file.seek(self.place)
                fresh = file.read(2**20)
        except FileNotFoundError:
            return []
        end = fresh.rfind(b"\n") + 1
        self._next = self.place + end
        return [_alarm(line) for line in fresh[:end].splitlines() if line.strip()]

    def done(self) -> None:
        """What was looked at is kept: go on behind it."""
        self.place = self._next


def _alarm(line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
        time_ns = int(row["time_ns"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        row, time_ns = {"what": line.decode(errors="replace")[:500]}, time.time_ns()
    told = {name: shown(name, str(row.get(name, "")))[:500] for name in OWN[ALARM]}
    return {**told, "time_ns": time_ns}
