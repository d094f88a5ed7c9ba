"""What a client may ask on a market-data socket: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY and GET_PROPERTY."""

from typing import TYPE_CHECKING, Any

import orjson

from b25.venue.wire.channels import channel, is_well_formed

if TYPE_CHECKING:
    from b25.venue.wire.hub import Hub
    from b25.venue.wire.sockets import Socket

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
UNKNOWN_PROPERTY, NOT_BOOLEAN, INVALID_REQUEST, INVALID_JSON = range(4)


class RequestError(Exception):
    """An error frame: its code and its text."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


def answer(hub: "Hub", socket: "Socket", text: bytes) -> dict[str, Any]:
    """The frame that answers a client's message."""
    try:
        request = parsed(text)
    except RequestError as error:
        return {"code": error.code, "msg": error.msg}
    number = request.get("id")
    try:
        return {"result": _done(hub, socket, request), "id": number}
    except RequestError as error:
        return {"code": error.code, "msg": error.msg, "id": number}
    except WrongPathError as error:
        told = {"code": INVALID_REQUEST, "msg": str(error)}
        return {**told, "error": told, "id": number}


class WrongPathError(Exception):
    """A futures channel asked for on a path that does not serve it; told only when the venue is set to."""


def parsed(text: bytes) -> dict[str, Any]:
    """The request that a message holds."""
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise RequestError(INVALID_JSON, f"Invalid JSON: expected value at {where}") from None
    except RecursionError:
        raise RequestError(INVALID_JSON, "Invalid JSON: recursion limit exceeded at line 1 column 128") from None
    end = f"at line 1 column {len(text)}"
    if not isinstance(request, dict):
        raise RequestError(INVALID_REQUEST, f"Invalid request: invalid type, expected struct Request {end}")
    method, number = request.get("method"), request.get("id")
    if method is None:
        raise RequestError(INVALID_REQUEST, f"Invalid request: missing field `method` {end}")
    if method not in METHODS:
        known = ", ".join(f"`{one}`" for one in METHODS)
        raise RequestError(INVALID_REQUEST, f"Invalid request: unknown variant `{method}`, expected one of {known} {end}")
    if not _is_id(number):
        raise RequestError(INVALID_REQUEST, "Invalid request: request ID must be an unsigned integer")
    return request


def _is_id(number: object) -> bool:
    if isinstance(number, str):
        return len(number) <= 36
    return number is None or (isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**64)


def _done(hub: "Hub", socket: "Socket", request: dict[str, Any]) -> Any:
    method, given = request["method"], request.get("params", [])
    if method == "LIST_SUBSCRIPTIONS":
        return list(socket.streams)
    if not isinstance(given, list):
        raise RequestError(INVALID_REQUEST, "Invalid request: params must be an array")
    if method in ("SET_PROPERTY", "GET_PROPERTY"):
        return _property(hub, socket, method, given)
    names = [name for name in given if isinstance(name, str) and is_well_formed(name)]
    if len(names) != len(given):
        raise RequestError(INVALID_REQUEST, "Invalid request: stream names must be strings")
    if method == "UNSUBSCRIBE":
        for name in names:
            hub.unsubscribe(socket, name)
        return None
    if len(socket.streams.keys() | set(names)) > hub.settings.streams_per_socket:
        raise RequestError(INVALID_REQUEST, "Invalid request: too many streams")
    _check_paths(hub, socket, names)
    for name in names:
        hub.subscribe(socket, name)
    return None


def _check_paths(hub: "Hub", socket: "Socket", names: list[str]) -> None:
    for name in names:
        found = channel(socket.market, name)
        if found is not None and found.path != socket.path and hub.wrong_path_is_error(name):
            raise WrongPathError(f"Invalid request: {name} is served on /{found.path}, not on /{socket.path}")


def _property(hub: "Hub", socket: "Socket", method: str, given: list[Any]) -> bool | None:
    if not given or not isinstance(given[0], str):
        raise RequestError(INVALID_REQUEST, "Invalid request: property name must be a string")
    if len(given) > (2 if method == "SET_PROPERTY" else 1):
        raise RequestError(INVALID_REQUEST, "Invalid request: too many parameters")
    if given[0] != "combined":
        raise RequestError(UNKNOWN_PROPERTY, "Unknown property")
    if method == "GET_PROPERTY":
        return socket.combined
    if len(given) < 2 or not isinstance(given[1], bool):
        raise RequestError(NOT_BOOLEAN, "Invalid value type: expected Boolean")
    hub.set_combined(socket, given[1])
    return None
