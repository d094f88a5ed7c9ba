"""The envelope of every message, and its text on the wire: what is read is held to the body's fields and types."""

from __future__ import annotations

import types
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from b25.model.errors import B25Error

Body = TypeVar("Body")
BYTES_MAX = 8 * 2**20  # the server's own limit is set to the same


class Unreadable(B25Error):
    """A message does not have the fields that its subject says."""

    def __init__(self, what: str) -> None:
        super().__init__(what, remedy="run the same version of b25 on both sides; see b25 bus subjects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What travels.

    Attributes
    ----------
    version : int
        Of the body's schema.
    seq : int
        Rises with every message that this source makes on this subject. Where only the latest counts it rises by one, and a
        hole says how many were overtaken by a newer one.
    event_ns : int
        When it happened, by the clock of where it happened.
    receive_ns : int
        When the source knew it.
    source : str
        Component and name, e.g. ``"session/live-1"``.
    correlation_id : str
        What belongs together: a run, a command, an order's client id. Empty for none.
    account : str
        Whose it is; empty where it is nobody's.
    """

    version: int
    seq: int
    event_ns: int
    receive_ns: int
    source: str
    correlation_id: str
    account: str
    body: Any

    def encoded(self) -> bytes:
        """JSON of the message."""
        return orjson.dumps(self)


def decoded(text: bytes, body: type[Any], version: int, where: str) -> Message:
    """Return the message in a text.

    Raises
    ------
    Unreadable
        When it is of another version, or any field is missing, strange, or of another type.
    """
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise Unreadable(f"{where}: no JSON: {fault}") from None
    if not isinstance(raw, dict) or raw.get("version") != version:
        told = raw.get("version") if isinstance(raw, dict) else type(raw).__name__
        raise Unreadable(f"{where}: version {told!r} of the message, and {version} is known here")
    whole = {**raw, "body": None}
    head: Message = made(Message, whole, where)
    return replace(head, body=made(body, raw.get("body"), where))


def made(cls: type[Body], raw: object, where: str) -> Body:
    """Return a record of a class from JSON. Raises Unreadable when it is not exactly that."""
    if not isinstance(raw, dict):
        raise Unreadable(f"{where}: {cls.__name__} is {type(raw).__name__}, not an object")
    types_of = _types_of(cast("Any", cls))
    if strange := sorted(set(raw) ^ set(types_of)):
        kind = "lacks" if strange[0] in types_of else "has a strange field"
        raise Unreadable(f"{where}: {cls.__name__} {kind} {strange[0]!r}")
    return cls(**{name: _value(raw[name], kind, f"{where}: {cls.__name__}.{name}") for name, kind in types_of.items()})


@cache
def _types_of(cls: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _value(raw: Any, kind: Any, where: str) -> Any:
    origin = get_origin(kind)
    if kind is Any or kind is object:
        return raw
    if origin in (Union, types.UnionType):
        return None if raw is None else _value(raw, next(one for one in get_args(kind) if one is not type(None)), where)
    if origin is tuple and isinstance(raw, list):
        parts = get_args(kind)
        if parts[-1] is not Ellipsis:
            if len(raw) == len(parts):
                return tuple(_value(one, part, where) for one, part in zip(raw, parts, strict=True))
        else:
            return tuple(_value(one, parts[0], where) for one in raw)
    elif origin is dict and isinstance(raw, dict):
        return raw
    elif kind is float and type(raw) in (int, float):
        return float(raw)
    elif kind in (int, str, bool) and type(raw) is kind:
        return raw
    elif isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
        return made(kind, raw, where)
    told = getattr(kind, "__name__", str(kind))
    raise Unreadable(f"{where} is {raw!r}, not {told}")
