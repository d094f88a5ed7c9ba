"""Compile with two processors when nothing is compiled yet: the venue's half in a second process, the engine's in this one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from b25.kernels.build import cache_directory


def marker() -> Path:
    """File that says that this build's venue code is in the cache."""
    return cache_directory() / "venue-parts"


@contextmanager
def both_halves() -> Iterator[None]:
    """Compile the venue's half in another process while the body runs, then the engine's here; unless that was done before.

    Whatever the other process could not do is done here, when it is needed. It does not outlive the body's failure.
    """
    import numba

    if numba.config.DISABLE_JIT or marker().exists():
        yield
        return
    silent = subprocess.DEVNULL
    other = subprocess.Popen([sys.executable, "-m", "b25.research.warm"], stdin=silent, stdout=silent, stderr=silent)
    try:
        yield
        from b25.engine.loop import run_loop
        from b25.engine.parts import settle, take_answer

        for part in (run_loop, settle, take_answer):
            part.code()
    except BaseException:
        other.kill()
        raise
    finally:
        other.wait()


def compile_venue() -> None:
    """Compile the venue's half."""
    from b25.venue.parts import replay_part, request_part

    replay_part.code()
    request_part.code()
    marker().touch()


if __name__ == "__main__":
    compile_venue()
