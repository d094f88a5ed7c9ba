"""Counts requests and how long they took, by route, never by what stands in a path."""

from __future__ import annotations

import time
from typing import Any, Final

from b25.observe.meter import Meter

NO_ROUTE: Final = "none"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMeter:
    """An ASGI stage; the first that a request passes, so that refusals of the others are counted.

    Parameters
    ----------
    app : ASGI application
    meter : Meter
    """

    def __init__(self, app: Any, meter: Meter) -> None:
        self.app, self.meter = app, meter
        self.in_flight = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and measure it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began_s = 500, time.perf_counter()

        async def counted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        self.in_flight += 1
        self.meter.set("b25_gateway_in_flight_requests", self.in_flight)
        try:
            await self.app(scope, receive, counted)
        finally:
            self.in_flight -= 1
            self.meter.set("b25_gateway_in_flight_requests", self.in_flight)
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.meter.add("b25_gateway_requests_total", method=method, route=route, status=str(status))
            self.meter.observe("b25_gateway_request_seconds", [time.perf_counter() - began_s], route=route)
