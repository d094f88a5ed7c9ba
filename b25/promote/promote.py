"""Promotes a class: lint, cut, import alone, prove, look for bias, freeze. The first step that fails ends it; nothing is left."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final

from b25.kernels.build import build_key
from b25.market.bars import Bars
from b25.model.errors import Misuse
from b25.promote.cut import Cut, cut
from b25.promote.isolate import isolate
from b25.promote.kinds import BarLives, BarSetting, Lives, TickLives
from b25.promote.lives import Setting
from b25.promote.proof import Proof, Prover
from b25.promote.version import LIVE, SOURCE, Version, canonical, freeze, snake
from b25.research.bias import check
from b25.research.dataset import Dataset
from b25.research.strategy_file import load_strategy
from b25.risk.limits import Limits
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy
from b25.venue.models import ConstantLatency, Fees

WARM_UP_NS: Final = 60_000_000_000
WARM_UP_BARS: Final = 100
STEPS: Final = ("lint", "cut", "isolate", "prove", "bias", "freeze")
LOCK: Final = Path("requirements/run.lock.txt")
Say = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be promoted, and on what it is to be proven.

    Attributes
    ----------
    where : str
        ``NOTEBOOK.ipynb:Class`` or ``FILE.py:Class``.
    data : Dataset, or tuple of Bars
        Of one instrument recorded, or bars of one or several.
    params : dict
        Parameters that it is to have.
    by : str
        Who promotes it.
    never_cancels : bool
        Whether the author declares that it never cancels.
    """

    where: str
    data: Dataset | tuple[Bars, ...]
    by: str
    params: dict[str, Any] = field(default_factory=dict)
    fees: Fees = field(default_factory=Fees)
    limits: Limits = field(default_factory=Limits)
    balance: float = 10_000.0
    latency_ns: int = 3_000_000
    never_cancels: bool = False


class Refused(Misuse):
    """A step found something; nothing was promoted."""

    exit_code = 1


def judge(where: str, say: Say) -> tuple[Cut, dict[str, Any]]:
    """Lint, cut and import alone: what `--dry-run` does. Raises Refused with the first finding."""
    started = time.monotonic()
    made = cut(where)
    for one in made.findings:
        say("lint", str(one))
    if made.errors:
        more = f"; {len(made.errors) - 1} more" if len(made.errors) > 1 else ""
        raise Refused(f"{made.name}: {made.errors[0]}{more}", remedy="b25 promote --explain CODE tells why")
    say("lint", f"{len(made.findings)} warnings, {time.monotonic() - started:.1f} s")
    say("cut", f"{len(made.text.splitlines())} lines out of {len(made.cells)} cells")
    told = isolate(made.text, made.name)
    say("isolate", f"imported alone; {', '.join(told['callbacks']) or 'no callbacks'}")
    return made, told


def promote(wish: Wish, say: Say, *, root: Path = LIVE, secrets_folder: Path, now_ns: int) -> Version:
    """Return the frozen version.

    Raises
    ------
    Refused
        With what the first failing step found.
    """
    made, _ = judge(wish.where, say)
    with tempfile.TemporaryDirectory(prefix="b25-promote-") as folder:
        file = Path(folder) / SOURCE
        file.write_text(made.text, encoding="utf-8")
        cls = load_strategy(f"{file}:{made.name}")
        cls.record(wish.params)
        proof = Prover(_lives(cls, wish), file, wish.never_cancels, lambda text: say("prove", text)).prove()
        _believe(made.name, proof)
        say("prove", f"{proof.counts['effects']:,} effects the same in every life; {proof.coverage:.0%} of its lines ran")
        say("bias", "looking for look-ahead and warm-up")
        how: dict[str, Any] = {} if isinstance(wish.data, tuple) else {"latency": ConstantLatency(wish.latency_ns)}
        bias = check(cls, wish.data, fees=wish.fees, limits=wish.limits, **how, **wish.params)
        if not bias.ok:
            raise Refused(f"{made.name}: {bias.findings[0]}", remedy="see b25 backtest --check")
        behaviour = behaviour_key(cls)
    files = {
        SOURCE: made.text.encode(),
        f"source{made.saved.path.suffix}": made.saved.path.read_bytes(),
        "proof.json": canonical(asdict(proof)),
        "bias.json": canonical({"ok": bias.ok, "findings": [str(one) for one in bias.findings]}),
    }
    if hashlib.sha256(files[f"source{made.saved.path.suffix}"]).hexdigest() != made.saved.sha256:
        raise Refused(f"{made.saved.path} changed while it was promoted", remedy="save it, and promote again")
    version = freeze(root, snake(made.name), files, _facts(wish, made, proof, behaviour, now_ns), secrets_folder)
    say("freeze", f"{version.reference} in {version.folder}, content {version.content_id[:12]}")
    return version


def _lives(cls: type[Strategy], wish: Wish) -> Lives:
    """Return the lives on the data at hand."""
    common: dict[str, Any] = {
        "cls": cls,
        "params": wish.params,
        "fees": wish.fees,
        "limits": wish.limits,
        "balance": wish.balance,
    }
    if isinstance(wish.data, tuple):
        return BarLives(BarSetting(**common, bars=wish.data, warmup=WARM_UP_BARS))
    span = wish.data.start_ns + WARM_UP_NS, wish.data.end_ns
    return TickLives(Setting(**common, tape=wish.data.tape, span=span, latency_ns=wish.latency_ns))


def _believe(name: str, proof: Proof) -> None:
    if proof.divergence is not None:
        one = proof.divergence
        raise Refused(
            f"{name}: {one.between} differ at effect {one.place}: {one.left or 'nothing'} and {one.right or 'nothing'}",
            remedy="something in it is not the same every time: state outside the record, or order of a set",
        )
    if proof.vacuous:
        raise Refused(f"{name}: the comparison would prove too little: {'; '.join(proof.vacuous)}", remedy="give more data")
    if failed := [what for what, how in proof.controls.items() if not how]:
        raise Refused(f"{name}: the comparison did not notice: {', '.join(failed)}", remedy="give data on which it matters")


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
