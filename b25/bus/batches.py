"""Reads all that one stream keeps, in batches that are acknowledged after whoever takes them has stored them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from b25.bus.link import Link
from b25.bus.streams import stream_of
from b25.bus.subjects import SUBJECTS, Delivery
from b25.model.errors import B25Error, Misuse

BATCH: Final = 1_000
WITHIN_S: Final = 5.0
BUFFER: Final = 10_000
ACK_S: Final = 60.0
WAIT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it came."""

    subject: str
    id: str  # empty where the sender gave none
    text: bytes


Take = Callable[[list[Arrived]], Awaitable[None]]


class Batches:
    """What a component reads of one stream.

    Parameters
    ----------
    link : Link
    component, stream : str
    take : async callable
        Stores a batch. When it raises a B25Error the batch is handed to it again, and nothing is acknowledged meanwhile.
    most, within_s : int, float
        A batch is taken when it is so large, or its first message so old.

    Raises
    ------
    Misuse
        When the component reads nothing of the stream.
    """

    def __init__(
        self, link: Link, component: str, stream: str, take: Take, *, most: int = BATCH, within_s: float = WITHIN_S
    ) -> None:
        kept = [one for one in SUBJECTS if one.delivery is Delivery.AT_LEAST_ONCE and stream_of(one.pattern) == stream]
        self.filters = sorted(one.filter() for one in kept if component in one.consumers)
        if not self.filters:
            raise Misuse(f"{component} reads nothing of {stream}", remedy="declare it in b25/bus/subjects.py")
        self.link, self.stream, self.durable, self.take = link, stream, component, take
        self.most, self.within_s = most, within_s
        self.taken = 0
        self.waiting = 0
        self._over = asyncio.Event()
        self._pulling: Any = None

    def stop(self) -> None:
        """Ask for no more; what is here is taken, and then `run` ends."""
        self._over.set()

    async def run(self) -> None:
        """Read until stopped."""
        try:
            while not self._over.is_set():
                if batch := await self._batch():
                    await self._hand(batch)
        finally:
            if self._pulling is not None:
                with contextlib.suppress(Exception):
                    await self._pulling.unsubscribe()

    async def _batch(self) -> list[Any]:
        batch: list[Any] = []
        until_s = time.monotonic() + self.within_s
        while len(batch) < self.most and not self._over.is_set():
            left_s = until_s - time.monotonic() if batch else WAIT_S
            if left_s <= 0:
                break
            more = await self._fetch(self.most - len(batch), min(left_s, WAIT_S))
            if more and not batch:
                until_s = time.monotonic() + self.within_s
            batch += more
            self.waiting = len(batch)
        return batch

    async def _fetch(self, most: int, timeout_s: float) -> list[Any]:
        from nats.errors import Error

        known = self.link.reconnects
        try:
            if self._pulling is not None and known != self.link.reconnects:
                await self._pulling.consumer_info()
            if self._pulling is None:
                self._pulling = await self._pull()
            found: list[Any] = await self._pulling.fetch(most, timeout=max(timeout_s, 0.01))
            return found
        except TimeoutError:
            return []
        except Error as fault:  # the server went: stream and place in it are kept there
            if type(fault).__name__ in ("NotFoundError", "ConsumerDeletedError"):
                self._pulling = None
            await asyncio.sleep(WAIT_S / 4)
            return []

    async def _pull(self) -> Any:
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_S, max_ack_pending=BUFFER, max_deliver=-1,
            deliver_policy=DeliverPolicy.ALL, durable_name=self.durable, filter_subjects=self.filters,
        )  # fmt: skip
        await self.link.stream.add_consumer(self.stream, config)  # one that is there is brought to what is declared
        return await self.link.stream.pull_subscribe_bind(durable=self.durable, stream=self.stream)

    async def _hand(self, batch: list[Any]) -> None:
        arrived = [Arrived(one.subject, (one.headers or {}).get("Nats-Msg-Id", ""), one.data) for one in batch]
        said = ""
        while True:
            try:
                await self.take(arrived)
                break
            except B25Error as fault:
                if said != fault.what:
                    said = fault.what
                    self.link.say(f"bus: {self.stream}: {fault.what}; {len(batch)} messages wait")
                if self._over.is_set():
                    return  # not acknowledged: they come again
                await asyncio.sleep(WAIT_S)
        for one in batch:
            with contextlib.suppress(Exception):  # the server sends it again, and it is known then
                await one.ack()
        self.taken += len(batch)
        self.waiting = 0
