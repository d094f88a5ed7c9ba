"""A venue on this machine for one test: REST snapshots and WebSocket frames, exactly the bytes that the test wants sent."""

import asyncio
import base64
import contextlib
import hashlib
import json

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def until(holds):
    """Wait for what only looking can tell."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def frame(payload, kind=1, *, final=True, reserved=0):
    """One frame as a server sends it."""
    size = len(payload)
    head = bytes(((0x80 if final else 0) | reserved | kind,))
    if size < 126:
        return head + bytes((size,)) + payload
    return head + (bytes((126,)) + size.to_bytes(2, "big") if size < 65536 else bytes((127,)) + size.to_bytes(8, "big")) + payload


class Client:
    """One socket of the venue's: what it says and what it is told."""

    def __init__(self, reader, writer, path):
        self.reader, self.writer, self.path = reader, writer, path
        self.heard = asyncio.Queue()

    async def listen(self):
        """Read frames until the client goes."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self.reader.readexactly(2)
                size = head[1] & 0x7F
                if size == 126:
                    size = int.from_bytes(await self.reader.readexactly(2), "big")
                mask = await self.reader.readexactly(4)
                body = await self.reader.readexactly(size)
                await self.heard.put((head[0] & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(body)), bool(head[1] & 0x80)))
        await self.heard.put((8, b"", True))

    def send(self, *frames):
        self.writer.write(b"".join(frames))

    async def acknowledge(self):
        """Wait for a subscription and answer it; return its streams."""
        while True:
            kind, body, _ = await self.heard.get()
            if kind == 1:
                request = json.loads(body)
                self.send(frame(json.dumps({"result": None, "id": request["id"]}).encode()))
                return request["params"]
            if kind == 8:
                return []

    def cut(self):
        self.writer.transport.abort()


class Venue:
    """Serves `rest` (path without query → status, body) and hands every new socket to `serve`."""

    def __init__(self, serve, rest=None, *, accept=None):
        self.serve, self.rest, self.accept = serve, rest or {}, accept
        self.asked, self.clients, self.tasks = [], [], set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for client in self.clients:
            client.cut()
        await asyncio.sleep(0.01)  # for the transports to notice

    def _connected(self, reader, writer):
        task = asyncio.create_task(self._talk(reader, writer))
        self.tasks.add(task)

    async def _talk(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        lines = head.split(b"\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        path = lines[0].split(b" ")[1].decode()
        self.asked.append(path)
        if b"upgrade" not in fields:
            answer = self.rest.get(path.split("?")[0], (404, b"{}"))
            status, body = answer(path) if callable(answer) else answer
            writer.write(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)
            await writer.drain()
            writer.close()
            return
        accept = self.accept or base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())  # noqa: S324
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept
            + b"\r\n\r\n"
        )
        client = Client(reader, writer, path)
        self.clients.append(client)
        listening = asyncio.create_task(client.listen())
        self.tasks.add(listening)
        await self.serve(client)
