"""Any venue by way of ccxt.pro: the same rows, news and recordings as the fast path, whatever ccxt raises."""

import asyncio
import random
import time
from decimal import Decimal

import numpy as np
import pytest

from b25.kernels.book import CLEAR_CROSSED, make_ladder
from b25.kernels.book_rows import apply_rows
from b25.market.bridge import bridge
from b25.market.catalog import Catalog
from b25.market.feed.ccxt_feed import CcxtFeed, open_watching
from b25.market.feed.live_io import SteadyClock
from b25.market.feed.settings import FeedSettings
from b25.market.record_settle import settle
from b25.model.errors import Misuse
from b25.model.event import GAP, TRADE
from b25.model.instrument import Instrument

from .loopback import until as wait_until
from .replayed import levels, parted
from .simulated import Listener

INSTRUMENT = Instrument(venue="kraken", symbol="ETH/USD", tick=Decimal("0.01"), lot=Decimal("0.001"))
WITHIN_S = 20.0


class Exchange:
    """What a ccxt.pro exchange looks like from here; `plan` says what each watch of the book does."""

    id = "kraken"

    def __init__(self, plan):
        self.has = {"watchOrderBook": True, "watchTrades": True}
        self.plan, self.count, self.closed = plan, 0, False

    async def watch_order_book(self, symbol):
        self.count += 1
        await asyncio.sleep(0.002)
        return await self.plan(self)

    async def watch_trades(self, symbol):
        await asyncio.sleep(0.004)
        self.count += 1
        stamp = time.time_ns() // 10**6
        return [{"id": str(self.count), "timestamp": stamp, "price": 100.0, "amount": 0.5, "side": "buy"}]

    async def close(self):
        self.closed = True

    def book(self):
        k = self.count
        return {
            "bids": [[round(99.99 - 0.01 * i, 2), (1 + (k + i) % 7) / 1000] for i in range(5)],
            "asks": [[round(100.01 + 0.01 * i, 2), (1 + (k * i) % 5) / 500] for i in range(5)],
            "timestamp": time.time_ns() // 10**6,
        }


async def steady(exchange):
    return exchange.book()


def lived(plan, enough, **settings):
    """A feed over exchanges of this plan, until `enough` is heard."""

    async def work():
        listener, until = Listener(), asyncio.Event()
        made = []

        def make():
            made.append(Exchange(plan))
            return made[-1]

        feed = CcxtFeed(
            "kraken",
            [(INSTRUMENT, "ETH/USD")],
            ("depth", "trades"),
            FeedSettings(wait_first_s=0.02, **settings),
            listener,
            random.Random(1).random,
            clock_ns=SteadyClock(),
            exchange=make,
        )

        async def watch():
            await wait_until(lambda: enough(feed, listener, made))
            until.set()

        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(feed.run(until), watch())
        assert all(one.closed for one in made)
        return feed, listener, made

    return asyncio.run(work())


def has_rows(count):
    return lambda feed, listener, made: sum(map(len, listener.parts)) > count and feed.books[0].is_tradable


def check(feed, listener, folder):
    """What was recorded gives what was delivered."""
    place = Catalog(folder).instrument_folder("kraken", "ETH/USD") / "raw"
    place.mkdir(parents=True)
    (place / "1.part").write_bytes(b"".join(listener.lines))
    (source,) = settle(Catalog(folder), INSTRUMENT, "ETH/USD", also_open=True)
    assert source.quality["bad_lines"] == 0
    want = bridge(Catalog(folder).load("kraken", "ETH/USD").rows, "kraken").rows
    rows, _ = parted(listener.parts)
    assert np.array_equal(rows, want)
    ladder = make_ladder()
    apply_rows(want, CLEAR_CROSSED, *ladder.book)
    assert levels(feed.books[0].desk.ladder) == levels(ladder)


def test_books_and_trades_are_delivered_and_recorded_alike(tmp_path):
    feed, listener, _ = lived(steady, has_rows(300))
    rows, _ = parted(listener.parts)
    assert (rows["kind"] == TRADE).sum() > 10
    assert not (rows["kind"] == GAP).any()
    assert listener.kinds()[:2] == ["synced", "live"] or "synced" in listener.kinds()
    check(feed, listener, tmp_path)


def test_whatever_ccxt_raises_is_a_gap_and_then_goes_on(tmp_path):
    async def plan(exchange):
        if exchange.count in (40, 90):
            raise RuntimeError("ChecksumError")
        return exchange.book()

    feed, listener, _ = lived(plan, lambda feed, listener, made: has_rows(400)(feed, listener, made) and made[0].count > 150)
    kinds = listener.kinds()
    assert kinds.count("lost") >= 1
    assert kinds.count("gap") == kinds.count("lost")
    assert kinds.count("synced") == kinds.count("gap") + 1
    check(feed, listener, tmp_path)


def test_a_silent_venue_is_closed_and_opened_again():
    async def plan(exchange):
        if exchange.count > 20:
            await asyncio.sleep(3600)
        return exchange.book()

    def enough(feed, listener, made):
        return len(made) >= 2 and listener.kinds().count("synced") >= 2

    _, listener, made = lived(plan, enough, hold_after_s=0.1, reconnect_after_s=0.3, halt_after_s=5.0)
    assert len(made) == 2
    assert "hold" in listener.kinds()


def test_a_crossed_book_is_set_aside_and_the_next_one_taken_whole(tmp_path):
    async def plan(exchange):
        book = exchange.book()
        if exchange.count == 60:
            book["bids"][0][0] = 100.5
        return book

    feed, listener, _ = lived(plan, lambda feed, listener, made: has_rows(400)(feed, listener, made) and made[0].count > 120)
    if listener.aside:  # the 60th watch may have been one of trades
        assert listener.aside[0][0] == "crossed book"
        assert "gap" in listener.kinds()
    check(feed, listener, tmp_path)


def test_a_venue_that_cannot_be_watched_is_refused():
    with pytest.raises(Misuse, match="cannot watch 'nowhere'"):
        open_watching("nowhere")


def test_the_watch_of_ccxt_itself_is_shortened():
    async def work():
        api = open_watching("kraken")
        try:
            return api.streaming["keepAlive"], api.has["watchOrderBook"]
        finally:
            await api.close()

    assert asyncio.run(work()) == (5000, True)
