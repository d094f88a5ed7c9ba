"""The figures of the gateway's sockets: from a change to a hundred clients that were told of it, and bytes against snapshots."""

import asyncio
import hashlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgpack
import orjson
import websockets
from contestants import BenchFailed, Worker
from figures import Figure, spread
from stage import Stage

from b25.client.mirror import Mirror

CLIENTS, STEPS, EVERY_S, ROUNDS = 100, 50, 0.2, 3
READ = {"json": orjson.loads, "msgpack": msgpack.unpackb}


@dataclass
class Heard:
    """What all clients heard."""

    came: list[tuple[int, int, bytes | str]] = field(default_factory=list)  # who, when, what: read after the round


def websocket_updates(stage: Stage) -> Iterator[Figure]:
    """A hundred clients in one process, five updates a second; half of them with JSON, half with msgpack."""
    quick = [_round("tui") for _ in range(ROUNDS)]
    calm = _round("web")
    p99_ms = [one["p99_ms"] for one in quick]
    detail = f"p99 {spread(p99_ms)} ms, median {statistics.median(one['p50_ms'] for one in quick):.2f} ms; inside the server, to "
    detail += f"every queue, p99 {spread([one['lag_ms'] for one in quick])} ms, of which it waits 2 ms for what comes together; "
    detail += (
        f"{statistics.median(one['cores'] for one in quick):.2f} cores of the server; {CLIENTS} clients × {1 / EVERY_S:.0f}/s, "
    )
    detail += "all equal to the server at the end; interval 100 ms. "
    detail += f"At the web's interval of 250 ms p99 is {calm['p99_ms']:.0f} ms"
    yield Figure("WebSocket: source → 100 clients, p99", max(p99_ms), "ms", 50.0, 25.0, False, detail)
    shares = [one["share"] * 100 for one in quick]
    detail = f"{spread(shares)} %; an update is {quick[0]['update_bytes']:,.0f} bytes where a snapshot is "
    detail += f"{quick[0]['snapshot_bytes']:,.0f}; no compression"
    yield Figure("WebSocket: bytes of updates against snapshots", max(shares), "%", 30.0, 10.0, False, detail)
    detail = f"memory of the server's process with {CLIENTS} clients less that with none, a client"
    yield Figure("WebSocket: memory a client", max(one["client_mb"] for one in quick), "MB", 10.0, 1.0, False, detail)


def _round(kind: str, *, deflate: bool = False) -> dict[str, float]:
    with Worker("ours_websocket.py", pinned=False) as gateway:
        told = gateway.ask("start", deflate=deflate)
        try:
            return asyncio.run(_measured(gateway, told, kind, deflate))
        finally:
            gateway.ask("stop")


async def _measured(gateway: Worker, told: dict[str, Any], kind: str, deflate: bool) -> dict[str, float]:
    heard, empty = Heard(), gateway.ask("cpu")
    forms = ["json" if number % 2 else "msgpack" for number in range(CLIENTS)]
    lines = [await _open(told["port"], kind, form, deflate) for form in forms]
    readers = [
        asyncio.create_task(_follow(number, line, form, told["channels"], heard))
        for number, (line, form) in enumerate(zip(lines, forms, strict=True))
    ]
    await asyncio.to_thread(gateway.ask, "play", steps=10, every_s=EVERY_S)
    first_ns = time.time_ns()
    before = await asyncio.to_thread(gateway.ask, "cpu")
    played = await asyncio.to_thread(gateway.ask, "play", steps=STEPS, every_s=EVERY_S)
    after = await asyncio.to_thread(gateway.ask, "cpu")
    await asyncio.sleep(0.5)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for line in lines:
        await line.close()
    late_ms, sizes = _read(heard, forms, told["channels"], played["digest"], first_ns)
    snapshot = statistics.mean(played["snapshot_bytes"][form] for form in forms)
    update = statistics.mean(sizes)
    return {
        "p50_ms": late_ms[len(late_ms) // 2], "p99_ms": late_ms[int(len(late_ms) * 0.99)], "update_bytes": update,
        "snapshot_bytes": snapshot, "share": update / snapshot, "lag_ms": played["figures"]["lag_p99_ms"],
        "client_mb": (after["rss_bytes"] - empty["rss_bytes"]) / 1e6 / CLIENTS,
        "cores": (after["cpu_s"] - before["cpu_s"]) / (after["at_s"] - before["at_s"]),
    }  # fmt: skip


def _read(heard: Heard, forms: list[str], channels: list[str], digest: str, first_ns: int) -> tuple[list[float], list[int]]:
    """How late each update came, and its size; every client must have at the end what the server has."""
    mirrors = [Mirror() for _ in forms]
    for mirror in mirrors:
        mirror.subscribed(channels)
    late_ms, sizes = [], []
    for number, came_ns, data in heard.came:
        told = READ[forms[number]](data)
        mirrors[number].take(told)
        if told["type"] != "update" or came_ns < first_ns:
            continue
        sizes.append(len(data))
        if (at_ns := told["changes"].get("system_health.source.at_ns")) is not None:
            late_ms.append((came_ns - at_ns) / 1e6)
    if wrong := sum(_digest(mirror.data) != digest for mirror in mirrors):
        raise BenchFailed(f"{wrong} of {CLIENTS} clients do not have what the server has")
    return sorted(late_ms), sizes


async def _open(port: int, kind: str, form: str, deflate: bool) -> Any:
    address = f"ws://127.0.0.1:{port}/ws?type={kind}&format={form}&ticket=bench"
    return await websockets.connect(address, proxy=None, max_size=2**24, compression="deflate" if deflate else None)


async def _follow(number: int, line: Any, form: str, channels: list[str], heard: Heard) -> None:
    message = {"type": "subscribe", "channels": channels}
    await line.send(orjson.dumps(message).decode() if form == "json" else msgpack.packb(message))
    async for data in line:
        heard.came.append((number, time.time_ns(), data))


def _digest(whole: Any) -> str:
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


MEASURES = (websocket_updates,)
