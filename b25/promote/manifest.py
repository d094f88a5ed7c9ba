"""What the manifest of a version says: where it is from, on what it was proven, with what, and by whom."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final

from b25.kernels.build import build_key
from b25.market.bars import Bars
from b25.promote.cut import Cut
from b25.promote.proof import Proof
from b25.promote.rerun import Rerun
from b25.promote.version import canonical
from b25.promote.wish import Wish
from b25.research.bias_report import BiasReport
from b25.research.dataset import Dataset
from b25.research.result import Backtest
from b25.research.run_record import HEADLINE as RECORDED

LOCK: Final = Path("requirements/run.lock.txt")
HEADLINE: Final = (*RECORDED, "profit_bps", "maker_share", "win_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that the steps found.

    Attributes
    ----------
    wish : Wish
        With data and limits.
    again : Rerun or None
        None for a Python file.
    result : Backtest
        The promoted class on the data of the proof.
    """

    wish: Wish
    proof: Proof
    bias: BiasReport
    result: Backtest
    behaviour: str
    again: Rerun | None = None


def evidence_files(made: Cut, found: Evidence) -> dict[str, bytes]:
    """Return what is frozen beside the source, by name of the file."""
    return {
        "proof.json": canonical({"runs": runs_of(found), **asdict(found.proof)}),
        "bias.json": canonical(found.bias.as_dict()),
        "params.toml": params_toml(made.name, found.result).encode(),
    }


def runs_of(found: Evidence) -> dict[str, Any]:
    """Return the four runs: where each came from, its stream, and what it was held against."""
    stream = found.proof.stream_sha256
    none = {"state": "not applicable", "streams": []}
    notebook = found.again.as_dict() if found.again else {"A": none, "B": none, "C": none, "environment": {}}
    return {
        "notebook": notebook,
        "C": {"state": "run twice, compiled and as plain Python", "stream": stream},
        "D": {"state": "equal to C", "stream": stream, "engine": "the session of the live runner, and its journal replayed"},
    }


def params_toml(name: str, result: Backtest) -> str:
    """Return the parameters that were proven, as TOML; bounds and units as comments."""
    lines = [f"# Parameters of {name} as they were proven."]
    for key, param in result.made.cls.params.items():
        value = result.parameters[key]
        lines.append(f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}{_bounds(param)}")
    return "\n".join(lines) + "\n"


def _bounds(param: Any) -> str:
    told = [one for one in (param.bounds(), param.unit) if one]
    return f"  # {', '.join(told)}" if told else ""


def facts_of(made: Cut, found: Evidence, now_ns: int) -> dict[str, Any]:
    """Return what the manifest says beside name, number and hashes."""
    wish, proof = found.wish, found.proof
    assert wish.data is not None
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None
    identity = canonical(
        {"source": made.text, "parameters": wish.params, "lock": lock, "engine": build_key(), "behaviour": found.behaviour}
    )
    figures = {name: found.result.summary[name] for name in HEADLINE if found.result.summary.get(name) is not None}
    return {
        "schema": 1,
        "class": made.name,
        "content_id": hashlib.sha256(identity).hexdigest(),
        "behaviour": found.behaviour,
        "parameters": wish.params,
        "source": {
            "file": made.saved.path.name, "sha256": made.saved.sha256, "cells": list(made.cells), **_git(made.saved.path),
            "warnings": [str(one) for one in made.findings],
        },
        "data": [_told(one) for one in (wish.data if isinstance(wish.data, tuple) else (wish.data,))],
        "conditions": {
            "fees": str(wish.fees), "limits": str(wish.limits), "balance": wish.balance, "latency_ns": wish.latency_ns,
            "seed": wish.seed,
        },
        "environment": {
            "lock_sha256": lock, "python": platform.python_version(), "b25": installed("b25"), "numba": installed("numba"),
            "engine": build_key(), "platform": platform.machine(),
        },
        "evidence": {
            "stream_sha256": proof.stream_sha256, "counts": proof.counts, "controls": proof.controls,
            "notebook": found.again.words if found.again else "not applicable",
            "metrics": figures,
        },
        "created": {"by": wish.by, "at_ns": now_ns},
    }  # fmt: skip


def _told(data: Dataset | Bars) -> dict[str, Any]:
    """What the manifest says of data."""
    if isinstance(data, Dataset):
        told = {"venue": data.venue, "symbol": data.symbol, "hash": data.hash}
        return told | {"start_ns": int(data.start_ns), "end_ns": int(data.end_ns)}
    told = {"venue": data.instrument.venue, "symbol": data.instrument.symbol, "timeframe": data.timeframe, "hash": data.hash}
    return told | {"start_ns": int(data.rows[0]["open_ns"]), "end_ns": int(data.rows[-1]["close_ns"])}


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
