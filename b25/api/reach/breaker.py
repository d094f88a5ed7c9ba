"""A circuit breaker, without a clock: what fails again and again is left alone for a while, then tried, then used."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Circuit(StrEnum):
    """How it stands."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When it opens, for how long, and what closes it.

    Attributes
    ----------
    failures : int
        So many within the window open it; 0 goes by the ratio alone.
    requests_min, ratio : int, float
        So many within the window, and such a part of them failed, open it too; 0 goes by the number alone.
    probes : int
        At one time, once it was open long enough.
    successes : int
        Of probes in a row, that close it; one failure opens it anew.
    """

    failures: int = 5
    window_s: float = 30.0
    open_s: float = 30.0
    probes: int = 3
    successes: int = 3
    probe_s: float = 30.0
    requests_min: int = 0
    ratio: float = 0.0


GENERIC: Final = Terms()
GATEWAY: Final = Terms(failures=0, window_s=10.0, open_s=60.0, requests_min=3, ratio=0.6)
TO_ORDERS: Final = Terms(open_s=120.0)


class Breaker:
    """One downstream's.

    Parameters
    ----------
    terms : Terms
    """

    def __init__(self, terms: Terms = GENERIC) -> None:
        self.terms = terms
        self.circuit = Circuit.CLOSED
        self.since_s = 0.0
        self._told: deque[tuple[float, bool]] = deque()
        self._probes: deque[float] = deque()  # when each began
        self._good = 0

    def may(self, now_s: float) -> bool:
        """Whether to ask it now. Whoever is told yes must tell how it went: `told`."""
        if self.circuit is Circuit.CLOSED:
            return True
        if self.circuit is Circuit.OPEN:
            if now_s - self.since_s < self.terms.open_s:
                return False
            self._become(Circuit.PROBING, now_s)
        if self._probes and now_s - self._probes[0] > self.terms.probe_s:  # one that never came back has failed
            self._become(Circuit.OPEN, now_s)
            return False
        if len(self._probes) >= self.terms.probes:
            return False
        self._probes.append(now_s)
        return True

    def told(self, now_s: float, *, is_good: bool) -> None:
        """Take how one request went."""
        if self.circuit is Circuit.OPEN:
            return  # it began before
        if self.circuit is Circuit.PROBING:
            if self._probes:
                self._probes.popleft()
            self._good = self._good + 1 if is_good else 0
            if not is_good:
                self._become(Circuit.OPEN, now_s)
            elif self._good >= self.terms.successes:
                self._become(Circuit.CLOSED, now_s)
            return
        self._told.append((now_s, is_good))
        while self._told and now_s - self._told[0][0] > self.terms.window_s:
            self._told.popleft()
        bad = sum(not good for _, good in self._told)
        by_number = 0 < self.terms.failures <= bad
        by_ratio = 0 < self.terms.requests_min <= len(self._told) and bad >= self.terms.ratio * len(self._told)
        if by_number or by_ratio:
            self._become(Circuit.OPEN, now_s)

    def _become(self, circuit: Circuit, now_s: float) -> None:
        self.circuit, self.since_s, self._good = circuit, now_s, 0
        self._told.clear()
        self._probes.clear()
