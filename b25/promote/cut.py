"""Cuts a class and all it needs out of a saved notebook: original text, comments kept, each part with the mark of its cell."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from b25.model.errors import Misuse
from b25.promote.cells import Saved, read_saved
from b25.promote.closure import Closure, closure
from b25.promote.findings import Finding, Level
from b25.promote.lint import lint
from b25.promote.saved import unsaved
from b25.promote.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A class cut out of a file.

    Attributes
    ----------
    text : str
        Of the module; the same for the same file, byte for byte.
    findings : tuple of Finding
        Warnings, and with errors no text.
    cells : tuple of str
        Ids of the cells that it is from.
    """

    name: str
    saved: Saved
    text: str
    findings: tuple[Finding, ...]
    cells: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops a promotion."""
        return tuple(one for one in self.findings if one.level is Level.ERROR)


def saved_of(where: str) -> tuple[Saved, str]:
    """Return the file and the class that are named. Raises Misuse when there is no such file, or no class is named."""
    name, _, root = where.rpartition(":")
    if not name or not root.isidentifier():
        raise Misuse(f"{where!r} names no class of a file", remedy="give NOTEBOOK.ipynb:Class")
    return read_saved(Path(name)), root


def cut(where: str, *, compiled: bool = True, history: Sequence[str] | None = None) -> Cut:
    """Cut a class out, and judge it.

    Parameters
    ----------
    where : str
        ``NOTEBOOK.ipynb:Class`` or ``FILE.py:Class``.
    compiled : bool
        False for a class that is to run as plain Python, and may import more.
    history : sequence of str, optional
        What the kernel was given to run: what the class needs has to stand in it as it stands in the file.

    Raises
    ------
    Misuse
        When there is no such file, or no class is named.
    """
    saved, root = saved_of(where)
    every, faults = statements(saved)
    found, more = closure(root, every)
    late = unsaved(found, history) if history is not None else []
    findings = tuple(dict.fromkeys([*faults, *more, *lint(saved, every, found, compiled=compiled), *late]))
    cells = tuple(dict.fromkeys(one.cell.id for one in found.needed))
    made = Cut(name=root, saved=saved, text="", findings=findings, cells=cells)
    if made.errors:
        return made
    return Cut(name=root, saved=saved, text=_text(saved, found), findings=findings, cells=cells)


def _text(saved: Saved, found: Closure) -> str:
    """Module of what is needed: `from __future__` first, the rest in the order of the file."""
    first = [one for one in found.needed if isinstance(one.node, ast.ImportFrom) and one.node.module == "__future__"]
    parts: list[str] = []
    mark = ""
    for one in [*first, *(one for one in found.needed if one not in first)]:
        here = f"# %% {saved.mark_name}#{one.cell.id}"
        if here != mark:
            parts.append(here)
            mark = here
        parts.append(one.text)
    return "\n\n".join(parts) + "\n"
