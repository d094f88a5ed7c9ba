"""Compile with two processors when nothing is compiled yet: the venue's half in a second process, the engine's in this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from b25.kernels.build import cache_directory


def marker() -> Path:
    """File that says that this build's venue code is in the cache."""
    return cache_directory() / "venue-parts"


def begin() -> subprocess.Popen[bytes] | None:
    """Start compiling the venue's half in another process, unless that was done before. The caller waits for it."""
    import numba

    if numba.config.DISABLE_JIT or marker().exists():
        return None
    return subprocess.Popen(
        [sys.executable, "-m", "b25.research.warm"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finish(other: subprocess.Popen[bytes] | None) -> None:
    """Compile the engine's half here, then wait for the other. Whatever the other could not do is done here, later."""
    if other is None:
        return
    from b25.engine.loop import run_loop
    from b25.engine.parts import settle, take_answer

    try:
        for part in (run_loop, settle, take_answer):
            part.code()
        other.wait()
    finally:
        if other.poll() is None:
            other.kill()


def compile_venue() -> None:
    """Compile the venue's half."""
    from b25.venue.parts import replay_part, request_part

    replay_part.code()
    request_part.code()
    marker().touch()


if __name__ == "__main__":
    compile_venue()
