"""The analytics process: reads the bus, stores what it says, adds it up, samples, and deletes what is too old."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from b25.analytics.events import rules
from b25.analytics.events.buckets import DAY_NS
from b25.bus.address import BusAddress
from b25.bus.batches import BATCH, WITHIN_S, Batches
from b25.bus.link import open_link
from b25.bus.subscriber import Subscriber
from b25.model.errors import B25Error
from b25.runner.analytics_intake import Intake
from b25.runner.heartbeat import Heartbeat, Life, supervisor_is_gone
from b25.runner.seat import Seat
from b25.runner.structured_log import StructuredLog
from b25.store.aggregates import Aggregates
from b25.store.event_log import EventLog
from b25.store.history import Samples
from b25.store.retention import Retention
from b25.store.store import Store, open_store

NAME: Final = "analytics"  # its component on the bus, and its seat
STREAMS: Final = ("B25_ORDERS", "B25_NOTICES")
BEAT_S: Final = 0.25
CHECKPOINT_S: Final = 30.0
READERS: Final = 2
Now = Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsPlan:
    """What `b25 analytics serve` is told."""

    database_url: str
    run_folder: Path
    address: BusAddress
    batch: int = BATCH
    within_s: float = WITHIN_S
    refresh_s: float = 5.0
    retention_days: Mapping[str, int] = field(default_factory=dict)


class AnalyticsProcess:
    """Serves until it is stopped.

    Parameters
    ----------
    plan : AnalyticsPlan
    store : Store
    log : StructuredLog
    now_ns : callable
    """

    def __init__(self, plan: AnalyticsPlan, store: Store, log: StructuredLog, *, now_ns: Now = time.time_ns) -> None:
        self.plan, self.store, self.log, self.now_ns = plan, store, log, now_ns
        self.intake = Intake(EventLog(store, rules, now_ns=now_ns), Samples(store))
        self.aggregates = Aggregates(store, rules)
        self.retention = Retention(store, plan.retention_days)
        self.over = asyncio.Event()
        self._told: dict[str, str] = {}

    def stop(self) -> None:
        """Take no more; store what is here, and end."""
        self.over.set()

    async def run(self, heartbeat: Heartbeat | None = None) -> None:
        """Serve. Raises what `open_link` raises at the start, and the fault of a reader."""
        link = await open_link(self.plan.address, NAME, lambda text: self.log.warning("bus", text=text))
        readers = [
            Batches(link, NAME, stream, self.intake.take, most=self.plan.batch, within_s=self.plan.within_s) for stream in STREAMS
        ]
        subscriber = Subscriber(link, NAME)
        for pattern, handler in self._handlers().items():
            subscriber.read(pattern, handler)
        tasks = [asyncio.create_task(one.run()) for one in readers]
        loops = [
            asyncio.create_task(self._every(self.plan.within_s, "flush", self.intake.flush)),
            asyncio.create_task(self._every(1.0, "sample", self._sample)),
            asyncio.create_task(self._every(self.plan.refresh_s, "aggregates", self._refresh)),
            asyncio.create_task(self._every(60.0, "retention", self._retain)),
            asyncio.create_task(self._every(CHECKPOINT_S, "checkpoint", self._checkpoint)),
        ]
        self.log.info("serving", store=self.store.engine.dialect.name, streams=list(STREAMS))
        try:
            while not self.over.is_set() and not any(one.done() for one in (*tasks, *loops)) and not supervisor_is_gone():
                if heartbeat is not None:
                    heartbeat.beat(Life.RUNNING, self.intake.added.stored)
                await asyncio.sleep(BEAT_S)
        finally:
            if heartbeat is not None:
                heartbeat.beat(Life.STOPPING, self.intake.added.stored)
            for reader in readers:
                reader.stop()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for loop in loops:
                loop.cancel()
            ended += await asyncio.gather(*loops, return_exceptions=True)
            await subscriber.close()
            await self._guarded("flush", self.intake.flush)
            await self._guarded("aggregates", self._refresh)
            await link.close()
            self.log.info("ended", **self._facts())
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault

    def _handlers(self) -> dict[str, Any]:
        take = self.intake
        return {
            "signals.{strategy}": take.signal, "account.balance": take.balance, "account.pnl": take.pnl,
            "account.position": take.position, "health.{component}": take.health, "market_data.{symbol}.ticker": take.ticker,
            "market_data.{symbol}.candles": take.candle,
        }  # fmt: skip

    async def _every(self, wait_s: float, name: str, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(wait_s)
            await self._guarded(name, act)

    async def _guarded(self, name: str, act: Callable[[], Awaitable[None]]) -> None:
        """Do something that the store may be unable to do now; the next time tries again. Another fault ends the process."""
        try:
            await act()
        except B25Error as fault:
            if self._told.get(name) != fault.what:
                self._told[name] = fault.what
                self.log.alarm("failed", act=name, what=fault.what, remedy=fault.remedy)
            return
        if self._told.pop(name, None):
            self.log.info("again", act=name)

    async def _sample(self) -> None:
        await self.intake.sample(self.now_ns())

    async def _refresh(self) -> None:
        await asyncio.to_thread(self.aggregates.refresh, self.now_ns())

    async def _retain(self) -> None:
        now_ns = self.now_ns()
        if await asyncio.to_thread(self.retention.last_ns) // DAY_NS < now_ns // DAY_NS:
            deleted = await asyncio.to_thread(self.retention.run, now_ns)
            self.log.info("retention", **deleted)

    async def _checkpoint(self) -> None:
        await asyncio.to_thread(self.store.checkpoint)

    def _facts(self) -> dict[str, Any]:
        added = self.intake.added
        return {"stored": added.stored, "doubled": added.doubled, "dead": added.dead, "lost": self.intake.lost}


def serve(plan: AnalyticsPlan) -> None:
    """Take the seat, serve until SIGTERM or SIGINT, and leave. Raises B25Error for what keeps it from starting."""
    name = os.environ.get("B25_PROCESS") or NAME
    log = StructuredLog(run=os.environ.get("B25_RUN_ID", ""), process=name)
    seat = Seat.take(plan.run_folder, name)
    heartbeat = Heartbeat(seat.folder, name, epoch=seat.epoch)
    life = Life.FAILED
    try:
        store = open_store(plan.database_url, readers=READERS)
        try:
            asyncio.run(_serve(AnalyticsProcess(plan, store, log), heartbeat))
        finally:
            store.close()
        life = Life.STOPPED
    finally:
        heartbeat.beat(life)
        heartbeat.close()
        seat.leave()


async def _serve(process: AnalyticsProcess, heartbeat: Heartbeat) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, process.stop)
    await process.run(heartbeat)
