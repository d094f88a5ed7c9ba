"""The figures of the live book: the same final book as ccxt.pro, then messages a second and the slow one in a hundred."""

import statistics
from collections.abc import Iterator
from typing import Any

from contestants import BenchFailed, Worker, b25
from figures import Figure, spread
from stage import CAPTURE, SYMBOL, VENUE, Stage

ROUNDS = 9
SPOT = "spot_ethusdt_20240808"
# What each capture needs to be read: venue, symbol, the venue's own name, tick and lot.
GROUNDS: dict[str, dict[str, str]] = {
    CAPTURE: {"venue": VENUE, "symbol": SYMBOL, "market_id": "ETHUSDT", "tick": "0.01", "lot": "0.001"},
    SPOT: {"venue": "binance", "symbol": "ETH/USDT", "market_id": "ETHUSDT", "tick": "0.01", "lot": "0.00001"},
}


def ask_of(ground: dict[str, str]) -> dict[str, str]:
    return {name: ground[name] for name in ("venue", "market_id", "tick", "lot")}


def final_books(stage: Stage) -> Iterator[Figure]:
    """What `b25 data book` says at the end of a capture, and the kernels' own book, against ccxt.pro's."""
    import tempfile

    equal = 0
    with Worker("peer_ccxt_book.py", stage.ccxt) as peer, Worker("ours_book.py") as ours:
        for name, ground in GROUNDS.items():
            capture = str(stage.capture(name))
            theirs = peer.ask("play", venue=ground["venue"], capture=capture)["book"]
            reference = stage.reference(f"book_{name}")
            if any(theirs[part] != reference[part] for part in ("last_update_id", "bid_levels", "ask_levels")):
                raise BenchFailed(f"ccxt.pro does not reproduce its own book of {name}")
            kernels = ours.ask("calls", capture=capture, **ask_of(ground))["book"]
            with tempfile.TemporaryDirectory() as catalog:
                place = ["--venue", ground["venue"], "--symbol", ground["symbol"], "--catalog", catalog]
                b25(["data", "import", capture, *place, "--json"])
                told = b25(["data", "book", *place, "--json"]).answer
            equal += kernels == theirs and plain(told) == plain(theirs)
    detail = "last id, number of levels, top 20 of `b25 data book`; every level of the kernels' book"
    yield Figure("final books equal to ccxt.pro's, USD-M and spot", equal, "of 2", 2, None, True, detail)


def plain(book: dict[str, Any]) -> tuple[Any, ...]:
    """What two tellings of a book are compared by; "2682.50" and "2682.5" are one price."""
    tops = [[(float(price), float(qty)) for price, qty in book[side][:20]] for side in ("bids", "asks")]
    return book["last_update_id"], book["bid_levels"], book["ask_levels"], *tops


def messages_per_second(stage: Stage) -> Iterator[Figure]:
    """Raw bytes to book, one call from Python a frame on both sides; and orjson decoding the same frames."""
    capture, ask = str(stage.capture(CAPTURE)), ask_of(GROUNDS[CAPTURE])
    with Worker("peer_ccxt_book.py", stage.ccxt) as peer, Worker("ours_book.py") as ours:
        ours.ask("calls", capture=capture, **ask)
        rounds = [
            (
                ours.ask("calls", capture=capture, **ask),
                peer.ask("play", venue=VENUE, capture=capture),
                peer.ask("decode", capture=capture),
            )
            for _ in range(ROUNDS)
        ]
    b25_runs, ccxt_runs, orjson_runs = zip(*rounds, strict=True)
    if any(run["book"] != ccxt_runs[0]["book"] for run in (*b25_runs, *ccxt_runs)):
        raise BenchFailed("the books differ at the end of the capture")
    b25_k, ccxt_k, orjson_k = ([run["messages_per_s"] / 1e3 for run in runs] for runs in (b25_runs, ccxt_runs, orjson_runs))
    detail = f"thousand messages/s: b25 {spread(b25_k)}, ccxt.pro {spread(ccxt_k)}, orjson's decode alone {spread(orjson_k)}"
    ratio = statistics.median(b25_k) / statistics.median(ccxt_k)
    yield Figure("raw bytes → book, messages/s: b25 / ccxt.pro", ratio, "×", 30, 60, True, detail)

    b25_us, ccxt_us, orjson_us = ([run["p99_us"] for run in runs] for runs in (b25_runs, ccxt_runs, orjson_runs))
    medians = [statistics.median([run["p50_us"] for run in runs]) for runs in (b25_runs, ccxt_runs, orjson_runs)]
    detail = f"p99 µs: b25 {spread(b25_us)}, orjson's decode alone {spread(orjson_us)}, ccxt.pro {spread(ccxt_us)}; "
    detail += "p50 µs: " + ", ".join(
        f"{name} {p50:.3g}" for name, p50 in zip(("b25", "ccxt.pro", "orjson"), medians, strict=True)
    )
    # The bar is the lower of the two: 25 µs, and what orjson needs to decode alone.
    bar = min(25.0, statistics.median(orjson_us))
    yield Figure("the same, p99 per message", statistics.median(b25_us), "µs", bar, 10, False, detail)


MEASURES = (final_books, messages_per_second)
