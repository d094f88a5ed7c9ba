"""How a route says whom it answers. A route that says nothing is refused when the application is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, remedy_of
from b25.model.errors import Misuse

PUBLIC: Final = "public"
_ASKED: Final = "__b25_permission__"


def requires(permission: Permission) -> Any:
    """Return a dependency: who asks, when he may do this.

    Examples
    --------
    ``def cancel(order_id: str, by: Annotated[Principal, requires(Permission.TRADE)]) -> …``
    """

    async def door(request: Request) -> Principal:  # async: a plain one would cost a thread for every request
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:
            raise Problem(401, "sign in first", code="INVALID_TOKEN", headers={"WWW-Authenticate": "Bearer"})
        if not principal.may(permission):
            raise Problem(403, f"{principal.name} may not {permission.value}", remedy=remedy_of(permission))
        return principal

    setattr(door, _ASKED, permission)
    return Depends(door)


def public() -> Any:
    """Return a dependency that lets everybody in: for signing in, and for probes."""

    async def door() -> None:
        return None

    setattr(door, _ASKED, PUBLIC)
    return Depends(door)


def permission_of(route: APIRoute | APIWebSocketRoute) -> Permission | str:
    """Return what a route asks for. Raises Misuse when it says nothing."""
    found = [asked for call in _calls(route.dependant) if (asked := getattr(call, _ASKED, None)) is not None]
    if len(found) != 1:
        raise Misuse(f"the route {route.path} has {len(found)} doors", remedy="give it one: requires(…) or public()")
    permission: Permission | str = found[0]
    return permission


def every_route(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield the full path of every route, and the route: also of those that `app.routes` only has inside an included router."""
    for found in iter_route_contexts(app.routes):
        if isinstance(route := found.original_route, APIRoute):
            yield str(found.path), route


def every_socket(app: FastAPI) -> Iterator[tuple[str, APIWebSocketRoute]]:
    """Yield the full path of every route that opens a socket, and the route."""
    for found in iter_route_contexts(app.routes):
        if isinstance(route := found.original_route, APIWebSocketRoute):
            yield str(found.path), route


def check_doors(app: FastAPI) -> None:
    """Check that every route has a door."""
    for _, route in every_route(app):
        permission_of(route)
    for _, socket in every_socket(app):
        permission_of(socket)


def _calls(dependant: Any) -> list[Callable[..., Any]]:
    own = [dependant.call] if dependant.call is not None else []
    return own + [call for one in dependant.dependencies for call in _calls(one)]


def audit_facts(request: Request, **more: Any) -> dict[str, Any]:
    """Return the body of an audit entry for what this request does: `object`, `before`, `after`, `reason` come from the route."""
    ip = request.client.host if request.client else ""
    return {"ip": ip, "request_id": getattr(request.state, "request_id", "")} | more


def door_of(permission: Permission, opens: Callable[..., Any]) -> Any:
    """Return a dependency that is a door of another kind: `opens` finds out who asks, and refuses who may not do this."""
    setattr(opens, _ASKED, permission)
    return Depends(opens)
