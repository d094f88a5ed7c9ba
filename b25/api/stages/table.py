"""Which route a request is for, known before it is let in: limits, deadlines and roles go by the pattern, never by the path."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import compile_path

from b25.api.doors import PUBLIC, every_route, permission_of
from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.roles import Permission
from b25.api.stages.asked import Scope, refuse, state_of

KNOWN_MAX: Final = 4_096  # paths whose route is remembered


@dataclass(frozen=True, slots=True)
class Served:
    """One route: its pattern, the methods it answers, and whom it lets in (None for everybody)."""

    pattern: str
    methods: frozenset[str]
    permission: Permission | None
    regex: re.Pattern[str]
    rank: int  # so many parameters: fewer are more exact


class Found:
    """Finds the route."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway
        self._table: list[Served] | None = None
        self._known: OrderedDict[tuple[str, str], Served | None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Note the route in the request."""
        if scope["type"] == "http":
            path = scope["path"]
            if (
                "\0" in path
                or "\0" in scope.get("query_string", b"").decode("latin-1")
                or b"%00" in scope.get("query_string", b"")
            ):
                await refuse(scope, receive, send, Problem(400, "a path or query holds a zero byte"))
                return
            state_of(scope)["route"] = self._route(scope["app"], scope["method"], path)
        await self.app(scope, receive, send)

    def _route(self, app: FastAPI, method: str, path: str) -> Served | None:
        key = (method, path)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        if self._table is None:
            self._table = table_of(app)
        found = next((one for one in self._table if method in one.methods and one.regex.match(path)), None)
        self._known[key] = found
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found


def table_of(app: FastAPI) -> list[Served]:
    """Every route of an application, in the order in which it looks for one."""
    found = []
    for path, route in every_route(app):
        permission = permission_of(route)
        regex, _, parameters = compile_path(path)
        asked = None if permission == PUBLIC else Permission(permission)
        found.append(Served(path, frozenset(route.methods or ()), asked, regex, len(parameters)))
    return found
