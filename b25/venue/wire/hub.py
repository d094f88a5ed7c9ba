"""The WebSocket front: one hub knows the sockets, who listens to what, and when something is due.

The exchange tells it what happens (it is one of the exchange's sinks); the venue calls `advance` whenever the exchange has
advanced; REST asks it for `statistics` and `listen_keys`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import orjson

from b25.venue.wire.audiences import Audience, Audiences
from b25.venue.wire.channels import ALL, channel
from b25.venue.wire.connection_faults import ConnectionFaults
from b25.venue.wire.listen_keys import ListenKeys
from b25.venue.wire.market_streams import MarketStreams
from b25.venue.wire.render_streams import Payload, shifted
from b25.venue.wire.sockets import GOING_AWAY, Socket
from b25.venue.wire.statistics import Statistics
from b25.venue.wire.stream_faults import StreamFaults
from b25.venue.wire.stream_settings import StreamSettings, live_settings
from b25.venue.wire.user_streams import UserStreams

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.events import Liquidation, UserEvent
    from b25.venue.exchange.exchange import Exchange
    from b25.venue.exchange.listing import Listing, PublicTrade
    from b25.venue.wire.clock import VenueClock
    from b25.venue.wire.faults import Faults

# How often sockets are looked at for pings and time-outs.
KEEP_ALIVE_MS = 100.0
CONNECTIONS_WINDOW_MS = 300_000
ADDRESSES_MAX = 10_000


class Hub:
    """All sockets of the venue.

    Parameters
    ----------
    exchange : Exchange
        Its listings are published; the hub adds itself to the sinks.
    faults : Faults
        What misbehaves on purpose.
    clock : VenueClock
        Streams go by the venue's time. Pings, the life of a socket and of a listen key go by the wall, as the client's own
        timers do, except that a stepped clock steps them too.
    settings : StreamSettings, optional
        Limits and timings.
    """

    def __init__(
        self, exchange: "Exchange", faults: "Faults", clock: "VenueClock", settings: StreamSettings | None = None
    ) -> None:
        self.exchange = exchange
        self.faults = faults
        self.clock = clock
        self.settings = settings or live_settings()
        self.sockets: dict[Socket, None] = {}
        self.audiences = Audiences(self._on_first)
        self.market = MarketStreams(self.audiences, self.publish)
        self.listen_keys = ListenKeys(self.settings.listen_key_ms, self.life_ms)
        self.users = UserStreams(faults, self.listen_keys, self.told_ms, self.later)
        self.connection_faults = ConnectionFaults(self)
        self.watchers: list[Callable[[], None]] = []  # told after each advance: the status page
        self._bent = StreamFaults(faults)
        self._kept_alive_ms = 0.0
        self._sent_before = 0
        self._connections: dict[str, deque[float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for listing in (*exchange.spot.values(), *exchange.linear.values()):
            self.market.add(listing, exchange.now_ms)
        exchange.sinks.append(self)
        faults.listeners.append(self.connection_faults.on_fault)

    # -- time -------------------------------------------------------------------------------------

    def told_ms(self) -> int:
        """Time of the venue as its events tell it: off by as much as its clock is."""
        return self.exchange.now_ms + self.clock.offset_ms

    def life_ms(self) -> float:
        """The clock of sockets and listen keys."""
        return float(self.clock.now_ms()) if self.clock.mode == "stepped" else time.monotonic() * 1000

    def later(self, after_ms: float, act: Callable[[], None]) -> None:
        """Do something after so many milliseconds of the venue."""

        async def wait() -> None:
            await self.clock.sleep_ms(after_ms)
            act()

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def advance(self, now_ms: int) -> None:
        """Send what is due. The venue calls it after `exchange.advance`."""
        self.market.advance(now_ms)
        life_ms = self.life_ms()
        if life_ms - self._kept_alive_ms >= KEEP_ALIVE_MS or life_ms < self._kept_alive_ms:
            self._kept_alive_ms = life_ms
            self.users.expire()
            for socket in tuple(self.sockets):
                socket.keep_alive(life_ms)
        for watcher in self.watchers:
            watcher()

    # -- what the exchange tells ------------------------------------------------------------------

    def on_trades(self, listing: "Listing", trades: Sequence["PublicTrade"]) -> None:
        """Trades of one command."""
        self.market.on_trades(listing, trades, self.exchange.now_ms)

    def on_book(self, listing: "Listing") -> None:
        """The levels changed."""
        self.market.on_book(listing, self.exchange.now_ms)

    def on_user(self, account: "Account", event: "UserEvent") -> None:
        """Something happened to an account."""
        self.users.on_user(account, event)

    def on_status(self, listing: "Listing") -> None:
        """The symbol's status or filters changed, or it is new: who asked for it before hears it from now on."""
        known = len(self.market.listings)
        self.market.add(listing, self.exchange.now_ms)
        if len(self.market.listings) == known:
            return
        for socket in tuple(self.sockets):
            for name in socket.streams:
                if name.startswith(listing.name.lower() + "@"):
                    self._join(socket, name)

    def on_mark(self, listing: "Listing") -> None:
        """A mark price was computed: it is told at its cadence."""

    def on_liquidation(self, liquidation: "Liquidation") -> None:
        """A position was closed by the venue."""
        self.market.on_liquidation(liquidation, self.exchange.now_ms)

    def statistics(self, listing: "Listing") -> Statistics:
        """Candles, tickers and aggregate trades of a listing."""
        return self.market.add(listing, self.exchange.now_ms).statistics

    # -- sockets ----------------------------------------------------------------------------------

    def admits_connection(self, address: str) -> bool:
        """Count a connection; False when the address has opened too many."""
        now_ms = self.life_ms()
        while len(self._connections) >= ADDRESSES_MAX and address not in self._connections:
            self._connections.pop(next(iter(self._connections)))
        opened = self._connections.setdefault(address, deque())
        while opened and opened[0] <= now_ms - CONNECTIONS_WINDOW_MS:
            opened.popleft()
        if len(opened) >= self.settings.connections_per_5_min:
            return False
        opened.append(now_ms)
        return True

    def add(self, socket: Socket) -> None:
        """Take a socket in."""
        self.sockets[socket] = None
        self.connection_faults.look_at(socket)

    def remove(self, socket: Socket) -> None:
        """Let go of a socket that has closed."""
        if self.sockets.pop(socket, self) is None:
            self._sent_before += socket.sent
        for name in list(socket.streams):
            self.unsubscribe(socket, name)
        self.users.forget(socket)

    def subscribe(self, socket: Socket, name: str) -> None:
        """Let a socket listen to a stream. One that does not exist here is acknowledged and stays silent, as live."""
        socket.streams[name] = None
        self._join(socket, name)
        self.connection_faults.look_at(socket)

    def _join(self, socket: Socket, name: str) -> None:
        """Streams of symbols that are not listed get no audience, so that nobody can make us keep a million of them."""
        found = channel(socket.market, name)
        if found is not None and found.path == socket.path and self.market.knows(found):
            self.audiences.join(found, socket)

    def unsubscribe(self, socket: Socket, name: str) -> None:
        """Let a socket listen no more."""
        if socket.streams.pop(name, self) is None:
            self.audiences.leave(socket.market, name, socket)
            self.market.forget_silent()

    def set_combined(self, socket: Socket, combined: bool) -> None:
        """Put names around the payloads of a socket, or no more."""
        socket.combined = combined
        for name in socket.streams:
            audience = self.audiences.get(socket.market, name)
            if audience is not None and (socket in audience.raw or socket in audience.combined):
                audience.place(socket)

    def wrong_path_is_error(self, name: str) -> bool:
        """Whether a futures channel asked for on the wrong path gets an error."""
        fault = self.faults.draw("ws_wrong_path", name, "linear")
        return str(fault.values["mode"] if fault else self.settings.wrong_path) == "error"

    def close(self) -> None:
        """Close every socket, for good."""
        for task in tuple(self._tasks):
            task.cancel()
        for socket in tuple(self.sockets):
            socket.close(GOING_AWAY, "the venue stops")

    @property
    def sent(self) -> int:
        """Messages sent since the venue began."""
        return self._sent_before + sum(socket.sent for socket in self.sockets)

    # -- sending ----------------------------------------------------------------------------------

    def publish(self, audiences: Iterable[Audience], payload: Payload | list[Payload], listing: "Listing | None") -> None:
        """Send a payload to audiences: rendered once, and bent by the faults that are on."""
        if self.clock.offset_ms:
            payload = shifted(payload, self.clock.offset_ms)
        bends = self._bent.are_on()
        rendered = b""
        for audience in tuple(audiences):
            if bends or audience.held is not None:
                for late_ms, bent in self._bent.bent(audience, payload, listing):
                    self._send(audience, bent, late_ms)
                continue
            rendered = rendered or orjson.dumps(payload)
            audience.send(rendered)

    def _send(self, audience: Audience, payload: bytes, late_ms: float) -> None:
        if late_ms > 0:
            self.later(late_ms, lambda: audience.send(payload))
        else:
            audience.send(payload)

    def _on_first(self, audience: Audience) -> None:
        if audience.channel.symbol != ALL:
            self.market.on_first(audience, self.exchange.now_ms)
