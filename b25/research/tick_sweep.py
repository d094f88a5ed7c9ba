"""Sweep over recorded ticks: each point is a whole backtest of the tick engine, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.research.backtest import backtest
from b25.research.dataset import Dataset
from b25.research.point_of import points_of
from b25.strategy.strategy import Strategy


@dataclass(frozen=True)
class TickPlan:
    """A strategy class on ticks, all of a run but its parameters.

    Parameters
    ----------
    cls : type of Strategy
    data : tuple of Dataset
    how : dict
        What `backtest` takes.
    """

    cls: type[Strategy]
    data: tuple[Dataset, ...]
    how: Mapping[str, Any]


@dataclass
class TickThreads:
    """Threads that run one backtest each; the compiled loop holds no lock.

    Parameters
    ----------
    plan : TickPlan
    fixed : dict
        Parameters that are the same in all points.
    jobs : int
    """

    plan: TickPlan
    fixed: Mapping[str, Any]
    jobs: int
    length: int = 1

    def __post_init__(self) -> None:
        for data in self.plan.data:
            _ = data.tape  # laid out once, before the threads would each do it
        self._first, self._ready = threading.Lock(), False
        self._pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="b25-sweep")

    def submit(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Begin a part."""
        return self._pool.submit(self._part, columns)

    def _part(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        with self._first:  # the first point compiles what all others find ready
            if not self._ready:
                rows = self._run(columns)
                self._ready = True
                return rows
        return self._run(columns)

    def _run(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return points_of(columns, self.fixed, lambda params: backtest(self.plan.cls, self.plan.data, **self.plan.how, **params))

    def wait_any(self, futures: set[Any]) -> set[Any]:
        """Wait until one of them is done; wakes now and then, so that Ctrl-C is heard."""
        while True:
            done, _ = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
            if done:
                return done

    def cancel(self) -> None:
        """Begin no more points."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
