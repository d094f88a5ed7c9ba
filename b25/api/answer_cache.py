"""Answers that are kept for a minute, each for who asked only, under a key that the same question always has."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from b25.api.principal import Principal

KEPT_S: Final = 60.0
ENTRIES_MAX: Final = 1_000
BYTES_MAX: Final = 64 * 2**20


def cache_key(by: Principal, route: str, asked: Mapping[str, Any]) -> bytes:
    """What an answer is kept under: who asked, what he may see, the route, and the question in one order."""
    accounts = None if by.accounts is None else sorted(by.accounts)
    return orjson.dumps([by.name, accounts, route, dict(asked)], option=orjson.OPT_SORT_KEYS, default=str)


class AnswerCache:
    """Answers by key; the oldest goes when there is no room. From any thread.

    Parameters
    ----------
    clock_s : callable
        Monotonic.
    """

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.clock_s = clock_s
        self.hits = self.misses = 0
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        """Return an answer that is not too old; None when there is none."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found[0] > self.clock_s():
                self.hits += 1
                return found[1]
            self.misses += 1
            return None

    def put(self, key: bytes, answer: bytes, *, kept_s: float = KEPT_S) -> None:
        """Keep an answer for a while."""
        with self._lock:
            self._drop(key)
            self._kept[key] = (self.clock_s() + kept_s, answer)
            self._bytes += len(answer)
            while self._kept and (len(self._kept) > ENTRIES_MAX or self._bytes > BYTES_MAX):
                self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= len(found[1])
