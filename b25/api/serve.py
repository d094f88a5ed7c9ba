"""Serves a gateway: refuses what is not safe to serve, starts every part before it listens, and ends within half a minute."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import uvicorn

from b25.api.app import make_app
from b25.api.gateway import Gateway
from b25.api.principal import Nobody
from b25.api.protocol import Patient
from b25.api.tls import Certificate
from b25.api.ws.serving import SOCKETS
from b25.config.settings import GatewaySettings
from b25.model.errors import Misuse, Retry
from b25.runner.heartbeat import Heartbeat, Life, supervisor_is_gone
from b25.runner.seat import Seat
from b25.runner.structured_log import StructuredLog

SEAT: Final = "gateway"
DRAIN_S: Final = 20
BEAT_S: Final = 0.5
KEEP_ALIVE_S: Final = 30
HANDSHAKE_S: Final = 5.0
BACKLOG: Final = 512


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(settings: GatewaySettings, *, has_auth: bool, now: Callable[[], datetime] | None = None) -> Certificate | None:
    """Return the certificate to serve with, if there is one.

    Raises
    ------
    Misuse
        When others could reach it without TLS or without signing in, or the certificate is not fit.
    """
    names = (settings.tls_certificate, settings.tls_key)
    if (names[0] is None) != (names[1] is None):
        raise Misuse("one of tls_certificate and tls_key is missing", remedy="give both, or neither")
    if not is_local(settings.host):
        if names[0] is None:
            raise Misuse(
                f"{settings.host} can be reached by others, and there is no TLS",
                remedy="give [gateway] tls_certificate and tls_key, or listen on 127.0.0.1 and use a tunnel",
            )
        if not has_auth:
            raise Misuse(f"{settings.host} can be reached by others, and nobody signs in", remedy="listen on 127.0.0.1")
    if "*" in settings.hosts or "*" in settings.origins:
        raise Misuse("every host or origin would be ours", remedy="name them, in [gateway] hosts and origins")
    if names[0] is None or names[1] is None:
        return None
    return Certificate(names[0], names[1], now or (lambda: datetime.now(UTC)))


class _Told(logging.Handler):
    """What uvicorn says, in our log."""

    def __init__(self, log: StructuredLog) -> None:
        super().__init__(logging.WARNING)
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        self.log.warning("uvicorn", text=record.getMessage()[:500])


class Server:
    """One gateway that listens.

    Parameters
    ----------
    gateway : Gateway
    say : callable
        Told where it listens, once it does.
    """

    def __init__(self, gateway: Gateway, say: Callable[[str, int], None]) -> None:
        self.gateway, self.say = gateway, say
        self.log: StructuredLog = gateway.parts.get(StructuredLog) or StructuredLog(process=SEAT)
        self.certificate = check_bind(gateway.settings.gateway, has_auth=not isinstance(gateway.authenticator, Nobody))
        if self.certificate is not None:
            gateway.join(self.certificate)
        self.stopping = asyncio.Event()

    def stop(self, why: str) -> None:
        """Begin to end."""
        if not self.stopping.is_set():
            self.log.info("stopping", why=why)
        self.stopping.set()

    async def run(self) -> None:
        """Serve until it is stopped.

        Raises
        ------
        Misuse
            When the address is taken, or another gateway runs on this run folder.
        Retry
            When a part could not be ended in time.
        """
        folder = self.gateway.settings.run_folder
        seat = Seat.take(folder, SEAT)
        beating = Heartbeat(folder, SEAT, epoch=seat.epoch)
        life = Life.FAILED
        try:
            own = self.gateway.settings.gateway
            with _listening(own.host, own.port) as listening:
                await self._serve(listening, beating)
            life = Life.STOPPED
        finally:
            beating.beat(life)
            beating.close()
            seat.leave()

    async def _serve(self, listening: socket.socket, beating: Heartbeat) -> None:
        app = make_app(self.gateway)
        tasks: list[asyncio.Task[Any]] = []
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        # Not before every part has started does anybody get in: until then the port refuses.
        async with app.router.lifespan_context(app):
            server = uvicorn.Server(self._config(app))
            served = await self._listen(server, listening)
            tasks.append(asyncio.create_task(self._beat(beating)))
            if self.certificate is not None:
                tasks.append(asyncio.create_task(self.certificate.watch(self.log)))
            tasks.append(asyncio.create_task(server.main_loop()))
            self.say(*listening.getsockname()[:2])
            await self.stopping.wait()
            beating.beat(Life.STOPPING)
            await self._drain(server, served)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _config(self, app: Any) -> uvicorn.Config:
        config = uvicorn.Config(
            app, http=Patient, lifespan="off",
            log_config=None, access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=KEEP_ALIVE_S,
            backlog=BACKLOG, **SOCKETS,
        )  # fmt: skip
        logger = logging.getLogger("uvicorn.error")
        logger.handlers, logger.propagate = [_Told(self.log)], False
        logger.setLevel(logging.WARNING)
        config.load()
        return config

    async def _listen(self, server: uvicorn.Server, listening: socket.socket) -> asyncio.base_events.Server:
        loop, config = asyncio.get_running_loop(), server.config
        patient = _patient(self.gateway.settings.gateway.sockets_max)

        def protocol() -> asyncio.Protocol:
            return patient(config=config, server_state=server.server_state, app_state={})

        more: dict[str, Any] = {}
        if self.certificate is not None:
            more = {"ssl": self.certificate.context, "ssl_handshake_timeout": HANDSHAKE_S}
        served = await loop.create_server(protocol, sock=listening, backlog=BACKLOG, **more)
        server.started, server.servers = True, [served]
        return served

    async def _drain(self, server: uvicorn.Server, served: asyncio.base_events.Server) -> None:
        """Take no more; let what is under way end, for a while."""
        served.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(DRAIN_S):
                while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        except TimeoutError:
            self.log.warning("some requests were cut off", left=len(server.server_state.tasks))
            for task in list(server.server_state.tasks):
                task.cancel()
            for connection in list(server.server_state.connections):
                if (transport := getattr(connection, "transport", None)) is not None:
                    transport.abort()

    async def _beat(self, beating: Heartbeat) -> None:
        done = 0
        while True:
            done += 1
            beating.beat(Life.RUNNING, done)
            if supervisor_is_gone():
                self.stop("the supervisor is gone")
            await asyncio.sleep(BEAT_S)


def _patient(sockets_max: int) -> type[Patient]:
    return type("Bounded", (Patient,), {"sockets_max": sockets_max})


@contextlib.contextmanager
def _listening(host: str, port: int) -> Any:
    """A socket that is bound, and does not listen yet."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(found[0], socket.SOCK_STREAM)
    except OSError as fault:
        raise Misuse(f"{host} is no address of this machine: {fault}", remedy="give an address, e.g. 127.0.0.1") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(found[4])
        made.setblocking(False)
    except OSError as fault:
        made.close()
        raise Retry(
            f"{host}:{port} cannot be listened on: {fault.strerror}", remedy="end what listens there, or give --port"
        ) from None
    try:
        yield made
    finally:
        made.close()


def serve(gateway: Gateway, say: Callable[[str, int], None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    import uvloop

    async def main() -> None:
        await Server(gateway, say).run()

    uvloop.run(main())
