"""The figures of the live feed: from a socket to a book that is up to date, at 2,000 updates a second, beside ccxt.pro.

A sender on loopback notes when it gave each real update to its socket; a receiver notes when the book held it. Both end with the
same book, or there is no figure.
"""

import statistics
from collections.abc import Iterator
from typing import Any

from contestants import TIMED_CORE, BenchFailed, Worker
from figures import Figure, spread
from stage import CAPTURE, Stage

ROUNDS = 5
RATE = 2000.0  # updates a second


def quantiles_us(taken: list[tuple[int, int]], sent: dict[str, int]) -> tuple[float, float, int]:
    """Median and 99th percentile of the delay in µs, and how many updates were seen one by one."""
    delays = sorted((at - sent[str(last_id)]) / 1e3 for last_id, at in taken if str(last_id) in sent)
    if not delays:
        raise BenchFailed("no update was seen")
    return delays[len(delays) // 2], delays[int(len(delays) * 0.99)], len(delays)


def _top(book: dict[str, Any]) -> tuple[Any, ...]:
    """What is compared: ccxt.pro keeps a thousand levels a side, so not how many there are."""
    return book["last_update_id"], book["bids"][:20], book["asks"][:20]


def socket_to_book(stage: Stage) -> Iterator[Figure]:
    """b25 looking for the next message for a millisecond after each, b25 sleeping between messages, and ccxt.pro, in turn."""
    capture = str(stage.capture(CAPTURE))
    found: dict[str, list[tuple[float, float, int]]] = {"b25": [], "asleep": [], "ccxt": []}
    books: list[dict[str, Any]] = []
    updates = 0
    with (
        Worker("feed_sender.py", pinned=False) as sender,
        Worker("ours_feed.py") as ours,
        Worker("peer_ccxt_feed.py", stage.ccxt) as peer,
    ):

        def play(who: str, worker: Worker, **more: Any) -> None:
            nonlocal updates
            begun = sender.ask("start", capture=capture, rate=RATE, core=max(0, TIMED_CORE - 1))
            updates = begun["updates"]
            run = worker.ask("play", port=begun["port"], last_id=begun["last_id"], **more)
            if run["last_id"] != begun["last_id"]:
                raise BenchFailed(f"{who} did not get to the end of the updates")
            found[who].append(quantiles_us(run["taken"], sender.ask("stamps", capture=capture)["sent"]))
            books.append(run["book"])

        play("b25", ours)  # compiles, or loads what is compiled
        found["b25"].clear()
        for _ in range(ROUNDS):
            play("b25", ours)
            play("asleep", ours, spin_s=0.0)
            play("ccxt", peer)
    if any(_top(book) != _top(books[0]) for book in books):
        raise BenchFailed("the books differ at the end of the updates")

    def told(who: str, place: int) -> str:
        return spread([run[place] for run in found[who]])

    seen = statistics.median([run[2] for run in found["ccxt"]])
    detail = f"b25 {told('b25', 0)}, without spinning {told('asleep', 0)}; ccxt.pro {told('ccxt', 0)}, "
    detail += f"which returned {seen:,.0f} of {updates:,} updates one by one"
    medians = [statistics.median([run[place] for run in found["b25"]]) for place in (0, 1)]
    yield Figure("socket → book at 2,000 updates/s, median", medians[0], "µs", 60, 30, False, detail)
    detail = f"p99 µs: b25 {told('b25', 1)}, without spinning {told('asleep', 1)}; ccxt.pro {told('ccxt', 1)}"
    yield Figure("the same, p99", medians[1], "µs", 250, 100, False, detail)


MEASURES = (socket_to_book,)
