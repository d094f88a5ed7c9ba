"""A venue in a thread of its own, for clients that block: plain ccxt in a notebook, a test, a script.

with VenueThread(settings) as venue:
    key = venue.call(lambda inside: inside.exchange.make_key(inside.exchange.open_account("alice")))
    exchange = ccxt.binance(venue.venue.ccxt_config(key.key, key.secret))
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from b25.venue.wire.server import Venue, VenueSettings

Got = TypeVar("Got")
START_S = 60.0


class VenueThread:
    """Starts the venue with the `with` block, and ends it with it.

    Parameters
    ----------
    settings : VenueSettings
        As for `Venue`; so are the other arguments.
    """

    def __init__(self, settings: VenueSettings | None = None, **arguments: Any) -> None:
        self.venue = Venue(settings, **arguments)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="b25-venue", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(START_S)
        return self

    def __exit__(self, *fault: object) -> None:
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(START_S)

    def call(self, act: Callable[[Venue], Got]) -> Got:
        """Do something inside the venue's thread; gives what it gives."""
        got: Future[Got] = Future()

        def inside() -> None:
            try:
                got.set_result(act(self.venue))
            except BaseException as fault:  # handed over to whoever asked
                got.set_exception(fault)

        assert self._loop is not None
        self._loop.call_soon_threadsafe(inside)
        return got.result(START_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        try:
            await self.venue.start()
        except BaseException as fault:
            self._started.set_exception(fault)
            return
        self._started.set_result(None)
        try:
            await self._ended.wait()
        finally:
            await self.venue.stop()


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Loop of uvloop where it is installed; asyncio's own elsewhere."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
