"""What the manifest of a version says: where it is from, on what it was proven, with what, and by whom."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final

from b25.kernels.build import build_key
from b25.market.bars import Bars
from b25.promote.cut import Cut
from b25.promote.proof import Proof
from b25.promote.version import canonical
from b25.promote.wish import Wish
from b25.research.dataset import Dataset

LOCK: Final = Path("requirements/run.lock.txt")


def _facts(wish: Wish, made: Cut, proof: Proof, behaviour: str, now_ns: int) -> dict[str, Any]:
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None
    identity = canonical(
        {"source": made.text, "parameters": wish.params, "lock": lock, "engine": build_key(), "behaviour": behaviour}
    )
    return {
        "schema": 1,
        "class": made.name,
        "content_id": hashlib.sha256(identity).hexdigest(),
        "behaviour": behaviour,
        "parameters": wish.params,
        "source": {
            "file": made.saved.path.name, "sha256": made.saved.sha256, "cells": list(made.cells), **_git(made.saved.path),
            "warnings": [str(one) for one in made.findings],
        },
        "data": [_told(one) for one in (wish.data if isinstance(wish.data, tuple) else (wish.data,))],
        "conditions": {
            "fees": str(wish.fees), "limits": str(wish.limits), "balance": wish.balance, "latency_ns": wish.latency_ns,
        },
        "environment": {
            "lock_sha256": lock, "python": platform.python_version(), "b25": installed("b25"), "numba": installed("numba"),
            "engine": build_key(), "platform": platform.machine(),
        },
        "evidence": {
            "stream_sha256": proof.stream_sha256, "counts": proof.counts, "controls": proof.controls,
            "notebook": "not applicable" if not made.saved.is_notebook else "read as saved; not run again",
        },
        "created": {"by": wish.by, "at_ns": now_ns},
    }  # fmt: skip


def _told(data: Dataset | Bars) -> dict[str, Any]:
    """What the manifest says of data."""
    if isinstance(data, Dataset):
        return {"venue": data.venue, "symbol": data.symbol, "hash": data.hash}
    return {"venue": data.instrument.venue, "symbol": data.instrument.symbol, "timeframe": data.timeframe, "hash": data.hash}


def _git(path: Path) -> dict[str, Any]:
    """Commit, and whether the file differs from it; None where there is no repository."""

    def ask(*words: str) -> str | None:
        try:
            run = subprocess.run(["git", *words], cwd=path.resolve().parent, capture_output=True, text=True, timeout=10)  # noqa: S603,S607 - fixed words
        except (OSError, subprocess.TimeoutExpired):
            return None
        return run.stdout.strip() if run.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return {"commit": commit, "is_dirty": bool(ask("status", "--porcelain", "--", path.name)) if commit else None}
