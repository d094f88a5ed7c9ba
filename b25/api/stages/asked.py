"""What the stages know of one request, kept in its scope under the names that routes read."""

from __future__ import annotations

from typing import Any

from b25.api.problems import problem_of, problem_response

Scope = dict[str, Any]
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def state_of(scope: Scope) -> dict[str, Any]:
    """Return what is known of the request: `request_id`, `route`, `principal`, `body`."""
    state: dict[str, Any] = scope["state"]
    return state


def header(scope: Scope, name: bytes) -> str | None:
    """Return a header, by its name in lower case; None when it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def ip_of(scope: Scope) -> str:
    """Return the address that the request came from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_loopback(ip: str) -> bool:
    """Whether an address is this machine's own."""
    return ip.startswith("127.") or ip in ("::1", "", "::ffff:127.0.0.1")


async def refuse(scope: Scope, receive: Any, send: Any, fault: Exception) -> None:
    """Answer with a problem."""
    await problem_response(problem_of(fault), state_of(scope).get("request_id", ""))(scope, receive, send)
