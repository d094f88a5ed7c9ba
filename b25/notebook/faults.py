"""A fault of b25 in a notebook: what went wrong, where in the cell, and the remedy, without pages of frames."""

from __future__ import annotations

import linecache
import traceback
from typing import Any, Final

from b25.model.errors import B25Error

HOOK: Final = "_render_traceback_"  # IPython asks an exception for it before it draws its own
RED, PLAIN = "\x1b[31m", "\x1b[0m"


def show_briefly() -> None:
    """Have faults of b25 shown in a few lines. ``%tb`` and ``raise`` are as before for everything else."""
    setattr(B25Error, HOOK, _lines)


def show_in_full() -> None:
    """Have them shown as IPython shows all others."""
    if HOOK in vars(B25Error):
        delattr(B25Error, HOOK)


def is_brief() -> bool:
    """Whether faults of b25 are shown in a few lines."""
    return HOOK in vars(B25Error)


def _lines(fault: B25Error) -> list[str]:
    told = [f"{RED}{type(fault).__name__}{PLAIN}: {fault.what}"]
    if place := _place_in_cell(fault):
        told.append(f"  at line {place[0]} of the cell: {place[1]}")
    told.append(f"  remedy: {fault.remedy}")
    return told


def _place_in_cell(fault: BaseException) -> tuple[int, str] | None:
    """The last line of a cell on the way to the fault; None where a magic failed, whose line the reader sees anyway."""
    for frame in reversed(traceback.extract_tb(fault.__traceback__)):
        if "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input"):
            text = linecache.getline(frame.filename, frame.lineno or 0).strip() or (frame.line or "")
            return None if "get_ipython()" in text or not text else (frame.lineno or 0, text)
    return None


def one_line(fault: Any) -> str:
    """A fault as one line of text."""
    return f"{fault.what}; {fault.remedy}" if isinstance(fault, B25Error) else f"{type(fault).__name__}: {fault}"
