"""A lean WebSocket client: each text message is handed over as a place in the buffer that the socket read it into.

RFC 6455 without extensions. What a feed needs and no more: no object is made per message, pings are answered, fragments put
together, and whatever breaks the protocol ends the connection with a reason.
"""

import asyncio
import base64
import hashlib
import os
import ssl
import time
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

import numpy as np

from b25.model.errors import Retry

BUFFER_BYTES: Final = 1 << 18
MESSAGE_BYTES_MAX: Final = 16 << 20
HEAD_BYTES_MAX: Final = 1 << 14
CONTROL_BYTES_MAX: Final = 125
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL, RESERVED, MASKED = 0x80, 0x70, 0x80
WHOLE_TEXT: Final = FINAL | TEXT
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NORMAL, PROTOCOL_ERROR, TOO_BIG = 1000, 1002, 1009


class Receiver(Protocol):
    """Who is told what a socket receives."""

    def text(self, address: int, size: int, recv_ns: int) -> None:
        """Take one message: where its bytes lie, until this returns."""

    def batch_done(self) -> None:
        """What had arrived together has been handed over."""

    def heard(self, recv_ns: int) -> None:
        """Any bytes arrived, a pong for example."""

    def lost(self, why: str) -> None:
        """The connection ended; told once."""


class ProtocolBroken(Exception):
    """The peer does not keep to the protocol."""

    def __init__(self, why: str, code: int = PROTOCOL_ERROR) -> None:
        self.code = code
        super().__init__(why)


class WebSocket(asyncio.BufferedProtocol):
    """One connection; made by `connect`."""

    def __init__(self, receiver: Receiver, request: bytes, key: bytes, clock_ns: Callable[[], int]) -> None:
        self.receiver, self.request, self.clock_ns = receiver, request, clock_ns
        self.accept = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324 — what RFC 6455 asks for
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.is_open = False
        self.is_over = False
        self.why = ""
        self.fragments = bytearray()
        self.fragment_kind = 0
        self.start = self.stop = 0
        self._hold(bytearray(BUFFER_BYTES))

    def _hold(self, buffer: bytearray) -> None:
        self.buffer, self.view = buffer, memoryview(buffer)
        self.bytes_at = int(np.frombuffer(buffer, np.uint8).ctypes.data)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]
        self._write(self.request)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Room for what comes next, at least half of the buffer."""
        if self.stop == len(self.buffer) or self.start > len(self.buffer) >> 1:
            self._make_room()
        return self.view[self.stop :]

    def buffer_updated(self, nbytes: int) -> None:
        """Hand over what has come whole."""
        recv_ns = self.clock_ns()
        self.stop += nbytes
        if self.is_over:
            self.start = self.stop = 0
            return
        self.receiver.heard(recv_ns)
        try:
            if not self.is_open and not self._read_head():
                return
            self._read_frames(recv_ns)
        except ProtocolBroken as fault:
            self._end(str(fault), fault.code)
        self.receiver.batch_done()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, and whoever still waits for the handshake."""
        why = self.why or (f"{type(exc).__name__}: {exc}" if exc else "the peer closed the connection")
        was_over, self.is_over = self.is_over, True
        if not self.opened.done():
            self.opened.set_exception(Retry(f"no WebSocket: {why}", remedy="try again later"))
        elif self.is_open and (not was_over or self.why):
            self.is_open = False
            self.receiver.lost(why)

    # What the feed calls.

    def send_text(self, text: bytes) -> None:
        """Send one message."""
        self._send(TEXT, text)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._send(PING, b"")

    def close(self) -> None:
        """End the connection; the receiver is not told."""
        self.why = ""
        self._end("", NORMAL)

    def abort(self) -> None:
        """Drop a connection on which a goodbye would wait for ever."""
        self.is_over, self.why = True, ""
        if self.transport is not None:
            self.transport.abort()

    # The protocol.

    def _make_room(self) -> None:
        """Move what is not read yet to the front, into a larger buffer if it fills this one."""
        kept = self.stop - self.start
        if kept > len(self.buffer) >> 1:
            size = min(2 * len(self.buffer), 2 * MESSAGE_BYTES_MAX)
            larger = bytearray(size)
            larger[:kept] = self.view[self.start : self.stop]
            self._hold(larger)
        else:
            self.buffer[:kept] = self.view[self.start : self.stop]
        self.start, self.stop = 0, kept

    def _read_head(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n", self.start, self.stop)
        if end < 0:
            if self.stop - self.start > HEAD_BYTES_MAX:
                raise ProtocolBroken("the answer to the handshake does not end")
            return False
        lines = bytes(self.view[self.start : end]).split(b"\r\n")
        self.start = end + 4
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        status = lines[0].split(b" ", 2)
        if len(status) < 2 or status[1] != b"101":
            wait = fields.get(b"retry-after", b"").decode("ascii", "replace")
            told = lines[0].decode("ascii", "replace")[:100]
            raise ProtocolBroken(f"the venue answered {told!r}" + (f", retry after {wait} s" if wait else ""))
        if fields.get(b"sec-websocket-accept") != self.accept:
            raise ProtocolBroken("the handshake was answered for another key")
        self.is_open = True
        if not self.opened.done():
            self.opened.set_result(None)
        return True

    def _read_frames(self, recv_ns: int) -> None:
        buffer, text = self.buffer, self.receiver.text
        at, stop = self.start, self.stop
        while stop - at >= 2:
            head, size = buffer[at], buffer[at + 1]
            if size < 126:
                body = at + 2
            elif size == 126:
                if stop - at < 4:
                    break
                size, body = buffer[at + 2] << 8 | buffer[at + 3], at + 4
            elif size == 127:
                if stop - at < 10:
                    break
                size, body = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
                if size > MESSAGE_BYTES_MAX:
                    raise ProtocolBroken(f"a message of {size:,} bytes", TOO_BIG)
            else:
                raise ProtocolBroken("a masked frame from a server")
            if body + size > stop:
                break
            at = body + size
            self.start = at
            if head == WHOLE_TEXT and not self.fragment_kind:
                text(self.bytes_at + body, size, recv_ns)
            else:
                self._read_other(head, body, size, recv_ns)
            if self.is_over:
                return
        if at == stop:
            self.start = self.stop = 0

    def _read_other(self, head: int, body: int, size: int, recv_ns: int) -> None:
        """Read a control frame, a fragment, or what is neither."""
        kind = head & 0x0F
        if head & RESERVED:
            raise ProtocolBroken("a frame with a reserved bit")
        if kind >= CLOSE:
            if size > CONTROL_BYTES_MAX or not head & FINAL:
                raise ProtocolBroken("a control frame that is too long or in fragments")
            self._control(kind, bytes(self.view[body : body + size]))
        elif kind == CONTINUATION or head & FINAL == 0:
            if (kind == CONTINUATION) != bool(self.fragment_kind):
                raise ProtocolBroken("fragments out of order")
            if len(self.fragments) + size > MESSAGE_BYTES_MAX:
                raise ProtocolBroken("fragments of one message too large to keep", TOO_BIG)
            self.fragments += self.view[body : body + size]
            self.fragment_kind = self.fragment_kind or kind
            if head & FINAL:
                whole, kind = bytes(self.fragments), self.fragment_kind
                self.fragments, self.fragment_kind = bytearray(), 0
                if kind == TEXT:
                    self.receiver.text(int(np.frombuffer(whole, np.uint8).ctypes.data) if whole else 0, len(whole), recv_ns)
        elif kind in (TEXT, BINARY):
            if self.fragment_kind:
                raise ProtocolBroken("a message between the fragments of another")
        else:
            raise ProtocolBroken(f"a frame of unknown kind {kind}")

    def _control(self, kind: int, body: bytes) -> None:
        if kind == PING:
            self._send(PONG, body)
        elif kind == CLOSE:
            code = int.from_bytes(body[:2], "big") if len(body) >= 2 else NORMAL
            said = body[2:].decode("utf-8", "replace")
            self._end(f"the venue closed the socket ({code}{', ' + said if said else ''})", code)

    def _end(self, why: str, code: int) -> None:
        """Say goodbye and close; the transport tells the receiver when it is over."""
        if self.is_over:
            return
        self.why = why
        if self.is_open:
            self._send(CLOSE, code.to_bytes(2, "big"))
        self.is_over = True
        if self.transport is not None:
            self.transport.close()

    def _send(self, kind: int, body: bytes) -> None:
        size, mask = len(body), os.urandom(4)
        if size < 126:
            head = bytes((FINAL | kind, MASKED | size))
        elif size < 1 << 16:
            head = bytes((FINAL | kind, MASKED | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((FINAL | kind, MASKED | 127)) + size.to_bytes(8, "big")
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        self._write(head + mask + (int.from_bytes(body, "big") ^ key).to_bytes(size, "big"))

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.is_over and not self.transport.is_closing():
            self.transport.write(data)


async def connect(
    url: str,
    receiver: Receiver,
    *,
    timeout_s: float = 5.0,
    tls: ssl.SSLContext | None = None,
    clock_ns: Callable[[], int] = time.time_ns,
) -> WebSocket:
    """Open a connection.

    Parameters
    ----------
    url : str
        Of scheme ws or wss.
    receiver : Receiver
        Is told what arrives.
    timeout_s : float
        For connecting and the handshake together.
    tls : ssl.SSLContext, optional
        For wss; else the system's certificates.
    clock_ns : callable
        Our time, ns.

    Raises
    ------
    Retry
        When there is no connection in time, or the handshake fails.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url} is no address of a WebSocket")
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    key = base64.b64encode(os.urandom(16))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname + (f":{parts.port}" if parts.port else "")
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\nUser-Agent: b25\r\n\r\n"
    ).encode()
    context = (tls or ssl.create_default_context()) if secure else None
    loop = asyncio.get_running_loop()
    socket: WebSocket | None = None
    try:
        async with asyncio.timeout(timeout_s):
            _, socket = await loop.create_connection(
                lambda: WebSocket(receiver, request, key, clock_ns), parts.hostname, port, ssl=context
            )
            await socket.opened
    except TimeoutError:
        raise Retry(f"{url}: no connection within {timeout_s:g} s", remedy="check the address and the network") from None
    except (OSError, ssl.SSLError) as fault:
        raise Retry(f"{url}: {fault}", remedy="check the address and the network") from None
    finally:
        if socket is not None and not socket.is_open:
            socket.abort()
    return socket
