"""Keep one address's streams coming: open, subscribe, listen for silence, replace before the venue hangs up. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from b25.market.feed.binance_streams import PARAMS_MAX, Reply, Stream, stream_name, subscribe
from b25.market.feed.live_book import GONE, LiveBook
from b25.market.feed.news import Kind, News
from b25.market.feed.pacing import Backoff, Budget, ns
from b25.market.feed.settings import FeedSettings


class Io(Protocol):
    """What a feed asks of the outside; every call returns at once, and what comes of it is told to the feed later."""

    def open(self, number: int, url: str) -> None:
        """Connect a socket; `opened` or `lost` follows."""

    def send(self, number: int, text: bytes) -> None:
        """Send a message."""

    def ping(self, number: int) -> None:
        """Send a ping."""

    def drop(self, number: int) -> None:
        """End a connection at once; nothing more is told of it."""

    def fetch_snapshot(self, book: int) -> None:
        """Fetch a book; `snapshot` or `no_snapshot` follows."""


Key = tuple[int, Stream]


@dataclass(slots=True)
class Socket:
    """One connection, from the wish for it to its end."""

    number: int
    line: Line
    only: LiveBook | None  # the one book that it is about
    opened_ns: int = 0
    heard_ns: int = 0
    pinged_ns: int = 0
    outbox: deque[bytes] = field(default_factory=deque)
    asked: dict[int, tuple[int, list[Key]]] = field(default_factory=dict)  # requests without an answer: when, for what
    awaited: dict[Key, int] = field(default_factory=dict)  # streams that have given nothing yet: until when they may
    heard_any: bool = False
    aligned: set[int] = field(default_factory=set)  # books whose chain this socket continues
    leaving: str = ""  # why it is being replaced
    deadline_ns: int = 0


class Line:
    """The sockets of one address.

    Parameters
    ----------
    url : str
    books : sequence of (LiveBook, streams)
        What is subscribed here.
    settings : FeedSettings
    io : Io
    numbers : callable
        Gives the next socket's number.
    budget : Budget
        Of connections, for the whole feed.
    chance : callable
        Uniform on [0, 1).
    """

    def __init__(
        self,
        url: str,
        books: Sequence[tuple[LiveBook, tuple[Stream, ...]]],
        settings: FeedSettings,
        io: Io,
        numbers: Callable[[], int],
        budget: Budget,
        chance: Callable[[], float],
    ) -> None:
        self.url, self.books, self.settings, self.io = url, books, settings, io
        self.numbers, self.budget, self.chance = numbers, budget, chance
        self.keys: dict[Key, str] = {
            (book.number, stream): stream_name(book.desk.raw_name, stream) for book, streams in books for stream in streams
        }
        self.sockets: dict[int, Socket] = {}
        self.backoff = Backoff(settings.wait_first_s, settings.wait_max_s, chance)
        self.pace = Budget(settings.requests_per_s, 1.0)
        self.due_ns = 0
        self.requests = 0

    @property
    def is_merging(self) -> bool:
        """Whether more than one socket is open, so that messages come twice."""
        return sum(1 for socket in self.sockets.values() if socket.opened_ns) > 1

    def opened(self, socket: Socket, now_ns: int) -> Iterator[News]:
        """A connection is there: subscribe."""
        socket.opened_ns = socket.heard_ns = now_ns
        names = list(self.keys.items())
        for start in range(0, len(names), PARAMS_MAX):
            self._ask(socket, names[start : start + PARAMS_MAX], now_ns)
        yield News(Kind.OPENED, now_ns, f"{self.url}, socket {socket.number}")

    def _ask(self, socket: Socket, names: Sequence[tuple[Key, str]], now_ns: int) -> None:
        self.requests += 1
        socket.asked[self.requests] = (now_ns, [key for key, _ in names])
        socket.outbox.append(subscribe([name for _, name in names], self.requests))
        self._send(socket, now_ns)

    def _send(self, socket: Socket, now_ns: int) -> None:
        while socket.outbox and self.pace.take(now_ns):
            self.io.send(socket.number, socket.outbox.popleft())

    def lost(self, socket: Socket, why: str, now_ns: int) -> Iterator[News]:
        """A connection ended or could not be made; another is opened after a wait."""
        self.sockets.pop(socket.number, None)
        if socket.heard_any and now_ns - socket.opened_ns > ns(self.settings.wait_max_s):
            self.backoff.reset()
        self.due_ns = now_ns + self.backoff.next_ns()
        yield News(Kind.LOST, now_ns, f"{self.url}, socket {socket.number}: {why}")
        if not any(other.opened_ns for other in self.sockets.values()):
            for book, _ in self.books:
                yield from book.hold(GONE, why, now_ns)

    def drop(self, socket: Socket, why: str, now_ns: int) -> Iterator[News]:
        """Give a connection up."""
        self.io.drop(socket.number)
        yield from self.lost(socket, why, now_ns)

    def replied(self, socket: Socket, reply: Reply, now_ns: int) -> Iterator[News]:
        """The venue answered a request."""
        asked = socket.asked.pop(reply.number, None)
        if reply.error:
            yield News(Kind.REFUSED, now_ns, f"{self.url} refuses a subscription: {reply.error}")
        elif asked is not None:
            for key in asked[1]:
                if key not in socket.awaited:
                    socket.awaited[key] = now_ns + ns(self.settings.first_message_within_s)
            for book, _ in self.books:
                if any(number == book.number for number, _ in asked[1]):
                    book.subscribed(now_ns)

    def saw(self, socket: Socket, book: LiveBook, stream: Stream, now_ns: int) -> Iterator[News]:
        """Note the first message of a stream."""
        socket.heard_any = True
        socket.awaited.pop((book.number, stream), None)
        yield from book.release(GONE, now_ns)

    def leave(self, socket: Socket, why: str) -> None:
        """Let a socket be replaced, the new one first."""
        socket.leaving = socket.leaving or why

    def tick(self, now_ns: int) -> Iterator[News]:
        """Do what time asks for."""
        for socket in list(self.sockets.values()):
            if socket.opened_ns:
                yield from self._watch(socket, now_ns)
        yield from self._roll_over(now_ns)
        staying = [socket for socket in self.sockets.values() if not socket.leaving]
        if len(staying) < self.settings.sockets and now_ns >= self.due_ns and self.budget.take(now_ns):
            books = {book.number: book for book, _ in self.books}
            only = next(iter(books.values())) if len(books) == 1 else None
            fresh = Socket(self.numbers(), self, only)
            self.sockets[fresh.number] = fresh
            self.io.open(fresh.number, self.url)

    def _watch(self, socket: Socket, now_ns: int) -> Iterator[News]:
        settings = self.settings
        self._send(socket, now_ns)
        if now_ns - socket.opened_ns > ns(settings.roll_over_after_s):
            self.leave(socket, f"open for {(now_ns - socket.opened_ns) / 3.6e12:.1f} h")
        silent_ns = now_ns - socket.heard_ns
        if socket.pinged_ns > socket.heard_ns:
            if now_ns - socket.pinged_ns > ns(settings.pong_within_s):
                yield from self.drop(socket, f"silent for {silent_ns / 1e9:.0f} s, no answer to a ping", now_ns)
                return
        elif silent_ns > ns(settings.ping_after_s):
            socket.pinged_ns = now_ns
            self.io.ping(socket.number)
        for asked_ns, _ in socket.asked.values():
            if now_ns - asked_ns > ns(settings.ack_within_s) and not socket.outbox:
                yield News(Kind.SILENT, now_ns, f"{self.url} does not answer a subscription")
                yield from self.drop(socket, "no answer to a subscription", now_ns)
                return
        late = [key for key, until_ns in socket.awaited.items() if now_ns > until_ns]
        if late:
            yield from self._resubscribe(socket, late, now_ns)

    def _resubscribe(self, socket: Socket, late: list[Key], now_ns: int) -> Iterator[News]:
        """Streams that were acknowledged and give nothing: ask again; a socket that gives nothing at all is dropped."""
        names = ", ".join(self.keys[key] for key in late)
        waited_s = self.settings.first_message_within_s
        for number in {key[0] for key in late}:
            yield News(Kind.SILENT, now_ns, f"no message of {names} within {waited_s:g} s of the acknowledgement", number)
        if not socket.heard_any:
            yield from self.drop(socket, f"acknowledged, and silent: {names}", now_ns)
            return
        for key in late:  # a quiet stream looks the same, so it is asked for again ever less often
            socket.awaited[key] = now_ns + max(ns(waited_s), 2 * (now_ns - socket.opened_ns))
        self._ask(socket, [(key, self.keys[key]) for key in late], now_ns)

    def _roll_over(self, now_ns: int) -> Iterator[News]:
        for socket in [one for one in self.sockets.values() if one.leaving]:
            successor = next((one for one in self.sockets.values() if one.opened_ns and not one.leaving), None)
            if successor is None or successor.asked:
                continue
            synced = {book.number for book, streams in self.books if "depth" in streams and book.desk.is_synced}
            if not socket.deadline_ns:
                socket.deadline_ns = now_ns + ns(self.settings.roll_over_within_s)
            caught_up = synced <= successor.aligned and successor.heard_any
            if caught_up or now_ns > socket.deadline_ns:
                self.io.drop(socket.number)
                del self.sockets[socket.number]
                how = "without a gap" if caught_up else f"after {self.settings.roll_over_within_s:g} s"
                yield News(Kind.ROLLED_OVER, now_ns, f"socket {socket.number} ({socket.leaving}) → {successor.number}, {how}")
