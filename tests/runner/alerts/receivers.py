"""Receivers of messages on loopback: an SMTP server and an HTTP server, in threads of their own."""

import asyncio
import contextlib
import json
import threading
from email import message_from_string


class _Receiver:
    def __init__(self):
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = None

    def __enter__(self):
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _main(self):
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self):
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._safe, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        await server.wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _safe(self, reader, writer):
        try:
            await self.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()


class HttpReceiver(_Receiver):
    """Keeps what is posted: path, headers in lower case, body. `answers` are given first, then 200."""

    def __init__(self):
        super().__init__()
        self.got, self.answers, self.delay_s, self.begun = [], [], 0.0, 0

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.begun += 1
        await asyncio.sleep(self.delay_s)
        path = first.split()[1]
        status = self.answers.pop(0) if self.answers else 200
        self.got.append((path, headers, body, status))
        text = b"ok" if path.startswith("/slack") else b'{"ok": true, "result": {"message_id": 1}}'
        told = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(text)}", "Connection: close"]
        writer.write("\r\n".join([*told, "", ""]).encode() + text)
        await writer.drain()

    @property
    def accepted(self):
        """Bodies of what was answered with 200."""
        return [json.loads(body) for _, _, body, status in self.got if status == 200]


class MailReceiver(_Receiver):
    """Keeps whole mails, parsed."""

    def __init__(self):
        super().__init__()
        self.got, self.refusals = [], 0

    async def serve(self, reader, writer):
        def say(text):
            writer.write(text.encode() + b"\r\n")

        say("220 test")
        while line := (await reader.readline()).decode(errors="replace").strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                say("250-test")
                say("250 8BITMIME")
            elif word == "DATA":
                say("354 go on")
                text = await reader.readuntil(b"\r\n.\r\n")
                if self.refusals:
                    self.refusals -= 1
                    say("451 later")
                else:
                    self.got.append(message_from_string(text.decode()[:-5]))
                    say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
            await writer.drain()
        await writer.drain()
