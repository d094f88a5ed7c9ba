"""The last lines of a process' log, with what the supervisor says of it, in order of time."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Final

import orjson

from b25.model.errors import Misuse
from b25.runner.seat import session_folder
from b25.runner.supervisor_plan import SEAT

READ_BYTES_MAX: Final = 4 * 2**20  # from the end: a log is ten megabytes at most, and its last lines are at its end


def log_lines(folder: Path, name: str, *, last: int = 50, alarms: bool = False) -> list[dict[str, Any]]:
    """Return the last lines.

    Parameters
    ----------
    folder : Path
        The run folder.
    name : str
        Of the process; ``supervisor`` for the supervisor's own.
    last : int
        So many, from the end.
    alarms : bool
        Only what somebody must look at.

    Raises
    ------
    Misuse
        When there is no log of that name.
    """
    own = session_folder(folder, name) / "log.jsonl"
    rows = [row for row in _rows(folder / "supervisor.jsonl") if name in (SEAT, row.get("process"))]
    if not rows and not own.exists():
        raise Misuse(f"there is no log of {name} in {folder}", remedy="see `b25 session list`")
    rows += _rows(own)
    kept: deque[dict[str, Any]] = deque(maxlen=max(last, 1))
    stamped = sorted((row for row in rows if row.get("time")), key=lambda row: str(row["time"]))
    for row in stamped + [row for row in rows if not row.get("time")]:
        if not alarms or row.get("level") == "alarm":
            kept.append(row)
    return list(kept)


def line_text(row: dict[str, Any]) -> str:
    """Return a line for a person."""
    if "text" in row and "event" not in row:
        return str(row["text"])
    rest = " ".join(f"{name}={value}" for name, value in row.items() if name not in ("time", "level", "event"))
    return f"{row.get('time', '')} {row.get('level', ''):<7} {row.get('event', '')}  {rest}"


def _rows(path: Path) -> list[dict[str, Any]]:
    """Lines of a log; what is no JSON object was printed by somebody, and is kept as text."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ_BYTES_MAX))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    if size > READ_BYTES_MAX:
        lines = lines[1:]  # it begins in the middle of one
    found = []
    for line in lines:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        found.append(row if isinstance(row, dict) else {"text": line.decode(errors="replace")})
    return found
