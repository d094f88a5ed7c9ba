"""The cells of a saved notebook as they stand in the file; a Python file is a notebook of one cell."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse

NOT_THIS, THIS = "no-promote", "promote"  # tags of cells
ORIGIN = re.compile(r"[^#/\\\s]{1,200}\.(?:ipynb|py)")  # a name that a mark can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of code.

    Attributes
    ----------
    count : int or None
        When it ran; None for never.
    outputs : str
        Text of what it printed and showed.
    """

    id: str
    source: str
    count: int | None
    tags: frozenset[str] = field(default_factory=frozenset)
    outputs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A file with strategies in it.

    Attributes
    ----------
    is_notebook : bool
        False for a Python file, which has no order of running.
    origin : str
        Of a notebook that a version was checked out into: the file that its cells are from; empty otherwise.
    """

    path: Path
    sha256: str
    cells: tuple[Cell, ...]
    is_notebook: bool
    origin: str = ""

    @property
    def mark_name(self) -> str:
        """Which file the marks of origin name."""
        return self.origin or self.path.name


def read_saved(path: Path) -> Saved:
    """Read a notebook or a Python file.

    Raises
    ------
    Misuse
        When it is not there, is no notebook, or its cells have no ids.
    """
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise Misuse(f"{path} cannot be read: {fault.strerror}", remedy="give NOTEBOOK.ipynb:Class or FILE.py:Class") from None
    digest = hashlib.sha256(raw).hexdigest()
    if path.suffix == ".py":
        cell = Cell(id="file", source=raw.decode("utf-8"), count=1)
        return Saved(path=path, sha256=digest, cells=(cell,), is_notebook=False)
    try:
        held = json.loads(raw)
        cells = tuple(_cell(path, place, one) for place, one in enumerate(held["cells"]) if one["cell_type"] == "code")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misuse(f"{path} is no notebook", remedy="save it in JupyterLab, or give a Python file") from None
    language = held.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise Misuse(f"{path} is a notebook in {language}", remedy="a strategy is written in Python")
    origin = str(held.get("metadata", {}).get("b25", {}).get("origin", ""))
    return Saved(path=path, sha256=digest, cells=cells, is_notebook=True, origin=origin if ORIGIN.fullmatch(origin) else "")


def _cell(path: Path, place: int, held: dict[str, Any]) -> Cell:
    if "id" not in held:
        raise Misuse(f"cell {place + 1} of {path} has no id", remedy="save the notebook in a current JupyterLab (format 4.5)")
    return Cell(
        id=str(held["id"]), source=_text(held["source"]), count=held.get("execution_count"),
        tags=frozenset(held.get("metadata", {}).get("tags", ())),
        outputs="\n".join(_output(one) for one in held.get("outputs", ())),
    )  # fmt: skip


def _output(held: dict[str, Any]) -> str:
    parts = [_text(held.get("text", "")), *held.get("traceback", ())]
    parts += [_text(value) if isinstance(value, str | list) else json.dumps(value) for value in held.get("data", {}).values()]
    return "\n".join(parts)


def _text(held: str | list[str]) -> str:
    return held if isinstance(held, str) else "".join(held)
