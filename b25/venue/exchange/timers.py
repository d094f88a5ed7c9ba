"""What is due when: a queue of actions in order of time, then of entry."""

import heapq
from collections.abc import Callable


class Timers:
    """Actions that wait for their time. An action that has become pointless checks so itself."""

    def __init__(self) -> None:
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._entered = 0

    def at(self, time_ms: int, action: Callable[[], None]) -> None:
        """Do this at that time."""
        self._entered += 1
        heapq.heappush(self._queue, (time_ms, self._entered, action))

    @property
    def next_ms(self) -> int | None:
        """Time of the next action."""
        return self._queue[0][0] if self._queue else None

    def run(self, now_ms: int) -> None:
        """Do what is due."""
        while self._queue and self._queue[0][0] <= now_ms:
            heapq.heappop(self._queue)[2]()
