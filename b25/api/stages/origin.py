"""Whom a browser speaks for: a Host that is ours (DNS rebinding), an Origin that is named, and CORS for those alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.stages.asked import UNSAFE, Scope, header, refuse, state_of

METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
ALLOWED: Final = b"authorization, content-type, idempotency-key, if-match, x-api-key, x-request-id"
EXPOSED: Final = (
    b"x-request-id, x-api-version, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-burst, retry-after, idempotency-replayed"
)
MAX_AGE: Final = b"3600"


def hostname(host: str) -> str:
    """Return a Host without its port, in lower case; empty for one that is no host."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    if colon and not port.isdigit():
        return ""
    return "" if any(sign in name for sign in " /\\@?#,") else name.lower().removesuffix(".")


class Origin:
    """Host allow-list; Origin and Sec-Fetch-Site on what changes something and on WebSockets; CORS."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app = app
        own = gateway.settings.gateway
        self.hosts = frozenset(one.lower() for one in own.hosts)
        self.origins = frozenset(one.lower().rstrip("/") for one in own.origins)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Refuse a request that a foreign page makes."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        hosts = [value for key, value in scope["headers"] if key == b"host"]
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        origin = header(scope, b"origin")
        fault: Problem | None = None
        if not host or hostname(host) not in self.hosts:
            fault = Problem(
                421, "this host name is not served here", code="HOST_NOT_ALLOWED", remedy="name it in [gateway] hosts"
            )
        elif scope["type"] == "websocket" or scope["method"] in UNSAFE:
            fault = self._foreign(scope, host, origin)
        if fault is not None:
            await _turn_away(scope, receive, send, fault)
            return
        if origin is not None and origin.lower() in self.origins:
            state_of(scope).setdefault("answer_headers", []).extend(_cors(origin, exposed=True))
            if scope["type"] == "http" and scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
                await _preflight(send)
                return
        await self.app(scope, receive, send)

    def _foreign(self, scope: Scope, host: str, origin: str | None) -> Problem | None:
        """Tell why a request that changes something is not to be trusted; None when it may pass."""
        is_named = origin is not None and origin.lower() in self.origins
        if origin is not None and not is_named and not _is_own(origin, host, scope):
            return Problem(403, "this origin may not do that", code="ORIGIN_NOT_ALLOWED", remedy="name it in [gateway] origins")
        site = header(scope, b"sec-fetch-site")
        if site not in (None, "same-origin", "none") and not is_named:
            return Problem(403, "a page of another site may not do that", code="ORIGIN_NOT_ALLOWED")
        return None


def _is_own(origin: str, host: str, scope: Scope) -> bool:
    parts = urlsplit(origin)
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "http"), scope.get("scheme", "http"))
    return parts.scheme == scheme and parts.netloc.lower() == host.lower() and not parts.path


def _cors(origin: str, *, exposed: bool) -> Iterable[tuple[bytes, bytes]]:
    yield b"access-control-allow-origin", origin.encode("latin-1")
    yield b"access-control-allow-credentials", b"true"
    yield b"vary", b"Origin"
    if exposed:
        yield b"access-control-expose-headers", EXPOSED


async def _preflight(send: Any) -> None:
    headers = [
        (b"access-control-allow-methods", METHODS), (b"access-control-allow-headers", ALLOWED),
        (b"access-control-max-age", MAX_AGE), (b"content-length", b"0"),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _turn_away(scope: Scope, receive: Any, send: Any, fault: Problem) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": fault.code})
        return
    await refuse(scope, receive, send, fault)
