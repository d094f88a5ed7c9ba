"""A venue on loopback with two accounts, a market that somebody moves, and plain clients: for tests over real sockets."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import time
from collections import deque
from decimal import Decimal
from pathlib import Path

import aiohttp
import ccxt.pro
import orjson

from b25.venue.exchange.matching_book import MatchingBook
from b25.venue.exchange.orders import NewOrder
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import Venue, VenueSettings
from b25.venue.wire.signing import ws_payload
from b25.venue.wire.stream_settings import live_settings

WAIT_S = 10.0
SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"


def warm():
    """Have the matching kernel compiled before a client's time-out runs."""
    book = MatchingBook()
    book.submit(1, 0, 1, 5, 100)
    book.submit(2, 0, -1, 3, 100)
    book.levels(1, 1)
    book.amend(1, 1, 100)
    book.cancel(1)
    book.executable_lots(1, 100)
    book.set_mark(100)
    book.take_changes()


def run(folder: Path, act, *, streams=None, **settings):
    """Run `act(house)` in a fresh venue, and see that no fault of our own was hidden from its clients."""
    warm()

    async def within():
        setup = VenueSettings(
            folder=folder,
            tls_port=0,
            port=0,
            limits=LimitSettings(enabled=False),
            streams=live_settings(**(streams or {})),
            **settings,
        )
        async with Venue(setup) as venue:
            async with House(venue) as house:
                await asyncio.wait_for(act(house), 60)
            assert not list(venue.core.surprises)

    asyncio.run(within())


class House:
    """The venue, its accounts alice and bob, and their clients."""

    def __init__(self, venue):
        self.venue = venue
        self.accounts, self.keys, self.clients = {}, {}, []
        for name in ("alice", "bob"):
            account = self.accounts[name] = venue.exchange.open_account(name)
            for market, asset, amount in (("spot", "USDT", "1000000"), ("spot", "BTC", "100"), ("linear", "USDT", "1000000")):
                venue.exchange.deposit(account, market, asset, amount)
            self.keys[name] = venue.exchange.make_key(account)
        self.session = None

    async def __aenter__(self):
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *fault):
        for client in self.clients:
            await client.close()
        await self.session.close()

    def ccxt(self, name="alice", **changes):
        """An unmodified ccxt.pro client of an account."""
        key = self.keys[name]
        client = ccxt.pro.binance(self.venue.ccxt_config(key.key, key.secret, **changes))
        self.clients.append(client)
        return client

    async def socket(self, path, **options):
        """A bare WebSocket."""
        return Line(await self.session.ws_connect(self.venue.ws_url + path, autoping=False, max_msg_size=0, **options))

    def signed(self, name="alice", **params):
        """Parameters with key, time and signature, as the WebSocket API wants them."""
        key = self.keys[name]
        values = {**params, "apiKey": key.key, "timestamp": self.venue.clock.server_ms()}
        values["signature"] = hmac.new(key.secret.encode(), ws_payload(values), hashlib.sha256).hexdigest()
        return values

    @contextlib.asynccontextmanager
    async def market(self, every_s=0.02):
        """Bob keeps a book on both markets and trades in it with himself."""
        exchange, bob = self.venue.exchange, self.accounts["bob"]

        def place(listing, side, kind, qty, price=None):
            desk = exchange.spot_orders if listing.market == "spot" else exchange.linear_orders
            order = NewOrder(
                symbol="BTCUSDT", side=side, type=kind, quantity=Decimal(qty), price=None if price is None else Decimal(price),
                tif="GTC" if kind == "LIMIT" else None,
            )  # fmt: skip
            return desk.place(bob, order)

        async def move():
            number = 0
            live = {listing.market: deque() for listing in (exchange.spot["BTCUSDT"], exchange.linear["BTCUSDT"])}
            while True:
                number += 1
                for listing in (exchange.spot["BTCUSDT"], exchange.linear["BTCUSDT"]):
                    orders = live[listing.market]
                    orders.append(place(listing, "BUY", "LIMIT", "0.01", 48_000 + number % 40))
                    orders.append(place(listing, "SELL", "LIMIT", "0.01", 52_000 - number % 40))
                    if number % 3 == 0:
                        place(listing, "BUY" if number % 2 else "SELL", "MARKET", "0.002")
                    while len(orders) > 60:
                        old = orders.popleft()
                        desk = exchange.spot_orders if listing.market == "spot" else exchange.linear_orders
                        with contextlib.suppress(Exception):
                            desk.cancel(bob, "BTCUSDT", order_id=old.order_id)
                await asyncio.sleep(every_s)

        for listing in (exchange.spot["BTCUSDT"], exchange.linear["BTCUSDT"]):
            place(listing, "BUY", "LIMIT", "3", 49_000)
            place(listing, "SELL", "LIMIT", "3", 51_000)
        moving = asyncio.get_running_loop().create_task(move())
        try:
            yield
        finally:
            moving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await moving


class Line:
    """A socket that is asked for its next message."""

    def __init__(self, socket):
        self.socket = socket

    async def say(self, message):
        await self.socket.send_str(message if isinstance(message, str) else orjson.dumps(message).decode())

    async def next(self, within_s=WAIT_S):
        """The next message as JSON; pings are passed over."""
        while True:
            message = await self.socket.receive(within_s)
            if message.type is aiohttp.WSMsgType.TEXT:
                return orjson.loads(message.data)
            if message.type is not aiohttp.WSMsgType.PING:
                raise ConnectionError(f"{message.type.name} {message.data} {message.extra}")

    async def drain(self, within_s=WAIT_S):
        """Messages until none comes in time, or the socket closes: then the exception says why."""
        while True:
            await self.next(within_s)

    async def until(self, wanted, within_s=WAIT_S):
        """The first message that `wanted` accepts."""
        end = time.monotonic() + within_s
        while True:
            message = await self.next(max(0.01, end - time.monotonic()))
            if wanted(message):
                return message

    async def ask(self, method, params=None, number="1"):
        """A request of the WebSocket API, and its answer."""
        await self.say({"id": number, "method": method, "params": params or {}})
        return await self.until(lambda message: message.get("id") == number)


def handshake(path):
    """The bytes that open a WebSocket, for clients that are too rude for a library."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: venue\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
