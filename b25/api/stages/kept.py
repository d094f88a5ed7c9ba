"""Answers that are kept for a while: only of the routes listed here, and for one principal never another's."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.stages.asked import Scope, state_of

KEPT_S: Final[dict[str, float]] = {
    "/api/v1/market-data/symbols": 300.0,
    "/api/v1/strategies": 60.0,
    "/api/v1/account/balances": 5.0,
}
ANSWERS_MAX: Final = 1_000
BYTES_MAX: Final = 2**20


class Kept:
    """Gives an answer again that is young enough."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app = app
        self._answers: OrderedDict[tuple[Any, ...], tuple[float, list[dict[str, Any]]]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer, or have it answered."""
        route = state_of(scope).get("route") if scope["type"] == "http" else None
        keep_s = KEPT_S.get(route.pattern) if route is not None and scope["method"] == "GET" else None
        principal = state_of(scope).get("principal") if keep_s is not None else None
        if keep_s is None or principal is None:
            await self.app(scope, receive, send)
            return
        key = (
            scope["path"],
            scope.get("query_string", b""),
            principal.name,
            principal.roles,
            principal.scopes,
            principal.accounts,
        )
        until_s, messages = self._answers.get(key, (0.0, []))
        if time.monotonic() < until_s:
            for message in messages:
                await send(dict(message))
            return
        said: list[dict[str, Any]] = []

        async def sending(message: dict[str, Any]) -> None:
            said.append({**message, "headers": list(message["headers"])} if "headers" in message else dict(message))
            await send(message)

        await self.app(scope, receive, sending)
        if said and said[0].get("status") == 200 and sum(len(one.get("body", b"")) for one in said) <= BYTES_MAX:
            self._answers[key] = (time.monotonic() + keep_s, said)
            self._answers.move_to_end(key)
            if len(self._answers) > ANSWERS_MAX:
                self._answers.popitem(last=False)
