"""Limits of a run and of everything that it starts: memory, files, priority, time; and its end, with all of its processes.

A kernel starts a session of its own, so that a process group does not hold it. The run is therefore made the parent of whatever
is orphaned below it, and the whole tree is read from /proc.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

FILE_BYTES_MAX: Final = 2**30
LOOK_S: Final = 0.2
MB: Final = 2**20
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def adopt_orphans() -> None:
    """Make this process the parent of whatever below it loses its own."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def limit_kernel(memory_mb: int) -> Callable[[], None]:
    """Return what a kernel does before it begins: end with its parent, write no endless file, take no memory without bound.

    Resident memory is what counts, and is watched; this bound is twice as far, for what is taken between two looks.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def apply() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for what, most in ((resource.RLIMIT_FSIZE, FILE_BYTES_MAX), (resource.RLIMIT_DATA, 2 * memory_mb * MB + 2**30)):
            _, hard = resource.getrlimit(what)
            wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (wanted, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

    return apply


def descendants(pid: int) -> list[int]:
    """Processes below one, children before theirs."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = (path / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                below.setdefault(int(words[1]), []).append(int(path.name))
    found, waiting = list[int](), [pid]
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def kill_below(pid: int) -> None:
    """End everything below a process, and what it starts meanwhile."""
    for _ in range(20):
        alive = [one for one in descendants(pid) if not _is_zombie(one)]
        if not alive:
            return
        for one in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        time.sleep(0.05)


def kill_tree(pid: int) -> None:
    """End a process and everything below it."""
    below = descendants(pid)
    for one in (pid, *below):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


def resident_mb(pid: int) -> int:
    """Resident memory of everything below a process, in MB."""
    pages = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages += int(Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE // MB


def worker_of(pid: int) -> str:
    """Name of a process that no other ever has: ``"host/pid/start"``."""
    return f"{os.uname().nodename}/{pid}/{_started(pid)}"


def worker_is_gone(worker: str) -> bool | None:
    """Whether that process lives no more; None for one of another machine."""
    host, _, rest = worker.partition("/")
    pid, _, started = rest.partition("/")
    if host != os.uname().nodename or not pid.isdigit():
        return None
    return _started(int(pid)) != started or _is_zombie(int(pid))


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


class Watch(threading.Thread):
    """Ends the kernel when it takes too much memory or time, and says which it was.

    Parameters
    ----------
    memory_mb : int
    until_s : float
        Monotonic time.
    beat : callable
        Called about once a second; False when the run is no longer ours.
    """

    def __init__(self, memory_mb: int, until_s: float, beat: Callable[[], bool]) -> None:
        super().__init__(name="b25-report-watch", daemon=True)
        self.memory_mb, self.until_s, self.beat = memory_mb, until_s, beat
        self.why = ""
        self.most_mb = 0
        self._over = threading.Event()

    def run(self) -> None:
        """Look until it is over."""
        looks = 0
        while not self._over.wait(LOOK_S):
            looks += 1
            if self.why:  # what was just starting when the others were ended
                kill_below(os.getpid())
                continue
            used = resident_mb(os.getpid())
            self.most_mb = max(self.most_mb, used)
            if used > self.memory_mb:
                self.end("memory")
            elif time.monotonic() > self.until_s:
                self.end("time")
            elif looks % 5 == 0:
                with contextlib.suppress(Exception):  # a store that is away now may be back at the next beat
                    if not self.beat():
                        self.end("lost")

    def end(self, why: str) -> None:
        """End everything below this process."""
        self.why = self.why or why
        kill_below(os.getpid())

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
