"""Faults of whole connections: half open, cut, the announced shutdown, and the end of user data.

`where` is matched with what a socket was opened for (spot, public, market, private, ws-api) and with each of its streams,
`account` with its market (spot, linear) and with each account that it hears.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from b25.venue.wire.sockets import GOING_AWAY, Socket

if TYPE_CHECKING:
    from b25.venue.wire.faults import Fault
    from b25.venue.wire.hub import Hub


def labels(socket: Socket) -> Iterator[str]:
    """What a fault's `where` may be aimed at."""
    yield socket.path
    yield from tuple(socket.streams)


class ConnectionFaults:
    """Acts on the sockets when a knob is turned."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self._looking = False

    def on_fault(self, fault: "Fault") -> None:
        """A fault was set, or is over (then `left` is 0)."""
        if fault.knob == "half_open":
            self._half_open(fault)
        elif fault.left == 0:
            return
        elif fault.knob == "cut":
            self._cut(fault)
        elif fault.knob == "server_shutdown":
            self._shut_down(fault)
        elif fault.knob == "user_stream":
            self.hub.users.strike(fault, list(self.hub.exchange.accounts.values()))

    def look_at(self, socket: Socket) -> None:
        """Whether the half-open fault strikes this socket, which is new or listens to something new."""
        if socket.frozen or not self.hub.faults.is_on("half_open"):
            return
        self._looking = True
        draw, whose = self.hub.faults.draw, self._accounts(socket)
        socket.frozen = any(draw("half_open", label, account) for account in whose for label in labels(socket))
        self._looking = False

    def _half_open(self, fault: "Fault") -> None:
        if self._looking:  # it is used up by a draw of ours: what it froze stays frozen
            return
        for socket in tuple(self.hub.sockets):
            if fault.left == 0:
                socket.frozen = False
            else:
                self.look_at(socket)
        if fault.left == 0:
            for socket in tuple(self.hub.sockets):
                self.look_at(socket)

    def _cut(self, fault: "Fault") -> None:
        code = int(fault.values["code"])
        for socket in tuple(self.hub.sockets):
            if not self._aims_at(fault, socket):
                continue
            if code:
                socket.close(code, "cut")
            else:
                socket.abort("cut")

    def _aims_at(self, fault: "Fault", socket: Socket) -> bool:
        if not any(fnmatchcase(label, fault.where) for label in labels(socket)):
            return False
        return any(fnmatchcase(name, fault.account) for name in self._accounts(socket))

    def _accounts(self, socket: Socket) -> list[str]:
        """What a fault's `account` may be aimed at: the market, and the accounts that the socket hears."""
        key = self.hub.listen_keys.get(socket.listen_key)
        heard = [*socket.subscriptions.values(), *([key.account] if key else [])]
        return [socket.market, *(account.name for account in heard)]

    def _shut_down(self, fault: "Fault") -> None:
        for socket in tuple(self.hub.sockets):
            socket.say({"e": "serverShutdown", "E": self.hub.told_ms()})

        def close() -> None:
            for socket in tuple(self.hub.sockets):
                socket.close(GOING_AWAY, "server shutdown")

        self.hub.later(float(fault.values["after_ms"]), close)
