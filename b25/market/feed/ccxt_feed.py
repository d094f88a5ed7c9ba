"""Books and trades of any venue that ccxt.pro can watch, as the rows, news and recordings of the fast path.

ccxt.pro keeps the connections; this watches over it, since its own watch takes minutes: data that are missing for too long close
every socket and begin anew.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from b25.market.feed import desk_layout as outcome
from b25.market.feed.binance_streams import Stream
from b25.market.feed.desk import MALFORMED, REASONS, Desk
from b25.market.feed.feed import Listener
from b25.market.feed.live_book import GONE, LiveBook
from b25.market.feed.news import Kind, News
from b25.market.feed.pacing import NS_PER_S, Backoff, ns
from b25.market.feed.settings import FeedSettings
from b25.market.feed.translate import Translator
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.message import USDM

TICK_S = 0.25
KEEP_ALIVE_MS = 5000
CLOSE_S = 5.0
METHODS: dict[Stream, str] = {"depth": "watchOrderBook", "trades": "watchTrades"}


class CcxtFeed:
    """A feed of one venue.

    Parameters
    ----------
    venue : str
        Ccxt id.
    instruments : sequence of (Instrument, name)
        In the order of the books; the name stands in the messages.
    streams : tuple of str
        ``depth``, ``trades``.
    settings : FeedSettings
    listener : Listener
    chance, clock_ns : callable
    exchange : callable, optional
        Makes the ccxt.pro exchange; else by the venue's id.
    """

    def __init__(
        self,
        venue: str,
        instruments: Sequence[tuple[Instrument, str]],
        streams: tuple[Stream, ...],
        settings: FeedSettings,
        listener: Listener,
        chance: Callable[[], float],
        *,
        clock_ns: Callable[[], int],
        exchange: Callable[[], Any] | None = None,
    ) -> None:
        self.settings, self.listener, self.clock_ns = settings, listener, clock_ns
        self.make = exchange or (lambda: open_watching(venue))
        self.streams = streams
        self.books: list[LiveBook] = []
        self.translators: list[Translator] = []
        self.symbols = [instrument.symbol for instrument, _ in instruments]
        for number, (instrument, name) in enumerate(instruments):
            desk = Desk(instrument, USDM, name, ahead_ns=ns(settings.ahead_s))
            self.books.append(LiveBook(number, f"{venue} {instrument.symbol}", desk, streams, settings, chance))
            self.translators.append(Translator(instrument, name, clock_ns() // 1_000_000))
        self.backoff = Backoff(settings.wait_first_s, settings.wait_max_s, chance)
        self.api: Any = None
        self.is_renewing = asyncio.Event()

    async def run(self, until: asyncio.Event) -> None:
        """Watch until the event is set."""
        while not until.is_set():
            self.is_renewing.clear()
            self.api = self.make()
            _refuse_unwatched(self.api, self.streams)
            watched = [(number, stream) for number in range(len(self.books)) for stream in self.streams]
            tasks = [asyncio.create_task(self._watch(number, stream)) for number, stream in watched]
            try:
                await self._tend(until, tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(self.api.close(), CLOSE_S)
            if not until.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(until.wait(), self.backoff.next_ns() / NS_PER_S)

    def refresh(self, number: int) -> None:
        """Begin the next file with a whole book."""
        one = self.translators[number]
        if one.levels is not None:
            now_ms = self.clock_ns() // 1_000_000
            self._take(number, [one.snapshot(now_ms)], None)

    async def _tend(self, until: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
        while not until.is_set() and not self.is_renewing.is_set():
            for task in tasks:
                if task.done():
                    task.result()  # a watch never ends but by a fault of ours, which must not pass in silence
            now_ns = self.clock_ns()
            for book in self.books:
                self._tell(book.tick(now_ns))
                if book.wants_new_socket(now_ns):
                    why = next(iter(book.held.values()), "stale")
                    self.listener.news(News(Kind.LOST, now_ns, f"{book.name}: {why}", book.number))
                    self.is_renewing.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), TICK_S)
        for book, translator in zip(self.books, self.translators, strict=True):
            translator.lose()
            self._tell(book.hold(GONE, "not connected", self.clock_ns()))

    async def _watch(self, number: int, stream: Stream) -> None:
        book, symbol = self.books[number], self.symbols[number]
        backoff = Backoff(self.settings.wait_first_s, self.settings.wait_max_s, self.backoff.chance)
        book.subscribed(self.clock_ns())
        while True:
            try:
                if stream == "depth":
                    told = await self.api.watch_order_book(symbol)
                else:
                    told = await self.api.watch_trades(symbol)
            except Exception as fault:  # ccxt raises its own, aiohttp's and plain ones; none may end the feed
                now_ns = self.clock_ns()
                self.listener.news(
                    News(Kind.LOST, now_ns, f"{symbol} {stream}: {type(fault).__name__}: {str(fault)[:200]}", number)
                )
                if stream == "depth":
                    self.translators[number].lose()
                    self._tell(book.hold(GONE, type(fault).__name__, now_ns))
                await asyncio.sleep(backoff.next_ns() / NS_PER_S)
                book.subscribed(self.clock_ns())
                continue
            backoff.reset()
            self.backoff.reset()
            now_ms = self.clock_ns() // 1_000_000
            translator = self.translators[number]
            texts = translator.book(told, now_ms) if stream == "depth" else translator.trades(told, now_ms)
            self._take(number, texts, stream)

    def _take(self, number: int, texts: Sequence[bytes], stream: Stream | None) -> None:
        book, now_ns = self.books[number], self.clock_ns()
        if stream is not None:
            self._tell(book.release(GONE, now_ns))
        for text in texts:
            held = np.frombuffer(text, np.uint8)
            address = int(held.ctypes.data)
            done = book.desk.take(address, len(text), now_ns)
            why = ""
            if done == outcome.BROKEN:
                book.desk.break_chain(now_ns)
                self._tell(book.gap("updates may have been missed", now_ns))
            elif done in REASONS:
                why = book.desk.fault if done in (MALFORMED, outcome.OFF_GRID) else REASONS[done]
                self._tell(book.doubt(why, now_ns))
                self.translators[number].lose()  # the next book is taken whole
            self.listener.text(number, now_ns, address, len(text), why)
            if done in (outcome.BRIDGED, outcome.BRIDGED_TO_GAP, outcome.BRIDGED_CROSSED, outcome.SPARE):
                self._tell(book.took_snapshot(done, now_ns))
            elif done == outcome.APPLIED:
                self._tell(book.synced(now_ns))
            elif done == outcome.TRADED:
                book.prints.add(now_ns)
            rows = book.desk.rows()
            if len(rows):
                self.listener.rows(number, rows)
                book.desk.drain()

    def _tell(self, news: Any) -> None:
        for one in news:
            self.listener.news(one)


def open_watching(venue: str) -> Any:
    """Return a ccxt.pro exchange for public data.

    Raises
    ------
    Misuse
        When ccxt is not installed, or cannot watch this venue.
    """
    try:
        import ccxt.pro
    except ImportError:
        raise Misuse("watching a venue needs ccxt, which is not installed", remedy="uv pip install 'b25[exchange]'") from None
    if venue not in ccxt.pro.exchanges:
        raise Misuse(f"ccxt.pro cannot watch {venue!r}", remedy="use a venue of ccxt.pro, e.g. kraken, okx, bybit")
    return getattr(ccxt.pro, venue)({"enableRateLimit": True, "streaming": {"keepAlive": KEEP_ALIVE_MS}})


def _refuse_unwatched(api: Any, streams: Sequence[Stream]) -> None:
    for stream in streams:
        if not api.has.get(METHODS[stream]):
            raise Misuse(f"ccxt.pro has no {METHODS[stream]} for {api.id}", remedy="record another kind: --kinds")
