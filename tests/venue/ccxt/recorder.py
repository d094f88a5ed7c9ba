"""A server on loopback that keeps each request as it came, byte for byte, and answers by script: also wrongly, or not at all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from tests.venue.ccxt.certificate import certificate


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""  # "reset" after the request, "cut" inside the body, "silent" for good

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


Script = Callable[[Seen], Reply]


class Recorder:
    """`async with Recorder(script) as recorder`; `recorder.url` is https with a certificate of `recorder.cafile`."""

    def __init__(self, script: Script) -> None:
        self.script, self.seen = script, list[Seen]()
        self.port, self._held = 0, list[asyncio.StreamWriter]()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def cafile(self) -> str:
        return str(certificate()[0])

    async def __aenter__(self) -> Recorder:
        cert, key = certificate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._held:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._held.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("Content-Length", 0)))
                seen = Seen(method, target, headers, body)
                self.seen.append(seen)
                if not await self._answer(writer, self.script(seen)):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, reply: Reply) -> bool:
        if reply.fault == "silent":
            await asyncio.sleep(3600)
        if reply.fault == "reset":
            return False
        payload = reply.payload()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(payload)), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        writer.write(head + (payload[: len(payload) // 2] if reply.fault == "cut" else payload))
        await writer.drain()
        return reply.fault != "cut"


def by_path(table: dict[str, Any], default: Reply | None = None) -> Script:
    """Answer from a table of `METHOD /path`, with or without the query; what is missing is a 404."""

    def script(seen: Seen) -> Reply:
        for name in (f"{seen.method} {seen.target}", f"{seen.method} {seen.path}"):
            if name in table:
                found = table[name]
                return found if isinstance(found, Reply) else Reply(body=found)
        return default or Reply(404, {"code": -1, "msg": f"no script for {seen.method} {seen.path}"})

    return script


def load(path: Path) -> Any:
    return orjson.loads(path.read_bytes())
