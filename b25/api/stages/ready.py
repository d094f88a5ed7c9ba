"""Answers that lie ready in memory: given without finding the route's arguments first, which costs more than all the rest.

Only for routes that read, only without a query, and only after the stages before have let the request in by the route's own door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.routes.account import ready_positions
from b25.api.stages.asked import Scope, state_of

READY: Final[dict[str, Callable[[Gateway, Principal], bytes]]] = {"/api/v1/account/positions": ready_positions}


class Ready:
    """Gives what lies ready."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer, or have it answered."""
        route = state_of(scope).get("route") if scope["type"] == "http" and scope["method"] == "GET" else None
        made = READY.get(route.pattern) if route is not None and not scope.get("query_string") else None
        principal = state_of(scope).get("principal")
        if made is None or principal is None:
            await self.app(scope, receive, send)
            return
        body = made(self.gateway, principal)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
