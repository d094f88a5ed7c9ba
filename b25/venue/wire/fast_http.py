"""The short way of a plain request: parsed, answered and written in one call, without a task or a response object.

Only the requests that every client sends come this way: to an endpoint, HTTP/1.1, a body of known length, no fault switched on.
Whatever else arrives on a connection (a socket's handshake, chunks, nonsense) hands the connection over to aiohttp, with all
that was read, and aiohttp keeps it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from b25.venue.wire.front import JSON, Answer, Front

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
    """What the server counts."""

    requests: int


class FastHttp(asyncio.Protocol):
    """One connection.

    Parameters
    ----------
    front : Front
        The endpoints.
    served : Served
        Counts requests.
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
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        buffer = self._buffer + data if self._buffer else data
        while buffer:
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
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._transport.resume_reading()

    def _take(self, buffer: bytes) -> int:
        """Answer the first request; gives its length, 0 when it is not complete, HANDED when it must take the long way."""
        head_end = buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return HANDED if len(buffer) > HEAD_BYTES_MAX or not _may_be_fast(buffer) else 0
        line_end = buffer.find(b"\r\n")
        parts = buffer[:line_end].split(b" ")
        if len(parts) != 3 or parts[2] != b"HTTP/1.1" or self._faults.any_rest():
            return HANDED
        method = _METHODS.get(parts[0])
        if method is None or not parts[1].startswith(_ENDPOINTS) or head_end > HEAD_BYTES_MAX:
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
        answer = self._front.answer(method, path, query, buffer[head_end + 4 : end], api_key, self._address)
        self._transport.write(as_bytes(answer, closes=closes))
        if closes:
            self._transport.close()
        return end

    def _hand_over(self, buffer: bytes) -> None:
        handler = self._slow()
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
    head = [
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Answer')}\r\nContent-Type: {kind}\r\nContent-Length: {len(answer.body)}"
    ]
    head += [f"{name}: {value}" for name, value in headers.items() if name != "Content-Type"]
    if closes:
        head.append("Connection: close")
    head.append("\r\n")
    return "\r\n".join(head).encode("latin-1", "replace") + answer.body
