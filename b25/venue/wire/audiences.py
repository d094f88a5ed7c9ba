"""Who listens to which stream. A stream that nobody listens to costs nothing: it is not even rendered."""

from collections.abc import Callable, Iterator

from b25.venue.wire.channels import ALL, Channel, Kind, Market
from b25.venue.wire.frames import frame, wrapped
from b25.venue.wire.sockets import Socket


class Audience:
    """The sockets of one stream: those that want payloads bare, and those that want the stream's name around them."""

    __slots__ = ("channel", "combined", "held", "last", "last_slot", "raw")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.raw: dict[Socket, None] = {}
        self.combined: dict[Socket, None] = {}
        self.last_slot = -1  # of the cadence
        self.last: object = None  # what was told last, for streams that tell only changes
        self.held: bytes | None = None  # a diff that will be sent after its successor

    def __len__(self) -> int:
        return len(self.raw) + len(self.combined)

    def sockets(self) -> Iterator[Socket]:
        """Everybody who listens."""
        yield from tuple(self.raw)
        yield from tuple(self.combined)

    def place(self, socket: Socket) -> None:
        """Put a socket among the raw or the combined ones, as it wants now."""
        self.drop(socket)
        (self.combined if socket.combined else self.raw)[socket] = None

    def drop(self, socket: Socket) -> None:
        """Take a socket out."""
        self.raw.pop(socket, None)
        self.combined.pop(socket, None)

    def send(self, payload: bytes) -> None:
        """Send one payload to everybody: framed once, written as often as needed."""
        if self.raw:
            ready = frame(payload)
            for socket in tuple(self.raw):
                socket.write(ready)
        if self.combined:
            ready = frame(wrapped(self.channel.name, payload))
            for socket in tuple(self.combined):
                socket.write(ready)


class Audiences:
    """All audiences, by stream and by what the streams tell of.

    Parameters
    ----------
    on_first : callable
        Told of a stream that somebody listens to from now on.
    """

    def __init__(self, on_first: Callable[[Audience], None]) -> None:
        self._on_first = on_first
        self._by_name: dict[tuple[Market, str], Audience] = {}
        self._by_topic: dict[tuple[Market, Kind, str], list[Audience]] = {}

    def join(self, channel: Channel, socket: Socket) -> Audience:
        """Let a socket listen to a stream."""
        name = channel.market, channel.name
        audience = self._by_name.get(name)
        if audience is None:
            audience = self._by_name[name] = Audience(channel)
            self._by_topic.setdefault((channel.market, channel.kind, channel.symbol), []).append(audience)
            self._on_first(audience)
        audience.place(socket)
        return audience

    def leave(self, market: Market, name: str, socket: Socket) -> None:
        """Let a socket listen no more; a stream without listeners is forgotten."""
        audience = self._by_name.get((market, name))
        if audience is None:
            return
        audience.drop(socket)
        if not audience:
            del self._by_name[market, name]
            topic = market, audience.channel.kind, audience.channel.symbol
            self._by_topic[topic].remove(audience)
            if not self._by_topic[topic]:
                del self._by_topic[topic]

    def get(self, market: Market, name: str) -> Audience | None:
        """The audience of a stream, if it has one."""
        return self._by_name.get((market, name))

    def of(self, market: Market, kind: Kind, symbol: str) -> list[Audience]:
        """Audiences that want this told of a symbol, and not those that want it of all symbols."""
        return self._by_topic.get((market, kind, symbol), [])

    def both(self, market: Market, kind: Kind, symbol: str) -> list[Audience]:
        """Audiences that want this told of a symbol, alone or among all symbols."""
        return [*self.of(market, kind, symbol), *self.of(market, kind, ALL)]

    def timed(self) -> list[Audience]:
        """Audiences of streams with a cadence."""
        return [audience for audience in self._by_name.values() if audience.channel.every_ms]

    def all(self) -> list[Audience]:
        """Every audience."""
        return list(self._by_name.values())
