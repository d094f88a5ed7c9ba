"""The newest value only: what any thread puts in is taken out in the kernel's loop, at most ten times a second.

While a cell runs the loop stands still; then one value waits, not a queue of them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final

PERIOD_S: Final = 0.1


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the kernel's loop; None where none runs, as in a script."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class NewestValue:
    """Hands over the newest value.

    Parameters
    ----------
    take : callable
        Called with it, in the loop; without a loop, at once in the thread that puts it.
    loop : asyncio loop, optional
        Default: the one that runs.
    period_s : float
        Least time between two calls of `take`.
    """

    def __init__(
        self, take: Callable[[Any], None], loop: asyncio.AbstractEventLoop | None = None, *, period_s: float = PERIOD_S
    ) -> None:
        self.take, self.loop, self.period_s = take, loop or running_loop(), period_s
        self.overwritten = 0
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._is_armed = self._is_closed = False
        self._last_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def put(self, value: Any) -> None:
        """Give a value, from any thread; one that still waits is forgotten."""
        if self.loop is None:
            if not self._is_closed:
                self.take(value)
            return
        with self._lock:
            if self._is_closed:
                return
            self.overwritten += len(self._waiting)
            self._waiting = [value]
            if self._is_armed:
                return
            self._is_armed = True
        try:
            self.loop.call_soon_threadsafe(self._arm)
        except RuntimeError:  # the loop is closed: the kernel ends
            self._is_closed = True

    def _arm(self) -> None:
        assert self.loop is not None
        wait_s = self._last_s + self.period_s - self.loop.time()
        if wait_s <= 0:
            self._flush()
        else:
            self._timer = self.loop.call_later(wait_s, self._flush)

    def _flush(self) -> None:
        assert self.loop is not None
        with self._lock:
            waiting, self._waiting, self._is_armed = self._waiting, [], False
            if self._is_closed or not waiting:
                return
        self._last_s = self.loop.time()
        self.take(waiting[0])

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._is_closed, self._waiting = True, []
        if self._timer is not None:
            self._timer.cancel()
