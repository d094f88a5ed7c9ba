"""Where cancels are written while the database cannot: one line each, on disk before the cancel leaves."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, Final

import orjson

RESERVE_BYTES: Final = 64 * 2**20


class EmergencyLog:
    """A side file of one session.

    Parameters
    ----------
    folder : Path
    reserve_bytes : int
        Kept on the disk, and freed when it is full, so that an orderly stop has room.
    """

    def __init__(self, folder: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.reserve = folder / "emergency.log", folder / "reserve"
        if not self.reserve.exists() and reserve_bytes:
            with contextlib.suppress(OSError), self.reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, reserve_bytes)

    def write(self, entry: dict[str, Any]) -> None:
        """Write a line and wait for the disk; a full one gets the reserve.

        Raises
        ------
        OSError
            When it cannot be written even so. A cancel leaves all the same: it can only reduce what may go wrong.
        """
        try:
            self._append(entry)
        except OSError as fault:
            if fault.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.free_reserve()
            self._append(entry)

    def free_reserve(self) -> None:
        """Give the kept space back."""
        self.reserve.unlink(missing_ok=True)

    def entries(self) -> list[dict[str, Any]]:
        """What was written; a torn last line is left out."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_bytes().split(b"\n")[:-1]:
            with contextlib.suppress(orjson.JSONDecodeError):
                found.append(orjson.loads(line))
        return found

    def clear(self) -> None:
        """Forget what is in the store by now."""
        self.path.unlink(missing_ok=True)

    def _append(self, entry: dict[str, Any]) -> None:
        line = orjson.dumps(entry) + b"\n"
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            try:
                if os.write(file, line) != len(line):
                    raise OSError(errno.ENOSPC, "written in part")
            except OSError:
                os.ftruncate(file, size)
                raise
            os.fsync(file)
        finally:
            os.close(file)
