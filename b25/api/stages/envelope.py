"""The outermost stage: an id, an answer whatever happens, headers that every answer has, and one line of access log."""

from __future__ import annotations

import re
import secrets
import time
import traceback
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.stages.asked import Scope, header, ip_of, refuse
from b25.runner.structured_log import StructuredLog

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
API_VERSION: Final = "1"
HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), camera=(), microphone=()"),
    (b"x-api-version", API_VERSION.encode()),
]
NO_STORE: Final = (b"cache-control", b"no-store")
HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Envelope:
    """Recovery, request id, access log, security headers."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        told = header(scope, b"x-request-id")
        request_id = told if told is not None and REQUEST_ID.fullmatch(told) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 0

        async def sending(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                if status:
                    return
                status = message["status"]
                message["headers"] = self._with_headers(message.get("headers", []), scope, request_id)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as fault:
            self.log.alarm("a request failed", request_id=request_id, why=type(fault).__name__, traceback=traceback.format_exc())
            if not status:
                await refuse(
                    scope, receive, sending, Problem(500, "something went wrong here; the log has it under the request id")
                )
        self._done(scope, status, time.perf_counter() - begun)

    def _with_headers(self, given: Any, scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
        told = {name.lower() for name, _ in given}  # a page that has a policy of its own is not given a second one
        own = [one for one in HEADERS if one[0] not in told]
        headers = [*given, *own, (b"x-request-id", request_id.encode()), *scope["state"].get("answer_headers", ())]
        if not any(name == b"cache-control" for name, _ in given):
            headers.append(NO_STORE)
        if scope.get("scheme") == "https":
            headers.append(HSTS)
        return headers

    @property
    def log(self) -> StructuredLog:
        """Where it is told."""
        found: StructuredLog | None = self.gateway.parts.get(StructuredLog)
        return found if found is not None else _LOG

    def _done(self, scope: Scope, status: int, seconds: float) -> None:
        state, method = scope["state"], scope["method"]
        route = state["route"].pattern if state.get("route") is not None else ""
        principal = state.get("principal")
        # The path without its query, in which somebody may have put what does not belong there.
        self.log.info(
            "request", request_id=state["request_id"], method=method, path=scope["path"][:200], route=route, status=status,
            ms=round(seconds * 1e3, 2), ip=ip_of(scope), by=principal.name if principal is not None else "",
        )  # fmt: skip


_LOG: Final = StructuredLog(process="gateway")
