"""Hands messages to the bus without ever waiting for it: what is offered waits here until the link takes it.

What only the latest counts of is replaced by what is newer. What must arrive is kept in order, up to a bound; who offers
more is told so, and the count is part of the component's health. Orders and fills do not pass here: see `b25.bus.delivery`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from b25.bus.link import Link
from b25.bus.message import Message
from b25.bus.subjects import Delivery, Subject, subject
from b25.model.errors import Misuse

KEPT_MAX: Final = 10_000
SOURCE: Final = "B25-Source"  # header: what only the latest counts of is the latest of one source
AT_ONCE: Final = 256


@dataclass(slots=True)
class Counts:
    """What became of messages."""

    offered: int = 0
    published: int = 0
    overtaken: int = 0  # replaced by a newer one before they left
    refused: int = 0  # must-arrive messages for which there was no room
    doubled: int = 0  # the server had them already
    failed: int = 0  # tries that were not answered; they are tried again


@dataclass(frozen=True, slots=True)
class Offered:
    """A message that waits."""

    channel: Channel
    message: Message
    message_id: str


class Channel:
    """One subject of one publisher; made once, offered to often."""

    def __init__(self, publisher: Publisher, kind: Subject, name: str) -> None:
        self.publisher, self.kind, self.name = publisher, kind, name
        self.seq = 0

    def skip(self, count: int) -> None:
        """Leave out messages that a newer one has overtaken before they were made: readers see the hole."""
        self.seq += count
        self.publisher.counts.overtaken += count

    def offer(self, body: Any, event_ns: int, *, receive_ns: int = 0, correlation_id: str = "", message_id: str = "") -> bool:
        """Hand a message over. Never waits; from any thread.

        Parameters
        ----------
        body : record
            What the subject says.
        event_ns, receive_ns : int
            When it happened, and when we knew it; 0 is now.
        correlation_id, message_id : str
            What it belongs to; and its own name, for one that may be told twice.

        Returns
        -------
        bool
            False when it must arrive and there is no room.
        """
        return self.publisher._take(self, body, event_ns, receive_ns, correlation_id, message_id)


class Publisher:
    """Messages of one component.

    Parameters
    ----------
    component : str
    name : str
        Which of them, e.g. the session's id.
    account : str
        Whose its messages are.
    clock_ns : callable
    kept_max : int
        Messages that must arrive and wait.
    """

    def __init__(
        self,
        component: str,
        name: str,
        *,
        account: str = "",
        clock_ns: Callable[[], int] = time.time_ns,
        kept_max: int = KEPT_MAX,
    ) -> None:
        self.component, self.account, self.clock_ns, self.kept_max = component, account, clock_ns, kept_max
        self.source = f"{component}/{name}"
        self.life = f"{clock_ns():x}"  # makes message ids of this life differ from those of an earlier one
        self.counts = Counts()
        self._lock = threading.Lock()
        self._latest: dict[str, Offered] = {}
        self._kept: deque[Offered] = deque()

    def channel(self, pattern: str, **tokens: str) -> Channel:
        """Return the channel of a declared subject. Raises Misuse when it is not declared, or not this component's to publish."""
        kind = subject(pattern)
        if self.component not in kind.producers:
            raise Misuse(
                f"{self.component} may not publish {pattern}",
                remedy=f"it is made by {', '.join(kind.producers)}; see b25 bus subjects",
            )
        return Channel(self, kind, kind.name(**tokens))

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return len(self._latest) + len(self._kept)

    def _take(self, channel: Channel, body: Any, event_ns: int, receive_ns: int, correlation_id: str, message_id: str) -> bool:
        kind = channel.kind
        if type(body) is not kind.body:
            raise Misuse(f"{channel.name} does not say {type(body).__name__}", remedy=f"offer {kind.body.__name__}")
        with self._lock:
            self.counts.offered += 1
            if kind.delivery is not Delivery.LATEST and len(self._kept) >= self.kept_max:
                self.counts.refused += 1
                return False
            channel.seq += 1
            message = Message(
                version=kind.version,
                seq=channel.seq,
                event_ns=event_ns,
                receive_ns=receive_ns or self.clock_ns(),
                source=self.source,
                correlation_id=correlation_id,
                account=self.account,
                body=body,
            )
            offered = Offered(channel, message, message_id or f"{self.source}/{self.life}/{channel.name}/{channel.seq}")
            if kind.delivery is Delivery.LATEST:
                self.counts.overtaken += channel.name in self._latest
                self._latest[channel.name] = offered
            else:
                self._kept.append(offered)
        return True

    async def send(self, link: Link) -> None:
        """Send what waits, as far as the link takes it. What it does not take goes on waiting."""
        if not link.is_up:
            return
        with self._lock:
            latest, self._latest = self._latest, {}
        for one in latest.values():
            await link.client.publish(one.channel.name, one.message.encoded(), headers={SOURCE: self.source})
            self.counts.published += 1
        while self._kept and link.is_up:
            with self._lock:
                batch = [self._kept[i] for i in range(min(AT_ONCE, len(self._kept)))]
            taken = await publish_kept(link, [(one.channel.name, one.message, one.message_id) for one in batch], self.counts)
            with self._lock:
                for _ in range(taken):
                    self._kept.popleft()
            if taken < len(batch):
                return


async def publish_kept(link: Link, batch: list[tuple[str, Message, str]], counts: Counts) -> int:
    """Publish messages that must arrive, in order; return how many of the first ones the server has for certain."""
    tries = []
    try:
        for name, message, message_id in batch:
            tries.append(await link.stream.publish_async(name, message.encoded(), headers={"Nats-Msg-Id": message_id}))
    except Exception:  # the link is going: those that left are waited for
        counts.failed += 1
    if not tries:
        return 0
    _, late = await asyncio.wait(tries, timeout=5.0)
    for one in late:
        one.cancel()
    taken = 0
    for one in tries:
        if one.cancelled() or not one.done() or one.exception() is not None:
            counts.failed += 1
            break
        counts.published += 1
        counts.doubled += bool(one.result().duplicate)
        taken += 1
    return taken
