"""A loopback venue that sends a real or made stream of updates, with a true snapshot for whoever asks."""

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path

from b25.market.feed.binance_streams import stream_name
from b25.model.message import USDM
from tests.kernels.naive_wire import diff_text, snapshot_text, ticker_text, trade_text

from .loopback import Venue, frame

PRICE_FILTER = {"filterType": "PRICE_FILTER", "tickSize": "0.01"}
LOT_SIZE = {"filterType": "LOT_SIZE", "stepSize": "0.001"}


class SendingVenue(Venue):
    """A market that changes a few levels at a steady pace, trades, and quotes; all sockets are told the same."""

    def __init__(self, market=USDM, *, every_s=0.002, names=("ETHUSDT",)):
        prefix = "/fapi/v1" if market == USDM else "/api/v3"
        listed = {"symbols": [{"symbol": name, "filters": [PRICE_FILTER, LOT_SIZE]} for name in names]}
        rest = {f"{prefix}/depth": self.depth, f"{prefix}/exchangeInfo": (200, json.dumps(listed).encode())}
        super().__init__(self.serve, rest)
        self.market, self.every_s, self.names = market, every_s, names
        self.ids = dict.fromkeys(names, 1000)
        self.books = {name: ({"99.90": "1.000"}, {"100.10": "1.000"}) for name in names}
        self.count = 0
        self.subscribed = {}
        self.skip = 0  # updates to lose

    async def __aenter__(self):
        await super().__aenter__()
        self.tasks.add(asyncio.create_task(self.live()))
        return self

    async def serve(self, client):
        self.subscribed[client] = set()
        with contextlib.suppress(ConnectionError):
            while True:
                self.subscribed[client] |= set(await client.acknowledge())
                if client.writer.is_closing() or (not client.heard.empty() and client.heard._queue[0][0] == 8):
                    break
        self.subscribed.pop(client, None)

    def depth(self, path):
        name = path.split("symbol=")[1].split("&")[0]
        sides = [[[price, qty] for price, qty in side.items()] for side in self.books[name]]
        sides[0].sort(key=lambda level: -float(level[0]))
        sides[1].sort(key=lambda level: float(level[0]))
        return 200, snapshot_text(self.market, self.ids[name], *sides, time_ms=time.time_ns() // 10**6)

    async def live(self):
        while True:
            self.count += 1
            for name in self.names:
                self.step(name, self.count)
            await asyncio.sleep(self.every_s)

    def step(self, name, k):
        now_ms = time.time_ns() // 10**6
        bids, asks = self.books[name]
        bids[price := f"{99.89 - 0.01 * (k % 7):.2f}"] = f"{1 + k % 5}.000"
        asks[other := f"{100.11 + 0.01 * (k % 5):.2f}"] = f"{1 + k % 3}.500"
        first, prev = self.ids[name] + 1, self.ids[name]
        self.ids[name] += 3
        changed = ([[price, bids[price]]], [[other, asks[other]]])
        self.tell(name, "depth", diff_text(self.market, first, self.ids[name], prev, *changed, time_ms=now_ms, symbol=name))
        text = trade_text(self.market, k, "100.00", "0.250", maker=k % 2 == 0, time_ms=now_ms, symbol=name)
        self.tell(name, "trades", text)
        if name == "ETHUSDT":
            quote = ticker_text(self.market, self.ids[name], ("99.90", "1.000"), ("100.10", "1.000"), time_ms=now_ms)
            self.tell(name, "bookTicker", quote)

    def tell(self, name, stream, text):
        if stream == "depth" and self.skip:
            self.skip -= 1
            return
        data = frame(text)
        for client, wanted in self.subscribed.items():
            if stream_name(name, stream) in wanted and not client.writer.is_closing():
                client.send(data)


def tell_port(port_file, port):
    draft = Path(port_file + ".new")
    draft.write_text(str(port), encoding="utf-8")
    draft.rename(port_file)


async def alone(port_file):
    """Serve in a process of its own; the port stands in a file."""
    async with SendingVenue(every_s=0.005) as venue:
        tell_port(port_file, venue.port)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(alone(sys.argv[1]))
