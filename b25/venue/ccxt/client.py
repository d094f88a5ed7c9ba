"""ccxt's own exchange class, watched: each request passes the limiter and leaves what was sent and answered in the trail."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from b25.model.errors import Misuse
from b25.venue.ccxt.limiter import Lane, Limiter, OverBudget, lane
from b25.venue.ccxt.session import harden
from b25.venue.ccxt.trail import Exchanged, answering, begun

signing_ms: ContextVar[int] = ContextVar("b25_ccxt_signing_ms", default=0)
SIGNS_MS = frozenset({"bybit", "okx"})  # whose signature holds a time in ms that has no parameter of its own

QUIET = logging.getLogger("b25.venue.ccxt.wire")
QUIET.setLevel(logging.WARNING)

Sleep = Callable[[float], Awaitable[None]]


class Costs(Protocol):
    """What a request costs of the venue's budgets."""

    def cost(self, api: str, method: str, path: str, params: Mapping[str, Any], ccxt_cost: float) -> tuple[str, float, bool]:
        """Which family of budgets it counts against, its weight there, and whether it is an order."""

    def watch(self, limiter: Limiter, now_ns: int, one: Exchanged) -> None:
        """Correct the limiter by what the venue says in its answer."""


class Gate:
    """The limiter as the client passes it: budgets, costs, a clock, and how long a read may wait.

    Parameters
    ----------
    limiter : Limiter
    costs : Costs
    now_ns : callable
        Monotonic time.
    sleep : callable
    patience_s : float
        How long a read waits for budget; orders never do, since what they were decided on goes stale.
    """

    def __init__(
        self,
        limiter: Limiter,
        costs: Costs,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Sleep = asyncio.sleep,
        patience_s: float = 5.0,
    ) -> None:
        self.limiter, self.costs = limiter, costs
        self.now_ns, self.sleep, self.patience_s = now_ns, sleep, patience_s

    async def enter(self, api: str, method: str, path: str, params: Mapping[str, Any], ccxt_cost: float) -> None:
        """Take budget for a request. Raises OverBudget when there is none in time."""
        family, weight, is_order = self.costs.cost(api, method, path, params, ccxt_cost)
        patience_ns = int(self.patience_s * 1e9) if method == "GET" else 0
        while True:
            wait_ns = self.limiter.take(self.now_ns(), family, weight, is_order=is_order, lane=lane.get())
            if wait_ns == 0:
                return
            patience_ns -= wait_ns
            if patience_ns < 0 or lane.get() is Lane.CANCEL:
                raise OverBudget(wait_ns, halted=self.limiter.halted)
            await self.sleep(wait_ns / 1e9)


def watched(kind: type[Any], gate: Gate) -> type[Any]:
    """Subclass a ccxt exchange class so that its requests are limited and seen; nothing else of it changes.

    Raises
    ------
    Misuse
        When it is not an asyncio class of ccxt.
    """
    if not asyncio.iscoroutinefunction(getattr(kind, "fetch", None)):
        raise Misuse(f"{kind.__name__} is no asyncio exchange of ccxt", remedy="take it from ccxt.async_support or ccxt.pro")

    class Watched(kind):  # type: ignore[misc]
        hints: Any = None
        logger = QUIET  # ccxt writes keys and signatures at the level of debugging

        def nonce(self) -> int:
            fixed = signing_ms.get()
            return fixed if fixed and self.id in SIGNS_MS else int(super().nonce())

        def handle_message(self, client: Any, message: Any) -> Any:
            if self.hints is not None:
                self.hints.put(message)
            return super().handle_message(client, message)

        async def fetch2(
            self, path: Any, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
        ) -> Any:
            params, config = params or {}, config or {}
            if self.safe_integer(self.options, "maxRetriesOnFailure", 0) or "maxRetriesOnFailure" in params:
                raise Misuse(
                    "ccxt was told to resend on failure", remedy="leave maxRetriesOnFailure out: no order goes out twice"
                )
            first = api[0] if isinstance(api, list) else api
            ccxt_cost = float(self.calculate_rate_limiter_cost(api, method, path, params, config))
            await gate.enter(first, method, path, params, ccxt_cost)
            return await super().fetch2(path, api, method, params, config)

        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            self.open(True)
            if self.session is not None:
                harden(self.session)
            one = begun(method, url)
            try:
                return await super().fetch(url, method, headers, body)
            except BaseException as fault:
                one.fault = fault
                raise

        def on_rest_response(
            self,
            code: int,
            reason: str,
            url: str,
            method: str,
            response_headers: Mapping[str, str],
            response_body: str,
            request_headers: Any,
            request_body: Any,
        ) -> Any:
            one = answering()
            if one is None or one.status:
                one = Exchanged(method, url)
            one.status, one.headers, one.body = code, dict(response_headers), response_body
            gate.costs.watch(gate.limiter, gate.now_ns(), one)
            return super().on_rest_response(
                code, reason, url, method, response_headers, response_body, request_headers, request_body
            )

    Watched.__name__ = Watched.__qualname__ = kind.__name__
    return Watched
