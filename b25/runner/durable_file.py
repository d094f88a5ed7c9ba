"""Small files that survive a power cut: written whole beside their place, flushed, and then moved into it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson


def write_durably(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace a file in one step; when this returns, it is on the disk under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(beside, content, mode)
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()
    flush_folder(path.parent)


def create_durably(path: Path, content: bytes, *, mode: int = 0o600) -> bool:
    """Create a file that must not be there yet; False when it is, and then it is left as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(beside, content, mode)
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            beside.unlink()
    flush_folder(path.parent)
    return True


def write_plainly(path: Path, content: bytes) -> None:
    """Replace a file in one step, for what may be lost in a power cut."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)


def append_durably(path: Path, row: Mapping[str, Any]) -> None:
    """Add one line of JSON to a file, and flush it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, orjson.dumps(row) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> dict[str, Any]:
    """What a file holds; an empty dict when it is missing, torn, or no JSON object."""
    try:
        held = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return held if isinstance(held, dict) else {}


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
