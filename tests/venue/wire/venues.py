"""Venues for tests: a fresh one in this loop, or one in a thread; a book to trade against; signed requests without ccxt."""

import hashlib
import hmac
import json
import ssl
import time
from dataclasses import replace
from decimal import Decimal
from urllib.parse import quote, urlencode

import aiohttp

from b25.model.event import BUY, SELL
from b25.venue.exchange.listings import default_listings
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import Venue, VenueSettings
from b25.venue.wire.thread import VenueThread

MID = "50000"
LEVELS = 50
DEPOSITS = {"spot": {"USDT": "1000000", "BTC": "100"}, "linear": {"USDT": "1000000"}}
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def listings():
    return default_listings(SYMBOLS, SYMBOLS)


def settings(folder, **changes):
    free = {"folder": folder, "tls_port": 0, "port": 0, "limits": LimitSettings(enabled=False)}
    return VenueSettings(**{**free, **changes})


def fresh(folder, **changes):
    """A venue with a book on BTCUSDT of both markets, not started."""
    venue = Venue(settings(folder, **changes), listings=listings())
    for market in (venue.exchange.spot, venue.exchange.linear):
        fill_book(venue.exchange, market["BTCUSDT"])
    return venue


def in_thread(folder, **changes):
    """The same in a thread; `call` reaches into it."""
    thread = VenueThread(settings(folder, **changes), listings=listings())
    for market in (thread.venue.exchange.spot, thread.venue.exchange.linear):
        fill_book(thread.venue.exchange, market["BTCUSDT"])
    return thread


def fill_book(exchange, listing, mid=MID, lots="1"):
    """Ten units of price between levels, one unit of the base on each."""
    centre = listing.to_ticks(mid)
    step = listing.to_ticks("10")
    for level in range(1, LEVELS + 1):
        for side in (BUY, SELL):
            order_id = listing.next_order_id()
            events = listing.book.submit(order_id, 0, side, listing.to_lots(lots), centre - side * level * step)
            exchange.apply_external(listing, events)


def crowd_trades(exchange, listing, side, qty):
    """The crowd takes so much at the market."""
    events = listing.book.submit(listing.next_order_id(), 0, side, listing.to_lots(qty), market=True)
    exchange.apply_external(listing, events)


def more_orders(listing, count):
    listing.set_filters(replace(listing.filters, max_orders=count))


def account(exchange, name="alice", **key):
    """A funded account and a key of it."""
    owner = exchange.open_account(name)
    for market, assets in DEPOSITS.items():
        for asset, amount in assets.items():
            exchange.deposit(owner, market, asset, Decimal(amount))
    return owner, exchange.make_key(owner, **key)


def signed(secret, **parameters):
    """A signed query as ccxt writes it: timestamp first, signature last."""
    values = {"timestamp": int(time.time() * 1000), **parameters}
    query = urlencode({name: value for name, value in values.items() if value is not None}, quote_via=quote)
    return f"{query}&signature={hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()}"


class Client:
    """One HTTP client that signs and does nothing else."""

    def __init__(self, venue, key=None, secret=None):
        self.venue = venue
        self.key = key.key if key is not None else None
        self.secret = secret or (key.secret if key is not None else "")
        self.headers = {}
        self.status = 0

    async def __aenter__(self):
        context = ssl.create_default_context(cafile=str(self.venue.cafile))
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        return self

    async def __aexit__(self, *fault):
        await self.session.close()

    async def ask(self, method, path, query="", body="", **options):
        """The JSON (or text) of a raw request; status and headers are kept."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", **options.pop("headers", {})}
        if self.key is not None:
            headers.setdefault("X-MBX-APIKEY", self.key)
        target = f"{self.venue.rest_url}{path}" + (f"?{query}" if query else "")
        from yarl import URL

        async with self.session.request(method, URL(target, encoded=True), data=body or None, headers=headers, **options) as got:
            self.status, self.headers = got.status, got.headers
            text = await got.text()
        return json.loads(text) if text[:1] in ("{", "[") else text

    async def get(self, path, **parameters):
        return await self.ask("GET", path, urlencode(parameters))

    async def signed(self, method, path, **parameters):
        payload = signed(self.secret, **parameters)
        if method in ("GET", "DELETE"):
            return await self.ask(method, path, payload)
        return await self.ask(method, path, body=payload)


def order(**changes):
    """A resting spot or futures bid."""
    values = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "49000"}
    return {**values, **changes}
