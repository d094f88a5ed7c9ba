"""Which file the notebook of this kernel is, and whether what the kernel ran is what the file holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.promote.cells import read_saved

SAVE_AND_RUN = "Restart & Run All, save, then promote again"


class NotSaved(Misuse):
    """The kernel ran something else than the file holds."""

    code = "UNSAVED"


def notebook_path(shell: Any, given: str | None = None) -> Path:
    """Return the file of this notebook.

    Parameters
    ----------
    shell : InteractiveShell
    given : str, optional
        As the reader names it.

    Raises
    ------
    Misuse
        When nobody told the kernel which file it is of, or that file is not there.
    """
    told = given or shell.user_ns.get("__session__") or shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    if not told:
        raise Misuse("the kernel was not told which file this notebook is", remedy="name it: %promote CLASS --notebook FILE.ipynb")
    path = Path(str(told))
    if not path.is_file():
        raise Misuse(f"this notebook is not saved as {path}", remedy="save it, or name it: %promote CLASS --notebook FILE.ipynb")
    if path.suffix != ".ipynb":
        raise Misuse(f"{path} is no notebook", remedy="promote a file with b25 promote FILE.py:Class")
    return path


def history_of(shell: Any) -> dict[int, str]:
    """Return what this kernel ran, as it was written, by execution count."""
    raw = list(shell.history_manager.input_hist_raw)
    return {number: str(text) for number, text in enumerate(raw) if number > 0}


def check_saved(path: Path, history: Mapping[int, str]) -> None:
    """Check that every cell that ran is in the file as it ran.

    Parameters
    ----------
    path : Path
        The notebook.
    history : mapping of int to str
        See `history_of`.

    Raises
    ------
    NotSaved
        Names the first cell that differs.
    """
    for cell in read_saved(path).cells:
        if cell.count is None or not cell.source.strip():
            continue  # that a cell which is needed never ran, the lint finds
        ran = history.get(cell.count)
        if ran is None:
            raise NotSaved(
                f"cell {cell.id} of {path.name} ran as [{cell.count}] in another kernel, not in this one", remedy=SAVE_AND_RUN
            )
        if _plain(ran) != _plain(cell.source):
            raise NotSaved(
                f"cell {cell.id} of {path.name} differs from what this kernel ran as [{cell.count}]: "
                f"{_first_difference(ran, cell.source)}",
                remedy=SAVE_AND_RUN,
            )


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _first_difference(ran: str, saved: str) -> str:
    left, right = _plain(ran).splitlines(), _plain(saved).splitlines()
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else "nothing"
        other = right[number] if number < len(right) else "nothing"
        if one != other:
            return f"line {number + 1}, it ran {one.strip()!r}, the file has {other.strip()!r}"
    return "in white space"
