"""The venue as one process: exchange, clock, faults, endpoints and sockets behind a TLS port and a plain one.

async with Venue(VenueSettings(folder=folder, tls_port=0, port=0)) as venue:
    account = venue.exchange.open_account("alice")
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from aiohttp import web

from b25.venue.exchange.exchange import Exchange, ExchangeSettings
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.listings import default_listings
from b25.venue.exchange.matching_book import compile_matching
from b25.venue.wire.admin import Admin
from b25.venue.wire.clock import ClockMode, VenueClock
from b25.venue.wire.core import Core
from b25.venue.wire.director import Director
from b25.venue.wire.fast_http import FastHttp
from b25.venue.wire.faults import Faults
from b25.venue.wire.front import Front
from b25.venue.wire.hub import Hub
from b25.venue.wire.limits import Limits, LimitSettings
from b25.venue.wire.rest import BODY_BYTES_MAX, Rest
from b25.venue.wire.scenario import Scenario
from b25.venue.wire.socket_server import market_routes
from b25.venue.wire.status import StatusPage
from b25.venue.wire.stream_settings import StreamSettings
from b25.venue.wire.tls import CERTIFICATE, server_context, write_private
from b25.venue.wire.ws_api import WsApi, api_routes

TICK_S = 0.005
HUB_MS = 5
WARM_UP_STEP_MS = 100
"""A burst of requests does not make the streams look up more often than this."""
ADMIN_TOKEN = "venue-admin-token"  # noqa: S105 - the name of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """How a venue is set up.

    Attributes
    ----------
    host : str
        Where it listens; loopback unless somebody insists.
    tls_port, port : int
        For HTTPS and for plain HTTP and WebSockets; 0 takes a free one.
    folder : Path
        Where certificate, token and keys lie.
    clock : {"real", "accelerated", "stepped"}
        How time passes.
    speed : float
        Of the accelerated clock.
    start_ms : int, optional
        First time of an accelerated or stepped clock.
    signs_by : {"wall", "venue"}, optional
        The clock that the times of signed requests are compared with; see `VenueClock`.
    seed : int
        Of the faults' dice.
    warm_up_s : float
        How long the market has lived before the venue opens: there are books, trades and bars from the first request on.
    read_lag_ms : tuple of float
        From and to: how late the reads that lag are answered. (0, 500) is the live exchange's.
    """

    host: str = "127.0.0.1"
    tls_port: int = 18_443
    port: int = 18_080
    folder: Path = Path("data/venue")
    clock: ClockMode = "real"
    speed: float = 1.0
    start_ms: int | None = None
    signs_by: Literal["wall", "venue"] | None = None
    seed: int = 25
    warm_up_s: float = 0.0
    read_lag_ms: tuple[float, float] = (0.0, 0.0)
    limits: LimitSettings = field(default_factory=LimitSettings)
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)
    streams: StreamSettings | None = None


async def _close(runner: web.AppRunner) -> None:
    """Say good-bye to the connections that aiohttp keeps, then leave none behind: a client need not answer a good-bye."""
    server = runner.server
    kept = [handler.transport for handler in server.connections] if server is not None else []
    await runner.cleanup()
    for transport in kept:
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0.01)  # the loop must see them go before it may end itself


class Venue:
    """A simulated venue that speaks Binance's protocols.

    Parameters
    ----------
    settings : VenueSettings
        How it is set up.
    listings : list of Listing, optional
        What is traded; the usual symbols of both markets when left out.
    market : callable, optional
        Gives the listings their flows, that is the others who trade; takes the exchange.
    scenario : Scenario, optional
        Faults that come and go.
    """

    def __init__(
        self,
        settings: VenueSettings | None = None,
        *,
        listings: list[Listing] | None = None,
        market: Callable[[Exchange], None] | None = None,
        scenario: Scenario | None = None,
    ) -> None:
        self.settings = settings = settings or VenueSettings()
        self.clock = VenueClock(settings.clock, speed=settings.speed, start_ms=settings.start_ms, signs_by=settings.signs_by)
        began_ms = self.clock.now_ms() - round(settings.warm_up_s * 1000)
        self.exchange = Exchange(listings or default_listings(), now_ms=began_ms, settings=settings.exchange)
        self.faults = Faults(settings.seed)
        self.faults.now_ms = self.exchange.now_ms
        self.limits = Limits(settings.limits)
        self.core = Core(self.exchange, self.clock, self.limits, self.faults)
        self.front = Front(self.core)
        self.hub = Hub(self.exchange, self.faults, self.clock, settings.streams)
        self.core.statistics = self.hub.statistics
        self.core.listen_keys = self.hub.listen_keys
        self.director = Director(self.exchange)
        self.faults.listeners.append(self.director.on_fault)
        self.scenario = scenario
        self.admin_token = secrets.token_urlsafe(24)
        self._rest = Rest(self.front)
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self._hub_ms = -1
        self._ticking: asyncio.Task[None] | None = None
        self._ports = (settings.tls_port, settings.port)
        self.core.on_advance.append(self._follow)
        if market is not None:
            market(self.exchange)
        while (behind_ms := self.clock.now_ms() - self.exchange.now_ms) > 0:
            # In small steps, so that trades and bars get their own times.
            self.exchange.advance(self.exchange.now_ms + min(behind_ms, WARM_UP_STEP_MS))
        low, high = settings.read_lag_ms
        if high > 0:
            self.faults.set("read_lag_ms", min=low, max=high)

    # -- addresses --------------------------------------------------------------------------------

    @property
    def rest_url(self) -> str:
        """Where HTTPS is spoken."""
        return f"https://{self.settings.host}:{self._ports[0]}"

    @property
    def plain_url(self) -> str:
        """Where HTTP is spoken without TLS."""
        return f"http://{self.settings.host}:{self._ports[1]}"

    @property
    def ws_url(self) -> str:
        """Where WebSockets are spoken."""
        return f"ws://{self.settings.host}:{self._ports[1]}"

    @property
    def cafile(self) -> Path:
        """The certificate that a client must trust."""
        return self.settings.folder / CERTIFICATE

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; what has to be compiled is compiled before."""
        compile_matching()
        settings = self.settings
        context = server_context(settings.folder)
        write_private(settings.folder / ADMIN_TOKEN, self.admin_token.encode())
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.add_routes(self._rest.routes())
        app.add_routes(Admin(self).routes())
        app.add_routes(market_routes(self.hub))
        app.add_routes(api_routes(WsApi(self.hub, self.front, self._rest.faulty.disturbed)))
        app.add_routes(StatusPage(self.hub, self.limits, lambda: self._rest.requests).routes())
        app.router.add_route("*", "/{tail:.*}", self._rest.elsewhere)
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.5)
        await self._runner.setup()
        slow = self._runner.server
        assert slow is not None
        loop = asyncio.get_running_loop()

        def connection() -> FastHttp:
            return FastHttp(self.front, self._rest, slow)

        for port, tls in ((settings.tls_port, context), (settings.port, None)):
            self._servers.append(await loop.create_server(connection, settings.host, port, ssl=tls, backlog=1024))
        tls_port, port = (server.sockets[0].getsockname()[1] for server in self._servers)
        self._ports = (tls_port, port)
        if self.scenario is not None:
            self.scenario.begin(self.exchange.now_ms)
        if self.clock.mode == "stepped":
            self.clock.on_step = self._step
        else:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    async def stop(self) -> None:
        """Close every connection and the ports."""
        self.hub.close()
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        for server in self._servers:
            server.close()
        self._servers.clear()
        for connection in tuple(self._rest.connections):
            connection.end()
        if self._runner is not None:
            await _close(self._runner)
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self.stop()

    async def _tick(self) -> None:
        """Let the market go on while nobody asks for anything."""
        while True:
            self.core.advance()
            await asyncio.sleep(TICK_S)

    def _step(self) -> None:
        self.core.advance()

    def _follow(self, now_ms: int) -> None:
        if self.scenario is not None:
            self.scenario.advance(self.faults, now_ms)
        if self.clock.mode == "stepped" or now_ms - self._hub_ms >= HUB_MS or now_ms < self._hub_ms:
            self._hub_ms = now_ms
            self.hub.advance(now_ms)

    # -- clients ----------------------------------------------------------------------------------

    def ccxt_config(self, api_key: str = "", secret: str = "", **changes: Any) -> dict[str, Any]:
        """What `ccxt.binance` and `ccxt.pro.binance` are given to trade here, unmodified.

        The user names in the addresses make ccxt read errors with the table of the right market.
        """
        port, ws = self._ports[0], self.ws_url
        spot = f"https://demo-api@{self.settings.host}:{port}"
        linear = f"https://demo-fapi@{self.settings.host}:{port}"
        api: dict[str, Any] = {"public": f"{spot}/api/v3", "private": f"{spot}/api/v3", "v1": f"{spot}/api/v1"}
        api |= {f"sapi{v}": f"{spot}/sapi/{v.lower() or 'v1'}" for v in ("", "V2", "V3", "V4")}
        for kind in ("Public", "Private"):
            api |= {f"fapi{kind}{v}": f"{linear}/fapi/{v.lower() or 'v1'}" for v in ("", "V2", "V3")}
        api["fapiData"] = f"{linear}/futures/data"
        api["ws"] = {
            "spot": f"{ws}/stream/ws",
            "margin": f"{ws}/stream/ws",
            "linear": f"{ws}/f/ws",
            "ws-api": {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1"},
        }
        config: dict[str, Any] = {
            "apiKey": api_key,
            "secret": secret,
            "cafile": str(self.cafile),
            "validateServerSsl": str(self.cafile),  # what the blocking client looks at instead
            "timeout": 5_000,
            "enableRateLimit": False,
            "urls": {"api": api},
            "streaming": {"keepAlive": 5_000},
            "options": {
                "fetchCurrencies": False,
                "fetchMargins": False,
                "fetchMarkets": {"types": ["spot", "linear"]},
                "fetchOpenOrders": {"warnWithoutSymbol": False},
                "recvWindow": 2_000,
                "maxRetriesOnFailure": 0,
                "adjustForTimeDifference": False,
            },
        }
        return {**config, **changes}
