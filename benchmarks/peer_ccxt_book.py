"""ccxt.pro keeps an order book from raw Binance frames, offline; and orjson only decodes them.

Runs in its own environment. The exchange is the real one with its markets set by hand; a frame goes in where its socket
client hands one over, and the REST snapshot where it would have fetched one. Nothing touches the network.
"""

import asyncio
import gzip
import time
from decimal import Decimal
from typing import Any

import ccxt.pro
import orjson
from agreement import book_summary
from ccxt.async_support.base.ws.client import Client
from serving import percentiles_us, serve

# ccxt tells spot from futures by the address of the socket.
WORLDS = {
    "binance": ("wss://spot/stream", "spot", False),
    "binanceusdm": ("wss://futures/ws", "swap", False),
    "binancecoinm": ("wss://futures/ws", "swap", True),
}
SYMBOLS = {"binance": "ETH/USDT", "binanceusdm": "ETH/USDT:USDT", "binancecoinm": "ETH/USD:ETH"}


class Offline:
    """One exchange object, one book, one pretended socket."""

    def __init__(self, venue: str, market_id: str) -> None:
        self.symbol = SYMBOLS[venue]
        url, kind, inverse = WORLDS[venue]
        self.exchange = getattr(ccxt.pro, venue)()
        base, quote = self.symbol.split(":")[0].split("/")
        market = self.exchange.safe_market_structure(
            {
                "id": market_id,
                "symbol": self.symbol,
                "base": base,
                "quote": quote,
                "type": kind,
                "spot": kind == "spot",
                "swap": kind == "swap",
                "contract": kind == "swap",
                "linear": kind == "swap" and not inverse,
                "inverse": inverse,
                "active": True,
            }
        )
        self.exchange.set_markets([market])
        self.exchange.orderbooks[self.symbol] = self.exchange.order_book({})
        self.client = Client(url, self.exchange.handle_message, None, None, None)
        self.subscription = {
            "symbol": self.symbol,
            "limit": None,
            "type": "inverse" if inverse else "linear" if kind == "swap" else "spot",
        }

    async def snapshot(self, message: dict[str, Any]) -> None:
        """Let it bridge the REST snapshot to the diffs that it has kept."""
        parsed = self.exchange.parse_order_book(message, self.symbol)
        parsed["nonce"] = message["lastUpdateId"]

        async def fetched(*_: Any) -> dict[str, Any]:
            return parsed

        self.exchange.fetch_rest_order_book_safe = fetched
        await self.exchange.fetch_order_book_snapshot(self.client, None, self.subscription)

    def book(self) -> Any:
        """Its book as it stands."""
        return self.exchange.orderbooks[self.symbol]


def depth_frames(capture: str) -> list[tuple[bool, bytes]]:
    """(is it the snapshot, the frame's bytes) of what moves the book, in file order."""
    frames = []
    with gzip.open(capture, "rb") as lines:
        for line in lines:
            frame = line[20:].rstrip()
            snapshot = frame.startswith(b'{"lastUpdateId"')
            if snapshot or b'"depthUpdate"' in frame:
                frames.append((snapshot, frame))
    return frames


async def played(venue: str, capture: str, handle: str) -> dict[str, Any]:
    """Feed a capture, and time each frame after the snapshot: `whole` path, or `handler` with decoded messages."""
    frames = depth_frames(capture)
    market_id = next(orjson.loads(frame)["data"]["s"] for snapshot, frame in frames if not snapshot)
    world = Offline(venue, market_id)
    durations_ns, seen_snapshot = [], False
    for snapshot, frame in frames:
        if snapshot:
            if not seen_snapshot:
                await world.snapshot(orjson.loads(frame))
                seen_snapshot = True
            continue
        if handle == "handler":
            message = orjson.loads(frame)["data"]
            begun = time.perf_counter_ns()
            world.exchange.handle_order_book(world.client, message)
        else:
            text = frame.decode()  # aiohttp has made text of it before ccxt sees it
            begun = time.perf_counter_ns()
            world.client.handle_text_or_binary_message(text)
        if seen_snapshot:
            durations_ns.append(time.perf_counter_ns() - begun)
    book = world.book()
    answer = {
        "messages": len(durations_ns),
        "messages_per_s": len(durations_ns) / (sum(durations_ns) / 1e9),
        **percentiles_us(durations_ns),
        "book": book_summary(
            [(Decimal(repr(price)), Decimal(repr(qty))) for price, qty, *_ in book["bids"]],
            [(Decimal(repr(price)), Decimal(repr(qty))) for price, qty, *_ in book["asks"]],
            book["nonce"],
        ),
    }
    await world.exchange.close()
    return answer


def play(venue: str, capture: str, handle: str = "whole") -> dict[str, Any]:
    return asyncio.run(played(venue, capture, handle))


def decode(capture: str) -> dict[str, Any]:
    """Decode the diffs with orjson and throw the result away."""
    durations_ns = []
    for snapshot, frame in depth_frames(capture):
        if not snapshot:
            begun = time.perf_counter_ns()
            orjson.loads(frame)
            durations_ns.append(time.perf_counter_ns() - begun)
    return {
        "messages": len(durations_ns),
        "messages_per_s": len(durations_ns) / (sum(durations_ns) / 1e9),
        **percentiles_us(durations_ns),
    }


if __name__ == "__main__":
    serve({"play": play, "decode": decode})
