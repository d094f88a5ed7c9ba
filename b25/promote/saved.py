"""Whether the kernel's memory and the saved file agree: each name that the class needs was last bound by what the file says."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from b25.promote.cells import Cell, Saved
from b25.promote.closure import Closure
from b25.promote.findings import Finding
from b25.promote.statements import Statement, statements


def unsaved(found: Closure, history: Sequence[str]) -> list[Finding]:
    """Return what the kernel holds otherwise than the file.

    Parameters
    ----------
    found : Closure
        What the class needs, as it was saved.
    history : sequence of str
        What the kernel was given to run, oldest first; IPython's ``In``.
    """
    last: dict[str, Statement] = {}
    for one in statements(_as_saved(history))[0]:  # what could not be read did not run
        for name in one.binds:
            last[name] = one
    told = []
    for name, one in found.defined.items():
        ran = last.get(name)
        if ran is None:
            told.append(one.finding("UNSAVED", f"{name} stands in the file, and this kernel never ran it"))
        elif ast.dump(ran.node) != ast.dump(one.node):
            told.append(one.finding("UNSAVED", f"{name} is another in the kernel, since {ran.cell.id}, than in the file"))
    return told


def _as_saved(history: Sequence[str]) -> Saved:
    cells = tuple(Cell(id=f"In[{i}]", source=text, count=i) for i, text in enumerate(history) if text.strip())
    return Saved(path=Path("kernel"), sha256="", cells=cells, is_notebook=True)
