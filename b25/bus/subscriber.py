"""Reads from the bus through a bounded queue for each subscription, whose policy is the subject's own.

Latest: a newer message replaces one of the same subject that waits. At least once: the server keeps a message until its
handler has returned; a message id seen before is not handed on again; a queue that stays full is a fault, and not a loss.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from b25.bus.link import Link
from b25.bus.message import Message, Unreadable, decoded
from b25.bus.publisher import SOURCE
from b25.bus.streams import stream_of
from b25.bus.subjects import Delivery, Subject, subject, subject_of
from b25.model.errors import B25Error, Halt, Misuse

Handler = Callable[[str, Message], Awaitable[None]]
QUEUE_MAX: Final = 1_000
SEEN_MAX: Final = 100_000
FULL_S: Final = 10.0  # a queue that is full for so long ends its reader
ACK_S: Final = 60.0
TRIES_MAX: Final = 5
WAIT_S: Final = 1.0
IN_HAND: Final = 2  # beside the queue: one that is handled, and one that finds no room


@dataclass(slots=True)
class Counts:
    """What became of messages that came."""

    received: int = 0
    handled: int = 0
    overtaken: int = 0
    doubled: int = 0
    unreadable: int = 0
    failed: int = 0  # the handler raised
    holes: int = 0  # sequence numbers that never came
    depth_max: int = 0


class Subscription(ABC):
    """One pattern that is read."""

    def __init__(self, link: Link, kind: Subject, name: str, handler: Handler, queue_max: int, full_s: float) -> None:
        self.link, self.kind, self.name, self.handler = link, kind, name, handler
        self.queue_max, self.full_s = queue_max, full_s
        self.counts = Counts()
        self.fault: B25Error | None = None
        self.task: asyncio.Task[None] | None = None
        self.started = asyncio.Event()  # from now on the server knows of it

    def read(self, name: str, text: bytes) -> Message | None:
        """Return the message in a text; None for one that cannot be read, which is said and counted."""
        self.counts.received += 1
        try:
            message = decoded(text, self.kind.body, self.kind.version, name)
        except Unreadable as fault:
            self.counts.unreadable += 1
            self.link.say(f"bus: {fault.what}")
            return None
        return message

    @abstractmethod
    async def run(self) -> None:
        """Read until cancelled, or until a fault, which is kept in `fault`."""


class Latest(Subscription):
    """Keeps the newest message of each subject and source."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._last: dict[tuple[str, str], int] = {}

    def read(self, name: str, text: bytes) -> Message | None:
        """As for all; and counts the messages that were overtaken on their way, here or before."""
        message = super().read(name, text)
        if message is not None:
            last = self._last.get((message.source, name), message.seq - 1)
            self.counts.holes += max(0, message.seq - last - 1)
            self._last[message.source, name] = message.seq
        return message

    async def run(self) -> None:
        """Read until cancelled."""
        waiting: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        some = asyncio.Event()

        async def on_message(sent: Any) -> None:
            key = (sent.subject, (sent.headers or {}).get(SOURCE, ""))
            if key in waiting:
                self.counts.overtaken += 1
            elif len(waiting) >= self.queue_max:  # more subjects than there is room for: the oldest goes
                waiting.popitem(last=False)
                self.counts.overtaken += 1
            waiting[key] = sent.data
            self.counts.depth_max = max(self.counts.depth_max, len(waiting))
            some.set()

        await self.link.client.subscribe(self.name, cb=on_message)
        await self.link.client.flush()
        self.started.set()
        while True:
            await some.wait()
            some.clear()
            while waiting:
                (name, _), text = waiting.popitem(last=False)
                message = self.read(name, text)
                if message is None:
                    continue
                try:
                    await self.handler(name, message)
                    self.counts.handled += 1
                except Exception as fault:
                    self.counts.failed += 1
                    self.link.say(f"bus: {name}: the reader raised {type(fault).__name__}: {fault}")


class AtLeastOnce(Subscription):
    """Reads from a stream; acknowledges what its handler is done with."""

    def __init__(self, *parts: Any, durable: str, new_only: bool) -> None:
        super().__init__(*parts)
        self.durable, self.new_only = durable, new_only
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._pulling: Any = None
        self._is_over = False  # a cancellation that meets the end of a wait is lost in Python 3.11, so it is noted too

    async def run(self) -> None:
        """Read until cancelled or at fault."""
        queue: asyncio.Queue[Any] = asyncio.Queue(self.queue_max)
        work = asyncio.create_task(self._work(queue))
        fetch = asyncio.create_task(self._fetch(queue))
        try:
            done, _ = await asyncio.wait({work, fetch}, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if (fault := one.exception()) is not None:
                    raise fault
        except B25Error as fault:
            self.fault = fault
            self.link.say(f"bus: {fault.what}")
            raise
        finally:
            self._is_over = True
            for one in (work, fetch):
                one.cancel()
            await asyncio.gather(work, fetch, return_exceptions=True)
            if self._pulling is not None:  # else the server hands what comes next to nobody, and waits for its answer
                with contextlib.suppress(Exception):
                    await self._pulling.unsubscribe()

    async def _pull(self) -> Any:
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_S, max_ack_pending=self.queue_max + IN_HAND, max_deliver=-1,
            deliver_policy=DeliverPolicy.NEW if self.new_only else DeliverPolicy.ALL, filter_subject=self.name,
            inactive_threshold=None if self.durable else 60.0,
        )  # fmt: skip
        durable = self.durable or None
        return await self.link.stream.pull_subscribe(
            self.name, durable=durable, stream=stream_of(self.kind.pattern), config=config
        )

    async def _fetch(self, queue: asyncio.Queue[Any]) -> None:
        from nats.errors import Error

        known = self.link.reconnects
        while not self._is_over:
            try:
                if self._pulling is not None and known != self.link.reconnects:
                    await self._pulling.consumer_info()  # raises NotFoundError when the server has forgotten us
                known = self.link.reconnects
                if self._pulling is None:
                    self._pulling = await self._pull()
                self.started.set()
                batch = await self._pulling.fetch(min(100, self.queue_max), timeout=WAIT_S)
            except TimeoutError:
                continue
            except Error as fault:  # the server went: the stream and the reader's place in it are kept there
                if type(fault).__name__ == "NotFoundError":
                    self._pulling = None
                await asyncio.sleep(WAIT_S / 4)
                continue
            for sent in batch:
                if not self._is_over:
                    await self._put(queue, sent)

    async def _put(self, queue: asyncio.Queue[Any], sent: Any) -> None:
        """Wait for room; the server, which sees no acknowledgement, waits too."""
        try:
            await asyncio.wait_for(queue.put(sent), self.full_s)
        except TimeoutError:
            raise Halt(
                f"the reader of {self.name} has not kept up: {self.queue_max} messages wait for {self.full_s:g} s",
                remedy="nothing is lost; make the reader faster, and start it again",
            ) from None
        self.counts.depth_max = max(self.counts.depth_max, queue.qsize())

    async def _work(self, queue: asyncio.Queue[Any]) -> None:
        while not self._is_over:
            sent = await queue.get()
            message_id = (sent.headers or {}).get("Nats-Msg-Id", "")
            if message_id and message_id in self._seen:
                self.counts.doubled += 1
                await self._answer(sent.ack)
                continue
            message = self.read(sent.subject, sent.data)
            if message is None:
                await self._answer(sent.term)
                continue
            await self._hand(sent, message)
            if message_id:
                self._seen[message_id] = None
                if len(self._seen) > SEEN_MAX:
                    self._seen.popitem(last=False)

    async def _hand(self, sent: Any, message: Message) -> None:
        """Have a message handled; what fails time and again ends the reader, for it must not be lost, and order matters."""
        for again in range(1, TRIES_MAX + 1):
            try:
                await self.handler(sent.subject, message)
                break
            except Exception as fault:
                self.counts.failed += 1
                if again == TRIES_MAX:
                    raise Halt(
                        f"{sent.subject}: the reader raised {type(fault).__name__}: {fault}, {TRIES_MAX} times",
                        remedy="mend the reader and start it again; the message is kept",
                    ) from fault
                await asyncio.sleep(0.05 * 2**again)
        await self._answer(sent.ack)
        self.counts.handled += 1

    async def _answer(self, act: Callable[[], Awaitable[None]]) -> None:
        """Tell the server; if it is gone, it sends the message again, and that is known by its id."""
        with contextlib.suppress(Exception):
            await act()


class Subscriber:
    """Readings of one component.

    Parameters
    ----------
    link : Link
    component : str
    """

    def __init__(self, link: Link, component: str) -> None:
        self.link, self.component = link, component
        self.subscriptions: list[Subscription] = []

    def read(
        self,
        pattern: str,
        handler: Handler,
        *,
        durable: str = "",
        new_only: bool = False,
        queue_max: int = QUEUE_MAX,
        full_s: float = FULL_S,
        **tokens: str,
    ) -> Subscription:
        """Begin to read a declared subject.

        Parameters
        ----------
        pattern : str
            As declared; holes that are not given in `tokens` match anything.
        handler : async callable
            Is handed subject and message, one after the other. At least once: it must not mind a message that it knows.
        durable : str
            At least once: under this name the server remembers where the reader was. Empty: from the start, or `new_only`.

        Raises
        ------
        Misuse
            When it is not declared, or this component is not among its readers.
        """
        kind = subject(pattern)
        if self.component not in kind.consumers or not kind.producers:
            raise Misuse(
                f"{self.component} may not read {pattern}",
                remedy=f"it is read by {', '.join(kind.consumers)}; see b25 bus subjects",
            )
        made: Subscription
        parts = (self.link, kind, kind.filter(**tokens), handler, queue_max, full_s)
        is_latest = kind.delivery is Delivery.LATEST
        made = Latest(*parts) if is_latest else AtLeastOnce(*parts, durable=durable, new_only=new_only)
        made.task = asyncio.get_running_loop().create_task(made.run())
        self.subscriptions.append(made)
        return made

    async def run(self) -> None:
        """Wait until a subscription is at fault, and raise that; one that is added meanwhile is waited for as well."""
        while tasks := [one.task for one in self.subscriptions if one.task is not None]:
            done, waiting = await asyncio.wait(tasks, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
            if not waiting:
                return
            if done:
                await asyncio.sleep(WAIT_S)

    async def close(self) -> None:
        """Stop reading."""
        tasks = [one.task for one in self.subscriptions if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def watch(link: Link, name: str, told: Callable[[str, Message | None, bytes], None]) -> Any:
    """Look at whatever passes on a subject, e.g. ``fills.>``, acknowledging nothing: for people and dashboards."""

    async def on_message(sent: Any) -> None:
        if sent.subject.startswith(("$", "_")):  # the server's own, which `>` matches too
            return
        try:
            kind = subject_of(sent.subject)
            message = decoded(sent.data, kind.body, kind.version, sent.subject)
        except B25Error as fault:
            link.say(f"bus: {fault.what}")
            told(sent.subject, None, sent.data)
            return
        told(sent.subject, message, sent.data)

    return await link.client.subscribe(name, cb=on_message, pending_msgs_limit=QUEUE_MAX)
