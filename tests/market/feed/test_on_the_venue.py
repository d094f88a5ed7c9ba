"""Against the simulated venue with every market-data fault on, one by one: the book ends as the venue's, and live is replay."""

import asyncio
import random

import numpy as np
import pytest

from b25.market.feed.binance_streams import address_of
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.live_io import LiveIo, run
from b25.market.feed.settings import FeedSettings
from b25.model.event import GAP, TRADE
from b25.model.instrument import Instrument
from b25.model.message import SPOT, USDM
from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.listings import default_listings
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import Venue, VenueSettings

from .loopback import until
from .replayed import PLACES, levels, parted, replayed
from .simulated import Listener

WITHIN_S = 60.0
NAME = "ETHUSDT"


class Watched:
    """A venue with a crowd at one symbol, and a feed on it."""

    def __init__(self, venue, market, **settings):
        self.venue, self.market = venue, market
        self.listing = (venue.exchange.spot if market == SPOT else venue.exchange.linear)[NAME]
        name, symbol = PLACES[market]
        self.instrument = Instrument(venue=name, symbol=symbol, tick=self.listing.tick, lot=self.listing.lot)
        address = address_of(market, venue.plain_url)
        short = {
            "hold_after_s": 0.5,
            "reconnect_after_s": 1.0,
            "halt_after_s": 30.0,
            "ping_after_s": 0.5,
            "pong_within_s": 0.5,
            "first_message_within_s": 2.0,
            "wait_first_s": 0.1,
            "resync_first_s": 0.1,
            "roll_over_within_s": 2.0,
        }
        settings = FeedSettings(**{**short, **settings})
        self.io, self.listener = LiveIo(address.snapshot_url, 1000), Listener()
        wanted = [Wanted(self.instrument, market, NAME, ("depth", "trades", "bookTicker"))]
        self.feed = Feed(wanted, address, settings, self.io, self.listener, random.Random(1).random)
        self.book = self.feed.books[0]

    async def quiet(self):
        """Let the market stop, and the last diff arrive; the venue's book and ours are then at one update."""
        for listing in self.venue.exchange.listings:
            listing.flow = None
        await until(lambda: int(self.book.desk.state["last_id"]) == self.listing.update_id and self.book.desk.is_healthy)

    def check(self, folder):
        book = self.listing.book
        want = [sorted(book.levels(side, 100_000)) for side in (1, -1)]
        assert levels(self.book.desk.ladder) == want
        rows, quotes = parted(self.listener.parts)
        again, again_quotes, held = replayed(folder, self.market, self.listener.lines, self.instrument)
        assert np.array_equal(rows, again)
        assert np.array_equal(quotes, again_quotes)
        assert held == want
        return rows


def watched(folder, market, act, **settings):
    """Run `act(watched)` beside the feed once its book is true; then the market stops and everything is compared."""

    async def work():
        setup = VenueSettings(folder=folder, tls_port=0, port=0, limits=LimitSettings(enabled=False), warm_up_s=5.0)

        listings = [one for one in default_listings() if one.name == NAME]
        async with Venue(setup, listings=listings, market=lambda exchange: open_crowds(exchange, seed=25)) as venue:
            one = Watched(venue, market, **settings)
            over = asyncio.Event()
            running = asyncio.create_task(run(one.feed, one.io, over))
            try:
                async with asyncio.timeout(WITHIN_S):
                    await until(lambda: one.book.is_tradable and one.book.skew_ns is not None)
                    await act(one)
                    await one.quiet()
            finally:
                over.set()
                await running
        return one

    return asyncio.run(work())


@pytest.mark.parametrize("market", [SPOT, USDM])
def test_a_crowd_is_followed_to_the_last_level(tmp_path, market):
    async def act(one):
        await asyncio.sleep(1.5)

    one = watched(tmp_path, market, act)
    rows = one.check(tmp_path)
    assert (rows["kind"] == TRADE).any()
    assert not (rows["kind"] == GAP).any()
    assert one.listener.aside == []
    assert set(one.listener.kinds()) <= {"opened", "synced", "live", "hold"}  # a machine under load may be late


# Knob, what aims it, what of it is told, and whether the market data are harmed at all.
FAULTS = [
    ("diff_drop", {"left": 2}, "gap"),
    ("diff_dup", {"left": 3}, None),
    ("diff_reorder", {"left": 1}, "gap"),
    ("book_cross", {"left": 1}, "gap"),
    ("price_spike", {"left": 3}, None),
    ("future_ts", {"left": 2}, "hold"),
    ("mute_stream", {"for_ms": 2500}, "lost"),
    ("half_open", {"for_ms": 2500}, "lost"),
    ("cut", {}, "lost"),
    ("server_shutdown", {"after_ms": 4000}, "rolled over"),
]


@pytest.mark.parametrize(("knob", "values", "told"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_each_fault_is_told_and_mended(tmp_path, knob, values, told):
    async def act(one):
        one.listener.told.clear()
        one.venue.faults.set(knob, account="linear", **values)
        if told is None:
            await asyncio.sleep(1.5)
        else:
            await until(lambda: told in one.listener.kinds())
        await until(lambda: one.book.is_tradable)
        one.venue.faults.clear()

    one = watched(tmp_path, USDM, act)
    one.check(tmp_path)
    if told is None:
        assert "gap" not in one.listener.kinds()


@pytest.mark.parametrize("knob", ["snapshot_age_ms", "snapshot_newer_ms"])
def test_snapshots_older_or_newer_than_the_diffs_are_never_bridged_wrongly(tmp_path, knob):
    async def act(one):
        one.venue.faults.set(knob, ms=400, for_ms=3000)
        one.venue.faults.set("diff_drop", left=1)
        await until(lambda: "gap" in one.listener.kinds())
        await until(lambda: one.book.is_tradable)

    watched(tmp_path, USDM, act).check(tmp_path)
