"""Carry out the points of a sweep: threads here or workers of a cluster, part by part, each part kept as soon as it is done."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from b25.engine.sweep import SweepWorker
from b25.model.bar_run import POINT
from b25.model.errors import Misuse
from b25.research.bar_backtest import BarPlan
from b25.strategy.compile import compile_strategy

PART_STEPS = 50_000_000  # bars x points of a part: about a second of work
PART_POINTS = 4_096
PARTS_WAITING = 2  # beside those that are being run, so that nobody waits and nothing piles up


class Runner(Protocol):
    """Somebody who runs parts of a sweep."""

    length: int

    def submit(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Begin a part; returns a future of its POINT rows."""
        ...

    def wait_any(self, futures: set[Any]) -> set[Any]:
        """Wait until one of them is done; returns those that are."""
        ...

    def cancel(self) -> None:
        """Let what is under way end early."""
        ...

    def close(self) -> None:
        """Give back what was taken."""
        ...


@dataclass
class Threads:
    """The processors of this machine: compiled runs hold no lock, so threads share the bars and need no other process.

    Parameters
    ----------
    plan : BarPlan
    fixed : dict
        Parameters that are the same in all points.
    jobs : int
    """

    plan: BarPlan
    fixed: Mapping[str, Any]
    jobs: int
    length: int = field(init=False)

    def __post_init__(self) -> None:
        code = compile_strategy(self.plan.cls)
        tracks, setup = self.plan.tracks(), self.plan.setup()
        for track in tracks:
            for bars in track.frames:
                _ = bars.view  # made once, before the threads would each make it

        def make() -> SweepWorker:
            return SweepWorker(self.plan.cls, self.fixed, tracks, setup, code)

        self._make = make
        first = self._make()
        self._idle, self._all = [first], [first]
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="b25-sweep")
        steps = max(1, first.engine.step_end - first.engine.step_first)
        self.length = part_length(steps)

    def submit(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Begin a part."""
        return self._pool.submit(self._part, columns)

    def _part(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = self._make()
            with self._lock:
                self._all.append(worker)
        results = np.zeros(next(iter(columns.values())).size, POINT)
        try:
            worker.run(columns, results)
        finally:
            with self._lock:
                self._idle.append(worker)
        return results

    def wait_any(self, futures: set[Any]) -> set[Any]:
        """Wait until one of them is done; wakes now and then, so that Ctrl-C is heard."""
        while True:
            done, _ = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
            if done:
                return done

    def cancel(self) -> None:
        """Let every thread end after the point that it is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for worker in self._all:
                worker.stop()
        self._pool.shutdown(wait=True)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass
class OnePython:
    """A class that cannot be compiled: its points run one after the other as plain Python, slowly."""

    plan: BarPlan
    fixed: Mapping[str, Any]
    length: int = 1

    def submit(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Run a part at once."""
        from concurrent.futures import Future

        from b25.research.bar_backtest import run_plan
        from b25.research.point_of import points_of

        future: Future[np.ndarray] = Future()
        future.set_result(points_of(columns, self.fixed, lambda params: run_plan(self.plan, params, compiled=False)))
        return future

    def wait_any(self, futures: set[Any]) -> set[Any]:
        """All are done."""
        return set(futures)

    def cancel(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing was taken."""


def part_length(steps: int) -> int:
    """Points of a part, where each takes so many steps."""
    return max(1, min(PART_POINTS, PART_STEPS // steps))


def cores(jobs: int | None) -> int:
    """How many threads a sweep takes: as many as asked for, else one a processor that this process may use."""
    if jobs is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise Misuse(f"jobs={jobs!r}", remedy="give a number of threads, 1 or more")
    return jobs


def run_points(
    runner: Runner,
    missing: list[tuple[int, int]],
    columns: Callable[[int, int], Mapping[str, np.ndarray]],
    take: Callable[[int, int, np.ndarray], None],
    width: int,
) -> None:
    """Run parts, at most so many at a time and a few waiting, and hand each one over as it is done.

    Parameters
    ----------
    runner : Runner
    missing : list of (first, last)
        Parts to run.
    columns : callable
        Parameters of the points of a part.
    take : callable
        Takes `first`, `last` and the POINT rows; what it raises ends the sweep.
    width : int
        Parts that can be run at the same time.
    """
    waiting = list(reversed(missing))
    running: dict[Any, tuple[int, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < width + PARTS_WAITING:
                first, last = waiting.pop()
                running[runner.submit(columns(first, last))] = (first, last)
            for future in runner.wait_any(set(running)):
                first, last = running.pop(future)
                take(first, last, future.result())
    except BaseException:
        runner.cancel()
        raise
