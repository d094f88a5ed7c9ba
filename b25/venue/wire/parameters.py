"""The parameters of one request: one split of the raw bytes, and Binance's own complaint for each thing that is wrong."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from urllib.parse import unquote_plus

from b25.venue.exchange.errors import VenueError

NUMBER = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?", re.ASCII)
INTEGER = re.compile(r"[0-9]{1,20}", re.ASCII)
SYMBOL = re.compile(r"[A-Z0-9-_.]{1,20}", re.ASCII)
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}", re.ASCII)
INTEGER_MAX = 2**63 - 1
PARAMETERS_MAX = 100
"""Of one request; more is an attack on the parser, not a request."""

_TEXTS = {
    NUMBER: r"^([0-9]{1,20})(\.[0-9]{1,20})?$",
    INTEGER: r"^[0-9]{1,20}$",
    SYMBOL: r"^[A-Z0-9-_.]{1,20}$",
    CLIENT_ID: r"^[\.A-Z\:/a-z0-9_-]{1,36}$",
}


def illegal(name: str, pattern: re.Pattern[str]) -> VenueError:
    """The complaint -1100 about the characters of a parameter."""
    return VenueError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{_TEXTS[pattern]}'.")


def mandatory(name: str) -> VenueError:
    """The complaint -1102 about a parameter that is missing."""
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> VenueError:
    """The complaint -1130 about a value that means nothing."""
    return VenueError(-1130, f"Data sent for parameter '{name}' is not valid.")


class Parameters:
    """Names and values as sent, each read by the type it should have."""

    __slots__ = ("values",)

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    @classmethod
    def parse(cls, query: bytes, body: bytes) -> "Parameters":
        """Parameters of a raw query and a raw form body; where both name one, the query wins."""
        values: dict[str, str] = {}
        if body:
            _split(body, values)
        if query:
            if values:
                mine: dict[str, str] = {}
                _split(query, mine)
                values.update(mine)
            else:
                _split(query, values)
        return cls(values)

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Parameters":
        """Parameters of a JSON object, as the WebSocket API and batches send them."""
        return cls({name: _json_text(name, value) for name, value in values.items() if value is not None})

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Complain, with -1104, about parameters that the endpoint does not read."""
        if not self.values.keys() <= known:
            read = len(self.values.keys() & known)
            text = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(self.values)}'."
            raise VenueError(-1104, text)

    def has(self, name: str) -> bool:
        """Whether the parameter was sent."""
        return name in self.values

    def text(self, name: str) -> str | None:
        """The value, or None when not sent; an empty one is refused with -1105."""
        value = self.values.get(name)
        if value == "":
            raise VenueError(-1105, f"Parameter '{name}' was empty.")
        return value

    def need(self, name: str) -> str:
        """The value of a mandatory parameter."""
        value = self.values.get(name)
        if not value:
            raise mandatory(name)
        return value

    def symbol(self) -> str | None:
        """The parameter `symbol`, well formed, or None."""
        value = self.text("symbol")
        if value is not None and SYMBOL.fullmatch(value) is None:
            raise illegal("symbol", SYMBOL)
        return value

    def need_symbol(self) -> str:
        """The mandatory parameter `symbol`, well formed."""
        value = self.need("symbol")
        if SYMBOL.fullmatch(value) is None:
            raise illegal("symbol", SYMBOL)
        return value

    def client_id(self, name: str) -> str | None:
        """An order id of the client's own, or None."""
        value = self.text(name)
        if value is not None and CLIENT_ID.fullmatch(value) is None:
            raise illegal(name, CLIENT_ID)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A number without sign or exponent, or None."""
        value = self.text(name)
        if value is None:
            return None
        if NUMBER.fullmatch(value) is None:
            raise illegal(name, NUMBER)
        return Decimal(value)

    def need_decimal(self, name: str) -> Decimal:
        """A mandatory number."""
        self.need(name)
        value = self.decimal(name)
        assert value is not None
        return value

    def integer(self, name: str) -> int | None:
        """A whole number from 0 to 2^63 - 1, or None."""
        value = self.text(name)
        if value is None:
            return None
        if INTEGER.fullmatch(value) is None:
            raise illegal(name, INTEGER)
        number = int(value)
        if number > INTEGER_MAX:
            raise VenueError(-1108, f"Parameter '{name}' overflowed.")
        return number

    def need_integer(self, name: str) -> int:
        """A mandatory whole number."""
        self.need(name)
        value = self.integer(name)
        assert value is not None
        return value

    def limit(self, default: int, at_most: int, name: str = "limit") -> int:
        """How many rows are wanted: from 1 to `at_most`."""
        value = self.integer(name)
        if value is None:
            return default
        if value < 1:
            raise invalid(name)
        return min(value, at_most)

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value: `true` or `false` in any case."""
        value = self.text(name)
        if value is None:
            return default
        lower = value.lower()
        if lower not in ("true", "false"):
            raise invalid(name)
        return lower == "true"

    def choice(self, name: str, allowed: Iterable[str], error: VenueError | None = None) -> str | None:
        """One of some words, or None; else `error`, or -1130."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise error or invalid(name)
        return value

    def need_choice(self, name: str, allowed: Iterable[str], error: VenueError | None = None) -> str:
        """One of some words, which must be sent."""
        value = self.need(name)
        if value not in allowed:
            raise error or invalid(name)
        return value


def _split(part: bytes, values: dict[str, str]) -> None:
    try:
        text = part.decode("utf-8")
    except UnicodeDecodeError:
        raise VenueError(-1100, "Illegal characters found in a parameter.") from None
    pieces = text.split("&", PARAMETERS_MAX + 1)
    if len(pieces) > PARAMETERS_MAX:
        raise VenueError(-1101, "Too many parameters sent for this endpoint.")
    is_encoded = "%" in text or "+" in text
    for piece in pieces:
        name, _, value = piece.partition("=")
        if not piece:
            continue
        if is_encoded:
            name, value = _decoded(name), _decoded(value)
        if name in values:
            raise VenueError(-1101, f"Duplicate values for parameter '{name[:64]}'.")
        values[name] = value


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise VenueError(-1100, "Illegal characters found in a parameter.") from None


def _json_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    raise invalid(name)
