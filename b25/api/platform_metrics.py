"""The gateway's own metrics, and beside them those of every process of the run folder: a part that `/metrics` asks."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

from b25.api.gateway import Gateway
from b25.model.errors import B25Error
from b25.observe.meter import Meter
from b25.runner.health_checks import check_all
from b25.runner.metrics_file import LAG_S, MetricsFile
from b25.runner.metrics_folder import read_checks, read_disk, told_in
from b25.store.ping import ping, size_bytes

FRESH_S: Final = 5.0  # what costs a look at everything is looked at no oftener


class PlatformMetrics:
    """What is told at `/metrics`.

    Parameters
    ----------
    gateway : Gateway

    Attributes
    ----------
    meter : Meter
        Of the gateway; other parts may count in it what is declared.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.meter = Meter("gateway")
        self._lag = MetricsFile(gateway.settings.run_folder, "gateway", self.meter)
        self._looked_s = float("-inf")
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to measure how late the loop wakes."""
        self._task = asyncio.get_running_loop().create_task(self._measure(), name="loop lag")

    async def stop(self) -> None:
        """Measure no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _measure(self) -> None:
        while True:
            await self._lag.wait(LAG_S)

    async def text(self) -> str:
        """Everything that is known now, in Prometheus' text format."""
        async with self._looking:
            if time.monotonic() - self._looked_s >= FRESH_S:
                read_checks(await check_all(self.gateway), self.meter)
                await asyncio.to_thread(self._look)
                self._looked_s = time.monotonic()
        return await asyncio.to_thread(self._put_together)

    def _look(self) -> None:
        read_disk(self.gateway.settings.run_folder, self.meter)
        began_s = time.perf_counter()
        try:
            ping(self.gateway.store)
        except B25Error:
            self.meter.set("b25_store_up", 0)
            self.meter.set("b25_store_ping_seconds", None)
            self.meter.set("b25_store_size_bytes", None)
            return
        self.meter.set("b25_store_up", 1)
        self.meter.set("b25_store_ping_seconds", time.perf_counter() - began_s)
        with suppress(B25Error, OSError):
            self.meter.set("b25_store_size_bytes", size_bytes(self.gateway.store))

    def _put_together(self) -> str:
        self._lag.measure()
        return told_in(self.gateway.settings.run_folder, self.meter)
