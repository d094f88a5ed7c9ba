"""Who may open a socket: a page of ours or a program, on a host name of ours, with a ticket that is worth one connection."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from b25.api.doors import door_of
from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, remedy_of

TICKET_CHARS_MAX: Final = 512


def by_ticket(permission: Permission) -> Any:
    """Return a dependency of a socket's route: who opens it, when he has a ticket and may do this."""

    async def door(websocket: WebSocket) -> Principal:
        gateway: Gateway = websocket.app.state.gateway
        check_origin(websocket, gateway.settings.gateway.hosts, gateway.settings.gateway.origins)
        ticket = websocket.query_params.get("ticket", "")
        if not ticket or len(ticket) > TICKET_CHARS_MAX:
            raise Problem(401, "a socket is opened with a ticket", code="INVALID_TOKEN", remedy="POST /api/v1/auth/ticket first")
        principal = await gateway.authenticator.of_ticket(ticket)
        if principal is None:
            raise Problem(401, "the ticket is used, too old or unknown", code="INVALID_TOKEN", remedy="ask for a new one")
        if not principal.may(permission):
            raise Problem(403, f"{principal.name} may not {permission.value}", remedy=remedy_of(permission))
        return replace(principal, is_stepped_up=False)  # a socket outlives the minutes for which that holds

    return door_of(permission, door)


def check_origin(asked: HTTPConnection, hosts: Collection[str], origins: Collection[str]) -> None:
    """Check the names that a browser gives: that of the server, and that of the page; a program gives no page.

    Raises
    ------
    Problem
        For a host that is not ours (a name that was rebound to us), or a page of somebody else.
    """
    told = asked.headers.getlist("host")
    if len(told) != 1 or host_of(told[0]) not in {name.lower() for name in hosts}:
        raise Problem(403, "this host name is not served here", code="BAD_HOST", remedy="add it to gateway.hosts")
    pages = asked.headers.getlist("origin")
    if not pages:
        return
    page = urlsplit(pages[0])
    is_own = page.scheme in ("http", "https") and page.netloc.lower() == told[0].lower()
    if len(pages) != 1 or not (is_own or pages[0] in origins):
        raise Problem(403, "pages of this origin may not connect", code="BAD_ORIGIN", remedy="add it to gateway.origins")


def host_of(told: str) -> str:
    """Return the name in a Host header, without the port, in lower case."""
    name = told.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]
