"""What only the owner of the venue may do: faults, accounts, keys, money, markets, time. Loopback and a token, or nothing.

Everything stands under /admin and speaks JSON. The token is made at each start, printed, and kept in a file that only its owner
can read; a request brings it as `Authorization: Bearer …`.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from b25.model.errors import Misuse
from b25.venue.exchange.errors import VenueError
from b25.venue.wire.admin_acts import ACTS, Body

if TYPE_CHECKING:
    from b25.venue.wire.server import Venue

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Admin:
    """The admin API of a venue.

    Parameters
    ----------
    venue : Venue
        What it acts on.
    """

    def __init__(self, venue: "Venue") -> None:
        self._venue = venue

    def routes(self) -> list[web.RouteDef]:
        """What leads here."""
        known = [web.route(method, f"/admin{path}", self._handler(act)) for (method, path), act in ACTS.items()]
        return [*known, web.route("*", "/admin{tail:.*}", self._nothing)]

    def _handler(self, act: "Callable[[Venue, Body], Any]") -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            refused = self._refused(request)
            if refused is not None:
                return refused
            try:
                body = await _body(request)
                self._venue.core.advance()
                return _json(200, act(self._venue, Body(body)))
            except Misuse as fault:
                return _json(400, {"error": fault.what, "remedy": fault.remedy})
            except VenueError as fault:
                return _json(400, {"error": f"{fault.code} {fault.msg}", "remedy": "see the error table of the exchange"})
            except web.HTTPRequestEntityTooLarge:
                return _json(413, {"error": "the body is too large", "remedy": "send less"})

        return handle

    async def _nothing(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        return refused or _json(
            404, {"error": f"there is no {request.method} {request.path}", "remedy": "GET /admin lists what there is"}
        )

    def _refused(self, request: web.Request) -> web.Response | None:
        """None for the owner. A page in the owner's browser is none: it sends an Origin, or a foreign Host."""
        host = request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", "")
        if not _is_loopback(request.remote) or host not in LOOPBACK_NAMES or "Origin" in request.headers:
            return _json(403, {"error": "the admin API is for loopback only", "remedy": "ask from the same machine"})
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        given = token.strip().encode("utf-8", "replace") if kind == "Bearer" else b""
        if not hmac.compare_digest(given, self._venue.admin_token.encode()):
            return _json(
                401, {"error": "wrong token", "remedy": "send Authorization: Bearer with the token that was printed at the start"}
            )
        return None


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    values: Any = dict(request.query)
    if raw:
        try:
            values = orjson.loads(raw)
        except orjson.JSONDecodeError as fault:
            raise Misuse(f"the body is no JSON: {fault}", remedy="send one JSON object") from None
    if not isinstance(values, dict):
        raise Misuse("the body is no JSON object", remedy='send {"name": value}')
    return values


def _json(status: int, value: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
