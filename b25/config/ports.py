"""The ports of the platform, each named once; all on 127.0.0.1 unless somebody says otherwise."""

from __future__ import annotations

from typing import Final

HOST: Final = "127.0.0.1"
GATEWAY: Final = 8080
DASHBOARD: Final = 5006
NATS: Final = 4222
VENUE_TLS: Final = 18_443  # of the demo's venue: HTTPS
VENUE: Final = 18_080  # and HTTP with WebSockets
PORTS: Final[dict[str, int]] = {
    "gateway": GATEWAY, "dashboard": DASHBOARD, "nats": NATS, "venue_tls": VENUE_TLS, "venue": VENUE,
}  # fmt: skip
