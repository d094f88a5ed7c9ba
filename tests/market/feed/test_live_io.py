"""On real sockets: what is delivered, recorded, imported and replayed is the same book and the same rows."""

import asyncio
import importlib.util
import random
from decimal import Decimal

import numpy as np
import pytest

from b25.market.feed.binance_streams import address_of
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.live_io import LiveIo, SteadyClock, run, run_loop
from b25.market.feed.settings import FeedSettings
from b25.model.instrument import Instrument
from b25.model.message import SPOT, USDM

from .loopback import Venue, until
from .replayed import PLACES, levels, parted, replayed
from .sending_venue import SendingVenue
from .simulated import Listener

WITHIN_S = 20.0


class Ending(Listener):
    """Ends the feed when `enough` says so."""

    def __init__(self, enough):
        super().__init__()
        self.enough, self.until, self.feed = enough, asyncio.Event(), None

    def rows(self, book, rows):
        super().rows(book, rows)
        if self.enough(self):
            self.until.set()

    def news(self, news):
        super().news(news)
        if self.enough(self):
            self.until.set()


async def lived(url, market, listener, streams=("depth", "trades", "bookTicker"), **settings):
    venue, symbol = PLACES[market]
    instrument = Instrument(venue=venue, symbol=symbol, tick=Decimal("0.01"), lot=Decimal("0.001"))
    address = address_of(market, url)
    io = LiveIo(address.snapshot_url, 1000)
    settings = FeedSettings(wait_first_s=0.05, resync_first_s=0.05, **settings)
    feed = Feed([Wanted(instrument, market, "ETHUSDT", streams)], address, settings, io, listener, random.Random(1).random)
    listener.feed = feed
    async with asyncio.timeout(WITHIN_S):
        await run(feed, io, listener.until)
    return feed


def enough_rows(count):
    return lambda one: sum(map(len, one.parts)) >= count and one.feed is not None and one.feed.books[0].is_tradable


@pytest.mark.parametrize("market", [SPOT, USDM])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_delivered_recorded_imported_and_replayed_are_one(market, loop, tmp_path):
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        loop = "asyncio"  # what `run_loop` does as well

    async def work():
        async with SendingVenue(market) as venue:
            listener = Ending(lambda one: one.kinds().count("gap") > 0 and enough_rows(900)(one))

            async def disturb():
                await until(lambda: sum(map(len, listener.parts)) >= 400)
                venue.skip = 2
                await asyncio.sleep(0.1)
                next(iter(venue.subscribed)).cut()

            task = asyncio.create_task(disturb())
            feed = await lived(venue.url, market, listener)
            await task
            return feed, listener

    feed, listener = run_loop(work()) if loop == "uvloop" else asyncio.run(work())
    assert {"opened", "synced", "gap", "live"} <= set(listener.kinds())
    rows, quotes = parted(listener.parts)
    want, want_quotes, book = replayed(tmp_path, market, listener.lines, feed.books[0].desk.instrument)
    assert np.array_equal(rows, want)
    assert np.array_equal(quotes, want_quotes)
    assert levels(feed.books[0].desk.ladder) == book


def test_a_cut_socket_is_opened_again_and_the_book_true_again():
    async def work():
        async with SendingVenue() as venue:
            listener = Ending(lambda one: one.kinds().count("synced") >= 2 and one.feed.books[0].is_tradable)

            async def disturb():
                await until(lambda: "live" in listener.kinds())
                for client in list(venue.subscribed):
                    client.cut()

            task = asyncio.create_task(disturb())
            await lived(venue.url, USDM, listener, ("depth",))
            await task
            return listener

    kinds = asyncio.run(work()).kinds()
    assert kinds.count("lost") == 1
    assert kinds.count("opened") == 2


@pytest.mark.parametrize(("status", "kind"), [(429, "refused"), (500, "refused"), (451, "unavailable"), (403, "unavailable")])
def test_a_refused_snapshot_is_told(status, kind):
    async def work():
        async with SendingVenue() as venue:
            venue.rest["/fapi/v1/depth"] = (status, b'{"code":-1003,"msg":"no"}')
            listener = Ending(lambda one: kind in one.kinds())
            await lived(venue.url, USDM, listener, ("depth",))
            return listener

    told = next(one for one in asyncio.run(work()).told if one.kind == kind)
    assert f"answers {status}" in told.what


def test_no_venue_at_all_is_told_and_tried_again():
    async def work():
        async def serve(client):
            await asyncio.sleep(3600)

        async with Venue(serve) as venue:
            url = venue.url
        listener = Ending(lambda one: one.kinds().count("lost") >= 3)
        await lived(url, USDM, listener, ("depth",))
        return listener

    assert set(asyncio.run(work()).kinds()) == {"lost"}


def test_the_clock_is_the_time_of_day_and_never_goes_back():
    clock = SteadyClock()
    times = [clock() for _ in range(1000)]
    assert times == sorted(times)
    assert len(str(times[0])) == 19
