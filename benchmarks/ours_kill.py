"""A venue in a process of its own for the kill switch to act on: an account with orders, and answers that are late."""

import json
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from serving import serve

from b25.venue.exchange.listings import default_listings
from b25.venue.exchange.orders import NewOrder
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import Venue, VenueSettings
from b25.venue.wire.thread import VenueThread

RUNNING: list[VenueThread] = []
ACCOUNTS: list[Any] = []


def start(latency_ms: float) -> dict[str, Any]:
    """Open the venue; gives the account as a plan would have it, and the folder that its files lie in."""
    folder = Path(tempfile.mkdtemp())
    settings = VenueSettings(folder=folder, tls_port=0, port=0, limits=LimitSettings(enabled=True))
    thread = VenueThread(settings, listings=default_listings(["BTCUSDT"], ["BTCUSDT"]))
    thread.__enter__()
    RUNNING.append(thread)

    def fund(venue: Venue) -> Any:
        ACCOUNTS.append(venue.exchange.open_account("bench"))
        venue.exchange.deposit(ACCOUNTS[-1], "linear", "USDT", "100000000")
        venue.faults.set("request_delay_ms", min=latency_ms, max=latency_ms)  # it reaches the matching engine so late
        return venue.exchange.make_key(ACCOUNTS[-1])

    key = thread.call(fund)
    keys = folder / "kill-key.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"api_key": key.key, "secret": key.secret}))
    urls = {"rest_url": thread.venue.rest_url, "cafile": str(thread.venue.cafile)}
    row = {
        "exchange": "binance",
        "kind": "linear",
        "where": "loopback",
        "key_file": str(keys),
        "symbols": ["BTC/USDT:USDT"],
        **urls,
    }
    return {"folder": str(folder), "account": row}


def rest(count: int) -> dict[str, Any]:
    """Rest so many orders, without the wire."""

    def place(venue: Venue) -> None:
        for number in range(count):
            order = NewOrder(
                symbol="BTCUSDT", side="BUY", type="LIMIT", tif="GTC", quantity=Decimal("0.01"), price=Decimal(40_000 - number)
            )
            venue.exchange.linear_orders.place(ACCOUNTS[-1], order)

    RUNNING[-1].call(place)
    return {"open": _count()}


def await_none(within_s: float) -> dict[str, Any]:
    """Give the monotonic time, which all processes share, at which no order is open any more."""
    until_s = time.monotonic() + within_s
    while _count():
        if time.monotonic() > until_s:
            return {"gone_s": None}
        time.sleep(0.001)
    return {"gone_s": time.monotonic()}


def stop() -> dict[str, Any]:
    """Close it."""
    RUNNING.pop().__exit__(None, None, None)
    return {}


def _count() -> int:
    return RUNNING[-1].call(lambda venue: len(venue.exchange.linear_orders.open_orders(ACCOUNTS[-1])))


if __name__ == "__main__":
    serve({"start": start, "rest": rest, "await_none": await_none, "stop": stop})
