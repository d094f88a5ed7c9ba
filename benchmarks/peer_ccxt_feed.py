"""ccxt.pro on the same socket: when does `watch_order_book` return with each update.

The exchange is unmodified; its addresses lead to the sender, its markets are set by hand. Runs in ccxt's own environment.
"""

import asyncio
import gc
import time
from decimal import Decimal
from typing import Any

import ccxt.pro
from agreement import book_summary
from serving import serve

SYMBOL = "ETH/USDT:USDT"


def exchange_at(port: int) -> Any:
    rest = f"http://127.0.0.1:{port}/fapi/v1"
    urls = {"fapiPublic": rest, "fapiPrivate": rest, "ws": {"linear": f"ws://127.0.0.1:{port}/f/ws"}}
    exchange = ccxt.pro.binanceusdm({"enableRateLimit": False, "urls": {"api": urls}})
    market = exchange.safe_market_structure(
        {
            "id": "ETHUSDT",
            "lowercaseId": "ethusdt",
            "symbol": SYMBOL,
            "base": "ETH",
            "quote": "USDT",
            "settle": "USDT",
            "type": "swap",
            "swap": True,
            "contract": True,
            "linear": True,
            "inverse": False,
            "active": True,
        }
    )
    exchange.set_markets([market])
    return exchange


async def live(port: int, last_id: int, timeout_s: float) -> dict[str, Any]:
    exchange, taken = exchange_at(port), []
    clock = time.monotonic_ns
    gc.collect()
    gc.freeze()
    try:
        async with asyncio.timeout(timeout_s):
            while not taken or taken[-1][0] != last_id:
                book = await exchange.watch_order_book(SYMBOL)
                taken.append((book["nonce"], clock()))
    except TimeoutError:
        pass
    finally:
        await exchange.close()
    book = exchange.orderbooks[SYMBOL]
    sides = [[(Decimal(repr(price)), Decimal(repr(qty))) for price, qty, *_ in book[side]] for side in ("bids", "asks")]
    return {"taken": taken, "last_id": taken[-1][0] if taken else 0, "book": book_summary(*sides, book["nonce"])}


def play(port: int, last_id: int, timeout_s: float = 30.0) -> dict[str, Any]:
    return asyncio.run(live(port, last_id, timeout_s))


if __name__ == "__main__":
    serve({"play": play})
