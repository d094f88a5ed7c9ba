"""Which strategies may trade: those whose behaviour somebody has approved, by the hash of all code that they can reach."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.runner.durable_file import read_json
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy


def check_approved(cls: type[Strategy], path: Path) -> dict[str, Any]:
    """Return the approval of a strategy as it is now.

    Parameters
    ----------
    path : Path
        JSON: ``{"<behaviour hash>": {"strategy": …, "by": …, "time_ns": …}}``, writable by its owner only.

    Raises
    ------
    Misuse
        When nobody has approved this very behaviour, or others could have written the file.
    """
    key = behaviour_key(cls)
    if not path.exists():
        raise Misuse(f"there is no file of approvals {path}", remedy="have the strategy approved, or run it on a simulated venue")
    if stat.S_IMODE(path.stat().st_mode) & 0o022:
        raise Misuse(f"{path} can be written by others", remedy=f"chmod go-w {path}")
    row = read_json(path).get(key)
    if not isinstance(row, dict) or not str(row.get("by") or "").strip():
        raise Misuse(
            f"{cls.__name__} as it is now ({key}) is not approved",
            remedy="its code or what it calls has changed, or nobody approved it: have it approved again",
        )
    return row
