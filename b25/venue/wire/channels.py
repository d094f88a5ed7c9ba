"""Names of streams: what `btcusdt@depth@100ms` asks for, on which market, and on which of the futures' three paths."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from b25.venue.wire.candles import DAY_MS, HOUR_MS, INTERVALS_MS

Market = Literal["spot", "linear"]
Path = Literal["spot", "public", "market", "private"]
ALL = "!"  # the symbol of a stream that tells of every symbol


class Kind(Enum):
    """What a stream tells of."""

    DEPTH = "depth"
    PARTIAL = "partial"
    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    WINDOW_TICKER = "window"
    AVERAGE_PRICE = "avgPrice"
    MARK_PRICE = "markPrice"
    FORCE_ORDER = "forceOrder"


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream that exists.

    Attributes
    ----------
    market : {"spot", "linear"}
        Market it belongs to.
    name : str
        As it was asked for.
    kind : Kind
        What it tells of.
    symbol : str
        In capitals, or `ALL`.
    every_ms : int
        Its cadence; 0 when it tells at once.
    levels : int
        Levels of a partial book.
    interval : str
        Of candles.
    shift_ms : int
        Candles open this much earlier than in UTC.
    span_ms : int
        Of a rolling window.
    """

    market: Market
    name: str
    kind: Kind
    symbol: str
    every_ms: int = 0
    levels: int = 0
    interval: str = ""
    shift_ms: int = 0
    span_ms: int = 0

    @property
    def path(self) -> Path:
        """The path on which it is served."""
        if self.market == "spot":
            return "spot"
        return "public" if self.kind in _PUBLIC else "market"


_PUBLIC = (Kind.DEPTH, Kind.PARTIAL, Kind.BOOK_TICKER, Kind.TRADE)
_DEPTH_MS: dict[Market, dict[str, int]] = {
    "spot": {"": 1_000, "100ms": 100, "1000ms": 1_000},
    "linear": {"": 250, "100ms": 100, "250ms": 250, "500ms": 500},
}
_EIGHT_HOURS_MS = 8 * HOUR_MS
_PLAIN = {"trade": Kind.TRADE, "aggTrade": Kind.AGG_TRADE, "bookTicker": Kind.BOOK_TICKER}
_TICKERS = {"miniTicker": Kind.MINI_TICKER, "ticker": Kind.TICKER}
# Rolling windows of spot, named as their event type begins.
WINDOWS_MS = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
_WELL_FORMED = re.compile(r'[^"\\\s\x00-\x1f]{1,128}')


def is_well_formed(name: str) -> bool:
    """Whether a name can be one of a stream at all; one that can is acknowledged even when there is no such stream."""
    return _WELL_FORMED.fullmatch(name) is not None


def channel(market: Market, name: str) -> Channel | None:
    """The stream of this name, or None when there is none (live, it is acknowledged and stays silent)."""
    if name.startswith("!"):
        return _of_all_symbols(market, name)
    symbol, _, rest = name.partition("@")
    if not symbol or symbol != symbol.lower():
        return None
    what, _, option = rest.partition("@")
    found = _of_book(market, name, symbol.upper(), what, option)
    return found or _of_one_symbol(market, name, symbol.upper(), what, option)


def _of_book(market: Market, name: str, symbol: str, what: str, option: str) -> Channel | None:
    every_ms = _DEPTH_MS[market].get(option)
    if every_ms is None:
        return None
    if what == "depth":
        return Channel(market, name, Kind.DEPTH, symbol, every_ms)
    if what in ("depth5", "depth10", "depth20"):
        return Channel(market, name, Kind.PARTIAL, symbol, every_ms, levels=int(what[5:]))
    if what == "rpiDepth" and market == "linear" and option == "500ms":
        return Channel(market, name, Kind.DEPTH, symbol, every_ms)
    return None


def _of_one_symbol(market: Market, name: str, symbol: str, what: str, option: str) -> Channel | None:
    if what.startswith("kline_"):
        interval = what.removeprefix("kline_")
        if interval not in INTERVALS_MS or option not in ("", "+08:00") or (option and market == "linear"):
            return None
        every_ms = 1_000 if interval == "1s" else 2_000
        if market == "linear":
            every_ms = 250
        return Channel(market, name, Kind.KLINE, symbol, every_ms, interval=interval, shift_ms=_EIGHT_HOURS_MS if option else 0)
    if what == "markPrice" and market == "linear" and option in ("", "1s"):
        return Channel(market, name, Kind.MARK_PRICE, symbol, 1_000 if option else 3_000)
    if option:
        return None
    if what in _PLAIN:
        return Channel(market, name, _PLAIN[what], symbol)
    if what in _TICKERS:
        return Channel(market, name, _TICKERS[what], symbol, 1_000)
    if what.startswith("ticker_") and market == "spot":
        return _window(name, symbol, what)
    if what == "avgPrice" and market == "spot":
        return Channel(market, name, Kind.AVERAGE_PRICE, symbol, 1_000)
    if what == "forceOrder" and market == "linear":
        return Channel(market, name, Kind.FORCE_ORDER, symbol)
    return None


def _window(name: str, symbol: str, what: str) -> Channel | None:
    window = what.removeprefix("ticker_")
    if window not in WINDOWS_MS:
        return None
    return Channel("spot", name, Kind.WINDOW_TICKER, symbol, 1_000, interval=window, span_ms=WINDOWS_MS[window])


def _of_all_symbols(market: Market, name: str) -> Channel | None:
    if name == "!bookTicker":
        return Channel(market, name, Kind.BOOK_TICKER, ALL)
    if name == "!miniTicker@arr":
        return Channel(market, name, Kind.MINI_TICKER, ALL, 1_000)
    if market == "spot":  # !ticker@arr was retired on 2026-03-26
        return _window(name, ALL, name[1:-4]) if name.startswith("!ticker_") and name.endswith("@arr") else None
    if name == "!ticker@arr":
        return Channel(market, name, Kind.TICKER, ALL, 1_000)
    if name in ("!markPrice@arr", "!markPrice@arr@1s"):
        return Channel(market, name, Kind.MARK_PRICE, ALL, 1_000 if name.endswith("@1s") else 3_000)
    if name == "!forceOrder@arr":
        return Channel(market, name, Kind.FORCE_ORDER, ALL)
    return None
