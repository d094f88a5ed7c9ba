"""Files that are there whole or not at all: forced to the disk, renamed into place, and written by one process at a time."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from b25.model.errors import Misuse


def force(path: Path) -> str:
    """Force a file or folder to the disk; return a file's hash."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    if path.is_dir():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def missing_folders(folder: Path) -> list[Path]:
    """Folders that will have to be made, the deepest first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return missing


def remove_if_empty(path: Path) -> None:
    """Remove a folder in which there is nothing but its lock."""
    try:
        (path / ".lock").unlink(missing_ok=True)
        path.rmdir()
    except OSError:
        return


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One import at a time into one folder."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misuse(f"another import into {folder} is running", remedy="wait until it is done") from None
        yield
