"""HTTP/1.1 with patience that ends: a head that comes slowly, or is too large, and sockets beyond the limit are closed."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S: Final = 10.0  # from the first byte, or from the connection, to the end of the headers
HEAD_BYTES_MAX: Final = 32 * 1024
HEADERS_MAX: Final = 100


class Patient(HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    sockets_max = 1_000
    head_s = HEAD_S

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._late: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._headers = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request; refuse one connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self.sockets_max:
            transport.abort()
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the end of the headers."""
        super().on_message_begin()
        self._head_bytes = self._headers = 0
        self._wait()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers += 1
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Wait no more: the body has a time of its own."""
        self._wait_no_more()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX or self._headers > HEADERS_MAX:
            raise ValueError("the head of the request is too large")  # the parser makes a 400 of it, and closes

    def _wait(self) -> None:
        self._wait_no_more()
        self._late = self.loop.call_later(self.head_s, self._give_up)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.abort()
