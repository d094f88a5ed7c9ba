"""Logs as lines of JSON, each with the ids that tie it to a run, a session, its epoch, and a kill or request."""

from __future__ import annotations

import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

SECRETS = re.compile(
    r"(signature=|listenKey=|X-MBX-APIKEY\W+|apiKey\W+|secret\W+|Authorization:?\s+(?:Bearer\s+)?)[^\s&\"',}]+", re.I
)
HIDDEN = frozenset({"key", "api_key", "secret", "password", "token"})
BYTES_MAX = 64 * 2**20


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

    def bind(self, **more: Any) -> StructuredLog:
        """Return a log that says these as well, on every line."""
        return StructuredLog(self.path, **(self.bound | more))

    def info(self, event: str, **facts: Any) -> None:
        """Say what happened."""
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Say what somebody should know."""
        self._write("warning", event, facts)

    def alarm(self, event: str, **facts: Any) -> None:
        """Say what somebody must look at now."""
        self._write("alarm", event, facts)

    def _write(self, level: str, event: str, facts: dict[str, Any]) -> None:
        time_ns = time.time_ns()
        stamp = datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        head = {"time": f"{stamp}.{time_ns % 10**9 // 1000:06d}Z", "level": level, "event": event}
        row = {name: shown(name, value) for name, value in {**self.bound, **facts}.items()}
        line = orjson.dumps(head | row, default=str) + b"\n"
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
            return  # a full disk or a closed terminal must not end what is being logged


def rotate(path: Path) -> None:
    """Move a log that has grown too long out of the way."""
    try:
        if path.stat().st_size > BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
    except FileNotFoundError:
        return


def shown(name: str, value: Any) -> Any:
    """A value as a log may hold it: secrets by name or by their place in a text are gone."""
    if name.lower() in HIDDEN:
        return "***"
    if isinstance(value, str):
        return SECRETS.sub(r"\1***", value)
    if isinstance(value, dict):
        return {str(inner): shown(str(inner), held) for inner, held in value.items()}
    if isinstance(value, list | tuple):
        return [shown("", held) for held in value]
    return value
