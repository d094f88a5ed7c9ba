"""Fetch a venue's history into the catalog: bars, trades, funding rates; what is there already is not asked for again.

A run that is stopped, by a person or by the network, keeps what it fetched; the next one goes on from there. A bar that the
venue's clock has not closed is never stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from b25.market.bar_catalog import FUNDING, TRADES, bars_folder, store_bars, store_funding, store_trades
from b25.market.bar_columns import Columns, infer_bars
from b25.market.bar_grid import Grid, make_instrument, on_grid, units
from b25.market.catalog import Catalog
from b25.market.exchange import Exchange, grid_of
from b25.market.series import load_series, read_series
from b25.market.timeframe import Timeframe, timeframe
from b25.market.trades import Trades
from b25.model.bar import FUNDING_RATE
from b25.model.errors import Misuse
from b25.model.event import BUY, SELL

NS_PER_MS = 1_000_000
DEFAULT_DAYS = 30
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
BATCH = 1000
KEEP_ROWS = 20_000  # fetched rows that are held before they are written

Progress = Callable[[float, int], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run did.

    Attributes
    ----------
    kind : str
        ``"5m"``, ``"trades"`` or ``"funding"``.
    added : int
        New rows in the catalog.
    rows : int
        Rows that the catalog then has.
    first_ns, last_ns : int or None
        Their span.
    """

    kind: str
    added: int
    rows: int
    first_ns: int | None
    last_ns: int | None


def silent(share: float, rows: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class History:
    """One symbol of one venue, and the catalog that its history goes into.

    Parameters
    ----------
    exchange : Exchange
    catalog : Catalog
    symbol : str
    progress : callable
        Is told the share of the span that is done, and the rows fetched.
    """

    exchange: Exchange
    catalog: Catalog
    symbol: str
    progress: Progress = silent

    @property
    def venue(self) -> str:
        """Ccxt id."""
        return str(self.exchange.api.id)

    def fetch(self, kind: str, start_ms: int | None = None, end_ms: int | None = None) -> Fetched:
        """Fetch what is named: a timeframe, ``"trades"`` or ``"funding"``."""
        match kind:
            case "trades":
                return self.trades(start_ms, end_ms)
            case "funding":
                return self.funding(start_ms, end_ms)
            case _:
                return self.bars(timeframe(kind), start_ms, end_ms)

    def bars(self, frame: Timeframe, start_ms: int | None = None, end_ms: int | None = None) -> Fetched:
        """Fetch the bars of a span that are closed and not there yet.

        Parameters
        ----------
        frame : Timeframe
        start_ms, end_ms : int, optional
            Half-open span of opens; the default goes on from what is there, or begins thirty days ago, and ends now.

        Raises
        ------
        Misuse
            When the venue has no such symbol or timeframe.
        Retry
            When the network fails for longer than two minutes; what was fetched is kept.
        """
        grid = self._grid()
        if frame.name not in (self.exchange.api.timeframes or {}):
            have = " ".join(self.exchange.api.timeframes or {}) or "none"
            raise Misuse(f"{self.venue} has no bars of {frame.name}; it has {have}", remedy="fetch smaller ones, and gather them")
        folder = bars_folder(self.catalog, self.venue, self.symbol, frame)
        held = read_series(folder)
        now_ms = self.exchange.now_ms()
        end_ms = min(end_ms or now_ms, now_ms)
        begin_ms = _frame_ms(frame, start_ms if start_ms is not None else end_ms - DEFAULT_DAYS * DAY_MS)
        kept = Kept(lambda rows: self._store_bars(frame, grid, rows))
        try:
            if held is None or not held.files:
                self._forward(frame, begin_ms, end_ms, kept, (0.0, 1.0))
            else:
                first_ms, last_ms = held.files[0].first_ns // NS_PER_MS, held.files[-1].last_ns // NS_PER_MS
                after_ms = frame.next_open(last_ms * NS_PER_MS) // NS_PER_MS
                before = max(0, first_ms - begin_ms) if start_ms is not None else 0
                share = before / max(1, before + max(0, end_ms - after_ms))
                if before:
                    self._backward(frame, begin_ms, first_ms, kept, (0.0, share))
                self._forward(frame, after_ms, end_ms, kept, (share, 1.0))
        finally:
            kept.write()
        return self._fetched(frame.name, folder, kept)

    def trades(self, start_ms: int | None = None, end_ms: int | None = None) -> Fetched:
        """Fetch public trades, from the newest one that is there, or from a day ago. Raises as `bars` does."""
        grid = self._grid()
        folder = self.catalog.instrument_folder(self.venue, self.symbol) / TRADES
        held = read_series(folder)
        now_ms = self.exchange.now_ms()
        end_ms = min(end_ms or now_ms, now_ms)
        begin = start_ms if start_ms is not None else end_ms - DAY_MS
        since = begin if held is None or held.last_ns is None else held.last_ns // NS_PER_MS
        first, seen = since, _newest_ids(folder)
        kept = Kept(lambda rows: self._store_trades(grid, rows))
        try:
            while since < end_ms:
                batch = self.exchange.ask("fetch_trades", self.symbol, since, BATCH)
                new = [one for one in batch if since <= one["timestamp"] < end_ms and one["id"] not in seen]
                seen = {one["id"] for one in batch} | (seen if not new else set())
                kept.add(new)
                newest = max((one["timestamp"] for one in batch), default=0)
                since = newest if new and newest > since else max(newest, since) + (1 if batch else HOUR_MS)
                self.progress(min(1.0, (since - first) / max(1, end_ms - first)), kept.rows)
        finally:
            kept.write()
        return self._fetched(TRADES, folder, kept)

    def funding(self, start_ms: int | None = None, end_ms: int | None = None) -> Fetched:
        """Fetch funding rates, from the newest one that is there, or from thirty days ago. Raises as `bars` does."""
        if ":" not in self.symbol or not self.exchange.api.has.get("fetchFundingRateHistory"):
            raise Misuse(f"{self.venue} tells no funding rates of {self.symbol}", remedy="name a perpetual, like BTC/USDT:USDT")
        grid = self._grid()
        folder = self.catalog.instrument_folder(self.venue, self.symbol) / FUNDING
        held = read_series(folder)
        now_ms = self.exchange.now_ms()
        end_ms = min(end_ms or now_ms, now_ms)
        begin = start_ms if start_ms is not None else end_ms - DEFAULT_DAYS * DAY_MS
        since = begin if held is None or held.last_ns is None else held.last_ns // NS_PER_MS + 1
        first = since
        kept = Kept(lambda rows: self._store_funding(grid, rows))
        try:
            while since < end_ms:
                batch = self.exchange.ask("fetch_funding_rate_history", self.symbol, since, BATCH)
                new = sorted((one for one in batch if since <= one["timestamp"] < end_ms), key=lambda one: one["timestamp"])
                kept.add(new)
                if not new:
                    break
                since = new[-1]["timestamp"] + 1
                self.progress(min(1.0, (since - first) / max(1, end_ms - first)), kept.rows)
        finally:
            kept.write()
        return self._fetched(FUNDING, folder, kept)

    def _forward(self, frame: Timeframe, since: int, end_ms: int, kept: Kept, share: tuple[float, float]) -> None:
        first = since
        while since < end_ms:
            batch = self.exchange.ask("fetch_ohlcv", self.symbol, frame.name, since, BATCH)
            new = [row for row in batch if since <= row[0] and row[0] < end_ms and _close_ms(frame, row[0]) <= end_ms]
            kept.add(new)
            # A venue that has nothing of a stretch may answer with nothing instead of with what comes after.
            following = _close_ms(frame, max(row[0] for row in batch)) if batch else since + BATCH * _length_ms(frame)
            since = max(following, since + 1)
            self.progress(share[0] + (share[1] - share[0]) * min(1.0, (since - first) / max(1, end_ms - first)), kept.rows)

    def _backward(self, frame: Timeframe, begin_ms: int, first_ms: int, kept: Kept, share: tuple[float, float]) -> None:
        """From what is there to the past, so that an interrupted run leaves no hole."""
        oldest = self.exchange.ask("fetch_ohlcv", self.symbol, frame.name, begin_ms, BATCH)
        begin_ms = max(begin_ms, min((row[0] for row in oldest), default=begin_ms))
        until = first_ms
        while until > begin_ms:
            since = max(begin_ms, until - BATCH * _length_ms(frame))
            batch = self.exchange.ask("fetch_ohlcv", self.symbol, frame.name, since, BATCH)
            kept.add([row for row in batch if since <= row[0] < until])
            until = since
            self.progress(share[0] + (share[1] - share[0]) * (first_ms - until) / max(1, first_ms - begin_ms), kept.rows)

    def _grid(self) -> Grid:
        return grid_of(self.exchange.market(self.symbol), self.exchange.api.precisionMode)

    def _store_bars(self, frame: Timeframe, grid: Grid, rows: list[Any]) -> int:
        table = np.array(sorted({row[0]: row for row in rows}.values()), np.float64)
        opens, highs, lows, closes, volumes = (np.ascontiguousarray(table[:, k]) for k in range(1, 6))
        times = table[:, 0].astype(np.int64) * NS_PER_MS
        columns = Columns(times, opens, highs, lows, closes, volumes, f"{self.venue} {self.symbol}")
        bars = infer_bars(columns, frame, self.venue, self.symbol, _fitting(grid, columns.prices))
        return store_bars(self.catalog, bars, given=True, source=f"{self.venue} API")[1]

    def _store_trades(self, grid: Grid, rows: list[Any]) -> int:
        rows = sorted(rows, key=lambda one: one["timestamp"])
        price, amount = (np.array([one[name] for one in rows], np.float64) for name in ("price", "amount"))
        times = np.array([one["timestamp"] for one in rows], np.int64) * NS_PER_MS
        side = np.array([BUY if one["side"] == "buy" else SELL for one in rows], np.int8)
        instrument, _ = make_instrument(self.venue, self.symbol, price, amount, _fitting(grid, price))
        trades = Trades(times, price, amount, side, f"{self.venue} {self.symbol}")
        return store_trades(self.catalog, instrument, trades, [str(one["id"]) for one in rows], source=f"{self.venue} API")[1]

    def _store_funding(self, grid: Grid, rows: list[Any]) -> int:
        rates = np.zeros(len(rows), FUNDING_RATE)
        rates["time_ns"] = np.array([one["timestamp"] for one in rows], np.int64) * NS_PER_MS
        rates["rate_e12"] = np.rint(np.array([one["fundingRate"] for one in rows], np.float64) * 1e12).astype(np.int64)
        marks = np.array([float((one.get("info") or {}).get("markPrice") or 0) for one in rows])
        prices = marks[marks > 0] if np.any(marks > 0) else np.ones(1)
        instrument, _ = make_instrument(self.venue, self.symbol, prices, np.ones(1), grid)
        rates["mark_ticks"] = units(marks, instrument.tick)
        return store_funding(self.catalog, instrument, rates, source=f"{self.venue} API")[1]

    def _fetched(self, kind: str, folder: Any, kept: Kept) -> Fetched:
        self.progress(1.0, kept.rows)
        series = read_series(folder)
        if series is None or not series.files:
            return Fetched(kind, kept.added, 0, None, None)
        return Fetched(kind, kept.added, series.rows, series.files[0].first_ns, series.files[-1].last_ns)


class Kept:
    """Rows that were fetched and are not written yet; written in pieces, and at the end whatever that is."""

    def __init__(self, store: Callable[[list[Any]], int]) -> None:
        self.store = store
        self.held: list[Any] = []
        self.rows = 0
        self.added = 0

    def add(self, rows: list[Any]) -> None:
        """Hold rows; write them when they are many."""
        self.held += rows
        self.rows += len(rows)
        if len(self.held) >= KEEP_ROWS:
            self.write()

    def write(self) -> None:
        """Write what is held."""
        held, self.held = self.held, []
        if held:
            self.added += self.store(held)


def _fitting(grid: Grid, prices: np.ndarray) -> Grid:
    """The venue's grid; without its tick where older prices were finer."""
    if grid.tick is None or on_grid(prices, grid.tick).all():
        return grid
    return Grid(None, grid.lot, grid.contract_size, grid.min_notional)


def _newest_ids(folder: Any) -> set[str]:
    """Ids of the newest stored trades: the next request begins at their time."""
    held = read_series(folder)
    if held is None or held.last_ns is None:
        return set()
    return set(load_series(folder, held, start_ns=held.last_ns)["id"].to_list())


def _frame_ms(frame: Timeframe, time_ms: int) -> int:
    """Open of the first bar at or after a time."""
    opens = frame.open_of(time_ms * NS_PER_MS)
    return (opens if opens == time_ms * NS_PER_MS else frame.next_open(opens)) // NS_PER_MS


def _close_ms(frame: Timeframe, open_ms: int) -> int:
    return frame.next_open(open_ms * NS_PER_MS) // NS_PER_MS


def _length_ms(frame: Timeframe) -> int:
    return (frame.next_open(0) - frame.open_of(0)) // NS_PER_MS
