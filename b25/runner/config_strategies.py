"""Gives the class of a configured strategy: from files of one folder only, each read again when it has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from b25.model.errors import Misuse
from b25.research.strategy_file import load_strategy
from b25.strategy.strategy import Strategy

PREFIX: Final = "strategies/"
KEPT: Final = 200


def loader(folder: Path) -> Callable[[str], type[Strategy]]:
    """Return a function that gives the class of ``strategies/FILE.py:Class``; it raises Misuse for what is not there."""
    known: dict[str, tuple[int, type[Strategy]]] = {}

    def load(where: str) -> type[Strategy]:
        name, _, wanted = where.removeprefix(PREFIX).rpartition(":")
        path = (folder / name).resolve()
        if not where.startswith(PREFIX) or not path.is_relative_to(folder.resolve()):
            raise Misuse(f"{where} is not below {PREFIX}", remedy=f"write {PREFIX}FILE.py:Class")
        stamp = path.stat().st_mtime_ns if path.is_file() else 0
        if (kept := known.get(where)) is not None and kept[0] == stamp:
            return kept[1]
        cls = load_strategy(f"{path}:{wanted}")
        if len(known) >= KEPT:
            known.clear()
        known[where] = (stamp, cls)
        return cls

    return load
