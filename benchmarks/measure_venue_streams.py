"""The figure of the venue's sockets: the depth stream to 100 of them at 10 updates a second each, in cores of the venue."""

import asyncio
import statistics
from collections.abc import Iterator

import aiohttp
from contestants import BenchFailed, Worker
from figures import Figure, spread
from stage import Stage

SOCKETS, ROUNDS, ROUND_S = 100, 5, 4.0
STREAM = "/ws/btcusdt@depth@100ms"
# Levels that move every 20 ms: a diff of 100 ms then holds about twice ten times this.
LEVELS = 4


def depth_sockets(stage: Stage) -> Iterator[Figure]:
    """CPU of the venue's process while 100 sockets read its depth stream, and while nobody does."""
    with Worker("ours_venue_streams.py", pinned=False) as venue:
        url = venue.ask("start", levels=LEVELS)["url"]
        alone = [busy(venue, 0, url)[0] for _ in range(ROUNDS)]
        rounds = [busy(venue, SOCKETS, url) for _ in range(ROUNDS)]
        venue.ask("stop")
    cores, rates, sizes = ([row[part] for row in rounds] for part in range(3))
    if min(rates) < 9.5:
        raise BenchFailed(f"a socket got {min(rates):.1f} updates a second")
    detail = f"cores {spread(cores)}; without sockets {spread(alone)}; {statistics.median(sizes):,.0f} bytes an update, "
    detail += f"{statistics.median(rates):.1f} updates/s a socket; user and system time of the venue's process"
    yield Figure(
        "depth stream to 100 sockets at 10 updates/s, venue's CPU", statistics.median(cores), "cores", 1.0, 0.4, False, detail
    )


def busy(venue: Worker, sockets: int, url: str) -> tuple[float, float, float]:
    """Cores that the venue used, updates a second of each socket, and bytes an update."""
    return asyncio.run(_busy(venue, sockets, url))


async def _busy(venue: Worker, sockets: int, url: str) -> tuple[float, float, float]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        lines = [await session.ws_connect(url + STREAM, max_msg_size=0) for _ in range(sockets)]
        counts, sizes = [0] * sockets, [0] * sockets

        async def read(number: int) -> None:
            async for message in lines[number]:
                counts[number] += 1
                sizes[number] += len(message.data)

        readers = [asyncio.ensure_future(read(number)) for number in range(sockets)]
        await asyncio.sleep(0.5)
        before, seen, bytes_seen = venue.ask("cpu"), list(counts), sum(sizes)
        await asyncio.sleep(ROUND_S)
        after = venue.ask("cpu")
        span_s = after["at_s"] - before["at_s"]
        told = [now - then for now, then in zip(counts, seen, strict=True)]
        size = (sum(sizes) - bytes_seen) / max(1, sum(told))
        for reader in readers:
            reader.cancel()
        for line in lines:
            await line.close()
        return (after["cpu_s"] - before["cpu_s"]) / span_s, min(told, default=0) / span_s, size


MEASURES = (depth_sockets,)
