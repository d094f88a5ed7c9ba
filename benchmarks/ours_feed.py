"""b25's fast path on a socket: when was the book up to date after each update."""

import asyncio
import gc
import random
import time
from decimal import Decimal
from typing import Any

import numpy as np
from agreement import book_summary
from serving import serve

from b25.market.feed.binance_streams import address_of
from b25.market.feed.desk import Desk
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.live_io import LiveIo, run, run_loop
from b25.market.feed.settings import FeedSettings
from b25.model.instrument import Instrument
from b25.model.message import USDM


class Notes:
    """Listens, and notes the time at which a message had been applied."""

    def __init__(self, last_id: int, until: asyncio.Event) -> None:
        self.feed: Feed | None = None
        self.taken: list[tuple[int, int]] = []
        self.last_id, self.until = last_id, until
        self.told: list[str] = []
        self.row_count = 0

    def text(self, book: int, recv_ns: int, address: int, size: int, why: str) -> None:
        self.taken.append((int(self.state["last_id"]), time.monotonic_ns()))

    def rows(self, book: int, rows: Any) -> None:
        self.row_count += len(rows)
        if int(self.state["last_id"]) == self.last_id:
            self.until.set()

    def news(self, news: Any) -> None:
        self.told.append(f"{news.kind}: {news.what}")

    @property
    def state(self) -> Any:
        assert self.feed is not None
        return self.feed.books[0].desk.state


async def live(port: int, last_id: int, timeout_s: float, spin_s: float) -> dict[str, Any]:
    until = asyncio.Event()
    notes = Notes(last_id, until)
    address, settings = (
        address_of(USDM, f"http://127.0.0.1:{port}"),
        FeedSettings(ahead_s=0.0, spin_s=spin_s),
    )  # the capture is older, and sent faster than it came
    io = LiveIo(address.snapshot_url, settings.snapshot_levels)
    instrument = Instrument(venue="binanceusdm", symbol="ETH/USDT:USDT", tick=Decimal("0.01"), lot=Decimal("0.001"))
    wanted = [Wanted(instrument, USDM, "ETHUSDT", ("depth",))]
    feed = Feed(wanted, address, settings, io, notes, random.Random(1).random)
    notes.feed = feed
    feed.books[0].desk.take_text(b'{"e":"no message"}', 1)  # compiles or loads the kernel before the first message
    asyncio.get_running_loop().call_later(timeout_s, until.set)
    gc.collect()
    gc.freeze()
    await run(feed, io, until)
    return {
        "taken": notes.taken,
        "news": notes.told,
        "rows": notes.row_count,
        "synced": feed.books[0].desk.is_synced,
        "last_id": int(notes.state["last_id"]),
        "book": summary(feed.books[0].desk),
        "loop": type(asyncio.get_running_loop()).__module__,
    }


def summary(desk: Desk) -> dict[str, Any]:
    """Every level of the book, as `agreement` compares them."""
    head, lots, _, far = desk.ladder.book
    sides = []
    for side, count in ((0, int(head["far_bids"])), (1, int(head["far_asks"]))):
        near = [(int(head["base_ticks"]) + int(slot), int(lots[side][slot])) for slot in np.flatnonzero(lots[side])]
        beyond = [(int(level["price_ticks"]), int(level["qty_lots"])) for level in far[side][:count]]
        sides.append([(ticks * desk.instrument.tick, held * desk.instrument.lot) for ticks, held in near + beyond])
    return book_summary(*sides, int(head["last_update_id"]))


def play(port: int, last_id: int, timeout_s: float = 30.0, loop: str = "uvloop", spin_s: float = 0.001) -> dict[str, Any]:
    work = live(port, last_id, timeout_s, spin_s)
    answer: dict[str, Any] = run_loop(work) if loop == "uvloop" else asyncio.run(work)
    return answer


if __name__ == "__main__":
    serve({"play": play})
