"""What the routes work with: settings, store, clock, and the parts that were joined to it, each found by its class."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from fastapi import Request

from b25.api.principal import Authenticator
from b25.config.settings import Settings
from b25.store.store import Store

Part = TypeVar("Part")


@dataclass(slots=True)
class Gateway:
    """The gateway's own things.

    Attributes
    ----------
    parts : dict
        By class. One may have `start()` and `stop()`, plain or async: called in the order of joining, and in the opposite one.
    """

    settings: Settings
    store: Store
    now_ns: Callable[[], int]
    authenticator: Authenticator
    parts: dict[type, Any] = field(default_factory=dict)

    def join(self, part: Any) -> None:
        """Add a part."""
        self.parts[type(part)] = part

    def part(self, kind: type[Part]) -> Part:
        """Return the part of this class. Raises KeyError when the gateway was made without it."""
        return cast(Part, self.parts[kind])

    async def start(self) -> None:
        """Start every part."""
        for one in self.parts.values():
            await _call(one, "start")

    async def stop(self) -> None:
        """Stop every part; one that fails does not keep the others."""
        await asyncio.gather(*(_call(one, "stop") for one in reversed(self.parts.values())), return_exceptions=True)


async def _call(part: Any, name: str) -> None:
    told = getattr(part, name, lambda: None)()
    if inspect.isawaitable(told):
        await told


def gateway_of(request: Request) -> Gateway:
    """Return the gateway, as a dependency of a route."""
    return cast(Gateway, request.app.state.gateway)


def part(kind: type[Part]) -> Callable[[Request], Awaitable[Part]]:
    """Return a dependency that gives a part: ``Depends(part(State))``."""

    async def found(request: Request) -> Part:  # async: a plain one would cost a thread for every request
        return gateway_of(request).part(kind)

    return found
