"""Writes into the audit who was refused at a door: once a minute for the same person and route, so that nobody fills it up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.store.audit import append_audit
from b25.store.faults import StoreFailed

AGAIN_S: Final = 60
HELD_MAX: Final = 10_000
PATH_CHARS_MAX: Final = 200
FORBIDDEN: Final = 403


class Denials:
    """A stage after the one that finds out who asks. The refusal stands whether it can be written or not.

    Parameters
    ----------
    app : ASGI application
    gateway : Gateway
    """

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway
        self._said_ns: dict[tuple[str, str, str], int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, and look at how it was answered."""
        status = 0

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, watched if scope["type"] == "http" else send)
        by: Principal | None = scope.get("state", {}).get("principal")
        if status == FORBIDDEN and by is not None:
            await self._note(by, scope)

    async def _note(self, by: Principal, scope: Any) -> None:
        now_ns = self.gateway.now_ns()
        route = getattr(scope.get("route"), "path", "") or str(scope["path"])[:PATH_CHARS_MAX]
        key = (by.name, scope["method"], route)
        if now_ns - self._said_ns.get(key, -AGAIN_S * 10**9) < AGAIN_S * 10**9:
            return
        while len(self._said_ns) >= HELD_MAX:
            self._said_ns.pop(next(iter(self._said_ns)))
        self._said_ns[key] = now_ns
        client = scope.get("client") or ("", 0)
        body = {"ip": client[0], "request_id": scope["state"].get("request_id", ""), "object": f"{scope['method']} {route}"}
        with contextlib.suppress(StoreFailed):
            await asyncio.to_thread(
                append_audit, self.gateway.store, actor=by.name, action="auth.denied", body=body, now_ns=now_ns
            )  # fmt: skip
