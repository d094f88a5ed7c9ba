"""The short way of a plain request: parsed, answered and written in one call, without a task or a response object.

Only the requests that every client sends come this way: to an endpoint, HTTP/1.1, a body of known length. One that can meet a
fault gets a task, and the connection waits for it. Whatever else arrives (a handshake, chunks, nonsense) hands the connection
over to aiohttp, with all that was read, and aiohttp keeps it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from b25.venue.wire.front import JSON, Answer, Front
from b25.venue.wire.rest_faults import Exchanged, FaultyRest, end_connection

if TYPE_CHECKING:
    from aiohttp.web_protocol import RequestHandler

HEAD_BYTES_MAX = 16 << 10
BODY_BYTES_MAX = 1 << 20
HANDED = -1
_METHODS = {b"GET": "GET", b"POST": "POST", b"PUT": "PUT", b"DELETE": "DELETE"}
_ENDPOINTS = (b"/api/", b"/fapi/", b"/sapi/")
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 409: "Conflict", 418: "I'm a teapot"}
_REASONS |= {429: "Too Many Requests"}
# Headers that ask for more than this way can do.
_SLOW = (b"transfer-encoding", b"expect", b"upgrade", b"content-encoding")


class Served(Protocol):
    """What the server keeps of its connections."""

    requests: int
    faulty: FaultyRest
    connections: "set[FastHttp]"


class FastHttp(asyncio.Protocol):
    """One connection.

    Parameters
    ----------
    front : Front
        The endpoints.
    served : Served
        Counts requests, and knows the connections that came this way and have not been handed over.
    slow : callable
        Makes aiohttp's handler of a connection.
    """

    def __init__(self, front: Front, served: Served, slow: "Callable[[], RequestHandler]") -> None:
        self._front = front
        self._served = served
        self._slow = slow
        self._faults = front.core.faults
        self._buffer = b""
        self._address = ""
        self._paused = False
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._served.connections.add(self)

    def connection_lost(self, fault: Exception | None) -> None:
        """The client has gone; what it asked for is done all the same."""
        self._served.connections.discard(self)

    def end(self) -> None:
        """Close the connection now."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        buffer = self._buffer + data if self._buffer else data
        while buffer and not self._paused and self._task is None:
            taken = self._take(buffer)
            if taken == HANDED:
                self._hand_over(buffer)
                return
            if taken == 0:
                break
            buffer = buffer[taken:]
        self._buffer = buffer

    def pause_writing(self) -> None:
        """The client does not read: do not listen to it either."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again: go on with what it had sent."""
        self._paused = False
        self._transport.resume_reading()
        if self._buffer:
            self.data_received(b"")

    def _take(self, buffer: bytes) -> int:
        """Answer the first request; gives its length, 0 when it is not complete, HANDED when it must take the long way."""
        head_end = buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return HANDED if len(buffer) > HEAD_BYTES_MAX or not _may_be_fast(buffer) else 0
        line_end = buffer.find(b"\r\n")
        parts = buffer[:line_end].split(b" ")
        if len(parts) != 3 or parts[2] != b"HTTP/1.1" or not parts[1].startswith(_ENDPOINTS):
            return HANDED
        method = _METHODS.get(parts[0])
        if method is None or head_end > HEAD_BYTES_MAX:
            return HANDED
        read = _headers(buffer[line_end + 2 : head_end])
        if read is None:
            return HANDED
        length, api_key, closes = read
        end = head_end + 4 + length
        if len(buffer) < end:
            return HANDED if length > BODY_BYTES_MAX else 0
        raw_path, _, query = parts[1].partition(b"?")
        self._served.requests += 1
        path = raw_path.decode("latin-1")
        request = Exchanged(method, path, query, buffer[head_end + 4 : end], api_key, self._address)
        route = self._front.routes.get((method, path))
        if route is not None and self._faults.meets_request(is_lagged=route.is_lagged):
            self._task = asyncio.get_running_loop().create_task(self._answer_later(request, closes=closes))
        else:
            self._write(self._front.answer(method, path, query, request.body, api_key, self._address), closes=closes)
        return end

    def _write(self, answer: Answer, *, closes: bool) -> None:
        self._transport.write(as_bytes(answer, closes=closes))
        if closes:
            self._transport.close()

    async def _answer_later(self, request: Exchanged, *, closes: bool) -> None:
        """The long way of a request that may meet a fault."""
        answer = await self._served.faulty.answer(request)
        if request.fate is not None:
            await end_connection(self._transport, answer, request.fate)
        elif not self._transport.is_closing():
            self._write(answer, closes=closes)
        self._task = None
        if self._buffer and not self._transport.is_closing():
            self.data_received(b"")

    def _hand_over(self, buffer: bytes) -> None:
        handler = self._slow()
        self._served.connections.discard(self)
        self._buffer = b""
        self._transport.set_protocol(handler)
        handler.connection_made(self._transport)
        handler.data_received(buffer)


def _may_be_fast(buffer: bytes) -> bool:
    """Whether an incomplete head can still become a request for this way."""
    method, space, rest = buffer.partition(b" ")
    if not space:
        return any(known.startswith(method) for known in _METHODS)
    return method in _METHODS and any(rest.startswith(one) or one.startswith(rest) for one in _ENDPOINTS)


def _headers(raw: bytes) -> tuple[int, str | None, bool] | None:
    """Length of the body, API key, and whether the connection closes; None when they ask for the long way."""
    length, api_key, closes = 0, None, False
    seen_length = False
    for line in raw.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        lower = name.lower()
        if not colon or lower in _SLOW or name[-1:] in b" \t" or line[:1] in b" \t" or b"\n" in line or b"\r" in line:
            return None
        if lower == b"x-mbx-apikey":
            api_key = value.strip().decode("latin-1")
        elif lower == b"content-length":
            digits = value.strip()
            if seen_length or not digits.isdigit() or len(digits) > 8:
                return None
            length, seen_length = int(digits), True
        elif lower == b"connection":
            closes = value.strip().lower() == b"close"
    return length, api_key, closes


def as_bytes(answer: Answer, *, closes: bool = False) -> bytes:
    """An answer as it goes over the wire."""
    headers = answer.headers
    kind = headers.get("Content-Type", JSON)
    reason = _REASONS.get(answer.status, "Answer")
    head = [f"HTTP/1.1 {answer.status} {reason}", f"Content-Type: {kind}", f"Content-Length: {len(answer.body)}"]
    head += [f"{name}: {value}" for name, value in headers.items() if name != "Content-Type"]
    if closes:
        head.append("Connection: close")
    head += ["", ""]
    return "\r\n".join(head).encode("latin-1", "replace") + answer.body
