"""A stand for the hub without a network: an exchange of bare listings, and sockets that keep the frames they get."""

import asyncio
import struct

import orjson

from b25.model.matching import MatchKind
from b25.venue.exchange.listing import PublicTrade
from b25.venue.exchange.listings import linear_listing, spot_listing
from b25.venue.wire.clock import VenueClock
from b25.venue.wire.faults import Faults
from b25.venue.wire.hub import Hub
from b25.venue.wire.sockets import Socket
from b25.venue.wire.stream_settings import live_settings

START_MS = 1_700_000_000_000


class KeepingTransport(asyncio.Transport):
    """Keeps what is written. With `stuck` nothing leaves the buffer."""

    def __init__(self, stuck=False):
        super().__init__()
        self.data = bytearray()
        self.stuck = stuck
        self.closing = False
        self.aborted = False

    def write(self, data):
        self.data += data

    def get_write_buffer_size(self):
        return len(self.data) if self.stuck else 0

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True

    def abort(self):
        self.closing = self.aborted = True


def unframed(data):
    """The frames in a run of bytes: (opcode, payload)."""
    frames, at = [], 0
    while at < len(data):
        opcode, length = data[at] & 0x0F, data[at + 1]
        assert data[at] & 0x80
        assert length < 128  # no mask
        at += 2
        if length == 126:
            (length,), at = struct.unpack_from("!H", data, at), at + 2
        elif length == 127:
            (length,), at = struct.unpack_from("!Q", data, at), at + 8
        frames.append((opcode, bytes(data[at : at + length])))
        at += length
    assert at == len(data)
    return frames


class BareExchange:
    """Listings and their books; commands go straight to a book."""

    def __init__(self, listings, now_ms=START_MS):
        self.now_ms = now_ms
        self.spot = {one.name: one for one in listings if one.market == "spot"}
        self.linear = {one.name: one for one in listings if one.market == "linear"}
        self.accounts = {}
        self.sinks = []

    def tell(self, listing, events):
        trades = [
            PublicTrade(one.trade_id, one.price_ticks, one.qty_lots, self.now_ms, one.side < 0)
            for one in events
            if one.kind == MatchKind.TRADE
        ]
        listing.trades.extend(trades)
        changed = listing.collect_changes(self.now_ms)
        for sink in self.sinks:
            if trades:
                sink.on_trades(listing, trades)
            if changed:
                sink.on_book(listing)
        return events

    def place(self, listing, side, lots, ticks, **more):
        return self.tell(listing, listing.book.submit(listing.next_order_id(), 0, side, lots, ticks, **more))


class Stand:
    """A hub, its exchange and a stepped clock."""

    def __init__(self, listings=None, **settings):
        self.listings = listings or [spot_listing("BTCUSDT"), linear_listing("BTCUSDT")]
        self.exchange = BareExchange(self.listings)
        self.faults = Faults()
        self.clock = VenueClock("stepped", start_ms=START_MS)
        self.faults.now_ms = START_MS
        self.hub = Hub(self.exchange, self.faults, self.clock, live_settings(**settings))
        self.spot, self.linear = self.listings[0], self.listings[-1]

    def step(self, by_ms):
        self.exchange.now_ms = self.clock.step(by_ms)
        self.faults.advance(self.exchange.now_ms)
        self.hub.advance(self.exchange.now_ms)

    def listener(self, *names, market="spot", path=None, combined=False, stuck=False):
        socket = Socket(
            KeepingTransport(stuck), market=market, path=path or ("spot" if market == "spot" else "public"), address="127.0.0.1",
            settings=self.hub.settings, now_ms=self.hub.life_ms(), combined=combined,
        )  # fmt: skip
        self.hub.add(socket)
        for name in names:
            self.hub.subscribe(socket, name)
        return socket


def heard(socket, opcode=1):
    """What a socket got since it was asked last, as JSON."""
    frames = unframed(socket.transport.data)
    socket.transport.data.clear()
    return [orjson.loads(payload) for code, payload in frames if code == opcode]
