"""The gateway's own line to the bus: kept up in the background, so that a bus that is away keeps nothing else from working."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, Final

from b25.api.problems import Problem
from b25.bus.address import URL, bus_address
from b25.bus.bodies import CommandResult
from b25.bus.command_desk import send_command
from b25.bus.link import Link, open_link
from b25.bus.message import Message
from b25.bus.subscriber import Subscriber
from b25.model.errors import B25Error
from b25.runner.structured_log import StructuredLog

COMPONENT: Final = "gateway"
AGAIN_S: Final = 2.0
WAIT_S: Final = 8.0
# What a reader wants to know at once, and of which only the latest counts.
HEARD: Final = (
    "market_data.{symbol}.orderbook", "market_data.{symbol}.ticker", "market_data.{symbol}.trades",
    "market_data.{symbol}.candles", "account.balance", "account.position", "account.pnl", "health.{component}",
)  # fmt: skip
KEYS_MAX: Final = 5_000
PRINTS_MAX: Final = 500


class BusLine:
    """A part of the gateway.

    Attributes
    ----------
    heard : dict
        By pattern, then by what the message is about: the latest message.
    link : Link or None
        None while there is none.
    """

    def __init__(self, folder: Path, log: StructuredLog, *, is_wanted: bool) -> None:
        self.folder, self.log = folder, log
        self.is_wanted = is_wanted or bool(os.environ.get(URL))
        self.link: Link | None = None
        self.why = "connecting" if self.is_wanted else "no bus is configured"
        self.heard: dict[str, dict[str, Message]] = {pattern: {} for pattern in HEARD}
        self.prints: dict[str, list[tuple[int, Any]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._subscriber: Subscriber | None = None

    async def start(self) -> None:
        """Begin to connect."""
        if self.is_wanted:
            self._task = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        """Go."""
        if self._task is not None:
            self._task.cancel()
        if self._subscriber is not None:
            await self._subscriber.close()
        if self.link is not None:
            await self.link.close()

    async def _connect(self) -> None:
        """Try until it is there; from then on it comes back by itself."""
        while True:
            try:
                link = await open_link(bus_address("", self.folder), f"{COMPONENT}/{os.getpid()}", self._say)
                break
            except B25Error as fault:
                if fault.what != self.why:
                    self.log.warning("no bus", why=fault.what)
                self.why = fault.what
                await asyncio.sleep(AGAIN_S)
        self._subscriber = Subscriber(link, COMPONENT)
        for pattern in HEARD:
            self._subscriber.read(pattern, self._hears(pattern))
        self.link, self.why = link, ""

    def _say(self, text: str) -> None:
        self.log.info("bus", text=text)

    def _hears(self, pattern: str) -> Any:
        known = self.heard[pattern]

        async def hear(_: str, message: Message) -> None:
            body = message.body
            about = getattr(body, "symbol", "") or getattr(body, "session", "") or getattr(body, "component", "")
            if about in known or len(known) < KEYS_MAX:
                known[about] = message
            if pattern.endswith(".trades") and (about in self.prints or len(self.prints) < KEYS_MAX):
                kept = self.prints.setdefault(about, [])
                kept.extend((one.time_ns, one) for one in body.prints)
                del kept[:-PRINTS_MAX]

        return hear

    @property
    def is_up(self) -> bool:
        """Whether messages go through now."""
        return self.link is not None and self.link.is_up

    def has_session(self, name: str, now_ns: int) -> bool:
        """Whether a session said lately, over the bus, that it runs."""
        told = self.heard["health.{component}"].get(name)
        return told is not None and now_ns - told.event_ns < 10 * 10**9

    async def ask(self, session: str, request: dict[str, Any], *, by: str, reason: str, command_id: str) -> CommandResult:
        """Ask a session elsewhere; waits for its answer.

        Raises
        ------
        Problem, Retry
        """
        if self.link is None or not self.link.is_up:
            raise Problem(
                503, "the session is not on this machine, and the bus is away", remedy="bring the bus back: b25 bus check"
            )
        return await send_command(
            self.link, session, request, by=by, reason=reason, component=COMPONENT, within_s=WAIT_S, command_id=command_id
        )
