"""How the server is to treat sockets: what uvicorn is told."""

from __future__ import annotations

from typing import Any, Final

from b25.api.ws.conversation import BYTES_MAX

SOCKETS: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_max_size": BYTES_MAX,
    "ws_ping_interval": 30.0,
    "ws_ping_timeout": 60.0,
    "ws_per_message_deflate": False,
}
