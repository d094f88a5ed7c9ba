"""The venue's time: real, accelerated, or stepped by a test. All delays of the venue wait on this clock."""

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Literal

from b25.model.errors import Misuse

ClockMode = Literal["real", "accelerated", "stepped"]


class VenueClock:
    """Milliseconds of the venue.

    Parameters
    ----------
    mode : {"real", "accelerated", "stepped"}
        Real time; real time multiplied by `speed`; or a time that only `step` moves.
    speed : float
        Venue seconds per second, of the accelerated clock.
    start_ms : int, optional
        First time of an accelerated or stepped clock; now when left out.
    signs_by : {"wall", "venue"}, optional
        The clock that a request's `timestamp` is compared with, and that `/time` tells. A client that signs with its own
        clock cannot follow an accelerated venue, so that one looks at the wall clock unless told otherwise.
    """

    def __init__(
        self,
        mode: ClockMode = "real",
        *,
        speed: float = 1.0,
        start_ms: int | None = None,
        signs_by: Literal["wall", "venue"] | None = None,
    ) -> None:
        if mode not in ("real", "accelerated", "stepped"):
            raise Misuse(f"there is no clock {mode!r}", remedy="use real, accelerated or stepped")
        if speed <= 0:
            raise Misuse(f"the clock's speed is {speed}", remedy="use a positive number")
        self.mode = mode
        self.speed = speed if mode == "accelerated" else 1.0
        self.offset_ms = 0
        self.follows_wall = (signs_by or ("wall" if mode == "accelerated" else "venue")) == "wall" or mode == "real"
        self._begun = time.monotonic()
        self._start_ms = _wall_ms() if start_ms is None or mode == "real" else start_ms
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0
        self.on_step: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        """Time of the market: events, funding, limits. It never goes back while the process runs."""
        if self.mode == "stepped":
            return self._start_ms
        passed_ms = (time.monotonic() - self._begun) * 1000
        return int(self._start_ms + passed_ms * self.speed)

    def server_ms(self) -> int:
        """What the venue takes for the time when it judges a request: shifted by the clock fault."""
        if not self.follows_wall:
            return self.now_ms() + self.offset_ms
        if self.mode == "real":
            return self.now_ms() + self.offset_ms
        return _wall_ms() + self.offset_ms

    def step(self, by_ms: int) -> int:
        """Move a stepped clock, and wake who waited for a time that has come."""
        if self.mode != "stepped":
            raise Misuse(f"a {self.mode} clock cannot be stepped", remedy="start the venue with a stepped clock")
        if by_ms < 0:
            raise Misuse(f"a step of {by_ms} ms", remedy="time goes forward; shift the server's clock with clock_offset_ms")
        self._start_ms += by_ms
        self.on_step()
        while self._waiting and self._waiting[0][0] <= self._start_ms:
            _, _, waiting = heapq.heappop(self._waiting)
            if not waiting.done():
                waiting.set_result(None)
        return self._start_ms

    async def sleep_ms(self, span_ms: float) -> None:
        """Wait for this much of the venue's time."""
        if span_ms <= 0:
            return
        if self.mode != "stepped":
            await asyncio.sleep(span_ms / 1000 / self.speed)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (self._start_ms + int(span_ms), self._count, waiting))
        await waiting


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
