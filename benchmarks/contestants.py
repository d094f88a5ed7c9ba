"""Who takes part: the environments of the peers, the processes that stay up and answer, and fresh ones timed from outside."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requirements.install import find_uv, uv_environment

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
CACHE = ROOT / ".cache" / "bench"
LOCKS = HERE / "requirements"
# Timed work goes to the last core; the bench itself, and whatever else the machine does, is more at home on the others.
TIMED_CORE = (os.cpu_count() or 1) - 1


class BenchFailed(Exception):
    """A contestant could not be set up, died, or gave another result than it must."""


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"bench: {text}", flush=True)


def environment(peer: str) -> Path:
    """Python of a peer's own environment, made from its hashed lock unless it is there already."""
    folder, lock = CACHE / peer, LOCKS / f"{peer}.txt"
    python, stamp = folder / "bin" / "python", folder / "lock.sha256"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode() + str(ROOT).encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    say(f"making the environment of {peer} from {lock.relative_to(ROOT)}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = find_uv()
    checked([sys.executable, "-m", "venv", *(["--without-pip"] if uv else []), str(folder)])
    installer = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install", "--quiet"]
    checked([*installer, "--require-hashes", "-r", str(lock)], uv_environment() if uv else None)
    stamp.write_text(wanted)
    return python


def checked(command: list[str], variables: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(command[:4])} … failed:\n{done.stderr[-2000:]}")


class Worker:
    """A process that stays up and answers one request a line, pinned to one core unless told otherwise; see serving.py."""

    def __init__(self, script: str, python: Path | str = sys.executable, *, pinned: bool = True) -> None:
        self.script = script
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 — it lives as long as the process
        self.process = subprocess.Popen(
            [str(python), str(HERE / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        if pinned and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.process.pid, {TIMED_CORE})

    def ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Have one thing done; its answer, with the process's peak memory beside it."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": action, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise BenchFailed(f"{self.script} died while doing {action}:\n{self.errors.read()[-3000:]}")
        told = json.loads(line)
        answer: dict[str, Any] = {**told["answer"], "peak_rss_bytes": told["peak_rss_bytes"]}
        return answer

    def close(self) -> None:
        """Let it go; it ends when its input does."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Finished:
    """One process from its start to its end, as seen from outside."""

    wall_s: float
    peak_rss_bytes: int
    answer: dict[str, Any]
    progress: str


def b25(words: list[str], variables: dict[str, str] | None = None) -> Finished:
    """Run one b25 command in a fresh process, unpinned, as a user would."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as progress:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "b25", *words], stdout=said, stderr=progress, cwd=ROOT, env={**os.environ, **(variables or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        progress.seek(0)
        text = said.read()
        if process.returncode != 0:
            raise BenchFailed(f"b25 {' '.join(words)}: exit {process.returncode}\n{text}{progress.read()[-2000:]}")
        return Finished(wall_s, usage.ru_maxrss * 1024, json.loads(text), progress.read())
