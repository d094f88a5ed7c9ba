"""The fast path of Binance's market data: bytes of several sockets into true books, rows and news. No I/O, no clock, no dice.

What happens outside is told by calls (`opened`, `text`, `batch_done`, `lost`, `snapshot`, `tick`), each with the time; what is
wanted of the outside goes to `Io`. So a feed runs the same on sockets, in a test, and in a simulation.

While two sockets give the same streams, what comes second is dropped by its update or trade id; a gap is declared only when no
socket continues the chain.
"""

import ctypes
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from b25.market.feed import desk_layout as outcome
from b25.market.feed.binance_streams import Address, Reply, Stream, is_public, read_control
from b25.market.feed.desk import IGNORED, MALFORMED, REASONS, Desk
from b25.market.feed.line import Io, Line, Socket
from b25.market.feed.live_book import LiveBook
from b25.market.feed.news import News
from b25.market.feed.pacing import Budget
from b25.market.feed.settings import FeedSettings
from b25.model.instrument import Instrument

CONTROL_BYTES_MAX = 4096
NAME_WITHIN = 200  # bytes of a message in which its symbol stands
SYMBOL = b'"s":"'
USUAL = frozenset({outcome.APPLIED, outcome.TRADED, outcome.QUOTED})
DIFFS = frozenset({outcome.APPLIED, outcome.WAITED, outcome.DROPPED, outcome.STALE, outcome.EMPTY, outcome.BROKEN})
DISTURBING = frozenset({outcome.FUTURE, outcome.OFF_GRID, outcome.DISCARDED})  # refused, and perhaps a link of the chain
TWICE = frozenset({outcome.STALE, outcome.DROPPED, outcome.REPEATED})


class Listener(Protocol):
    """Who is told what a feed makes of its messages."""

    def rows(self, book: int, rows: np.ndarray) -> None:
        """Take rows (ROW) of one book, whole messages in order; the memory is written again after this returns."""

    def text(self, book: int, recv_ns: int, address: int, size: int, why: str) -> None:
        """Take a message as it came; `why` it was set aside, empty where it was taken. Called before its rows."""

    def news(self, news: News) -> None:
        """Take news."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One instrument of a feed: its grid, its market (SPOT or USDM), the venue's own name, and its streams."""

    instrument: Instrument
    market: int
    raw_name: str
    streams: tuple[Stream, ...]


class Feed:
    """Books of instruments of one market.

    Parameters
    ----------
    wanted : sequence of Wanted
        All of one market; their places are the numbers of the books.
    address : Address
    settings : FeedSettings
    io : Io
    listener : Listener
    chance : callable
        Uniform on [0, 1).
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        address: Address,
        settings: FeedSettings,
        io: Io,
        listener: Listener,
        chance: Callable[[], float],
    ) -> None:
        self.settings, self.io, self.listener = settings, io, listener
        self.books: list[LiveBook] = []
        for number, one in enumerate(wanted):
            desk = Desk(one.instrument, one.market, one.raw_name, ahead_ns=round(settings.ahead_s * 1e9))
            name = f"{one.instrument.venue} {one.instrument.symbol}"
            self.books.append(LiveBook(number, name, desk, one.streams, settings, chance))
        self.by_name = {one.raw_name.encode(): self.books[number] for number, one in enumerate(wanted)}
        numbers, budget = itertools.count(1), Budget(settings.connections_per_5_min, 300.0)
        self.snapshot_budget = Budget(settings.snapshots_per_minute, 60.0)
        self.lines: list[Line] = []
        urls = (address.public_url, address.market_url)
        for url in dict.fromkeys(urls):
            served = [
                (book, streams)
                for book, one in zip(self.books, wanted, strict=True)
                if (streams := tuple(s for s in one.streams if urls[not is_public(one.market, s)] == url))
            ]
            if served:
                self.lines.append(Line(url, served, settings, io, lambda: next(numbers), budget, chance))
        self.touched: set[LiveBook] = set()
        self.strangers = 0  # messages of symbols that nobody asked for

    # What is told from outside.

    def opened(self, number: int, now_ns: int) -> None:
        """A socket is connected."""
        if (socket := self._socket(number)) is not None:
            if not socket.line.is_merging:  # alone until now, so whatever is true came by it
                synced = {book.number for book in self.books if book.desk.is_synced}
                for one in socket.line.sockets.values():
                    one.aligned = set(synced) if one.opened_ns else set()
            self._tell(socket.line.opened(socket, now_ns))

    def lost(self, number: int, why: str, now_ns: int) -> None:
        """A socket ended, or could not be connected."""
        if (socket := self._socket(number)) is not None:
            self._tell(socket.line.lost(socket, why, now_ns))

    def heard(self, number: int, now_ns: int) -> None:
        """Any bytes came in on a socket."""
        if (socket := self._socket(number)) is not None:
            socket.heard_ns = now_ns

    def text(self, number: int, address: int, size: int, recv_ns: int) -> None:
        """A message came in on a socket; its bytes lie at `address`."""
        socket = self._socket(number)
        if socket is None:
            return
        book = socket.only or self._book_of(address, size)
        if book is None:
            self._other(socket, address, size, recv_ns)
            return
        done = book.desk.take(address, size, recv_ns)
        if done == outcome.ROWS_FULL:
            self._deliver(book)
            done = book.desk.take(address, size, recv_ns)
        is_alone = len(socket.line.sockets) == 1 and not socket.awaited
        if done in USUAL and is_alone and not book.held:
            self.listener.text(book.number, recv_ns, address, size, "")
        else:
            self._unusual(socket, book, done, address, size, recv_ns)
        if done == outcome.TRADED:
            book.prints.add(recv_ns)
        elif done == outcome.QUOTED:
            book.quotes.add(recv_ns)
        self.touched.add(book)

    def batch_done(self) -> None:
        """What had arrived together was told: hand the rows on."""
        for book in self.touched:
            self._deliver(book)
        self.touched.clear()

    def snapshot(self, number: int, body: bytes, recv_ns: int) -> None:
        """A snapshot came."""
        book = self.books[number]
        held = np.frombuffer(body, np.uint8)
        address, size = int(held.ctypes.data), len(body)
        done = book.desk.take(address, size, recv_ns)
        if done == outcome.ROWS_FULL:
            self._deliver(book)
            done = book.desk.take(address, size, recv_ns)
        self._keep(book, done, address, size, recv_ns)
        self._tell(book.took_snapshot(done, recv_ns))
        self._deliver(book)

    def no_snapshot(self, number: int, why: str, now_ns: int, *, wait_s: float = 0.0, for_good: bool = False) -> None:
        """No snapshot came; `for_good` when the venue will not give one to us."""
        self._tell(self.books[number].snapshot_failed(why, now_ns, wait_s=wait_s, for_good=for_good))

    def tick(self, now_ns: int) -> None:
        """Do what time asks for; called several times a second."""
        for book in self.books:
            self._tell(book.tick(now_ns))
            if book.wants_new_socket(now_ns):
                why = next(iter(book.held.values()), "stale")
                for line in self.lines:
                    if any(book is one for one, _ in line.books):
                        for socket in [one for one in line.sockets.values() if one.opened_ns]:
                            self._tell(line.drop(socket, f"{book.name}: {why}", now_ns))
            if book.wants_snapshot(now_ns) and self.snapshot_budget.take(now_ns):
                book.asked(now_ns)
                self.io.fetch_snapshot(book.number)
        for line in self.lines:
            self._tell(line.tick(now_ns))

    def refresh(self, number: int) -> None:
        """Fetch a snapshot of a book that does not need one, for the record."""
        self.books[number].wants_refresh = True

    def close(self) -> None:
        """Drop every socket."""
        for line in self.lines:
            for number in line.sockets:
                self.io.drop(number)
            line.sockets.clear()

    # How it is done.

    def _socket(self, number: int) -> Socket | None:
        for line in self.lines:
            if (socket := line.sockets.get(number)) is not None:
                return socket
        return None

    def _book_of(self, address: int, size: int) -> LiveBook | None:
        """Find the book by the symbol in a message."""
        head = ctypes.string_at(address, min(size, NAME_WITHIN))
        at = head.find(SYMBOL)
        if at < 0:
            return None
        at += len(SYMBOL)
        return self.by_name.get(head[at : head.find(b'"', at)])

    def _unusual(self, socket: Socket, book: LiveBook, done: int, address: int, size: int, recv_ns: int) -> None:
        """Everything but a message that was simply taken from the only socket."""
        if done in (IGNORED, MALFORMED):
            self._other(socket, address, size, recv_ns, book, done)
            return
        is_merging = socket.line.is_merging
        if socket.awaited or not socket.heard_any:
            stream = _stream_of(done, book)
            if stream is not None:
                self._tell(socket.line.saw(socket, book, stream, recv_ns))
        if is_merging and done in DIFFS and not self._keeps_up(socket, book, done):
            return
        if done == outcome.BROKEN:
            book.desk.break_chain(recv_ns)
            self.listener.text(book.number, recv_ns, address, size, "")
            self._tell(book.gap("the venue's sequence is broken", recv_ns))
        elif done == outcome.WAITING_FULL:
            book.desk.forget_waiting()
            self._keep(book, book.desk.take(address, size, recv_ns), address, size, recv_ns)
        elif done == outcome.CROSSED:
            self._keep(book, done, address, size, recv_ns)
            self._tell(book.begin_anew("the book is crossed", recv_ns))
        elif not (is_merging and done in TWICE):
            self._keep(book, done, address, size, recv_ns)
            if done == outcome.APPLIED:
                self._tell(book.synced(recv_ns))
            elif done in DISTURBING and book.has_depth:
                self._tell(book.doubt(REASONS[done], recv_ns))

    def _keeps_up(self, socket: Socket, book: LiveBook, done: int) -> bool:
        """Whether a diff that came on one of several sockets counts; False for one that only another socket can continue to."""
        newest = int(book.desk.message[0]["last_id"])
        if done == outcome.BROKEN:
            socket.aligned.discard(book.number)
            others = [one for one in socket.line.sockets.values() if one is not socket and one.opened_ns]
            return not any(book.number in one.aligned for one in others)
        if done == outcome.APPLIED or newest == int(book.desk.state["last_id"]):
            socket.aligned.add(book.number)
        return True

    def _keep(self, book: LiveBook, done: int, address: int, size: int, recv_ns: int) -> None:
        """Hand a message on as it came, with the reason if it was refused."""
        if done > 0 and done != outcome.UNNEEDED:
            self.listener.text(book.number, recv_ns, address, size, "")
        elif done in REASONS:
            fault = book.desk.fault if done in (MALFORMED, outcome.OFF_GRID) else REASONS[done]
            self.listener.text(book.number, recv_ns, address, size, fault)

    def _other(
        self, socket: Socket, address: int, size: int, now_ns: int, book: LiveBook | None = None, done: int = MALFORMED
    ) -> None:
        """An answer to a request, the venue's goodbye, or what is neither."""
        control = read_control(ctypes.string_at(address, size)) if size <= CONTROL_BYTES_MAX else None
        if control is not None and book is not None and done == MALFORMED:
            book.desk.refused[REASONS[MALFORMED]] -= 1
        if isinstance(control, Reply):
            self._tell(socket.line.replied(socket, control, now_ns))
        elif control is not None:
            socket.line.leave(socket, "the venue is shutting down")
        elif book is None:
            self.strangers += 1
        elif done == MALFORMED:
            self._keep(book, done, address, size, now_ns)
            self._tell(book.doubt(REASONS[done], now_ns))

    def _deliver(self, book: LiveBook) -> None:
        rows = book.desk.rows()
        if len(rows):
            self.listener.rows(book.number, rows)
            book.desk.drain()

    def _tell(self, news: Iterable[News]) -> None:
        for one in news:
            self.listener.news(one)


def _stream_of(done: int, book: LiveBook) -> Stream | None:
    """Which stream an outcome is of."""
    if done in DIFFS or done == outcome.CROSSED:
        return "depth"
    if done in (outcome.TRADED, outcome.REPEATED):
        return "trades" if "trades" in book.streams else "aggTrade"
    return "bookTicker" if done == outcome.QUOTED else None
