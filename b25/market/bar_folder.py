"""The tree that freqtrade keeps its data in: which file of a folder, of which venue, and what lies beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from b25.market.bar_files import FORMATS, pair_of, read_frame, read_name
from b25.market.bar_grid import is_inverse
from b25.market.bar_rule import BarRule
from b25.market.bars import Bars
from b25.market.funding import funding_rates, marks_of
from b25.market.timeframe import Timeframe, timeframe
from b25.model.errors import Misuse

# Folders of freqtrade's tree are named after exchanges; Binance's futures are venues of their own here.
EXCHANGES = set(
    "binance binanceus bingx bitfinex bitget bitmart bitvavo bybit coinbase cryptocom gate htx hyperliquid kraken krakenfutures "
    "kucoin mexc okx".split()
)
FUTURES = "futures"


def default_venue(symbol: str) -> str:
    """Binance's market for a symbol: where nobody said where the data come from."""
    if ":" not in symbol:
        return "binance"
    return "binancecoinm" if is_inverse(symbol) else "binanceusdm"


def in_folder(folder: Path, base: Timeframe | BarRule, symbol: str, venue: str | None) -> Path:
    """Return the file of a symbol: of the timeframe, else of the largest one that divides it, else of its trades."""
    exchange = (venue or default_venue(symbol)).removesuffix("usdm").removesuffix("coinm")
    places = [folder, folder / FUTURES, folder / exchange, folder / exchange / FUTURES]
    held: dict[Timeframe, Path] = {}
    trades: Path | None = None
    for place in places:
        for path in sorted(place.glob(f"{pair_of(symbol)}-*")):
            named = read_name(path)
            if named is None or named.symbol != symbol or not path.name.endswith(FORMATS):
                continue
            if named.kind == "trades":
                trades = trades or path
            elif named.timeframe and named.kind in ("spot", "futures"):
                held.setdefault(timeframe(named.timeframe), path)
    fitting = [] if isinstance(base, BarRule) else [one for one in held if one.name == base.name or one.divides(base)]
    if fitting:
        return held[max(fitting, key=lambda one: one.next_open(0) - one.open_of(0))]
    if trades is None:
        have = ", ".join(path.name for path in held.values()) or "no file of this symbol"
        raise Misuse(
            f"{folder} holds nothing that bars of {base.name} of {symbol} can be made of: {have}",
            remedy="ask for a multiple of what is there, or download more: b25 data download",
        )
    return trades


def venue_of_folder(path: Path, symbol: str) -> str:
    """The exchange whose folder a file of freqtrade's tree lies in."""
    folder = path.resolve().parent
    folder = folder.parent if folder.name == FUTURES else folder
    if folder.name not in EXCHANGES or folder.name == "binance":
        return default_venue(symbol)
    return folder.name


def with_neighbours(found: Bars, path: Path) -> Bars:
    """Funding rates and mark prices that lie beside a file of futures are part of the same data."""
    if ":" not in found.symbol:
        return found
    beside = [(other, named) for other in sorted(path.parent.glob(f"{pair_of(found.symbol)}-*")) if (named := read_name(other))]
    rates = next((other for other, named in beside if named.kind == "funding_rate"), None)
    if rates is None:
        return found
    marks = next((other for other, named in beside if named.kind == "mark"), None)
    rows = funding_rates(read_frame(rates), rates.name, None if marks is None else marks_of(marks, found.instrument))
    note = f"funding rates are read from {rates.name}" + (
        f", mark prices from {marks.name}" if marks else "; payments are valued at the bar's open"
    )
    return replace(found.with_funding(rows), notes=(*found.notes, note))
