"""What the gateway itself tells the bus: changed configurations, annotations, alerts that somebody has seen."""

from __future__ import annotations

import os

from b25.bus.address import BusAddress
from b25.bus.publisher import Publisher
from b25.bus.thread import BusThread
from b25.runner.structured_log import StructuredLog


class Voice:
    """A part of the gateway.

    Parameters
    ----------
    address : BusAddress or None
        None for no bus: then there is no publisher either.

    Attributes
    ----------
    publisher : Publisher or None
    """

    def __init__(self, address: BusAddress | None, log: StructuredLog) -> None:
        self.address, self.log = address, log
        self.publisher = None if address is None else Publisher("gateway", f"voice-{os.getpid()}")
        self._thread: BusThread | None = None

    def start(self) -> None:
        """Begin to send. Raises what `open_link` raises when the bus is not there."""
        if self.address is not None and self.publisher is not None:
            self._thread = BusThread(self.address, self.publisher, lambda text: self.log.info("bus", text=text))
            self._thread.start()

    def stop(self) -> None:
        """Send what waits, and go."""
        if self._thread is not None:
            self._thread.close()
            self._thread = None
