"""How long a route may take. What it does after that is still done and kept by its idempotency key; only the answer is late."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.stages.asked import Scope, refuse, state_of

DEFAULT_S: Final = 30.0
BY_PREFIX: Final = {"/api/v1/orders": 10.0, "/api/v1/backtests": 300.0}
LATE_MAX: Final = 200  # that go on though nobody waits for them


def allowed_s(pattern: str) -> float:
    """Return how long a route may take."""
    return next((seconds for prefix, seconds in BY_PREFIX.items() if pattern.startswith(prefix)), DEFAULT_S)


class Deadline:
    """Answers in time."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app = app
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the request on and wait for its answer, not for ever."""
        if scope["type"] != "http" or state_of(scope)["route"] is None:
            await self.app(scope, receive, send)
            return
        if len(self._late) >= LATE_MAX:
            await refuse(scope, receive, send, Problem(503, "too many requests wait for something that does not answer"))
            return
        is_over = has_begun = False

        async def sending(message: dict[str, Any]) -> None:
            nonlocal has_begun
            if not is_over:
                has_begun = True
                await send(message)

        pattern = state_of(scope)["route"].pattern
        task = asyncio.create_task(self.app(scope, receive, sending))
        try:
            done, _ = await asyncio.wait({task}, timeout=allowed_s(pattern))
            if has_begun and not done:  # a long answer that is on its way
                done, _ = await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            task.result()
            return
        is_over = True
        self._late.add(task)
        task.add_done_callback(self._ended)
        remedy = "look whether it was done; with the same Idempotency-Key it is not done twice"
        await refuse(scope, receive, send, Problem(504, f"no answer within {allowed_s(pattern):g} s", remedy=remedy))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # it was answered with a 504; the route's own log has the rest
