"""Keep the finished parts of a long sweep, so that one that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Final

import numpy as np

from b25.kernels.build import build_key
from b25.model.bar_run import POINT

FLUSH_S: Final = 2.0  # short sweeps write nothing at all
KEPT: Final = 16  # interrupted sweeps kept beside each other; older ones are forgotten
DIGEST: Final = hashlib.sha256().digest_size


def default_sweeps() -> Path:
    """Return the folder of unfinished sweeps: B25_SWEEPS, else `sweeps` beside the catalog."""
    from b25.research.dataset import default_catalog

    named = os.environ.get("B25_SWEEPS")
    return Path(named) if named else default_catalog().parent / "sweeps"


class PartStore:
    """Finished parts of one sweep on disk.

    Parameters
    ----------
    key : str
        Hash of everything that decides the sweep's figures beside the engine; parts of another build are not its own.
    size : int
        Number of points.
    folder : Path, optional
        Where unfinished sweeps are kept; see `default_sweeps`. A folder that cannot be written keeps nothing.
    """

    def __init__(self, key: str, size: int, folder: Path | None = None) -> None:
        self.home = folder or default_sweeps()
        self.folder = self.home / hashlib.sha256(f"{key}{build_key()}{POINT.descr}".encode()).hexdigest()[:24]
        self.size = size
        self._waiting: list[tuple[int, np.ndarray]] = []
        self._flushed_s = time.monotonic()
        self.fault = ""

    def load(self, results: np.ndarray) -> list[tuple[int, int]]:
        """Read what is there into `results`; returns the spans of points that it covers."""
        found = []
        for path in sorted(self.folder.glob("*.part")):
            rows = _read(path)
            if rows is None or not path.stem.isdigit():
                continue  # a part that cannot be read is run again
            first = int(path.stem)
            if first + rows.size <= self.size:
                results[first : first + rows.size] = rows
                found.append((first, first + rows.size))
        return found

    def keep(self, first: int, rows: np.ndarray) -> None:
        """Take a finished part; what is waiting goes to disk every few seconds."""
        self._waiting.append((first, rows))
        if time.monotonic() - self._flushed_s >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting; each file is whole or absent."""
        self._flushed_s = time.monotonic()
        waiting, self._waiting = self._waiting, []
        try:
            for first, rows in waiting:
                self.folder.mkdir(parents=True, exist_ok=True)
                partial = self.folder / f".{first}.{os.getpid()}.partial"
                content = rows.tobytes()
                partial.write_bytes(hashlib.sha256(content).digest() + content)
                partial.replace(self.folder / f"{first:012d}.part")
        except OSError as fault:
            self.fault = f"parts of this sweep could not be kept ({fault.strerror or fault})"

    def forget(self) -> None:
        """Remove the parts of a sweep that is finished, and those of sweeps that nobody went on with."""
        shutil.rmtree(self.folder, ignore_errors=True)
        others = [p for p in self.home.glob("*") if p.is_dir()] if self.home.is_dir() else []
        others.sort(key=lambda p: p.stat().st_mtime if p.exists() else 0.0, reverse=True)
        for stale in others[KEPT:]:
            shutil.rmtree(stale, ignore_errors=True)


def _read(path: Path) -> np.ndarray | None:
    """Rows of a part; None when the file is not whole."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    rows = content[DIGEST:]
    whole = len(rows) > 0 and len(rows) % POINT.itemsize == 0 and hashlib.sha256(rows).digest() == content[:DIGEST]
    return np.frombuffer(rows, POINT) if whole else None


def gaps_between(covered: list[tuple[int, int]], size: int, length: int) -> list[tuple[int, int]]:
    """Cut the points that no span covers into parts of at most a length."""
    out: list[tuple[int, int]] = []
    at = 0
    for first, last in [*sorted(covered), (size, size)]:
        while at < first:
            end = min(at + length, first)
            out.append((at, end))
            at = end
        at = max(at, last)
    return out
