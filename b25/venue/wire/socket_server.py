"""The aiohttp side of the sockets: handshakes, paths, and the loop that reads what a client sends."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import WSMsgType, web

from b25.venue.wire.channels import Market, Path, is_well_formed
from b25.venue.wire.sockets import POLICY, UNSUPPORTED, Socket
from b25.venue.wire.stream_requests import answer

if TYPE_CHECKING:
    from b25.venue.wire.hub import Hub

# Reads a message of a client and answers it.
Read = Callable[[Socket, bytes], Awaitable[None]]
_TOO_MANY = b'{"code":-1003,"msg":"Too many connections; current limit is %d connections per 5 minutes."}'


async def serve(
    hub: "Hub",
    request: web.Request,
    read: Read,
    *,
    market: Market,
    path: Path | str,
    opened: Callable[[Socket], None] = lambda _: None,
    combined: bool = False,
    is_limited: bool = True,
) -> web.StreamResponse:
    """Shake hands, and serve one socket until it closes.

    Parameters
    ----------
    opened : callable
        Told of the socket as soon as frames can be sent.
    is_limited : bool
        Whether the number of messages is limited (that of the WebSocket API goes by weight).
    """
    address = request.remote or ""
    if not hub.admits_connection(address):
        body = _TOO_MANY % hub.settings.connections_per_5_min
        return web.Response(status=429, body=body, content_type="application/json", headers={"Retry-After": "300"})
    response = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=hub.settings.message_bytes, timeout=1.0)
    await response.prepare(request)
    transport = request.transport
    if transport is None:
        return response
    socket = Socket(
        transport, market=market, path=path, address=address, settings=hub.settings, now_ms=hub.life_ms(), combined=combined
    )
    hub.add(socket)
    try:
        opened(socket)
        await _read_all(hub, socket, response, read, is_limited)
    finally:
        hub.remove(socket)
    return response


async def _read_all(hub: "Hub", socket: Socket, response: web.WebSocketResponse, read: Read, is_limited: bool) -> None:
    while socket.is_open:
        message = await response.receive()
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return
        if socket.frozen:
            continue
        if is_limited and not socket.admits(hub.life_ms()):
            socket.close(POLICY, "Too many requests")
            return
        if message.type is WSMsgType.PING:
            socket.pong(bytes(message.data))
        elif message.type is WSMsgType.PONG:
            socket.ponged(hub.life_ms())
        elif message.type is WSMsgType.TEXT:
            await read(socket, str(message.data).encode())
        else:
            socket.close(UNSUPPORTED, "binary messages are not understood")


def market_routes(hub: "Hub") -> list[web.RouteDef]:
    """Market data of both markets, and futures user data."""

    async def read(socket: Socket, text: bytes) -> None:
        socket.say(answer(hub, socket, text))

    def handler(market: Market, path: Path, combined: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            named = request.query.get("streams", "") if combined else unquote(request.match_info.get("tail", ""))
            names = [name for name in named.split("/") if name and not name.isdigit() and is_well_formed(name)]
            listen_key = request.query.get("listenKey", "")

            def opened(socket: Socket) -> None:
                for name in names[: hub.settings.streams_per_socket]:
                    if not (path == "private" and hub.users.attach(socket, name)):
                        hub.subscribe(socket, name)
                if path == "private" and listen_key:
                    hub.users.attach(socket, listen_key)
                hub.connection_faults.look_at(socket)

            return await serve(hub, request, read, market=market, path=path, opened=opened, combined=combined)

        return handle

    routes = []
    spot, spot_combined = handler("spot", "spot", False), handler("spot", "spot", True)
    for raw in ("/ws", "/ws/{tail:.*}", "/stream/ws", "/stream/ws/{tail:.*}"):
        routes.append(web.get(raw, spot))
    routes.append(web.get("/stream", spot_combined))
    paths: tuple[Path, ...] = ("public", "market", "private")
    for path in paths:
        linear, linear_combined = handler("linear", path, False), handler("linear", path, True)
        routes += [web.get(f"/f/{path}/ws", linear), web.get(f"/f/{path}/ws/{{tail:.*}}", linear)]
        routes.append(web.get(f"/f/{path}/stream", linear_combined))
    return routes
