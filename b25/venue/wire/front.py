"""From a request to its answer, without any transport: the HTTP server and the WebSocket API both come through here.

`prepare` does what comes before the matching core (route, weight, key, signature, time), `run` is the core and the rendering,
`refuse` renders an error. A handler that fails of our own fault is noted in `core.surprises` and answered -1000, so that a
client never sees a traceback.
"""

import traceback
from typing import Any, NamedTuple

import orjson

from b25.venue.exchange.errors import VenueError
from b25.venue.wire import (
    account_linear,
    account_spot,
    algo_linear,
    market_linear,
    market_spot,
    pages,
    sapi,
    settings_linear,
    trade_linear,
    trade_spot,
)
from b25.venue.wire.core import Core
from b25.venue.wire.parameters import Parameters
from b25.venue.wire.route import Call, Route, RouteTable, Security

TABLES: tuple[RouteTable, ...] = (
    market_spot.TABLE,
    trade_spot.TABLE,
    account_spot.TABLE,
    sapi.TABLE,
    market_linear.TABLE,
    market_linear.V2,
    trade_linear.TABLE,
    algo_linear.TABLE,
    settings_linear.TABLE,
    *account_linear.TABLES,
)
UNKNOWN = VenueError(-1000, "An unknown error occurred while processing the request.")
HTML = "text/html"
JSON = "application/json;charset=UTF-8"


class Answer(NamedTuple):
    """One answer as it goes over the wire."""

    status: int
    body: bytes
    headers: dict[str, str]


class Front:
    """All endpoints of one venue.

    Parameters
    ----------
    core : Core
        What they work on.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.routes: dict[tuple[str, str], Route] = {
            (route.method, route.path): route for table in TABLES for route in table.routes
        }

    def answer(self, method: str, path: str, query: bytes, body: bytes, api_key: str | None, address: str) -> Answer:
        """Everything in one go, for a request that meets no fault."""
        route = self.routes.get((method, path))
        if route is None:
            return self.not_found(method, path, address)
        try:
            return self.run(self.prepare(route, query, body, api_key, address))
        except VenueError as error:
            return self.refuse(route.market, address, error)

    def prepare(self, route: Route, query: bytes, body: bytes, api_key: str | None, address: str) -> Call:
        """Judge a request; `VenueError` when it may not go on."""
        now_ms = self.core.advance()
        try:
            parameters = Parameters.parse(query, body)
        except VenueError:
            self.core.limits.admit(route.market, address, 1, now_ms)
            raise
        weight = route.weight if isinstance(route.weight, int) else route.weight(parameters)
        call = Call(self.core, route, parameters, now_ms, address)
        call.used_weight = self.core.limits.admit(route.market, address, weight, now_ms)
        if route.security is not Security.NONE:
            key = call.key = self.core.gatekeeper.key(api_key, route)
            if route.security is not Security.KEY:
                self.core.gatekeeper.check(key, route, query, body, parameters)
        parameters.refuse_unknown(route.names)
        return call

    def run(self, call: Call) -> Answer:
        """Do it, and render the answer; `VenueError` when the core refuses."""
        shown = self.result(call)
        used = call.used_weight
        if call.route.is_free_on_success:
            used = call.used_weight = self.core.limits.refund(call.route.market, call.address, call.nominal_weight)
        headers = call.headers
        headers["X-MBX-USED-WEIGHT-1M"] = headers["X-MBX-USED-WEIGHT"] = str(used)
        return Answer(200, orjson.dumps(shown), headers)

    def result(self, call: Call) -> Any:
        """Do it; the JSON-ready answer."""
        try:
            return call.route.handler(call)
        except VenueError:
            raise
        except Exception as fault:
            self.core.surprises.append("".join(traceback.format_exception(fault)))
            raise UNKNOWN from fault

    def refuse(self, market: str, address: str, error: VenueError) -> Answer:
        """Render an error; some faults answer with a page."""
        if getattr(error, "is_page", False):
            return Answer(error.http, pages.page(error.http), {"Content-Type": HTML, **getattr(error, "headers", {})})
        body: dict[str, Any] = {"code": error.code, "msg": error.msg}
        if error.data is not None:
            body["data"] = error.data
        used = str(self.core.limits.used_weight(market, address, self.core.clock.now_ms()))
        headers = {"X-MBX-USED-WEIGHT-1M": used, "X-MBX-USED-WEIGHT": used, **getattr(error, "headers", {})}
        return Answer(error.http, orjson.dumps(body), headers)

    def not_found(self, method: str, path: str, address: str) -> Answer:
        """A path that does not exist: a page on spot, -5000 on futures."""
        if not path.startswith("/fapi/"):
            return Answer(404, pages.page(404), {"Content-Type": HTML})
        text = f"Path {path[:128]}, Method {method[:16]} is invalid"
        return Answer(404, orjson.dumps({"code": -5000, "msg": text}), {})
