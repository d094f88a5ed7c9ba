"""What a request passes before it reaches its route."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from b25.api.gateway import Gateway
from b25.api.problems import problem_of, problem_response


class Authentication:
    """Finds out who asks, before anything else is done for him."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on with who asks and its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = secrets.token_hex(8)
        request = Request(scope)
        ip = request.client.host if request.client else ""
        try:
            state["principal"] = await self.gateway.authenticator.principal(request.headers, ip, request.method, request.url.path)
        except Exception as fault:
            await problem_response(problem_of(fault), state["request_id"])(scope, receive, send)
            return
        await self.app(scope, receive, send)


def install_stages(app: FastAPI, gateway: Gateway) -> None:
    """Put the stages before the routes; the last one added is passed first."""
    app.add_middleware(Authentication, gateway=gateway)
