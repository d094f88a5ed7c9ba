"""Which sessions of a run folder run a promoted version now, by what each last wrote of itself."""

from __future__ import annotations

from pathlib import Path

from b25.runner.seat import is_taken
from b25.runner.session_watch import STATUS, read_status


def sessions_of(folder: Path, reference: str) -> list[dict[str, str]]:
    """Return name and mode of every session that runs ``name@number``."""
    found = []
    for path in sorted((folder / "sessions").glob(f"*/{STATUS}")):
        name = path.parent.name
        status = read_status(folder, name)
        if (status.get("promoted") or {}).get("reference") == reference and is_taken(folder, name):
            found.append({"session": name, "mode": str(status.get("mode", ""))})
    return found
