"""A venue on loopback that sends a real capture's depth updates at a steady rate, and notes when it sent each.

One connection at a time asks for the REST snapshot and subscribes; the first updates bridge to the snapshot, then the rate
begins. CLOCK_MONOTONIC is one clock for all processes of a machine, so the receiver's notes can be compared with these.
"""

import base64
import contextlib
import gzip
import hashlib
import os
import socket
import threading
import time
from typing import Any

from serving import serve

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BRIDGE_FRAMES = 20
BRIDGE_S = 1.0  # for the receiver to fetch the snapshot and apply what waited
SPIN_S = 0.0002  # the last part of a wait is not left to the scheduler


def frame(text: bytes) -> bytes:
    """A whole text message as a server sends it."""
    size = len(text)
    head = bytes((0x81, size)) if size < 126 else bytes((0x81, 126)) + size.to_bytes(2, "big")
    return head + text if size < 65536 else bytes((0x81, 127)) + size.to_bytes(8, "big") + text


class Sender:
    """The venue, and what it noted."""

    def __init__(self, capture: str) -> None:
        self.snapshot, self.updates = b"", []
        with gzip.open(capture, "rb") as lines:
            for line in lines:
                text = line[20:].rstrip()
                if text.startswith(b'{"lastUpdateId"'):
                    self.snapshot = self.snapshot or text
                elif b'"depthUpdate"' in text:
                    body = text[text.index(b'"data":') + 7 : -1]  # as on /ws, without the stream's envelope
                    last_id = int(body.split(b'"u":', 1)[1].split(b",", 1)[0])
                    self.updates.append((last_id, frame(body)))
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.sent: dict[int, int] = {}
        self.done = threading.Event()
        self.asked = threading.Event()
        self.rate = 2000.0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            connection, _ = self.server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return
            head += piece
        if b"upgrade: websocket" not in head.lower():
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(answer % len(self.snapshot) + self.snapshot)
            connection.close()
            self.asked.set()
            return
        fields = {line.split(b":")[0].lower(): line.partition(b":")[2].strip() for line in head.split(b"\r\n")}
        accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())  # noqa: S324 — RFC 6455
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        connection.sendall(upgrade + accept + b"\r\n\r\n")
        connection.recv(65536)  # the subscription; its number is 1
        connection.sendall(frame(b'{"result":null,"id":1}'))
        with contextlib.suppress(OSError):
            self.send(connection)
        self.done.set()

    def send(self, connection: socket.socket) -> None:
        clock, sent = time.monotonic_ns, {}
        for _, data in self.updates[:BRIDGE_FRAMES]:
            connection.sendall(data)
            time.sleep(0.01)
        self.asked.wait(10)
        time.sleep(BRIDGE_S)
        step_ns = int(1e9 / self.rate)
        due_ns = clock()
        for last_id, data in self.updates[BRIDGE_FRAMES:]:
            due_ns += step_ns
            rest_s = (due_ns - clock()) / 1e9 - SPIN_S
            if rest_s > 0:
                time.sleep(rest_s)
            while clock() < due_ns:
                pass
            sent[last_id] = clock()
            connection.sendall(data)
        self.sent = sent


state: dict[str, Sender] = {}


def start(capture: str, rate: float = 2000.0, core: int | None = None) -> dict[str, Any]:
    """Listen; what was noted before is forgotten."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    if capture not in state:
        state[capture] = Sender(capture)
    sender = state[capture]
    sender.rate, sender.sent = rate, {}
    sender.done.clear()
    sender.asked.clear()
    return {"port": sender.port, "updates": len(sender.updates) - BRIDGE_FRAMES, "last_id": sender.updates[-1][0]}


def stamps(capture: str) -> dict[str, Any]:
    """When each update was sent, by its last id."""
    sender = state[capture]
    sender.done.wait(60)
    return {"sent": {str(last_id): at for last_id, at in sender.sent.items()}}


if __name__ == "__main__":
    serve({"start": start, "stamps": stamps})
