"""A feed without sockets: the test is the venue, the clock and the dice."""

import ctypes
from decimal import Decimal

import numpy as np
import orjson

from b25.market.feed.binance_streams import Address
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.settings import FeedSettings
from b25.model.instrument import Instrument
from b25.model.message import USDM
from tests.kernels.naive_wire import diff_text, snapshot_text, ticker_text, trade_text

from .replayed import PLACES, levels, parted, replayed

START_NS = 1_700_000_000_000_000_000
S = 1_000_000_000
PUBLIC, OTHER = "ws://venue/public", "ws://venue/market"


class Io:
    """Notes what the feed asks for."""

    def __init__(self):
        self.opened, self.sent, self.pinged, self.dropped, self.snapshots = [], [], [], [], []

    def open(self, number, url):
        self.opened.append((number, url))

    def send(self, number, text):
        self.sent.append((number, orjson.loads(text)))

    def ping(self, number):
        self.pinged.append(number)

    def drop(self, number):
        self.dropped.append(number)

    def fetch_snapshot(self, book):
        self.snapshots.append(book)


class Listener:
    """Keeps what the feed tells."""

    def __init__(self):
        self.parts, self.lines, self.aside, self.told = [], [], [], []

    def rows(self, book, rows):
        self.parts.append(rows.copy())

    def text(self, book, recv_ns, address, size, why):
        text = ctypes.string_at(address, size)
        if why:
            self.aside.append((why, text))
        else:
            self.lines.append(b"%d %s\n" % (recv_ns, text))

    def news(self, news):
        self.told.append(news)

    def kinds(self):
        return [str(one.kind) for one in self.told]


class Simulated:
    """A feed of one or more symbols, told what happens by short calls; time passes only by `wait`."""

    def __init__(self, market=USDM, *, streams=("depth",), names=("ETHUSDT",), one_address=False, **settings):
        venue, symbol = PLACES[market]
        self.market, self.now_ns = market, START_NS
        self.io, self.listener = Io(), Listener()
        instrument = Instrument(venue=venue, symbol=symbol, tick=Decimal("0.01"), lot=Decimal("0.001"))
        wanted = [Wanted(instrument, market, name, streams) for name in names]
        address = Address("http://venue/depth", "http://venue/info", PUBLIC, PUBLIC if one_address else OTHER)
        self.feed = Feed(wanted, address, FeedSettings(**settings), self.io, self.listener, lambda: 0.5)
        self.last_id = 1000

    @property
    def book(self):
        return self.feed.books[0]

    def wait(self, seconds, step_s=0.1):
        """Let time pass, with a tick as often as a live loop would."""
        for _ in range(round(seconds / step_s)):
            self.now_ns += round(step_s * S)
            self.feed.tick(self.now_ns)
            self.feed.batch_done()

    def connect(self, number=None):
        """Open the socket that was asked for last, and acknowledge its subscriptions."""
        if number is None:
            self.feed.tick(self.now_ns)
            number = self.io.opened[-1][0]
        self.feed.opened(number, self.now_ns)
        for sender, request in [one for one in self.io.sent if one[0] == number]:
            self.say(b'{"result":null,"id":%d}' % request["id"], sender)
        return number

    def say(self, text, number=1):
        """A message on a socket."""
        held = np.frombuffer(text, np.uint8)
        self.feed.heard(number, self.now_ns)
        self.feed.text(number, int(held.ctypes.data), len(text), self.now_ns)
        self.feed.batch_done()

    def diff(self, bids=(("99.90", "1.000"),), asks=(("100.10", "1.000"),), *, lose=0, size=4, symbol=None):
        """The next diff's text; `lose` ids are skipped before it."""
        self.last_id += lose
        first, prev = self.last_id + 1, self.last_id
        self.last_id += size
        sides = [[list(level) for level in side] for side in (bids, asks)]
        return diff_text(self.market, first, self.last_id, prev, *sides, time_ms=self.now_ns // 10**6, symbol=symbol)

    def trade(self, trade_id, price="100.00"):
        return trade_text(self.market, trade_id, price, "0.250", maker=True, time_ms=self.now_ns // 10**6)

    def ticker(self, ids):
        return ticker_text(self.market, ids, ("99.90", "1.000"), ("100.10", "1.000"), time_ms=self.now_ns // 10**6)

    def snapshot(self, ids=None, book=0, bids=(("99.90", "1.000"),), asks=(("100.10", "2.000"),)):
        """Answer the last request for a snapshot."""
        sides = [[list(level) for level in side] for side in (bids, asks)]
        text = snapshot_text(self.market, self.last_id if ids is None else ids, *sides, time_ms=self.now_ns // 10**6)
        self.feed.snapshot(book, text, self.now_ns)

    def synced(self):
        """A feed whose one book is true, on socket 1."""
        self.connect()
        self.say(self.diff())
        self.wait(0.1)
        assert self.io.snapshots == [0]
        self.snapshot(self.last_id - 1)
        assert self.book.is_tradable
        return self

    def keep(self, seconds, number=1, every_s=0.5):
        """Let time pass with diffs coming."""
        for _ in range(round(seconds / every_s)):
            self.wait(every_s)
            self.say(self.diff(), number)

    def check(self, folder):
        """What was delivered is what the recording gives in a replay."""
        rows, quotes = parted(self.listener.parts)
        want, want_quotes, book = replayed(folder, self.market, self.listener.lines, self.book.desk.instrument)
        assert np.array_equal(rows, want)
        assert np.array_equal(quotes, want_quotes)
        assert levels(self.book.desk.ladder) == book
