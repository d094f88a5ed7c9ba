"""From a source of any kind to the bars that were asked for: which file, which symbol, which timeframe, which funding."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from b25.market.bar_catalog import FUNDING, TRADES, Stored, load_bars, load_funding, load_trades, wanted_series
from b25.market.bar_columns import Columns, infer_bars, spacing
from b25.market.bar_files import BAR_COLUMNS, TRADE_COLUMNS, bar_columns, read_frame, read_name
from b25.market.bar_folder import default_venue, in_folder, venue_of_folder, with_neighbours
from b25.market.bar_grid import Grid
from b25.market.bar_rule import BarRule, bar_rule
from b25.market.bars import Bars
from b25.market.frame_columns import as_frame, described
from b25.market.funding import given_funding
from b25.market.timeframe import Timeframe, base_and_larger, timeframe
from b25.market.timerange import length_text, time_text
from b25.market.trade_bars import bars_of_trades
from b25.market.trades import Trades, holds_trades, trade_columns
from b25.model.errors import Misuse

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
    """Read bars from a file, a folder of freqtrade's data, a frame of bars or trades, or other bars.

    Raises
    ------
    Misuse
        For any fault in the data or the request.
    """
    base, larger = bars_wanted(request.timeframes)
    if isinstance(source, Bars):
        found: Bars | TradeSource = _from_bars(source, base)
    elif isinstance(source, str | Path):
        found = _from_path(Path(source), base, request)
    else:
        symbol = needed_symbol(request.symbol, "a frame")
        found = _from_frame(as_frame(source), described(source), base, request, request.venue or default_venue(symbol), symbol)
    made = _with_larger(found, larger) if isinstance(found, Bars) else _traded(found, base, larger)
    if request.funding is not None and request.funding is not False:
        made = made.with_funding(given_funding(request.funding))
    return made


def bars_of_series(held: list[Stored], request: BarRequest) -> Bars | None:
    """Make the bars that were asked for of a catalog's series of one instrument; None when they do not hold them."""
    base, larger = bars_wanted(request.timeframes)
    chosen = wanted_series(held, base)
    if chosen is None:
        return None
    instrument = chosen.series.instrument
    if chosen.kind == TRADES:
        grid = Grid(instrument.tick, instrument.lot, instrument.contract_size, instrument.min_notional)
        source = TradeSource(load_trades(chosen), instrument.venue, instrument.symbol, grid)
        made = _traded(source, base, larger)
    else:
        made = _with_larger(_from_bars(load_bars(chosen), base), larger)
    rates = next((one for one in held if one.kind == FUNDING), None)
    if request.funding is None:
        return made if rates is None else made.with_funding(load_funding(rates, made.instrument))
    return made if request.funding is False else made.with_funding(given_funding(request.funding))


def bars_wanted(names: tuple[str, ...]) -> tuple[Timeframe | BarRule, list[Timeframe]]:
    """Read what was asked for: the bars to run on, and larger timeframes beside them."""
    rule = bar_rule(names[0]) if names else None
    if rule is None:
        base, *larger = base_and_larger(names)
        return base, larger
    return rule, base_and_larger(names[1:]) if len(names) > 1 else []


@dataclass(frozen=True, slots=True)
class TradeSource:
    """Trades, and whose they are."""

    trades: Trades
    venue: str
    symbol: str
    grid: Grid


def _traded(source: TradeSource, base: Timeframe | BarRule, larger: list[Timeframe]) -> Bars:
    """Bars of a record of the past: its last bar by time is complete when its close has passed by now."""
    last = int(source.trades.time_ns[-1])

    def made(rule: Timeframe | BarRule) -> Bars:
        notes: tuple[str, ...] = ()
        known_ns = last
        if isinstance(rule, Timeframe) and rule.next_open(last) <= time.time_ns():
            known_ns = rule.next_open(last)
            notes = (f"the trades end at {time_text(last)}; the bar that this is in is taken as complete, as is the first",)
        return bars_of_trades(
            source.trades, rule, venue=source.venue, symbol=source.symbol, grid=source.grid, known_ns=known_ns, notes=notes
        )

    found = made(base)
    if isinstance(base, Timeframe):
        return _with_larger(found, larger)
    return replace(found, larger=tuple(made(frame) for frame in larger))


def _with_larger(found: Bars, larger: list[Timeframe]) -> Bars:
    return found.with_larger(*(frame.name for frame in larger)) if larger else found


def _from_bars(source: Bars, base: Timeframe | BarRule) -> Bars:
    if source.timeframe == base.name:
        return source
    if isinstance(base, BarRule):
        raise _made_of_trades(base, f"these {source.timeframe} bars")
    return source.resample(base.name)


def _made_of_trades(rule: BarRule, what: str) -> Misuse:
    return Misuse(f"bars of {rule.name} are made of trades, and {what} hold none", remedy="give trades as the source")


def _from_frame(
    frame: pl.DataFrame,
    where: str,
    base: Timeframe | BarRule,
    request: BarRequest,
    venue: str,
    symbol: str,
    first_row: int = 0,
    stored: Timeframe | None = None,
) -> Bars | TradeSource:
    if holds_trades(frame):
        return TradeSource(trade_columns(frame, where, utc=request.utc, first_row=first_row), venue, symbol, request.grid)
    if isinstance(base, BarRule):
        raise _made_of_trades(base, f"the bars of {where}")
    columns, notes = bar_columns(frame, where, utc=request.utc, first_row=first_row)
    return _gathered(columns, base, venue, symbol, request.grid, notes, stored)


def needed_symbol(symbol: str | None, what: str) -> str:
    """Return a symbol that was given and is one. Raises Misuse."""
    if symbol is None:
        raise Misuse(f"{what} does not say which symbol it is of", remedy='give symbol=, e.g. symbol="BTC/USDT"')
    pair, _, settle = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not (base and slash and quote) or (":" in symbol and not settle):
        raise Misuse(f"{symbol!r} is no symbol", remedy="write it like BTC/USDT, or BTC/USDT:USDT for a linear perpetual")
    return symbol


def _from_path(path: Path, base: Timeframe | BarRule, request: BarRequest) -> Bars | TradeSource:
    if path.is_dir():
        path = in_folder(path, base, needed_symbol(request.symbol, f"the folder {path}"), request.venue)
    named = read_name(path)
    if named and named.kind in ("funding_rate", "mark", "index", "premiumIndex"):
        raise Misuse(
            f"{path.name} holds {named.kind.replace('_', ' ')}s, no bars", remedy="give it as funding=, or give a file of bars"
        )
    symbol = needed_symbol(request.symbol or (named.symbol if named else None), f"the name of {path.name}")
    venue = request.venue or venue_of_folder(path, symbol)
    first_row = CSV_FIRST_ROW if ".csv" in path.name else 0
    stored = timeframe(named.timeframe) if named and named.timeframe else None
    frame = read_frame(path, TRADE_COLUMNS if named and named.kind == "trades" else BAR_COLUMNS)
    found = _from_frame(frame, path.name, base, request, venue, symbol, first_row, stored)
    return with_neighbours(found, path) if isinstance(found, Bars) and request.funding is None else found


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
    columns, notes = _closed(columns, stored, notes)
    steps = np.diff(columns.open_ns)
    if len(steps) > 1 and steps.min() > wanted.next_open(0) - wanted.open_of(0) and not wanted.months:
        raise Misuse(
            f"{columns.source}: the bars are at least {length_text(int(steps.min()))} apart; they are no bars of {wanted.name}",
            remedy="ask for the timeframe that they are, or a multiple of it",
        )
    smaller = 0 < stored.frame_ns < wanted.next_open(0) - wanted.open_of(0)
    found = infer_bars(columns, stored if smaller else wanted, venue, symbol, grid, notes)
    return found.resample(wanted.name) if smaller else found


def _closed(columns: Columns, frame: Timeframe, notes: tuple[str, ...]) -> tuple[Columns, tuple[str, ...]]:
    """Leave out a last bar that is still open: its figures are not final."""
    last = int(columns.open_ns[-1])
    if len(columns) < 2 or frame.next_open(last) <= time.time_ns():
        return columns, notes
    note = f"the bar that opens at {time_text(last)} is left out: it is not closed yet"
    return columns.part(slice(None, -1)), (*notes, note)
