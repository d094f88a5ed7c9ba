"""b25's venue in a process of its own, for one ccxt client that places orders: rate limits off, a book that stands still."""

import gc
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from serving import serve

from b25.model.event import BUY, SELL
from b25.venue.exchange.listings import default_listings
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import Venue, VenueSettings
from b25.venue.wire.thread import VenueThread

LEVELS = 200
RUNNING: list[VenueThread] = []


def _quote(venue: Venue) -> None:
    for listing in (venue.exchange.spot["BTCUSDT"], venue.exchange.linear["BTCUSDT"]):
        listing.set_filters(replace(listing.filters, max_orders=1_000_000))
        middle, step = listing.to_ticks("50000"), listing.to_ticks("1")
        for level in range(1, LEVELS + 1):
            for side in (BUY, SELL):
                order_id = listing.next_order_id()
                events = listing.book.submit(order_id, 0, side, listing.to_lots("10"), middle - side * level * step)
                venue.exchange.apply_external(listing, events)


def start() -> dict[str, Any]:
    """Open the venue; gives what ccxt is configured with."""
    settings = VenueSettings(folder=Path(tempfile.mkdtemp()), tls_port=0, port=0, limits=LimitSettings(enabled=False))
    thread = VenueThread(settings, listings=default_listings(["BTCUSDT"], ["BTCUSDT"]))
    thread.__enter__()
    RUNNING.append(thread)

    def fund(venue: Venue) -> Any:
        _quote(venue)
        account = venue.exchange.open_account("bench")
        venue.exchange.deposit(account, "spot", "USDT", "100000000")
        venue.exchange.deposit(account, "linear", "USDT", "100000000")
        return venue.exchange.make_key(account)

    key = thread.call(fund)
    gc.collect()
    gc.freeze()
    return {"config": thread.venue.ccxt_config(key.key, key.secret)}


def stop() -> dict[str, Any]:
    """Close it."""
    RUNNING.pop().__exit__(None, None, None)
    return {}


if __name__ == "__main__":
    serve({"start": start, "stop": stop})
