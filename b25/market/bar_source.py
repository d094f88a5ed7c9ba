"""From a source of any kind to the bars that were asked for: which file, which symbol, which timeframe, which funding."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from b25.market.bar_columns import Columns, infer_bars, spacing
from b25.market.bar_files import FORMATS, bar_columns, described, funding_rates, pair_of, read_frame, read_name
from b25.market.bar_grid import Grid, is_inverse, units
from b25.market.bars import Bars
from b25.market.frame_columns import as_frame
from b25.market.timeframe import Timeframe, base_and_larger, timeframe
from b25.market.timerange import length_text
from b25.model.bar import FUNDING_RATE
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

# Folders of freqtrade's tree are named after exchanges; Binance's futures are venues of their own here.
EXCHANGES = set(
    "binance binanceus bingx bitfinex bitget bitmart bitvavo bybit coinbase cryptocom gate htx hyperliquid kraken krakenfutures "
    "kucoin mexc okx".split()
)
FUTURES = "futures"
CSV_FIRST_ROW = 2  # the line of the file: the first holds the names


@dataclass(frozen=True, slots=True)
class BarRequest:
    """What was asked for; see `b25.research.bars.bars`."""

    timeframes: tuple[str, ...]
    symbol: str | None = None
    venue: str | None = None
    grid: Grid = field(default_factory=Grid)
    funding: Any = None
    utc: bool | None = None


def read_bars(source: Any, request: BarRequest) -> Bars:
    """Read bars from a file, a folder of freqtrade's data, a frame, or other bars.

    Raises
    ------
    Misuse
        For any fault in the data or the request.
    """
    frames = base_and_larger(request.timeframes)
    if isinstance(source, Bars):
        found = source if source.timeframe == frames[0].name else source.resample(frames[0].name)
    elif isinstance(source, str | Path):
        found = _from_path(Path(source), frames[0], request)
    else:
        symbol = _needed(request.symbol, "a frame")
        columns, notes = bar_columns(as_frame(source), described(source), utc=request.utc)
        found = _gathered(columns, frames[0], request.venue or default_venue(symbol), symbol, request.grid, notes)
    if request.funding is not None and request.funding is not False:
        found = found.with_funding(_given_funding(request.funding, found.instrument))
    return found.with_larger(*(frame.name for frame in frames[1:])) if len(frames) > 1 else found


def default_venue(symbol: str) -> str:
    """Binance's market for a symbol: where nobody said where the data come from."""
    if ":" not in symbol:
        return "binance"
    return "binancecoinm" if is_inverse(symbol) else "binanceusdm"


def _needed(symbol: str | None, what: str) -> str:
    if symbol is None:
        raise Misuse(f"{what} does not say which symbol it is of", remedy='give symbol=, e.g. symbol="BTC/USDT"')
    pair, _, settle = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not (base and slash and quote) or (":" in symbol and not settle):
        raise Misuse(f"{symbol!r} is no symbol", remedy="write it like BTC/USDT, or BTC/USDT:USDT for a linear perpetual")
    return symbol


def _from_path(path: Path, frame: Timeframe, request: BarRequest) -> Bars:
    if path.is_dir():
        path = _in_folder(path, frame, _needed(request.symbol, f"the folder {path}"), request.venue)
    named = read_name(path)
    if named and named.kind in ("funding_rate", "mark", "index", "premiumIndex"):
        raise Misuse(
            f"{path.name} holds {named.kind.replace('_', ' ')}s, no bars", remedy="give it as funding=, or give a file of bars"
        )
    symbol = _needed(request.symbol or (named.symbol if named else None), f"the name of {path.name}")
    first_row = CSV_FIRST_ROW if ".csv" in path.name else 0
    columns, notes = bar_columns(read_frame(path), path.name, utc=request.utc, first_row=first_row)
    stored = timeframe(named.timeframe) if named and named.timeframe else None
    found = _gathered(columns, frame, request.venue or _venue_of(path, symbol), symbol, request.grid, notes, stored)
    return found if request.funding is not None else _with_neighbours(found, path)


def _gathered(
    columns: Columns,
    wanted: Timeframe,
    venue: str,
    symbol: str,
    grid: Grid,
    notes: tuple[str, ...],
    stored: Timeframe | None = None,
) -> Bars:
    """Read columns as the timeframe that they are, and gather them into the one that is wanted."""
    stored = stored or spacing(columns.open_ns) or wanted
    steps = np.diff(columns.open_ns)
    if len(steps) > 1 and steps.min() > wanted.next_open(0) - wanted.open_of(0) and not wanted.months:
        raise Misuse(
            f"{columns.source}: the bars are at least {length_text(int(steps.min()))} apart; they are no bars of {wanted.name}",
            remedy="ask for the timeframe that they are, or a multiple of it",
        )
    if stored.name == wanted.name or not stored.divides(wanted):
        return infer_bars(columns, wanted, venue, symbol, grid, notes)
    return infer_bars(columns, stored, venue, symbol, grid, notes).resample(wanted.name)


def _in_folder(folder: Path, frame: Timeframe, symbol: str, venue: str | None) -> Path:
    """Return the file of a symbol: of the timeframe, else of the largest one that divides it."""
    exchange = (venue or default_venue(symbol)).removesuffix("usdm").removesuffix("coinm")
    places = [folder, folder / FUTURES, folder / exchange, folder / exchange / FUTURES]
    held: dict[Timeframe, Path] = {}
    for place in places:
        for path in sorted(place.glob(f"{pair_of(symbol)}-*")):
            named = read_name(path)
            if (
                named
                and named.symbol == symbol
                and named.timeframe
                and named.kind in ("spot", "futures")
                and path.name.endswith(FORMATS)
            ):
                held.setdefault(timeframe(named.timeframe), path)
    fitting = [one for one in held if one.name == frame.name or one.divides(frame)]
    if not fitting:
        have = ", ".join(one.name for one in held) or "no file of this symbol"
        raise Misuse(
            f"{folder} holds no bars of {symbol} that make up {frame.name}: {have}",
            remedy="download them: b25 data download, or ask for a multiple of what is there",
        )
    return held[max(fitting, key=lambda one: one.next_open(0) - one.open_of(0))]


def _venue_of(path: Path, symbol: str) -> str:
    """The exchange whose folder a file of freqtrade's tree lies in."""
    folder = path.resolve().parent
    folder = folder.parent if folder.name == FUTURES else folder
    if folder.name not in EXCHANGES or folder.name == "binance":
        return default_venue(symbol)
    return folder.name


def _with_neighbours(found: Bars, path: Path) -> Bars:
    """Funding rates and mark prices that lie beside a file of futures are part of the same data."""
    if ":" not in found.symbol:
        return found
    beside = [(other, named) for other in sorted(path.parent.glob(f"{pair_of(found.symbol)}-*")) if (named := read_name(other))]
    rates = next((other for other, named in beside if named.kind == "funding_rate"), None)
    if rates is None:
        return found
    marks = next((other for other, named in beside if named.kind == "mark"), None)
    rows = funding_rates(read_frame(rates), rates.name, None if marks is None else _marks(marks, found.instrument))
    note = f"funding rates are read from {rates.name}" + (
        f", mark prices from {marks.name}" if marks else "; payments are valued at the bar's open"
    )
    return replace(found.with_funding(rows), notes=(*found.notes, note))


def _marks(path: Path, instrument: Instrument) -> tuple[np.ndarray, np.ndarray]:
    columns, _ = bar_columns(read_frame(path).with_columns(), path.name)
    return columns.open_ns, units(columns.open, instrument.tick)


def _given_funding(given: Any, instrument: Instrument) -> np.ndarray:
    if isinstance(given, np.ndarray) and given.dtype == FUNDING_RATE:
        return given
    if isinstance(given, str | Path):
        return funding_rates(read_frame(Path(given)), Path(given).name)
    return funding_rates(as_frame(given), described(given))
