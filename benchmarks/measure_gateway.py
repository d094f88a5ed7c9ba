"""How many authenticated reads of a position the gateway answers, and how late: one client process, ten connections."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from contestants import ROOT, BenchFailed
from figures import Figure
from stage import Stage

SECONDS = 5.0
CONNECTIONS = 10
HEADERS = ("Host: 127.0.0.1", "Authorization: Bearer bench", "Accept: application/json")
REQUEST = "\r\n".join(["GET /api/v1/account/positions HTTP/1.1", *HEADERS, "", ""]).encode()
PER_S_MUST, PER_S_AIM, P99_MS_MUST, P99_MS_AIM = 1_500, 3_000, 20.0, 8.0


class Asking(asyncio.Protocol):
    """Asks, waits for the whole answer, and asks again; a client that costs as little as it can."""

    def __init__(self, took: list[float]) -> None:
        self.took, self.got, self.need, self.begun = took, b"", 0, 0.0
        self.line: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.line = transport  # type: ignore[assignment]
        self.ask()

    def ask(self) -> None:
        assert self.line is not None
        self.got, self.need, self.begun = b"", 0, time.perf_counter()
        self.line.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.got += data
        if not self.need and (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                raise BenchFailed(f"the gateway answered {head[:60]!r}")
            self.need = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if self.need and len(self.got) >= self.need:
            if b'"quantity":"0.010"' not in self.got:
                raise BenchFailed("an answer without the position")
            self.took.append(time.perf_counter() - self.begun)
            self.ask()


async def ask_for(port: int, seconds: float) -> tuple[float, list[float]]:
    """Ask for so long; requests a second, and how long each took."""
    loop = asyncio.get_running_loop()
    took: list[float] = []
    faults: list[BaseException] = []
    loop.set_exception_handler(lambda _, told: faults.append(told.get("exception") or BenchFailed(told["message"])))
    lines = [await loop.create_connection(lambda: Asking(took), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.5)
    took.clear()
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    lasted = time.perf_counter() - begun
    found = sorted(took)
    for line, _ in lines:
        line.abort()
    if faults:
        raise BenchFailed(f"{faults[0]}")
    return len(found) / lasted, found


def measured() -> tuple[float, float, float]:
    """Requests a second, and the median and 99th percentile of their time in ms."""
    import uvloop

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "benchmarks/ours_gateway.py", folder]
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise BenchFailed("the gateway did not start")
            per_s, took = uvloop.run(ask_for(int(line), SECONDS))
            return per_s, took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3
        finally:
            process.terminate()
            process.wait(60)


def gateway_positions(stage: Stage) -> Iterator[Figure]:
    """Reads of a position."""
    per_s, median_ms, p99_ms = measured()
    how = f"median {median_ms:.2f} ms; {CONNECTIONS} connections of one client process; every stage, access log written"
    yield Figure("gateway: authenticated GET of positions", per_s, "requests/s", PER_S_MUST, PER_S_AIM, True, how)
    yield Figure("such a GET, p99", p99_ms, "ms", P99_MS_MUST, P99_MS_AIM, False, f"at {per_s:,.0f} requests/s")


MEASURES = (gateway_positions,)
