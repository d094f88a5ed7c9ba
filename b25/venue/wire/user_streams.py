"""User data: who listens to which account, and what the fault knobs do to the events on their way.

Events leave in the order in which they happened, after the request that made them has been answered, unless a fault delays the
answer. Spot is heard on the WebSocket API by subscription, futures on `/private/ws` by listen key.
"""

import asyncio
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import orjson

from b25.venue.wire.frames import frame
from b25.venue.wire.listen_keys import ListenKey, ListenKeys
from b25.venue.wire.render_streams import Payload, shifted
from b25.venue.wire.render_user import payloads
from b25.venue.wire.sockets import Socket

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.events import UserEvent
    from b25.venue.wire.faults import Fault, Faults

Later = Callable[[float, Callable[[], None]], None]


class UserStreams:
    """Delivers the events of accounts.

    Parameters
    ----------
    faults : Faults
        `event_drop`, `event_dup`, `event_delay_ms` (where: the event type) and `user_stream`.
    keys : ListenKeys
        Of futures.
    now_ms : callable
        Time of the venue as it tells it.
    later : callable
        Does something after so many milliseconds of the venue.
    """

    def __init__(self, faults: "Faults", keys: ListenKeys, now_ms: Callable[[], int], later: Later) -> None:
        self.faults = faults
        self.keys = keys
        self.now_ms = now_ms
        self.later = later
        self._spot: dict[int, dict[tuple[Socket, int], None]] = {}
        self._linear: dict[str, dict[Socket, None]] = {}
        self._queue: list[Callable[[], None]] = []

    # -- who listens ------------------------------------------------------------------------------

    def subscribe(self, socket: Socket, account: "Account") -> int:
        """Let a socket of the WebSocket API hear a spot account; gives the subscription's id."""
        number = socket.next_subscription
        socket.next_subscription += 1
        socket.subscriptions[number] = account
        self._spot.setdefault(account.account_id, {})[socket, number] = None
        return number

    def unsubscribe(self, socket: Socket, number: int | None = None) -> bool:
        """End one subscription of a socket, or all; False when there is no such."""
        numbers = list(socket.subscriptions) if number is None else [number]
        if number is not None and number not in socket.subscriptions:
            return False
        for one in numbers:
            account = socket.subscriptions.pop(one)
            self._spot.get(account.account_id, {}).pop((socket, one), None)
        return True

    def attach(self, socket: Socket, listen_key: str) -> bool:
        """Let a socket hear the account of a listen key; False when there is no such key."""
        if self.keys.get(listen_key) is None:
            return False
        socket.listen_key = listen_key
        self._linear.setdefault(listen_key, {})[socket] = None
        return True

    def forget(self, socket: Socket) -> None:
        """Let go of a socket that has closed."""
        self.unsubscribe(socket)
        if socket.listen_key:
            heard = self._linear.get(socket.listen_key, {})
            heard.pop(socket, None)
            if not heard:
                self._linear.pop(socket.listen_key, None)

    def _listeners(self, account: "Account", market: str) -> Iterator[tuple[Socket, int | None]]:
        if market == "spot":
            yield from tuple(self._spot.get(account.account_id, ()))
            return
        for text, sockets in tuple(self._linear.items()):
            key = self.keys.get(text)
            if key is not None and key.account is account:
                yield from ((socket, None) for socket in tuple(sockets))

    # -- what they hear ---------------------------------------------------------------------------

    def on_user(self, account: "Account", event: "UserEvent") -> None:
        """Something happened to an account."""
        if next(self._listeners(account, event.market), None) is None:
            return
        for payload in payloads(event, self.now_ms()):
            for late_ms in self._bent(payload["e"], account):
                self._send(account, event.market, payload, late_ms)

    def _bent(self, name: str, account: "Account") -> list[float]:
        """The delays with which an event goes out; none when it is lost."""
        if not self.faults.any_rest():
            return [0.0]
        if self.faults.draw("event_drop", name, account.name) or self.faults.draw("mute_stream", name, account.name):
            return []
        late_ms = self.faults.drawn_ms("event_delay_ms", name, account.name)
        again = self.faults.draw("event_dup", name, account.name)
        return [late_ms] * (1 + (int(again.values["times"]) if again else 0))

    def _send(self, account: "Account", market: str, payload: Payload, late_ms: float = 0.0) -> None:
        if self.faults.any_rest() and (fault := self.faults.draw("future_ts", payload["e"], account.name)):
            late = shifted(payload, int(fault.values["ms"]))
            assert isinstance(late, dict)
            payload = late

        def deliver() -> None:
            self._deliver(account, market, payload)

        if late_ms > 0:
            self.later(late_ms, deliver)
            return
        self._queue.append(deliver)
        if len(self._queue) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:  # nobody runs a loop: there is no answer to come after
            self.flush()

    def flush(self) -> None:
        """Send what waits for the answer of its request."""
        queue, self._queue = self._queue, []
        for deliver in queue:
            deliver()

    def _deliver(self, account: "Account", market: str, payload: Payload) -> None:
        rendered = orjson.dumps(payload)
        bare = frame(rendered) if market == "linear" else b""
        for socket, number in self._listeners(account, market):
            socket.write(bare if number is None else frame(_enveloped(number, rendered)))

    # -- how it ends ------------------------------------------------------------------------------

    def expire(self) -> None:
        """Tell of the listen keys whose time is over."""
        for key in self.keys.expired():
            self._tell_expired(key)

    def _tell_expired(self, key: ListenKey) -> None:
        payload = {"e": "listenKeyExpired", "E": self.now_ms(), "listenKey": key.text}
        for socket in self._linear.pop(key.text, {}):
            socket.say(payload)
            socket.listen_key = ""

    def strike(self, fault: "Fault", accounts: "list[Account]") -> None:
        """The knob `user_stream`: end user data with a word, or without one (silence)."""
        what = str(fault.values["what"])
        for account in accounts:
            if not fnmatchcase(account.name, fault.account):
                continue
            if what in ("listenKeyExpired", "silence"):
                self._end_linear(account, tell=what != "silence")
            if what in ("eventStreamTerminated", "silence"):
                self._end_spot(account, tell=what != "silence")

    def _end_linear(self, account: "Account", *, tell: bool) -> None:
        for key in self.keys.expire(account) if tell else []:
            self._tell_expired(key)
        if not tell:
            for socket, _ in list(self._listeners(account, "linear")):
                self._linear[socket.listen_key].pop(socket, None)

    def _end_spot(self, account: "Account", *, tell: bool) -> None:
        event: dict[str, Any] = {"e": "eventStreamTerminated", "E": self.now_ms()}
        for socket, number in list(self._listeners(account, "spot")):
            assert number is not None
            if tell:
                socket.write(frame(_enveloped(number, orjson.dumps(event))))
            self.unsubscribe(socket, number)


def _enveloped(subscription: int, event: bytes) -> bytes:
    """A spot event as the WebSocket API sends it."""
    return b'{"subscriptionId":%d,"event":%b}' % (subscription, event)
