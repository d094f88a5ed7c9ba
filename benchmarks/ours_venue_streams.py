"""b25's venue in a process of its own, with a book that changes: what serving its depth stream costs is this process's CPU."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from serving import serve

from b25.model.event import BUY, SELL
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import spot_listing
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import VenueSettings
from b25.venue.wire.stream_settings import live_settings
from b25.venue.wire.thread import VenueThread

MIDDLE_TICKS = 5_000_000
STEP_MS = 20


class Quotes:
    """A flow that moves a few levels every 20 ms: what a second of diffs holds is the same in every run."""

    def __init__(self, exchange: Exchange, levels: int) -> None:
        self.exchange = exchange
        self.listing = exchange.spot["BTCUSDT"]
        self.levels = levels
        self.next_ms = exchange.now_ms
        self.orders: list[int] = []

    def advance(self, now_ms: int) -> None:
        while self.next_ms <= now_ms:
            self.next_ms += STEP_MS
            for number in range(self.levels):
                if len(self.orders) > 400:
                    self._tell(self.listing.book.cancel(self.orders.pop(0)))
                side = BUY if number % 2 else SELL
                order_id = self.listing.next_order_id()
                price = MIDDLE_TICKS - side * (10 + 7 * order_id % 300)
                self.orders.append(order_id)
                self._tell(self.listing.book.submit(order_id, 0, side, 1_000 + order_id % 50, price))

    def _tell(self, events: list[Any]) -> None:
        self.exchange.apply_external(self.listing, events)


RUNNING: list[VenueThread] = []


def start(levels: int) -> dict[str, Any]:
    """Open the venue; gives its address."""

    def market(exchange: Exchange) -> None:
        exchange.spot["BTCUSDT"].flow = Quotes(exchange, levels)

    settings = VenueSettings(
        folder=Path(tempfile.mkdtemp()), tls_port=0, port=0, limits=LimitSettings(enabled=False),
        streams=live_settings(connections_per_5_min=10_000),
    )  # fmt: skip
    thread = VenueThread(settings, listings=[spot_listing("BTCUSDT")], market=market)
    thread.__enter__()
    RUNNING.append(thread)
    return {"url": thread.venue.ws_url}


def stop() -> dict[str, Any]:
    """Close it."""
    RUNNING.pop().__exit__(None, None, None)
    return {}


def cpu() -> dict[str, float]:
    """CPU seconds of this process so far, and the time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": used.ru_utime + used.ru_stime, "at_s": time.perf_counter()}


if __name__ == "__main__":
    serve({"start": start, "stop": stop, "cpu": cpu})
