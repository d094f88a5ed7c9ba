"""What the WebSocket front allows; the defaults are the live exchange's."""

from dataclasses import dataclass
from typing import Literal

from b25.venue.wire.channels import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Limits and timings of sockets.

    Attributes
    ----------
    ping_ms, pong_within_ms : dict
        By market: how often the venue pings, and how long it waits for a pong before it hangs up.
    lifetime_ms : int
        After this long a socket is closed.
    messages_per_s : dict
        By market: what a client may send in a second, its pings and pongs counted.
    streams_per_socket : int
        Subscriptions of one socket.
    connections_per_5_min : int
        New sockets of one address.
    buffer_bytes : int
        What may wait for a client that does not read, before it is cut off.
    message_bytes : int
        Largest message a client may send.
    listen_key_ms : int
        How long a listenKey lives without being extended.
    wrong_path : {"silent", "error"}
        What a futures channel asked for on another path gets: an acknowledgement and no data, as live; or an error.
    logon_ed25519_only : bool
        Whether `session.logon` refuses keys of other kinds, as live.
    """

    ping_ms: dict[Market, int]
    pong_within_ms: dict[Market, int]
    lifetime_ms: int = 24 * 3_600_000
    messages_per_s: dict[Market, int]
    streams_per_socket: int = 1024
    connections_per_5_min: int = 300
    buffer_bytes: int = 1 << 20
    message_bytes: int = 1 << 16
    listen_key_ms: int = 3_600_000
    wrong_path: Literal["silent", "error"] = "silent"
    logon_ed25519_only: bool = True


def live_settings(**changes: object) -> StreamSettings:
    """The live exchange's settings, with changes."""
    settings: dict[str, object] = {
        "ping_ms": {"spot": 20_000, "linear": 180_000},
        "pong_within_ms": {"spot": 60_000, "linear": 600_000},
        "messages_per_s": {"spot": 5, "linear": 10},
        **changes,
    }
    return StreamSettings(**settings)  # type: ignore[arg-type]
