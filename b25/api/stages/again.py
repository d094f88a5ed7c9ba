"""Reads whose answer is that something is away are asked again, a few times and not for long. A write never is."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.stages.asked import Scope, state_of

AGAIN: Final = frozenset({502, 503, 504})
TRIES: Final = 3
WAIT_S: Final = 0.1
ALL_S: Final = 5.0
NOT: Final = ("/health",)  # what is away is their answer


class Again:
    """Asks again."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on; a GET more than once."""
        route = state_of(scope).get("route") if scope["type"] == "http" else None
        if route is None or scope["method"] != "GET" or route.pattern.startswith(NOT):
            await self.app(scope, receive, send)
            return
        begun_s = time.monotonic()
        for k in range(TRIES):
            wait_s = WAIT_S * 2**k
            if not await self._asked(scope, receive, send, is_last=k == TRIES - 1 or time.monotonic() + wait_s - begun_s > ALL_S):
                return
            await asyncio.sleep(wait_s)

    async def _asked(self, scope: Scope, receive: Any, send: Any, *, is_last: bool) -> bool:
        """Ask once; tell whether to ask again, and then nothing was answered."""
        is_away = False

        async def sending(message: dict[str, Any]) -> None:
            nonlocal is_away
            if message["type"] == "http.response.start" and message["status"] in AGAIN and not is_last:
                is_away = True
            if not is_away:
                await send(message)

        await self.app(scope, receive, sending)
        return is_away
