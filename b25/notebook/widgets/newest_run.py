"""One run at a time, in a thread: a newer one takes the place of what waits, and ends what runs as soon as that can be ended.

Compiled strategies let go of the interpreter while they run, so the kernel stays free, and the data need not be copied to
another process; a class that is written in a cell could not even be sent there. A run of compiled code is asked to stop at
each of its pauses. One of plain Python is interrupted between two of its own lines.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any


class Superseded(BaseException):
    """A newer run was asked for, or this one was cancelled. The engine passes on what is no Exception as it is."""


class Interrupted(Superseded):
    """The same, raised from without between two lines of Python."""


class NewestRun:
    """Runs the newest job.

    Parameters
    ----------
    work : callable
        Takes a job and a `check`, which raises `Superseded` when the job is no longer wanted; runs in a thread.
    done : callable
        Takes the job, its answer or None, and what it raised or None. Called in the loop; without one, in the thread.
    loop : asyncio loop, optional
    """

    def __init__(
        self, work: Callable[[Any, Callable[..., None]], Any], done: Callable[[Any, Any, BaseException | None], None],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:  # fmt: skip
        self.work, self.done, self.loop = work, done, loop
        self.begun = self.superseded = 0
        self.idle = threading.Event()
        self.idle.set()
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._thread: threading.Thread | None = None
        self._is_stopped = self._is_plain = self._is_closed = self._is_interrupted = False

    def ask(self, job: Any) -> None:
        """Run a job, in place of any other."""
        with self._lock:
            if self._is_closed:
                return
            self.superseded += len(self._waiting)
            self._waiting = [job]
            if self._thread is None:
                self._begin()
            else:
                self._end()

    def cancel(self) -> None:
        """Run nothing more of what was asked for so far."""
        with self._lock:
            self._waiting = []
            self._end()

    def close(self) -> None:
        """Cancel, and take nothing any more."""
        with self._lock:
            self._is_closed = True
        self.cancel()

    def plain(self) -> None:
        """Tell, from within a job, that what comes is plain Python, and may be interrupted anywhere."""
        with self._lock:
            self._is_plain = True
        self.check()

    def check(self, *_: Any) -> None:
        """Raise `Superseded` in a job that is no longer wanted; takes what a `progress` is given."""
        if self._is_stopped:
            raise Superseded

    def _begin(self) -> None:
        """Start the job that waits; the lock is held."""
        job = self._waiting.pop()
        self._is_stopped = self._is_plain = self._is_interrupted = False
        self.begun += 1
        self.idle.clear()
        self._thread = threading.Thread(target=self._main, args=(job,), name="b25-explorer", daemon=True)
        self._thread.start()

    def _end(self) -> None:
        """Ask the job that runs to end; the lock is held."""
        if self._thread is None or self._is_stopped:
            return
        self._is_stopped = True
        if self._is_plain and self._thread.ident is not None:
            self._is_interrupted = True
            _interrupt(self._thread.ident)

    def _main(self, job: Any) -> None:
        found: list[tuple[Any, BaseException | None]] = []
        while True:
            try:
                self._settle(job, found)
                break
            except Interrupted as raised:
                self._is_interrupted = False
                found[:] = [(None, raised)]
        answer, fault = found[0]
        with self._lock:
            if isinstance(fault, Superseded):
                self.superseded += 1
            self._thread = None
            if self._waiting and not self._is_closed:
                self._begin()
        if not self._is_closed:
            self._hand_over(job, answer, fault)
        with self._lock:
            if self._thread is None:
                self.idle.set()

    def _settle(self, job: Any, found: list[tuple[Any, BaseException | None]]) -> None:
        """Do the job, unless there is an answer, and take whatever interruption is still on its way."""
        if not found:
            try:
                found.append((self.work(job, self.check), None))
            except Interrupted:
                raise
            except BaseException as raised:
                found.append((None, raised))
        with self._lock:  # from here on nothing interrupts this thread
            self._is_plain = False
            is_due = self._is_interrupted
        while (
            is_due
        ):  # it comes before one of the next lines; to take it back would leave the interpreter looking for it for ever
            time.sleep(0)

    def _hand_over(self, job: Any, answer: Any, fault: BaseException | None) -> None:
        if self.loop is None:
            self.done(job, answer, fault)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.done, job, answer, fault)


def _interrupt(thread: int) -> None:
    """Raise `Interrupted` in a thread before its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Interrupted))
