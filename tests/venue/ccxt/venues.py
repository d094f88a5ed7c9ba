"""A venue through ccxt that talks to a recorder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.gateway import CcxtVenue
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.port.reports import Kind
from b25.venue.port.requests import NewOrder
from tests.venue.ccxt.recorder import Recorder

KEY, SIGNED_WITH = "canary-key-6f1d", "canary-secret-0b9e"


@asynccontextmanager
async def venue_at(recorder: Recorder, kind: str = "spot", exchange: str = "binance", **more: Any) -> AsyncIterator[CcxtVenue]:
    settings = {name: more.pop(name) for name in ("timeout_ms", "key", "secret", "password") if name in more}
    profile = Profile(
        exchange=exchange,
        kind=Kind(kind),
        where=Where.LOOPBACK,
        rest_url=recorder.url,
        cafile=recorder.cafile,
        **({"key": KEY, "secret": SIGNED_WITH} | settings),
    )
    venue = connect(profile, **more)
    venue.api.timeout_on_exit = 0
    try:
        yield venue
    finally:
        await venue.close()


def an_order(kind: str = "spot", **changes: Any) -> NewOrder:
    symbol = "BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"
    base: dict[str, Any] = {"symbol": symbol, "client_id": "b25-aaaaa-b-1", "side": 1, "qty_lots": 1000, "price_ticks": 400_000}
    return NewOrder(**(base | changes))
