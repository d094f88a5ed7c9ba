"""Where a run's files go. Papermill fills parameters into paths, so a path with braces is refused, and none leaves its folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from b25.model.errors import Misuse

RUN_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}-\d{8}T\d{6}(\d{3})?Z-\d{1,3}")
BUILDING: Final = ".building-"
QUARANTINE: Final = ".quarantine"
MS: Final = 1_000_000


def run_id_of(report: str, scheduled_for_ns: int, attempt: int) -> str:
    """Name of a try at a slot: ``daily-20260102T070000Z-1``."""
    ms = scheduled_for_ns // MS
    stamp = datetime.fromtimestamp(ms // 1_000, UTC).strftime("%Y%m%dT%H%M%S")
    return f"{report}-{stamp}{f'{ms % 1_000:03d}' if ms % 1_000 else ''}Z-{attempt}"


def within(path: Path, folder: Path) -> Path:
    """Return a path, resolved. Raises Misuse when it has a brace, or is not inside of a folder."""
    if set("{}\0") & set(str(path)):
        raise Misuse(f"{str(path)!r} has a brace, which parameters would be filled into", remedy="rename the folder")
    resolved, own = path.resolve(), folder.resolve()
    if not resolved.is_relative_to(own):
        raise Misuse(f"{path} is not inside of {own}", remedy="give a path inside of it")
    return resolved


def run_folder(root: Path, report: str, run_id: str, scheduled_for_ns: int) -> Path:
    """Folder of a run: ``<root>/<report>/<YYYY>/<MM>/<run_id>``. Raises Misuse for an id that is none."""
    if not RUN_ID.fullmatch(run_id):
        raise Misuse(f"{run_id!r} names no run", remedy="see b25 report list")
    at = datetime.fromtimestamp(scheduled_for_ns // 1_000_000_000, UTC)
    return within(root / report / f"{at:%Y}" / f"{at:%m}" / run_id, root)


def building_folder(final: Path) -> Path:
    """Where the same run is put together: a sibling, so that one rename moves it into its place."""
    return final.with_name(BUILDING + final.name)


def quarantine_folder(root: Path, run_id: str) -> Path:
    """Where a run goes in which a secret was found; nothing serves this folder."""
    return within(root / QUARANTINE / run_id, root)
