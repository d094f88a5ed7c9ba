"""Which file the notebook of this kernel is, and what the kernel was given to run: a promotion holds one against the other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse

NAME_IT: Final = "name it: --notebook FILE.ipynb"


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
    names = ("__session__", "__vsc_ipynb_file__")
    told = given or next((held for name in names if (held := shell.user_ns.get(name))), None)
    told = told or os.environ.get("JPY_SESSION_NAME")
    if not told:
        raise Misuse("the kernel was not told which file this notebook is", remedy=NAME_IT)
    path = Path(str(told))
    if not path.is_file():
        raise Misuse(f"this notebook is not saved as {path}", remedy=f"save it, or {NAME_IT}")
    if path.suffix != ".ipynb":
        raise Misuse(f"{path} is no notebook", remedy="promote a file with b25 promote FILE.py:Class")
    return path


def history_of(shell: Any) -> list[str]:
    """Return what this kernel was given to run, as it was written, oldest first."""
    return [str(text) for text in shell.history_manager.input_hist_raw]
