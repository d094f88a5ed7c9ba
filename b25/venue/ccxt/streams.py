"""The user's events through ccxt.pro, raw: ccxt keeps the subscription alive, and what it makes of the events is not used."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from b25.venue.port.reports import Hint, Kind

HINTS_MAX: Final = 10_000
MARKET_DATA: Final = frozenset({"depthUpdate", "trade", "aggTrade", "kline", "bookTicker", "24hrTicker", "24hrMiniTicker"})


class HintQueue:
    """Raw messages between ccxt's sockets and whoever reads the hints. Bounded: an overflow is a lost stream, told as such."""

    def __init__(self, size_max: int = HINTS_MAX) -> None:
        self.queue: asyncio.Queue[Hint] = asyncio.Queue(size_max)
        self.overflown = False

    def put(self, message: object) -> None:
        """Take a message of a socket, when it is an event of the user's."""
        event = event_of(message)
        if event is None:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.overflown = True


class LostEvents(Exception):
    """Events of the user's were dropped: only a reconcile tells what happened."""


def event_of(message: object) -> Hint | None:
    """Unwrap an event of the user's; None for answers, market data and heartbeats."""
    if not isinstance(message, Mapping):
        return None
    inner: Any = message
    for wrap in ("event", "data"):
        held = inner.get(wrap)
        if isinstance(held, Mapping) and "e" in held:
            inner = held
    name = inner.get("e")
    if isinstance(name, str):
        return None if name in MARKET_DATA else Hint(event=name, raw=inner)
    argument = message.get("arg")
    topic = message.get("topic") or message.get("channel") or (argument.get("channel") if isinstance(argument, Mapping) else None)
    if isinstance(topic, str) and ("data" in message or "result" in message):
        return Hint(event=topic, raw=message)
    return None


async def user_hints(api: Any, kind: Kind) -> AsyncIterator[Hint]:
    """Subscribe to the user's orders and balances, and yield their raw events.

    Raises
    ------
    LostEvents
        When the reader fell behind.
    Exception
        Whatever ccxt.pro raises when the stream dies; the caller reconciles and subscribes anew.
    """
    hints = HintQueue()
    api.hints = hints
    # Positions are asked for by the port; what ccxt would ask for by itself at a subscription nobody reads.
    api.options["watchPositions"] = {**api.options.get("watchPositions", {}), "fetchPositionsSnapshot": False}
    params = {} if kind is Kind.SPOT else {"type": "swap", "subType": str(kind)}
    next_hint: asyncio.Future[Hint] | None = None
    watchers = [asyncio.ensure_future(_watch(api, method, params)) for method in ("watch_orders", "watch_balance")]
    try:
        while True:
            next_hint = asyncio.ensure_future(hints.queue.get())
            await asyncio.wait([next_hint, *watchers], return_when=asyncio.FIRST_COMPLETED)
            if hints.overflown:
                raise LostEvents(f"more than {HINTS_MAX} events of the user's waited to be read")
            if next_hint.done():
                yield next_hint.result()
                continue
            for watcher in watchers:
                if watcher.done():
                    watcher.result()
            return
    finally:
        api.hints = None
        if next_hint is not None:
            next_hint.cancel()
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await _forget(api)


async def _forget(api: Any) -> None:
    """Forget what ccxt keeps of a subscription: the next one would go on with the key and the socket of this one, dead or not."""
    for held in ("linear", "inverse", "spot"):
        kept = api.options.get(held)
        if isinstance(kept, Mapping) and "lastAuthenticatedTime" in kept:
            api.options[held] = {**kept, "listenKey": None, "lastAuthenticatedTime": 0}
    with contextlib.suppress(Exception):  # a socket that is gone already has nothing to close
        await api.close_ws_clients()


async def _watch(api: Any, method: str, params: dict[str, Any]) -> None:
    arguments = (None, None, None, params) if method == "watch_orders" else (params,)
    while True:
        await getattr(api, method)(*arguments)
