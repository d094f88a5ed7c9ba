"""The bus of one process: its link, its publisher, the delivery of its orders and its commands, in a thread of their own.

Whoever trades in this process hands over and goes on; nothing that happens to the bus can make it wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from b25.bus.address import BusAddress
from b25.bus.delivery import Delivery
from b25.bus.link import Link, Say, open_link
from b25.bus.publisher import Publisher
from b25.bus.subscriber import Subscriber
from b25.model.errors import B25Error

SEND_S: Final = 0.05
END_S: Final = 2.0
Begin = Callable[[Subscriber], object]


class BusThread:
    """Runs until `close`.

    Parameters
    ----------
    address : BusAddress
    publisher : Publisher
    say : callable
        Told what a person should read; called in the bus's thread.
    delivery : Delivery, optional
        Of the orders and fills that this process commits.
    begin : callable, optional
        Handed the subscriber once connected: begins what this process reads.
    collect : callable, optional
        Called before every sending: turns what was noted on the hot path into messages.
    """

    def __init__(
        self,
        address: BusAddress,
        publisher: Publisher,
        say: Say,
        *,
        delivery: Delivery | None = None,
        begin: Begin | None = None,
        collect: Callable[[], None] | None = None,
    ) -> None:
        self.address, self.publisher, self.say = address, publisher, say
        self.delivery, self.begin, self.collect = delivery, begin, collect
        self.link: Link | None = None
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._ready = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="b25-bus", daemon=True)

    def start(self) -> None:
        """Connect. Raises what `open_link` raises: a bus that was asked for and is not there is never passed over."""
        self._thread.start()
        self._ready.wait()
        if self._fault is not None:
            self._thread.join()
            raise self._fault

    def close(self) -> None:
        """Send what waits, for two seconds at most, and end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(3 * END_S)

    def call(self, made: Coroutine[Any, Any, Any], timeout_s: float = 10.0) -> Any:
        """Run a coroutine in the bus's thread and wait for what it gives; not for use on the hot path."""
        return asyncio.run_coroutine_threadsafe(made, self._loop).result(timeout_s)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run())
        except BaseException as fault:
            self._fault = fault
            if self._ready.is_set():
                self.say(f"bus: its thread ended: {type(fault).__name__}: {fault}")
        finally:
            self._ready.set()
            self._loop.close()

    async def _run(self) -> None:
        self.link = await open_link(self.address, self.publisher.source, self.say)
        subscriber = Subscriber(self.link, self.publisher.component)
        if self.begin is not None:
            self.begin(subscriber)
        self._ready.set()
        delivering = asyncio.create_task(self.delivery.run(self.link)) if self.delivery is not None else None
        while not self._over.is_set():
            await self._send()
            with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._over.wait(), SEND_S)
        if delivering is not None and self.delivery is not None:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
            await self.delivery.drain(self.link, END_S)
        await subscriber.close()
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._send(), END_S)
        await self.link.close()

    async def _send(self) -> None:
        """One sending; a fault of it is said and the next one tries again."""
        assert self.link is not None
        try:
            if self.collect is not None:
                self.collect()
            await self.publisher.send(self.link)
        except B25Error as fault:
            self.say(f"bus: {fault.what}")
        except Exception as fault:
            self.publisher.counts.failed += 1
            self.say(f"bus: sending failed: {type(fault).__name__}: {fault}")
