"""The WebSocket API: requests in JSON over one socket, answered by the very handlers that answer REST."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from b25.venue.exchange.errors import VenueError
from b25.venue.wire.channels import Market
from b25.venue.wire.parameters import Parameters
from b25.venue.wire.route import Call, Route, Security
from b25.venue.wire.signing import ws_payload
from b25.venue.wire.socket_server import serve
from b25.venue.wire.sockets import Socket
from b25.venue.wire.ws_api_methods import CCXT_LEFTOVERS, METHODS, NOT_FOR_ENDPOINTS, ORDER_METHODS
from b25.venue.wire.ws_sessions import SESSION_METHODS

if TYPE_CHECKING:
    from b25.venue.wire.front import Front
    from b25.venue.wire.hub import Hub

# Requests of one socket that may be under way at once; what comes on top waits.
AT_ONCE = 64
_BAD_JSON = VenueError(-1135, "Invalid JSON Request")
HANDSHAKE_WEIGHT = 2


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    market: Market
    number: str | int | None
    method: str
    params: dict[str, Any]


class WsApi:
    """Answers the requests of both markets.

    Parameters
    ----------
    hub : Hub
        Sockets and user data.
    front : Front
        The handlers of REST.
    disturbed : callable, optional
        Runs a call under the faults of requests: takes the call and what runs it; gives the answer, or None when there is
        to be none. The HTTP server's own; without it no fault strikes here.
    """

    def __init__(
        self,
        hub: "Hub",
        front: "Front",
        disturbed: Callable[[Call, Callable[[Call], Any]], Awaitable[Any]] | None = None,
    ) -> None:
        self.hub = hub
        self.front = front
        self.disturbed = disturbed

    def server_ms(self) -> int:
        """Time of the venue as requests are judged by it."""
        return self.hub.clock.server_ms()

    # -- a request --------------------------------------------------------------------------------

    async def read(self, socket: Socket, text: bytes) -> None:
        """Answer one message."""
        request: Request | None = None
        try:
            request = parsed(socket.market, text)
            result = await self._result(socket, request)
            if result is not None:
                self._say(socket, request, 200, {"result": result[0]})
        except VenueError as error:
            body: dict[str, Any] = {"code": error.code, "msg": error.msg}
            if error.data is not None:
                body["data"] = error.data
            elif error.http in (418, 429):
                body["data"] = {"serverTime": self.server_ms(), "retryAfter": self._retry_ms(error)}
            self._say(socket, request, error.http, {"error": body})

    async def _result(self, socket: Socket, request: Request) -> tuple[Any] | None:
        own = SESSION_METHODS[request.market].get(request.method)
        if own is not None:
            return (own(self, socket, request),)
        target = METHODS[request.market].get(request.method)
        route = self.front.routes.get(target) if target else None
        if route is None:
            raise VenueError(-1130, "Data sent for parameter 'method' is not valid.")
        call = self.judged(socket, request, route)
        if self.disturbed is None or not self.hub.faults.any_rest():
            return (self._done(call),)
        answer = await self.disturbed(call, self._done)
        return None if answer is None else (answer,)

    def _done(self, call: Call) -> Any:
        result = self.front.result(call)
        if call.route.is_free_on_success:
            self.front.core.limits.refund(call.route.market, call.address, call.nominal_weight)
        return result

    def judged(self, socket: Socket, request: Request, route: Route, *, as_session: bool = True) -> Call:
        """Judge a request as REST does: weight, key, signature, time, parameters; `VenueError` when it may not go on."""
        core, values = self.front.core, request.params
        now_ms = core.advance()
        unread = NOT_FOR_ENDPOINTS | (CCXT_LEFTOVERS - route.names)
        parameters = Parameters.of({name: value for name, value in values.items() if name not in unread})
        weight = route.weight if isinstance(route.weight, int) else route.weight(parameters)
        call = Call(core, route, parameters, now_ms, socket.address)
        call.used_weight = core.limits.admit(route.market, socket.address, weight, now_ms)
        sent = parameters.values.pop("apiKey", None)
        if route.security is not Security.NONE:
            session = socket.key if as_session and sent is None else None
            call.key = core.gatekeeper.key(session.key if session else sent, route)
            if route.security is not Security.KEY:
                self._check(call, values, is_signed=session is None)
        else:
            for name in ("timestamp", "recvWindow", "signature"):
                parameters.values.pop(name, None)
        parameters.refuse_unknown(route.names)
        return call

    def _check(self, call: Call, values: dict[str, Any], *, is_signed: bool) -> None:
        gatekeeper, parameters = self.front.core.gatekeeper, call.parameters
        assert call.key is not None
        parameters.need("timestamp")
        if is_signed:
            signature = parameters.need("signature").encode()
            gatekeeper.verify(call.key, ws_payload(values), signature)
        gatekeeper.check_time(parameters)

    # -- an answer --------------------------------------------------------------------------------

    def _say(self, socket: Socket, request: Request | None, status: int, content: dict[str, Any]) -> None:
        message: dict[str, Any] = {"id": request.number if request else None, "status": status, **content}
        wanted = request.params.get("returnRateLimits") if request else None
        if socket.returns_limits if not isinstance(wanted, bool) else wanted:
            message["rateLimits"] = self._limits(socket, request)
        socket.say(message)

    def _limits(self, socket: Socket, request: Request | None) -> list[dict[str, Any]]:
        """What was used of the limits that the request counted against."""
        limits, market = self.front.core.limits, socket.market
        now_ms = self.hub.clock.now_ms()
        used = limits.used_weight(market, socket.address, now_ms)
        rows: list[dict[str, Any]] = [{**limits.markets[market].weight.as_dict(), "count": used}]
        if request is not None and request.method in ORDER_METHODS:
            account = self._account(socket, request)
            if account is not None:
                rows = [*limits.order_rows(market, account, now_ms), *rows]
        return rows

    def _account(self, socket: Socket, request: Request) -> str | None:
        key = self.front.core.exchange.keys.get(str(request.params.get("apiKey", ""))) or socket.key
        return None if key is None else str(key.account.account_id)

    def _retry_ms(self, error: VenueError) -> int:
        seconds = getattr(error, "headers", {}).get("Retry-After", "1")
        return self.server_ms() + 1_000 * int(seconds)


def parsed(market: Market, text: bytes) -> Request:
    """The request that a message holds."""
    try:
        message = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        raise _BAD_JSON from None
    if not isinstance(message, dict):
        raise _BAD_JSON
    number, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if isinstance(number, bool) or not isinstance(number, str | int | None) or (isinstance(number, str) and len(number) > 36):
        raise _BAD_JSON
    if params is None:
        params = {}
    if not isinstance(method, str) or not isinstance(params, dict) or len(method) > 64:
        raise VenueError(-1135, "Invalid JSON Request")
    return Request(market, number, method, params)


def api_routes(api: WsApi) -> list[web.RouteDef]:
    """The WebSocket API of both markets."""

    def handler(market: Market) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            limit = asyncio.Semaphore(AT_ONCE)
            tasks: set[asyncio.Task[None]] = set()

            async def answer(socket: Socket, text: bytes) -> None:
                try:
                    await api.read(socket, text)
                finally:
                    limit.release()

            async def read(socket: Socket, text: bytes) -> None:
                if not api.hub.faults.any_rest():  # nothing can wait: no task is needed
                    await api.read(socket, text)
                    return
                await limit.acquire()
                task = asyncio.get_running_loop().create_task(answer(socket, text))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            def opened(socket: Socket) -> None:
                socket.returns_limits = request.query.get("returnRateLimits", "true").lower() != "false"
                socket.connected_ms = api.server_ms()

            try:
                return await serve(api.hub, request, read, market=market, path="ws-api", opened=opened, is_limited=False)
            finally:
                for task in tuple(tasks):
                    task.cancel()

        return handle

    return [web.get("/ws-api/v3", handler("spot")), web.get("/ws-fapi/v1", handler("linear"))]
