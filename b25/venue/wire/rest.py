"""The HTTP side of the venue: one catch-all handler, straight from the raw request line to the answer.

A request that can meet no fault is answered in one synchronous step; only when a fault is switched on does it take the long way
through `rest_faults`. No middleware, no access log.
"""

from aiohttp import web

from b25.venue.wire.fast_http import FastHttp
from b25.venue.wire.front import HTML, JSON, Answer, Front
from b25.venue.wire.rest_faults import Exchanged, FaultyRest, end_connection

TOO_LARGE = Answer(
    413, b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n</html>\r\n", {"Content-Type": HTML}
)
BODY_BYTES_MAX = 1 << 20
PREFIXES = ("/api/", "/fapi/", "/sapi/")


class Rest:
    """Answers every HTTP request to an endpoint.

    Parameters
    ----------
    front : Front
        The endpoints.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self.faulty = FaultyRest(front)
        self._faults = front.core.faults
        self.requests = 0
        self.connections: set[FastHttp] = set()

    def routes(self) -> list[web.RouteDef]:
        """What leads here."""
        return [web.route("*", f"{prefix}{{tail:.*}}", self.handle) for prefix in PREFIXES]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.requests += 1
        path, _, query_text = request.raw_path.partition("?")
        body = b""
        if request.body_exists:
            try:
                body = await request.read()
            except web.HTTPRequestEntityTooLarge:
                return respond(TOO_LARGE)
        query = query_text.encode("utf-8", "surrogateescape")
        api_key = request.headers.get("X-MBX-APIKEY")
        route = self._front.routes.get((request.method, path))
        if route is None or not self._faults.meets_request(is_lagged=route.is_lagged):
            return respond(self._front.answer(request.method, path, query, body, api_key, request.remote or ""))
        exchanged = Exchanged(request.method, path, query, body, api_key, request.remote or "")
        answer = await self.faulty.answer(exchanged)
        if exchanged.fate is not None and request.transport is not None:
            await end_connection(request.transport, answer, exchanged.fate)
        return respond(answer)

    async def elsewhere(self, request: web.Request) -> web.StreamResponse:
        """Any other path: there is nothing."""
        return respond(self._front.not_found(request.method, request.raw_path.partition("?")[0], request.remote or ""))


def respond(answer: Answer) -> web.Response:
    """An answer as a response of the server."""
    headers = answer.headers
    if "Content-Type" not in headers:
        headers["Content-Type"] = JSON
    return web.Response(body=answer.body, status=answer.status, headers=headers)
