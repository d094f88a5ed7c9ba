"""The venues that the contract holds for: in this process, on the wire through ccxt, and a real test network when asked."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from b25.model.event import BUY
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.venue import InProcessVenue
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import Kind, Listing, OrderReport
from b25.venue.port.requests import NewOrder
from b25.venue.wire.server import Venue, VenueSettings

SYMBOLS = {"spot": "BTC/USDT", "linear": "BTC/USDT:USDT"}
MONEY = (("spot", "USDT", "1000000"), ("spot", "BTC", "10"), ("linear", "USDT", "1000000"))


@dataclass
class Stand:
    """Two accounts of one market, and what they trade."""

    port: VenuePort
    counterparty: VenuePort | None
    kind: str
    venue: Venue | None = None
    price: Decimal = Decimal(40000)
    listing: Listing = field(init=False)
    ids: Any = field(default_factory=itertools.count)
    prefix: str = "b25-contract"

    @property
    def symbol(self) -> str:
        return self.listing.instrument.symbol

    @property
    def other(self) -> VenuePort:
        if self.counterparty is None:
            pytest.skip("needs a second account, and a test network gives us one")
        return self.counterparty

    @property
    def ticks(self) -> int:
        return self.listing.instrument.ticks(self.price)

    def ours(self, orders: list[OrderReport]) -> list[OrderReport]:
        """Those of this case: an account of a test network has a past."""
        return [order for order in orders if order.client_id.startswith(self.prefix)]

    @property
    def lots(self) -> int:
        return self.listing.instrument.lots("0.01")

    def new(self, side: int = BUY, **changes: Any) -> NewOrder:
        base: dict[str, Any] = {
            "symbol": self.symbol,
            "client_id": f"{self.prefix}-{next(self.ids)}",
            "side": side,
            "qty_lots": self.lots,
            "price_ticks": self.ticks,
        }
        return NewOrder(**(base | changes))

    async def traded(self, side: int = BUY) -> OrderReport:
        """Trade with the other account: ours takes."""
        (await self.other.submit(self.new(-side))).must()
        return (await self.port.submit(self.new(side))).must()


Case = Callable[[Stand], Awaitable[None]]


def fund(exchange: Exchange, name: str) -> Account:
    account = exchange.open_account(name)
    for market, asset, amount in MONEY:
        exchange.deposit(account, market, asset, amount)
    return account


@asynccontextmanager
async def in_process(kind: str, folder: Path) -> AsyncIterator[Stand]:
    now_ms = time.time_ns() // 1_000_000
    exchange = Exchange(default_listings(["BTCUSDT"], ["BTCUSDT"]), now_ms=now_ms)

    def clock() -> int:
        return time.time_ns() // 1_000_000

    ports = [InProcessVenue(exchange, fund(exchange, name), kind, now_ms=clock) for name in ("alice", "bob")]
    yield Stand(ports[0], ports[1], kind)
    for port in ports:
        await port.close()


@asynccontextmanager
async def on_the_wire(kind: str, folder: Path) -> AsyncIterator[Stand]:
    settings = VenueSettings(folder=folder, tls_port=0, port=0)
    async with Venue(settings, listings=default_listings(["BTCUSDT"], ["BTCUSDT"])) as venue:
        keys = [venue.exchange.make_key(fund(venue.exchange, name)) for name in ("alice", "bob")]
        ports = [
            connect(
                Profile(
                    exchange="binance",
                    kind=Kind(kind),
                    where=Where.LOOPBACK,
                    key=key.key,
                    secret=key.secret,
                    rest_url=venue.rest_url,
                    ws_url=venue.ws_url,
                    cafile=str(venue.cafile),
                )
            )
            for key in keys
        ]
        for port in ports:
            port.api.timeout_on_exit = 0
            (await port.listings()).must()
        try:
            yield Stand(ports[0], ports[1], kind, venue)
        finally:
            for port in ports:
                await port.close()


@asynccontextmanager
async def testnet(kind: str, folder: Path) -> AsyncIterator[Stand]:
    key, secret = os.environ["B25_TESTNET_KEY"], os.environ["B25_TESTNET_SECRET"]
    port = connect(Profile(exchange="binance", kind=Kind(kind), where=Where.TESTNET, key=key, secret=secret))
    try:
        (await port.server_time_ms()).must()
        (await port.listings()).must()
        last = Decimal((await port.api.fetch_ticker(SYMBOLS[kind]))["last"])
        price = (last * Decimal("0.97")).quantize(Decimal(1))  # near enough for the price filters, far enough to rest
        yield Stand(port, None, kind, price=price, prefix=f"b25-{time.time_ns() // 1_000_000:x}")
    finally:
        await port.cancel_all(SYMBOLS[kind])
        await port.close()


OPEN = {"in process": in_process, "wire": on_the_wire, "testnet": testnet}


def play(where: str, kind: str, folder: Path, case: Case) -> None:
    """Run one case on a fresh stand."""

    async def run() -> None:
        async with OPEN[where](kind, folder) as stand:
            stand.listing = (await stand.port.listings()).must()[SYMBOLS[kind]]
            await case(stand)

    asyncio.run(run())
