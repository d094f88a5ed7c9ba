"""What every part of access works with, and where the slow work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from b25.api.auth.access_token import AccessTokens
from b25.api.auth.key_ring import KeyRing
from b25.api.auth.passwords import Hasher
from b25.api.auth.standing import Standing
from b25.api.auth.throttle import Throttle
from b25.api.problems import Problem
from b25.store.store import Store

Result = TypeVar("Result")
WORKERS: Final = 2  # a password takes 64 MiB and four lanes
WAITING_MAX: Final = 32


class Alarm(Protocol):
    """Tells somebody at once: `b25.runner.alarms.Alarms.alarm` is one."""

    def __call__(self, kind: str, what: str, **facts: Any) -> None:
        """Raise an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The parts."""

    store: Store
    ring: KeyRing
    tokens: AccessTokens
    hasher: Hasher
    throttle: Throttle
    standing: Standing
    now_ns: Callable[[], int]
    alarm: Alarm
    refresh_s: int


class SlowWork:
    """Runs what hashes passwords on threads of its own: neither the event loop nor the routes' threads wait for it."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="b25-sign-in")
        self._waiting = 0

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Return what the work returns. Raises Problem 503 when too much waits already."""
        if self._waiting >= WAITING_MAX:
            raise Problem(503, "too many sign-ins at one moment", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*arguments))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
