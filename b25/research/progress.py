"""Tell how far long work has come and how long it will take: tqdm where it is installed and somebody looks, else nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self


def is_tested() -> bool:
    """Whether a test runs this process, or one that a test started: then nothing is shown that differs from run to run."""
    return "PYTEST_CURRENT_TEST" in os.environ or "NBVAL_TEST" in os.environ or "PYTEST_VERSION" in os.environ


class Progress:
    """A count of things done, shown while the body runs.

    Parameters
    ----------
    total : int
    shown : bool or callable
        Whether to show it; a callable takes (done, total) instead.
    what : str
        What is counted.
    """

    def __init__(self, total: int, shown: bool | Callable[[int, int], None], *, what: str) -> None:
        self.total, self.done = total, 0
        self._tell = shown if callable(shown) else None
        self._bar: Any = None
        if shown is True and not is_tested() and (sys.stderr.isatty() or "ipykernel" in sys.modules):
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = tqdm(total=total, unit=f" {what}", delay=1.0, leave=False)

    def add(self, count: int) -> None:
        """Count some more."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        if self._tell is not None:
            self._tell(self.done, self.total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
