"""Alarms: what somebody must look at now, written where the notifier finds it, and told again by another way when it does not.

    <run folder>/alarms.jsonl          every alarm of every process, as it is raised
    <run folder>/alarms.told.json      how far the notifier has come, and how late it was at worst

The notifier lives in the kill process: it reads the file several times a second, says each alarm on its log and runs the plan's
`[alarms] command` with the alarm on standard input. Whoever raised an alarm that is still not told after `LATE_S` says so itself.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from b25.runner.durable_file import read_json, write_plainly
from b25.runner.structured_log import StructuredLog, shown

FILE, TOLD = "alarms.jsonl", "alarms.told.json"
LATE_S: Final = 5.0
AGAIN_S: Final = 300.0  # the same alarm is raised once in so long


class Alarms:
    """The raising end, one a process.

    Parameters
    ----------
    folder : Path
        The run folder.
    process : str
        Whose alarms.
    second : callable
        The second way: told of an alarm that the notifier has not told in time.
    """

    def __init__(self, folder: Path, process: str, second: Callable[[str], None]) -> None:
        self.folder, self.process, self.second = folder, process, second
        self._raised_s: dict[tuple[str, str], float] = {}
        self._waiting: list[tuple[int, float, str]] = []

    def alarm(self, kind: str, what: str, **facts: Any) -> None:
        """Raise one; the same again only after some minutes."""
        now_s = time.monotonic()
        if now_s - self._raised_s.get((kind, what), float("-inf")) < AGAIN_S:
            return
        self._raised_s[kind, what] = now_s
        row = {"time_ns": time.time_ns(), "process": self.process, "kind": kind, "what": what, **facts}
        line = orjson.dumps({name: shown(name, value) for name, value in row.items()}, default=str) + b"\n"
        try:
            handle = os.open(self.folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, line)
                self._waiting.append((os.fstat(handle).st_size, now_s, what))
            finally:
                os.close(handle)
        except OSError as fault:
            self.second(f"ALARM {kind}: {what} (it cannot be written: {fault.strerror})")

    def look(self) -> None:
        """Say by the second way what the notifier has not told in time; call it about once a second."""
        if not self._waiting:
            return
        told = int(read_json(self.folder / TOLD).get("bytes") or 0)
        self._waiting = [one for one in self._waiting if one[0] > told]
        late = [one for one in self._waiting if time.monotonic() - one[1] > LATE_S]
        for one in late:
            self.second(f"ALARM not told within {LATE_S:g} s: {one[2]}")
            self._waiting.remove(one)


class Notifier:
    """The telling end.

    Parameters
    ----------
    folder : Path
        The run folder.
    log : StructuredLog
    command : sequence of str
        Started for each alarm, with it as JSON on standard input; none when empty.
    """

    def __init__(self, folder: Path, log: StructuredLog, command: Sequence[str] = ()) -> None:
        self.folder, self.log, self.command = folder, log, list(command)
        held = read_json(folder / TOLD)
        self.bytes, self.told, self.late_ms_max = int(held.get("bytes") or 0), int(held.get("told") or 0), 0.0
        self._running: list[subprocess.Popen[bytes]] = []

    def look(self) -> int:
        """Tell what is new; gives how many."""
        self._running = [one for one in self._running if one.poll() is None]
        try:
            with (self.folder / FILE).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                self.bytes = self.bytes if self.bytes <= size else 0  # somebody has begun the file anew
                file.seek(self.bytes)
                fresh = file.read()
        except FileNotFoundError:
            return 0
        whole = fresh[: fresh.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self._tell(line)
        if whole:
            self.bytes += len(whole)
            facts = {"bytes": self.bytes, "told": self.told, "time_ns": time.time_ns(), "late_ms_max": self.late_ms_max}
            with suppress(OSError):
                write_plainly(self.folder / TOLD, orjson.dumps(facts))
        return len(whole.splitlines())

    def _tell(self, line: bytes) -> None:
        try:
            row = orjson.loads(line)
            late_ms = (time.time_ns() - int(row["time_ns"])) / 1e6
        except (orjson.JSONDecodeError, KeyError, TypeError):
            row, late_ms = {"what": line.decode(errors="replace")}, 0.0
        self.told, self.late_ms_max = self.told + 1, max(self.late_ms_max, late_ms)
        self.log.alarm("ALARM", late_ms=round(late_ms, 1), raised=row)
        if not self.command:
            return
        try:
            process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - the plan is the operator's own
            assert process.stdin is not None
            process.stdin.write(line + b"\n")
            process.stdin.close()
            self._running.append(process)
        except OSError as fault:
            self.log.alarm("the alarm's command failed", why=str(fault), command=self.command)
