"""A capture's message by way of JSON and exact decimals: what the wire kernels do not know, and the judge of what they do.

Nothing here is fast. It tells a message that is merely written differently from one that is foreign, and names what is wrong.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import orjson

from b25.kernels.wire_binance import MS_MAX, NS_PER_MS
from b25.market.venue_names import venue_of
from b25.model.errors import Misuse
from b25.model.event import BUY, SELL
from b25.model.message import COINM, DIFF, FULL_BOOK, PRINT, SPOT, TICKER, USDM

DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
LINE = re.compile(rb"([0-8][0-9]{18}) (.*)", re.DOTALL)
VALUE_MAX = 10**18
SHOWN = 60  # characters of a line that an error quotes
SKIP_REMEDY = "correct the file, or set such lines aside with --on-bad skip"


class BadLine(Misuse):
    """A line that cannot be what a capture of this instrument holds."""


class TooLarge(BadLine):
    """A quantity that does not fit int64 at the decimals it is read with."""


class OffGrid(BadLine):
    """A price or quantity between two steps of the grid."""


class Ignored(Exception):
    """A sound message that has no place in the archive; its one argument says which kind."""


def split_line(line: bytes) -> tuple[int, bytes]:
    """Receive time and message of a capture's line."""
    match = LINE.fullmatch(line.rstrip())
    if match is None:
        raise BadLine(f"{_quoted(line)} is not '<19 digits of ns> <message>'", remedy=SKIP_REMEDY)
    return int(match[1]), match[2]


class SlowReader:
    """Reads one message after another into the records that the wire kernels fill.

    Parameters
    ----------
    symbol : str
        The venue's own name, e.g. ``ETHUSDT``.
    grid : GRID record
        As for the kernels.
    """

    def __init__(self, symbol: str, grid: np.void) -> None:
        self.symbol = symbol
        self.market = int(grid["market"])
        self.price_grid = (int(grid["price_places"]), int(grid["price_step"]))
        self.qty_grid = (int(grid["qty_places"]), int(grid["qty_step"]))

    def read(self, text: bytes, message: np.void, levels: np.ndarray) -> np.ndarray:
        """Fill `message` and `levels`; return the levels, in a larger array if they needed one.

        Raises
        ------
        BadLine
            When the text is damaged, negative, off the grid, or of another symbol or venue.
        Ignored
            When it is sound and not for the archive.
        """
        body = self._body(text)
        if "lastUpdateId" in body:
            return self._full_book(body, message, levels)
        kind = body.get("e")
        if kind is None and {"u", "b", "B", "a", "A"} <= body.keys():
            kind = "bookTicker"
        if kind is None:
            if "result" in body or "id" in body:
                raise Ignored("reply")
            raise BadLine(f"{_quoted(text)} is no message of Binance", remedy=SKIP_REMEDY)
        self._check_symbol(body.get("s"))
        match kind:
            case "depthUpdate":
                return self._diff(body, message, levels)
            case "trade":
                return self._print(body, message, levels)
            case "bookTicker":
                return self._ticker(body, message, levels)
        raise Ignored(str(kind))

    def _body(self, text: bytes) -> Mapping[str, Any]:
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError as fault:
            raise BadLine(f"{_quoted(text)} is not whole JSON ({fault})", remedy=SKIP_REMEDY) from None
        if isinstance(body, dict) and isinstance(body.get("data"), dict) and isinstance(body.get("stream"), str):
            body = body["data"]
        if not isinstance(body, dict):
            raise BadLine(f"{_quoted(text)} is no message of Binance", remedy=SKIP_REMEDY)
        return body

    def _check_symbol(self, symbol: object) -> None:
        if symbol != self.symbol:
            raise BadLine(f"it is about {symbol}, not {self.symbol}", remedy=f"check --symbol and --venue; else {SKIP_REMEDY}")

    def _check_market(self, found: int) -> None:
        if found != self.market:
            raise BadLine(
                f"it is a message of {venue_of(found)}, not of {venue_of(self.market)}",
                remedy=f"import it with --venue {venue_of(found)}, or check the file",
            )

    def _diff(self, body: Mapping[str, Any], message: np.void, levels: np.ndarray) -> np.ndarray:
        self._check_market(SPOT if "pu" not in body else _futures(body))
        spot = self.market == SPOT
        levels = self._levels(body, "b", "a", message, levels)
        message["kind"], message["side"] = DIFF, 0
        message["exch_ns"] = self._time(body, "E" if spot else "T")
        self._ids(message, self._whole(body, "U"), self._whole(body, "u"), -1 if spot else self._whole(body, "pu"))
        return levels

    def _full_book(self, body: Mapping[str, Any], message: np.void, levels: np.ndarray) -> np.ndarray:
        self._check_market(SPOT if "T" not in body else COINM if "symbol" in body else USDM)
        if self.market == COINM:
            self._check_symbol(body["symbol"])
        levels = self._levels(body, "bids", "asks", message, levels)
        message["kind"], message["side"] = FULL_BOOK, 0
        message["exch_ns"] = 0 if self.market == SPOT else self._time(body, "T")
        update_id = self._whole(body, "lastUpdateId")
        self._ids(message, update_id, update_id, -1)
        return levels

    def _print(self, body: Mapping[str, Any], message: np.void, levels: np.ndarray) -> np.ndarray:
        futures = "X" in body or "M" not in body  # the two futures markets write a trade alike, and not always its kind
        if futures == (self.market == SPOT):
            self._check_market(USDM if futures else SPOT)
        if self.market != SPOT and body.get("X", "MARKET") != "MARKET":
            raise Ignored(f"trade {body['X']}")
        maker = body.get("m")
        if not isinstance(maker, bool):
            raise BadLine(f"m is {maker!r}, not true or false", remedy=SKIP_REMEDY)
        trade_id = self._whole(body, "t")
        price, qty = self._price(body.get("p")), self._qty(body.get("q"))
        if qty == 0:
            raise BadLine("a trade of quantity 0", remedy=SKIP_REMEDY)
        message["kind"], message["side"] = PRINT, SELL if maker else BUY
        message["exch_ns"] = self._time(body, "T")
        self._ids(message, trade_id, trade_id, -1)
        message["bids"], message["asks"] = 1, 0
        levels[0] = (price, qty)
        return levels

    def _ticker(self, body: Mapping[str, Any], message: np.void, levels: np.ndarray) -> np.ndarray:
        self._check_market(SPOT if "T" not in body else _futures(body))
        update_id = self._whole(body, "u")
        count = 0
        for price, qty, side in (("b", "B", "bids"), ("a", "A", "asks")):
            message[side] = 0
            lots = self._qty(body.get(qty))
            if lots or Fraction(self._decimal(body.get(price), "price")):  # an empty side is sent as zeros
                levels[count] = (self._price(body.get(price)), lots)
                message[side] = 1
                count += 1
        message["kind"], message["side"] = TICKER, 0
        message["exch_ns"] = 0 if self.market == SPOT else self._time(body, "T")
        self._ids(message, update_id, update_id, -1)
        return levels

    def _levels(self, body: Mapping[str, Any], bids: str, asks: str, message: np.void, levels: np.ndarray) -> np.ndarray:
        pairs: list[tuple[int, int]] = []
        for name, field in ((bids, "bids"), (asks, "asks")):
            side = body.get(name)
            if not isinstance(side, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in side):
                raise BadLine(f"{name} is no list of [price, quantity]", remedy=SKIP_REMEDY)
            pairs += [(self._price(price), self._qty(qty)) for price, qty in side]
            message[field] = len(side)
        if len(pairs) > len(levels):
            levels = np.zeros(max(2 * len(levels), len(pairs)), levels.dtype)
        for i, pair in enumerate(pairs):
            levels[i] = pair
        return levels

    def _ids(self, message: np.void, first: int, last: int, previous: int) -> None:
        message["first_id"], message["last_id"], message["prev_id"] = first, last, previous

    def _whole(self, body: Mapping[str, Any], name: str) -> int:
        value = body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < VALUE_MAX:
            raise BadLine(f"{name} is {value!r}, not a whole number", remedy=SKIP_REMEDY)
        return value

    def _time(self, body: Mapping[str, Any], name: str) -> int:
        value = self._whole(body, name)
        if not 0 <= value <= MS_MAX:
            raise BadLine(f"{name} is {value}, no time in milliseconds", remedy=SKIP_REMEDY)
        return value * NS_PER_MS

    def _price(self, text: object) -> int:
        price = self._scaled(text, "price", self.price_grid)
        if price <= 0:
            raise BadLine(f"price {text} is not positive", remedy=SKIP_REMEDY)
        return price

    def _qty(self, text: object) -> int:
        return self._scaled(text, "quantity", self.qty_grid)

    def _decimal(self, text: object, what: str) -> str:
        if not isinstance(text, str) or DECIMAL.fullmatch(text) is None:
            raise BadLine(f"{what} {text!r} is not a decimal number", remedy=SKIP_REMEDY)
        return text

    def _scaled(self, text: object, what: str, grid: tuple[int, int]) -> int:
        value = Fraction(self._decimal(text, what))
        if value < 0:
            raise BadLine(f"{what} {text} is negative", remedy=SKIP_REMEDY)
        places, step = grid
        whole = value * 10**places / step
        if whole.denominator != 1:
            unit = "tick" if what == "price" else "lot"
            raise OffGrid(
                f"{what} {text} is off the {unit} {_step_text(places, step)}",
                remedy=f"give a finer --{unit}, or set such lines aside with --on-bad skip",
            )
        if value * 10**places >= VALUE_MAX:
            kind = TooLarge if what == "quantity" else BadLine
            raise kind(f"{what} {text} is too large", remedy=SKIP_REMEDY)
        return int(whole)


def _futures(body: Mapping[str, Any]) -> int:
    """Which futures market a message is of: both may name the pair, the coin-margined one right behind the symbol."""
    names = list(body)
    return COINM if "ps" in body and names[names.index("ps") - 1] == "s" else USDM


def _step_text(places: int, step: int) -> str:
    text = f"{step:0{places + 1}d}"
    return f"{text[:-places]}.{text[-places:]}" if places else text


def _quoted(text: bytes) -> str:
    shown = text[:SHOWN].decode("ascii", "replace")
    return repr(shown + ("…" if len(text) > SHOWN else ""))
