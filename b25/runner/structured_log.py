"""Logs as lines of JSON, each with the ids that tie it to a run, a session, its epoch, and a kill or request.

How much is said can be changed while everything runs: `b25 log level debug` writes `<run folder>/log-level`, and every process
heeds it within a second. Alarms are always said. Nothing of this is on the way of an event.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from b25.model.errors import Misuse
from b25.observe.redaction import shown

__all__ = ["LEVELS", "StructuredLog", "correlated", "follow_level", "level_of", "rotate", "set_level", "shown"]

BYTES_MAX = 64 * 2**20
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "alarm": 50}
LEVEL_FILE: Final = "log-level"
LEVEL_VARIABLE: Final = "B25_LOG_LEVEL"
LOOK_S: Final = 1.0


class _Level:
    """From which level on is said, as a run folder or the environment says; looked up once a second at most."""

    def __init__(self) -> None:
        self.rank, self._due_s = LEVELS["info"], float("-inf")
        self.folder: Path | None = None

    def now(self) -> int:
        """Return the rank."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + LOOK_S
            told = os.environ.get("B25_RUN_FOLDER")
            self.rank = LEVELS[level_of(self.folder or (Path(told) if told else None))]
        return self.rank

    def forget(self) -> None:
        """Look it up at the next line."""
        self._due_s = float("-inf")


_level = _Level()


def follow_level(folder: Path) -> None:
    """Have this process say as much as a run folder asks for; those that `b25 up` starts do so without this."""
    _level.folder = folder
    _level.forget()


def level_of(folder: Path | None) -> str:
    """The level that a run folder asks for; else that of B25_LOG_LEVEL, else info."""
    told = ""
    if folder is not None:
        with suppress(OSError):
            told = (folder / LEVEL_FILE).read_text(encoding="utf-8").strip()
    if told not in LEVELS:
        told = os.environ.get(LEVEL_VARIABLE, "").lower()
    return told if told in LEVELS else "info"


def set_level(folder: Path, level: str) -> None:
    """Have every process of a run folder say this and what is graver."""
    if level not in LEVELS:
        raise Misuse(f"there is no level {level!r}", remedy=f"use one of {', '.join(LEVELS)}")
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{LEVEL_FILE}.{os.getpid()}"
    beside.write_text(level + "\n", encoding="utf-8")
    beside.replace(folder / LEVEL_FILE)
    _level.forget()


def correlated(**ids: Any) -> AbstractContextManager[None]:
    """Have every line that is written within bear these ids: request_id, kill_id, trace_id.

    They hold for this task and the tasks that it begins, and for nobody else.
    """
    return structlog.contextvars.bound_contextvars(**ids)


def _stamped(logger: Any, level: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Time, level and event first; secrets gone."""
    time_ns = time.time_ns()
    stamp = datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    head = {"time": f"{stamp}.{time_ns % 10**9 // 1000:06d}Z", "level": level, "event": shown("", facts.pop("event", ""))}
    return head | {str(name): shown(str(name), value) for name, value in facts.items()}


def _line(logger: Any, level: str, facts: dict[str, Any]) -> bytes:
    return orjson.dumps(facts, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY) + b"\n"


class _Ending:
    """Where structlog's chain ends: the bytes are returned to who writes them."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def __getattr__(self, level: str) -> Any:
        return self.write

    def write(self, line: bytes) -> None:
        """Write a line. A full disk or a closed terminal must not end what is being logged."""
        try:
            if self.path is None:
                os.write(sys.stdout.fileno(), line)
                return
            rotate(self.path)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        except (OSError, ValueError):
            return


class _Bound(structlog.BoundLoggerBase):
    """structlog's logger, by our levels."""

    def say(self, level: str, event: str, facts: dict[str, Any]) -> None:
        """Say it."""
        self._proxy_to_logger(level, event, **facts)


class StructuredLog:
    """Writes one line for each thing that happened.

    Parameters
    ----------
    path : Path, optional
        Appended to, and moved to ``.1`` when it has grown too long; standard output when left out, which the supervisor
        keeps in the process' log.
    **bound
        On every line: run, process, session, epoch, kill_id.
    """

    def __init__(self, path: Path | None = None, **bound: Any) -> None:
        self.path, self.bound = path, bound
        chain: list[Any] = [structlog.contextvars.merge_contextvars, _stamped, _line]
        self._logger = _Bound(_Ending(path), chain, dict(bound))

    def bind(self, **more: Any) -> StructuredLog:
        """Return a log that says these as well, on every line."""
        return StructuredLog(self.path, **(self.bound | more))

    def debug(self, event: str, **facts: Any) -> None:
        """Say what only who looks for a fault wants to know."""
        self._write("debug", event, facts)

    def info(self, event: str, **facts: Any) -> None:
        """Say what happened."""
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Say what somebody should know."""
        self._write("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """Say what failed."""
        self._write("error", event, facts)

    def alarm(self, event: str, **facts: Any) -> None:
        """Say what somebody must look at now."""
        self._write("alarm", event, facts)

    def _write(self, level: str, event: str, facts: dict[str, Any]) -> None:
        if LEVELS[level] >= _level.now() or level == "alarm":
            self._logger.say(level, event, facts)


def rotate(path: Path) -> None:
    """Move a log that has grown too long out of the way."""
    try:
        if path.stat().st_size > BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
    except FileNotFoundError:
        return
