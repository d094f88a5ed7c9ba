"""Sessions of the WebSocket API: log-on, status, log-out, and the subscriptions to a spot account's events."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.errors import VenueError
from b25.venue.wire.channels import Market
from b25.venue.wire.route import Route, Security

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import ApiKey
    from b25.venue.wire.sockets import Socket
    from b25.venue.wire.ws_api import Request, WsApi

Result = dict[str, Any] | list[Any]
_NO_SESSION = (-1135, "This WebSocket connection is not authenticated.")


def _nothing(_: object) -> None:
    return None


def _route(market: Market, path: str, security: Security, names: str = "") -> Route:
    known = frozenset(names.split()) | frozenset({"timestamp", "recvWindow", "signature"})
    return Route(
        method="WS",
        path=path,
        market=market,
        handler=_nothing,
        security=security,
        weight=2,
        names=known,
        is_free_on_success=False,
    )


def logon(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """Let later requests of this socket do without key and signature. Live, only Ed25519 keys may."""
    call = api.judged(socket, request, _route(request.market, request.method, Security.READ), as_session=False)
    assert call.key is not None
    if api.hub.settings.logon_ed25519_only and call.key.kind != "ED25519":
        raise VenueError(-4056, f"{call.key.kind} API key is not supported.")
    socket.key = call.key
    socket.logged_on_ms = api.server_ms()
    return status(api, socket, request)


def status(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """Who is logged on."""
    return {
        "apiKey": socket.key.key if socket.key else None,
        "authorizedSince": socket.logged_on_ms if socket.key else None,
        "connectedSince": socket.connected_ms,
        "returnRateLimits": socket.returns_limits,
        "serverTime": api.server_ms(),
        "userDataStream": bool(socket.subscriptions),
    }


def logout(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """Forget the key of the session."""
    socket.key = None
    return status(api, socket, request)


def subscribe(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """Hear the events of the session's account."""
    if socket.key is None:
        raise VenueError(*_NO_SESSION, 401)
    return _subscribed(api, socket, socket.key)


def subscribe_by_signature(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """Hear the events of the account whose key signed this."""
    call = api.judged(socket, request, _route("spot", request.method, Security.READ), as_session=False)
    assert call.key is not None
    return _subscribed(api, socket, call.key)


def _subscribed(api: "WsApi", socket: "Socket", key: "ApiKey") -> Result:
    if any(account is key.account for account in socket.subscriptions.values()):
        raise VenueError(-1130, "Already subscribed to the user data stream of this account.")
    if len(socket.subscriptions) >= api.hub.settings.streams_per_socket:
        raise VenueError(-1130, "Too many subscriptions.")
    number = api.hub.users.subscribe(socket, key.account)
    api.hub.connection_faults.look_at(socket)
    return {"subscriptionId": number}


def unsubscribe(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """End one subscription, or all."""
    number = request.params.get("subscriptionId")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise VenueError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
    if not api.hub.users.unsubscribe(socket, number):
        raise VenueError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
    return {}


def subscriptions(api: "WsApi", socket: "Socket", request: "Request") -> Result:
    """What this socket hears."""
    return [{"subscriptionId": number} for number in socket.subscriptions]


SESSION_METHODS: dict[Market, dict[str, Callable[["WsApi", "Socket", "Request"], Result]]] = {
    "spot": {
        "session.logon": logon,
        "session.status": status,
        "session.logout": logout,
        "session.subscriptions": subscriptions,
        "userDataStream.subscribe": subscribe,
        "userDataStream.subscribe.signature": subscribe_by_signature,
        "userDataStream.unsubscribe": unsubscribe,
    },
    "linear": {"session.logon": logon, "session.status": status, "session.logout": logout},
}
