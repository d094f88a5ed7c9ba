"""Keeps the state fed: from the bus, the store and the run folder; when one of them is silent, the state says so.

Orders and fills are read from the store after the bus is being listened to, at the start and after each outage: what was
committed before is in the one, what is committed later comes over the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Final

from b25.api.state.hydrate import from_folder, from_store
from b25.api.state.state import DONE_MAX, State
from b25.api.state.told import PUTS, take
from b25.bus.address import BusAddress
from b25.bus.link import Link, open_link
from b25.bus.message import Message
from b25.bus.subjects import SUBJECTS, Delivery
from b25.bus.subscriber import Subscriber
from b25.config.settings import Settings
from b25.model.errors import B25Error
from b25.store.store import Store

LOG: Final = logging.getLogger(__name__)
COMPONENT: Final = "gateway"
LOOK_S: Final = 1.0
SILENT_S: Final = 10.0  # sessions tell how they are once a second
FAILS_MAX: Final = 10


class Feed:
    """Feeds a state while the gateway runs.

    Parameters
    ----------
    state : State
    store : Store
    settings : Settings
    address : BusAddress or None
        None for no bus: then only what store and run folder know is shown, and the state says that there is none.
    """

    def __init__(self, state: State, store: Store, settings: Settings, address: BusAddress | None) -> None:
        self.state, self.store, self.settings, self.address = state, store, settings, address
        self.link: Link | None = None
        self.failed = 0
        self.faults: dict[str, str] = {}
        self._subscriber: Subscriber | None = None
        self._known = 0  # reconnections
        self._heard_s: dict[str, float] = {}
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, then read what was before. Raises what `open_link` raises when a bus was asked for and is not there."""
        if self.address is not None:
            self.link = await open_link(self.address, f"{COMPONENT}/state", LOG.warning)
            await self._listen()
        await self._read()
        self._say()
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Listen no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._subscriber is not None:
            await self._subscriber.close()
        if self.link is not None:
            await self.link.close()

    async def _listen(self) -> None:
        assert self.link is not None
        if self._subscriber is not None:
            await self._subscriber.close()
        self._known = self.link.reconnects
        self._subscriber = Subscriber(self.link, COMPONENT)
        read = [
            self._subscriber.read(one.pattern, self._take, new_only=one.delivery is Delivery.AT_LEAST_ONCE)
            for one in SUBJECTS
            if COMPONENT in one.consumers and one.body in PUTS
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S * 10):
                await asyncio.gather(*(one.started.wait() for one in read))

    async def _take(self, name: str, message: Message) -> None:
        """Take a message; one that the state cannot take is logged and counted, and holds up nothing."""
        self._heard_s[message.source] = time.monotonic()
        try:
            take(self.state, name, message)
        except Exception:
            self.failed += 1
            if self.failed <= FAILS_MAX:
                LOG.exception("%s from %s is not shown", name, message.source)

    async def _read(self) -> None:
        await self._try("store", from_store, self.state, self.store, DONE_MAX["fills"])
        await self._try("run_folder", from_folder, self.state, self.settings.run_folder, self.state.now_ns)

    async def _try(self, what: str, act: object, *parts: object) -> None:
        try:
            await asyncio.to_thread(act, *parts)  # type: ignore[arg-type]
            self.faults.pop(what, None)
        except Exception as fault:
            told = fault.what if isinstance(fault, B25Error) else type(fault).__name__
            if self.faults.get(what) != told:
                LOG.warning("the state is not read from %s: %s", what, told)
            self.faults[what] = told

    async def _look(self) -> None:
        """Once a second: sessions that are silent, the bus that went or came back, what the run folder says."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._once()
            except Exception:
                LOG.exception("looking after the state failed")

    async def _once(self) -> None:
        now_s = time.monotonic()
        for source in [one for one, heard_s in self._heard_s.items() if now_s - heard_s > SILENT_S]:
            del self._heard_s[source]
            self.state.mark_stale(source)
        await self._try("run_folder", from_folder, self.state, self.settings.run_folder, self.state.now_ns)
        if "store" in self.faults:
            await self._try("store", from_store, self.state, self.store, DONE_MAX["fills"])
        if self.link is not None and self._subscriber is not None:
            ended = [one for one in self._subscriber.subscriptions if one.task is not None and one.task.done()]
            if self.link.is_up and (ended or self.link.reconnects != self._known):
                await self._listen()
                await self._read()
        self._say()

    def _say(self) -> None:
        """Tell how the sources are."""
        if self.link is None:
            bus: dict[str, object] = {"state": "disabled", "since_ns": None}
        elif self.link.is_up:
            bus = {"state": "healthy", "since_ns": None}
        else:
            bus = {"state": "unhealthy", "since_ns": self.link.down_since_ns or None}
        self.state.put("system_health", "bus", bus | {"component": "bus"}, source=COMPONENT)
        is_well = not self.faults and not self.state.dropped
        gateway = {
            "component": COMPONENT, "state": "healthy" if is_well else "degraded", "faults": self.faults,
            "entries_dropped": self.state.dropped, "messages_failed": self.failed,
        }  # fmt: skip
        self.state.put("system_health", COMPONENT, gateway, source=COMPONENT)
