"""One thing that happened, in the words that analytics has for it, whoever told it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from b25.model.errors import Misuse

TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
NAME_LENGTH_MAX: Final = 128
ID_LENGTH_MAX: Final = 512
PROPERTIES_MAX: Final = 50
PROPERTY_BYTES_MAX: Final = 1_024
TIME_NS_MAX: Final = 2**62
FILL: Final = "fill.executed"
ORDER_TYPES: Final = ("order.created", "order.updated", "order.filled", "order.canceled", "order.rejected")
LASTING: Final = (FILL,)  # never deleted with the other raw events
# Types that only the platform itself tells: nobody can make up a fill by posting one.
RESERVED: Final = ("order.", "fill.", "position.", "balance.", "signal.", "risk.", "alert.", "config.", "health.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """An event.

    Attributes
    ----------
    id : str
        What makes it one: told again under the same id, it is the same event.
    type : str
        E.g. ``"order.filled"``.
    time_ns : int
        When it happened.
    principal, account, session, strategy, symbol, source : str
        Whom and what it is about, and who told it; empty where it is about none.
    properties : mapping of str to JSON values
        Quantities and prices are decimals as text; what is not known is None.
    """

    id: str
    type: str
    time_ns: int
    principal: str = ""
    account: str = ""
    session: str = ""
    strategy: str = ""
    symbol: str = ""
    source: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """120 bits of a hash of the id, as text."""
        return key_of(self.id)

    def named(self) -> tuple[str, str, str, str, str, str]:
        """Principal, account, session, strategy, symbol and source."""
        return self.principal, self.account, self.session, self.strategy, self.symbol, self.source

    def but(self, **properties: Any) -> DomainEvent:
        """Return the same with other or more properties."""
        return replace(self, properties={**self.properties, **properties})


def key_of(text: str) -> str:
    """What an id is remembered by."""
    return base64.urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=15).digest()).decode()


def checked(event: DomainEvent) -> DomainEvent:
    """Return an event that can be stored.

    Raises
    ------
    Misuse
        When its type is no name, its time is none, or it is larger than is allowed.
    """
    if not TYPE.fullmatch(event.type) or len(event.type) > NAME_LENGTH_MAX:
        raise Misuse(f"{event.type[:40]!r} is no type of event", remedy="use words of a-z, 0-9 and _, joined by dots")
    if not 0 < len(event.id) <= ID_LENGTH_MAX:
        raise Misuse(f"an event's id has {len(event.id)} characters", remedy=f"give it 1 to {ID_LENGTH_MAX}")
    if not 0 <= event.time_ns < TIME_NS_MAX:
        raise Misuse(f"{event.time_ns} is no time", remedy="give nanoseconds since 1970")
    for name in ("id", "principal", "account", "session", "strategy", "symbol", "source"):
        text = getattr(event, name)
        if not _is_plain(text) or len(text) > ID_LENGTH_MAX:
            raise Misuse(f"{name} of an event is no text that can be kept", remedy="leave out what cannot be printed")
    if len(event.properties) > PROPERTIES_MAX:
        raise Misuse(f"an event with {len(event.properties)} properties", remedy=f"give it {PROPERTIES_MAX} at most")
    for name, value in event.properties.items():
        if not 0 < len(name) <= NAME_LENGTH_MAX or not _is_plain(name):
            raise Misuse(f"a property's name has {len(name)} characters", remedy=f"give it 1 to {NAME_LENGTH_MAX}")
        if (size := len(property_text(value))) > PROPERTY_BYTES_MAX:
            raise Misuse(f"the property {name!r} has {size} bytes", remedy=f"give it {PROPERTY_BYTES_MAX} at most")
    return event


def property_text(value: Any) -> bytes:
    """JSON of a property. Raises Misuse for what JSON cannot say."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError) as fault:
        raise Misuse(f"a property cannot be written as JSON: {fault}", remedy="use text, numbers, lists and objects") from None


def _is_plain(text: str) -> bool:
    """Whether both databases can keep a text: no NUL, and no half of a character."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
