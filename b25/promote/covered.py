"""Which lines of a strategy ran: traced in that one file, so that the rest runs as fast as ever."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

Found = TypeVar("Found")


class Covered:
    """Watches a file while something runs.

    Attributes
    ----------
    share : float
        Of the lines in functions that ran; 1 when there are none.
    missed : list of int
        Lines that did not run.
    """

    def __init__(self, file: Path) -> None:
        self.file = str(file)
        self._hit: set[int] = set()
        code = compile(file.read_text(encoding="utf-8"), self.file, "exec")
        self._all = {line for one in _functions(code) for line in _lines(one)}

    @property
    def missed(self) -> list[int]:
        """Lines that did not run."""
        return sorted(self._all - self._hit)

    @property
    def share(self) -> float:
        """Share of the lines that ran."""
        return 1.0 - len(self.missed) / len(self._all) if self._all else 1.0

    def watch(self, work: Callable[[], Found]) -> Found:
        """Do something while the file is watched, and return what it returns.

        It is done in a thread of its own, so that what traces the caller's (a debugger, say) stays as it is.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="b25-covered") as thread:
            return thread.submit(self._traced, work).result()

    def _traced(self, work: Callable[[], Found]) -> Found:
        sys.settrace(self._call)
        try:
            return work()
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename == self.file else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self._hit.add(frame.f_lineno)
        return self._line


def _functions(code: CodeType) -> list[CodeType]:
    """Code of functions; bodies of modules and classes run when the file is imported."""
    found = []
    for one in code.co_consts:
        if isinstance(one, CodeType):
            is_class = "__qualname__" in one.co_names and "__module__" in one.co_names
            found += ([] if is_class else [one]) + _functions(one)
    return found


def _lines(code: CodeType) -> set[int]:
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}
