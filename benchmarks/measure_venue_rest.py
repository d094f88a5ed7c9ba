"""The figures of the venue's REST side: orders a second from one ccxt client over TLS, and how long one of them takes."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from typing import Any

import ccxt.async_support
from contestants import Worker
from figures import Figure, spread
from stage import Stage

ROUNDS, ORDERS, AT_ONCE = 5, 1_500, 8
MARKETS = {"spot": "BTC/USDT", "linear": "BTC/USDT:USDT"}


def rest_orders(stage: Stage) -> Iterator[Figure]:
    """Orders of an unmodified asynchronous ccxt: eight at once for the rate, one after another for the round trip."""
    with Worker("ours_venue_rest.py", pinned=False) as venue:
        config = venue.ask("start")["config"]
        made = asyncio.run(_measure(config))
        venue.ask("stop")
    rates, trips_ms = made["spot"]
    linear_rates, linear_ms = made["linear"]
    detail = f"orders/s {spread(rates)}; USD-M {spread(linear_rates)}; {AT_ONCE} at once, TLS, client and venue a process each"
    yield Figure("REST orders from one ccxt client", statistics.median(rates), "orders/s", 800.0, 2_000.0, True, detail)
    p99_ms = _percentile(trips_ms, 99)
    detail = f"p50 {_percentile(trips_ms, 50):.2f}, p99.9 {_percentile(trips_ms, 99.9):.2f}; "
    detail += f"USD-M p50 {_percentile(linear_ms, 50):.2f}, p99 {_percentile(linear_ms, 99):.2f}; "
    detail += "one after another, ccxt's own signing and parsing included"
    yield Figure("round trip of such an order, p99", p99_ms, "ms", 5.0, 2.0, False, detail)


async def _measure(config: dict[str, Any]) -> dict[str, tuple[list[float], list[float]]]:
    client = ccxt.async_support.binance(config)
    try:
        await client.load_markets()
        return {market: await _market(client, symbol) for market, symbol in MARKETS.items()}
    finally:
        await client.close()


async def _market(client: Any, symbol: str) -> tuple[list[float], list[float]]:
    async def place(count: int, told: list[float]) -> None:
        for number in range(count):
            begun = time.perf_counter()
            await client.create_order(symbol, "limit", "buy", 0.01, 49_000 - number % 100)
            told.append((time.perf_counter() - begun) * 1e3)

    rates: list[float] = []
    trips_ms: list[float] = []
    for _ in range(ROUNDS):
        await place(ORDERS // 3, trips_ms)
        begun = time.perf_counter()
        await asyncio.gather(*(place(ORDERS // AT_ONCE, []) for _ in range(AT_ONCE)))
        rates.append(ORDERS // AT_ONCE * AT_ONCE / (time.perf_counter() - begun))
        await client.cancel_all_orders(symbol)
    return rates, trips_ms


def _percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


MEASURES = (rest_orders,)
