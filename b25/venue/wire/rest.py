"""The HTTP side of the venue: one catch-all handler, straight from the raw request line to the answer.

A request that can meet no fault is answered in one synchronous step; only when a fault is switched on does it take the long way
through `rest_faults`. No middleware, no access log.
"""

import asyncio

from aiohttp import web

from b25.venue.wire.front import HTML, JSON, Answer, Front
from b25.venue.wire.rest_faults import Exchanged, FaultyRest

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
        if not self._faults.any_rest():
            return respond(self._front.answer(request.method, path, query, body, api_key, request.remote or ""))
        exchanged = Exchanged(request.method, path, query, body, api_key, request.remote or "")
        answer = await self.faulty.answer(exchanged)
        return respond(answer) if exchanged.fate is None else await _end(request, answer, exchanged)

    async def elsewhere(self, request: web.Request) -> web.StreamResponse:
        """Any other path: there is nothing."""
        return respond(self._front.not_found(request.method, request.raw_path.partition("?")[0], request.remote or ""))


def respond(answer: Answer) -> web.Response:
    """An answer as a response of the server."""
    headers = answer.headers
    if "Content-Type" not in headers:
        headers["Content-Type"] = JSON
    return web.Response(body=answer.body, status=answer.status, headers=headers)


async def _end(request: web.BaseRequest, answer: Answer, exchanged: Exchanged) -> web.StreamResponse:
    """Let a request end as a fault wants it: never answered, cut off, or reset in the middle of its answer."""
    transport = request.transport
    fate = exchanged.fate
    assert fate is not None
    if fate.how == "hang":
        left_s = fate.hang_ms / 1000
        while left_s > 0 and transport is not None and not transport.is_closing():
            await asyncio.sleep(min(left_s, 0.1))
            left_s -= 0.1
    elif fate.how == "reset" and transport is not None and not transport.is_closing():
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {JSON}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
        transport.write(head.encode() + answer.body[: max(1, len(answer.body) // 2)])
        await asyncio.sleep(0.02)  # let the half leave before the connection goes
    if transport is not None:
        transport.abort()
    return web.Response(status=500)  # nobody is there to read it
