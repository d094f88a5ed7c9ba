"""Who asks, and whether the route lets him in: before anything else is done for him."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from starlette.datastructures import Headers

from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.rate_limits import Buckets, Rate
from b25.api.roles import remedy_of
from b25.api.stages.asked import Scope, ip_of, refuse, state_of
from b25.api.stages.table import Served
from b25.model.errors import B25Error
from b25.store.audit import append_audit

DENIALS: Final = Rate(per_s=0.2, burst=20)  # of one principal that are audited one by one


class SignIn:
    """Authentication and role."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway
        self._denials = Buckets()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the request on with who asks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state, route = state_of(scope), state_of(scope)["route"]
        try:
            told = self.gateway.authenticator.principal(Headers(scope=scope), ip_of(scope), scope["method"], scope["path"])
            principal = state["principal"] = await told
            if route is not None and route.permission is not None:
                await self._check(scope, principal, route)
        except (Problem, B25Error) as fault:
            if route is not None and route.permission is None and isinstance(fault, Problem) and fault.status == 401:
                state["principal"] = None  # a route for everybody: also for who comes with a credential that is over
            else:
                await refuse(scope, receive, send, fault)
                return
        await self.app(scope, receive, send)

    async def _check(self, scope: Scope, principal: Principal | None, route: Served) -> None:
        if principal is None:
            raise Problem(401, "sign in first", code="INVALID_TOKEN", headers={"WWW-Authenticate": "Bearer"})
        assert route.permission is not None
        if not principal.may(route.permission):
            await self._audit(scope, principal, route)
            raise Problem(403, f"{principal.name} may not {route.permission.value}", remedy=remedy_of(route.permission))

    async def _audit(self, scope: Scope, principal: Principal, route: Served) -> None:
        """Keep the denial; one who is denied on and on is kept now and then."""
        if not self._denials.take(principal.name, DENIALS, asyncio.get_running_loop().time()).is_allowed:
            return
        facts = {
            "object": f"{scope['method']} {route.pattern}", "ip": ip_of(scope), "request_id": state_of(scope)["request_id"],
        }  # fmt: skip
        with contextlib.suppress(B25Error):  # it is denied, whether it is kept or not
            await asyncio.to_thread(
                append_audit, self.gateway.store, actor=principal.name, action="access.denied", body=facts,
                now_ns=self.gateway.now_ns(),
            )  # fmt: skip
