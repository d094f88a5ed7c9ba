"""One connection: what it looks at, and what waits to be sent to it. Nobody waits for it but its own task.

When more waits than there is room for, what waits goes, and one snapshot takes its place; the next time the connection ends.
Answers to commands are never let go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from b25.api.principal import Principal
from b25.api.ws.figures import Figures
from b25.api.ws.wire import Wire

QUEUE_MAX: Final = 256
QUEUE_BYTES_MAX: Final = 4 * 2**20
WRITE_S: Final = 10.0
SAID_MAX: Final = 256  # answers that nobody takes
Send = Callable[[bytes], Awaitable[None]]
SLOW, DROPPED = "slow", "dropped"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits; `rest` is shared with others."""

    kind: str
    seq: int
    rest: bytes


class Closed(Exception):
    """The connection is to end, with a code of RFC 6455 and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Viewer:
    """A connection.

    Parameters
    ----------
    viewer_id : str
    by : Principal
    kind : str
        web, tui or notebook.
    wire : Wire
    figures : Figures

    Attributes
    ----------
    channels : frozenset of str
        What it looks at.
    snapshot : callable
        Gives the encoded rest of a snapshot of channels, as the lane's viewers have them.
    """

    def __init__(
        self, viewer_id: str, by: Principal, kind: str, wire: Wire, figures: Figures, *, queue_max: int = QUEUE_MAX
    ) -> None:
        self.viewer_id, self.by, self.kind, self.wire, self.figures = viewer_id, by, kind, wire, figures
        self.queue_max = queue_max
        self.channels: frozenset[str] = frozenset()
        self.looks_at = ""
        self.seq = 0
        self.is_behind = False
        self.was_behind = False
        self.snapshot: Callable[[frozenset[str]], bytes] = lambda _: b""
        self._queue: deque[Waiting] = deque()
        self._queue_bytes = 0
        self._some = asyncio.Event()
        self._close: Closed | None = None
        self._gave_up = False

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._queue)

    def push(self, kind: str, rest: bytes, *, wakes: bool = True) -> None:
        """Queue an update or a snapshot. Never waits; one who says that it does not wake calls `wake` soon."""
        if self.is_behind or self._close is not None:
            return
        if len(self._queue) >= self.queue_max or self._queue_bytes + len(rest) > QUEUE_BYTES_MAX:
            self._overflow()
            return
        self.seq += 1
        self._queue.append(Waiting(kind, self.seq, rest))
        self._queue_bytes += len(rest)
        if wakes:
            self.wake()

    def say(self, message: Mapping[str, Any]) -> None:
        """Queue an answer, an error or the like. Never waits, and never goes in an overflow."""
        if sum(1 for one in self._queue if not one.seq) >= SAID_MAX:
            self.close(1013, DROPPED)
            return
        rest = self.wire.value(message)
        self._queue.append(Waiting(str(message["type"]), 0, rest))
        self._queue_bytes += len(rest)
        self.wake()

    def close(self, code: int, reason: str) -> None:
        """End the connection, before anything else that waits."""
        if self._close is None:
            self._close = Closed(code, reason)
        self._some.set()

    def wake(self) -> None:
        """Have the sending go on."""
        self._some.set()

    def _overflow(self) -> None:
        self.figures.overflows += 1
        self._queue = deque(one for one in self._queue if not one.seq)
        self._queue_bytes = sum(len(one.rest) for one in self._queue)
        if self.was_behind:
            self.close(1013, SLOW)
            return
        self.was_behind = self.is_behind = True
        self._some.set()

    async def run(self, send: Send, *, write_s: float = WRITE_S) -> None:
        """Send what waits, until it is to end. Raises Closed for that, also when a write takes too long."""
        try:
            await self._run(send, write_s)
        except asyncio.CancelledError:
            if self._gave_up:
                raise Closed(1013, SLOW) from None
            raise

    async def _run(self, send: Send, write_s: float) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        while True:
            data = self.next()
            if data is None:
                self._some.clear()
                await self._some.wait()
                continue
            watch = loop.call_later(write_s, self._give_up, task)  # cheaper than asyncio.timeout, and there are many
            try:
                await send(data)
            finally:
                watch.cancel()

    def _give_up(self, task: asyncio.Task[Any]) -> None:
        self._gave_up = True
        task.cancel()

    def next(self) -> bytes | None:
        """Return the next message to send; None when nothing waits. Raises Closed when it is to end."""
        if self._close is not None:
            raise self._close
        if self._queue:
            one = self._queue.popleft()
            self._queue_bytes -= len(one.rest)
        elif self.is_behind:  # made only now, when it can be sent: as all others of the lane have it at this moment
            self.is_behind = False
            if not self.channels:
                return None
            self.seq += 1
            one = Waiting("snapshot", self.seq, self.snapshot(self.channels))
        else:
            return None
        data = self.wire.numbered(one.kind, one.seq, one.rest) if one.seq else one.rest
        self.figures.sent[one.kind] += 1
        self.figures.bytes_sent += len(data)
        return data
