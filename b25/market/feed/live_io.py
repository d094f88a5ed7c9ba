"""A feed on real sockets: asyncio, TLS, REST snapshots, one clock. Everything decided is decided by the feed."""

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

from b25.market.feed.feed import Feed
from b25.market.feed.pacing import ns
from b25.market.feed.websocket import WebSocket, connect
from b25.model.errors import Retry

TICK_S = 0.05
PREEMPTED_NS = 1_000_000  # between two turns of a loop that spins
REST_NS = 100_000_000
CONNECT_S = 5.0
SNAPSHOT_S = 10.0
SNAPSHOT_BYTES_MAX = 16 << 20
REGION_BLOCKED, FORBIDDEN, LIMITED, BANNED = 451, 403, 429, 418


class SteadyClock:
    """The time of day when it was made, and from there the monotonic clock: it is never set back, so no receipt is."""

    def __init__(self) -> None:
        self.offset_ns = time.time_ns() - time.monotonic_ns()

    def __call__(self) -> int:
        """Time since 1970, ns."""
        return time.monotonic_ns() + self.offset_ns


class LiveIo:
    """The outside of one feed.

    Parameters
    ----------
    snapshot_url : str
        Without its query.
    snapshot_levels : int
    clock_ns : callable
    tls : ssl.SSLContext, optional
        Else the system's certificates.
    """

    def __init__(
        self,
        snapshot_url: str,
        snapshot_levels: int,
        *,
        clock_ns: Callable[[], int] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.snapshot_url, self.snapshot_levels = snapshot_url, snapshot_levels
        self.clock_ns, self.tls = clock_ns or SteadyClock(), tls
        self.feed: Feed | None = None
        self.spin_ns = self.spin_until_ns = self.spun_ns = self.rest_until_ns = 0
        self.is_spinning = False
        self.sockets: dict[int, WebSocket] = {}
        self.wanted: set[int] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.session: Any = None

    # What the feed asks for.

    def open(self, number: int, url: str) -> None:
        """Connect a socket."""
        self.wanted.add(number)
        self._start(self._open(number, url))

    def send(self, number: int, text: bytes) -> None:
        """Send a message."""
        if (socket := self.sockets.get(number)) is not None:
            socket.send_text(text)

    def ping(self, number: int) -> None:
        """Send a ping."""
        if (socket := self.sockets.get(number)) is not None:
            socket.ping()

    def drop(self, number: int) -> None:
        """End a connection at once."""
        self.wanted.discard(number)
        if (socket := self.sockets.pop(number, None)) is not None:
            socket.abort()

    def fetch_snapshot(self, book: int) -> None:
        """Fetch a book."""
        self._start(self._fetch(book))

    # How it is done.

    def spin(self, recv_ns: int) -> None:
        """Keep the loop awake for a while after a message."""
        self.spin_until_ns = recv_ns + self.spin_ns
        if self.spin_ns and not self.is_spinning and recv_ns > self.rest_until_ns:
            self.is_spinning, self.spun_ns = True, recv_ns
            asyncio.get_running_loop().call_soon(self._spin_on)

    def _spin_on(self) -> None:
        now_ns = self.clock_ns()
        if now_ns - self.spun_ns > PREEMPTED_NS:
            # The core was given to somebody else; a process that never sleeps waits longest for its turn.
            self.rest_until_ns = now_ns + REST_NS
        self.spun_ns = now_ns
        if now_ns < self.spin_until_ns and now_ns > self.rest_until_ns:
            asyncio.get_running_loop().call_soon(self._spin_on)
        else:
            self.is_spinning = False

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _open(self, number: int, url: str) -> None:
        assert self.feed is not None
        try:
            ear = _Ear(self.feed, number, self)
            socket = await connect(url, ear, timeout_s=CONNECT_S, tls=self.tls, clock_ns=self.clock_ns)
        except Retry as fault:
            self.wanted.discard(number)
            self.feed.lost(number, fault.what, self.clock_ns())
            return
        if number not in self.wanted:
            socket.abort()
            return
        self.sockets[number] = socket
        self.feed.opened(number, self.clock_ns())

    async def _fetch(self, book: int) -> None:
        import aiohttp

        feed = self.feed
        assert feed is not None
        params = {"symbol": feed.books[book].desk.raw_name, "limit": str(self.snapshot_levels)}
        if self.session is None:
            self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SNAPSHOT_S))
        options: dict[str, Any] = {} if self.tls is None else {"ssl": self.tls}
        try:
            async with self.session.get(self.snapshot_url, params=params, **options) as answer:
                if (answer.content_length or 0) > SNAPSHOT_BYTES_MAX:
                    raise aiohttp.ClientPayloadError(f"a snapshot of {answer.content_length:,} bytes")
                body = await answer.read()
                status, wait = answer.status, answer.headers.get("Retry-After", "0")
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            feed.no_snapshot(book, f"{self.snapshot_url}: {type(fault).__name__}: {fault}", self.clock_ns())
            return
        if status == 200:
            feed.snapshot(book, body, self.clock_ns())
            return
        why = f"{self.snapshot_url} answers {status}: {body[:150].decode('utf-8', 'replace')}"
        if status == REGION_BLOCKED:
            why += " (the venue does not serve the region that this machine is in)"
        wait_s = float(wait) if wait.isdigit() else 0.0
        blocked = status in (REGION_BLOCKED, FORBIDDEN)
        limited_s = max(wait_s, 30.0) if status in (LIMITED, BANNED) else wait_s
        feed.no_snapshot(book, why, self.clock_ns(), wait_s=limited_s, for_good=blocked)

    async def close(self) -> None:
        """End every connection and everything begun."""
        for number in list(self.sockets):
            self.drop(number)
        self.wanted.clear()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.session is not None:
            await self.session.close()
            self.session = None


class _Ear:
    """One socket's receiver: it adds which socket it was."""

    def __init__(self, feed: Feed, number: int, io: LiveIo) -> None:
        self.feed, self.number, self.io = feed, number, io
        self.take = feed.text

    def text(self, address: int, size: int, recv_ns: int) -> None:
        self.take(self.number, address, size, recv_ns)

    def batch_done(self) -> None:
        self.feed.batch_done()

    def heard(self, recv_ns: int) -> None:
        self.feed.heard(self.number, recv_ns)
        self.io.spin(recv_ns)

    def lost(self, why: str) -> None:
        self.io.sockets.pop(self.number, None)
        self.feed.lost(self.number, why, self.io.clock_ns())


async def run(feed: Feed, io: LiveIo, until: asyncio.Event) -> None:
    """Keep a feed going until the event is set; then close it."""
    io.feed = feed
    io.spin_ns = ns(feed.settings.spin_s)
    try:
        while not until.is_set():
            feed.tick(io.clock_ns())
            feed.batch_done()
            try:
                async with asyncio.timeout(TICK_S):
                    await until.wait()
            except TimeoutError:
                continue
    finally:
        feed.close()
        await io.close()


def run_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run on uvloop where it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
