"""One WebSocket connection: what it may still buffer, what it may still send us, and when it was last heard of.

Frames are written to the transport ready made. A client that does not read fills its own buffer and is cut off at the limit.
"""

import asyncio
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

from b25.venue.wire.channels import Market, Path
from b25.venue.wire.frames import CLOSE, PING, PONG, frame
from b25.venue.wire.stream_settings import StreamSettings

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account, ApiKey

# Close codes of RFC 6455.
GOING_AWAY, UNSUPPORTED, POLICY = 1001, 1003, 1008
# A closing socket whose client does not answer is reset after this long.
CLOSE_WITHIN_S = 5.0


class Socket:
    """One connection.

    Parameters
    ----------
    transport : asyncio.Transport
        Where frames go.
    path : {"spot", "public", "market", "private", "ws-api", "status"}
        What it was opened for.
    now_ms : float
        Time of the sockets' clock.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        market: Market,
        path: Path | str,
        address: str,
        settings: StreamSettings,
        now_ms: float,
        combined: bool = False,
    ) -> None:
        self.transport = transport
        self.market: Market = market
        self.path = path
        self.address = address
        self.settings = settings
        self.combined = combined
        self.streams: dict[str, None] = {}  # in the order of subscription
        self.opened_ms = self.pinged_ms = self.ponged_ms = now_ms
        self.awaits_pong = False
        self.frozen = False  # half open: nothing goes out any more, and nothing that comes in is looked at
        self.cut_for = ""
        self.sent = 0
        self.listen_key = ""
        self.key: ApiKey | None = None  # of the session, after session.logon
        self.logged_on_ms = self.connected_ms = 0
        self.returns_limits = True
        self.subscriptions: dict[int, Account] = {}  # user data of the WebSocket API, by subscription
        self.next_subscription = 0
        self._received: deque[float] = deque()

    @property
    def is_open(self) -> bool:
        """Whether anything can still be sent."""
        return not self.transport.is_closing()

    @property
    def buffered_bytes(self) -> int:
        """What waits for the client to read it."""
        return self.transport.get_write_buffer_size()

    def write(self, ready: bytes) -> None:
        """Send a frame; a client that leaves too much unread is cut off."""
        transport = self.transport
        if self.frozen or transport.is_closing():
            return
        transport.write(ready)
        self.sent += 1
        if transport.get_write_buffer_size() > self.settings.buffer_bytes:
            self.abort("slow reader")

    def say(self, message: Any) -> None:
        """Send a message as JSON."""
        self.write(frame(orjson.dumps(message)))

    def ping(self, now_ms: float) -> None:
        """Ask whether the client is there."""
        self.pinged_ms = now_ms
        self.awaits_pong = True
        self.write(frame(str(int(now_ms)).encode(), PING))

    def pong(self, payload: bytes) -> None:
        """Answer a ping."""
        self.write(frame(payload[:125], PONG))

    def ponged(self, now_ms: float) -> None:
        """The client has answered."""
        self.ponged_ms = now_ms
        self.awaits_pong = False

    def keep_alive(self, now_ms: float) -> None:
        """Ping when it is time; hang up on who does not answer or has been here for too long."""
        settings, market = self.settings, self.market
        if self.frozen or not self.is_open:
            return
        if now_ms - self.opened_ms >= settings.lifetime_ms:
            self.close(GOING_AWAY, "24 hours are over")
        elif self.awaits_pong and now_ms - self.ponged_ms >= settings.pong_within_ms[market]:
            self.abort("no pong")
        elif now_ms - self.pinged_ms >= settings.ping_ms[market]:
            self.ping(now_ms)

    def admits(self, now_ms: float) -> bool:
        """Count a message of the client; False when it sends more than it may."""
        received = self._received
        received.append(now_ms)
        while received[0] <= now_ms - 1_000:
            received.popleft()
        return len(received) <= self.settings.messages_per_s[self.market]

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and close; reset when the client does not take it in."""
        if not self.is_open:
            return
        self.cut_for = reason
        if not self.frozen:
            self.transport.write(frame(struct.pack("!H", code) + reason.encode()[:120], CLOSE))
        self.transport.close()
        asyncio.get_running_loop().call_later(CLOSE_WITHIN_S, self.transport.abort)

    def abort(self, reason: str) -> None:
        """Reset the connection at once and let go of what it buffered."""
        self.cut_for = reason
        self.transport.abort()
