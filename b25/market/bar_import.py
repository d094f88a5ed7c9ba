"""Import a file of bars or of trades into the catalog, with the funding rates that lie beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from b25.market.bar_catalog import bars_folder, load_bars, series_of, store_bars, store_trades
from b25.market.bar_columns import spacing
from b25.market.bar_files import FORMATS, TRADE_COLUMNS, bar_columns, read_frame, read_name
from b25.market.bar_folder import venue_of_folder
from b25.market.bar_grid import Grid, make_instrument
from b25.market.bar_source import CSV_FIRST_ROW, BarRequest, needed_symbol, read_bars
from b25.market.catalog import Catalog
from b25.market.frame_columns import find
from b25.market.timeframe import timeframe
from b25.market.trades import holds_trades, trade_columns
from b25.model.errors import Misuse


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a table of bars or trades, not of a raw capture."""
    return path.name.endswith(FORMATS)


def import_table(
    path: Path, *, catalog: Catalog, frame: str | None = None, venue: str | None = None, symbol: str | None = None, grid: Grid
) -> dict[str, Any]:
    """Import a file; rows that are there already must be equal.

    Parameters
    ----------
    path : Path
        See `b25.market.bar_files.read_frame`.
    catalog : Catalog
    frame : str, optional
        Timeframe; else what the file's name or the times in it say.
    venue, symbol : str, optional
        Else what the file's name and folder say; see `b25.bars`.
    grid : Grid
        Steps that were given.

    Returns
    -------
    dict
        What the catalog then has: rows, new ones, span, gaps, notes.

    Raises
    ------
    Misuse
        For any fault in the file; the catalog is as before.
    """
    named = read_name(path)
    symbol = needed_symbol(symbol or (named.symbol if named else None), f"the name of {path.name}")
    venue = venue or venue_of_folder(path, symbol)
    if (named and named.kind == "trades") or holds_trades(read_frame(path)):
        return _import_trades(path, catalog, venue, symbol, grid)
    frame = frame or (named.timeframe if named else None) or _spacing(path)
    request = BarRequest((frame,), symbol=symbol, venue=venue, grid=grid)
    bars = read_bars(path, request)
    given = grid.tick is not None and grid.lot is not None
    series, added = store_bars(catalog, bars, given=given, source=path.name)
    folder = bars_folder(catalog, venue, symbol, timeframe(frame))
    stored = next(one for one in series_of(catalog, symbol, venue) if one.folder == folder)
    whole = load_bars(stored)
    return {
        **_facts(path, venue, symbol, bars.timeframe),
        "tick": f"{series.instrument.tick:f}",
        "lot": f"{series.instrument.lot:f}",
        "added": added,
        "rows": series.rows,
        "first_ns": whole.start_ns,
        "last_ns": whole.end_ns,
        "funding_rows": len(bars.funding),
        "gaps": [str(gap) for gap in whole.gaps],
        "notes": list(bars.notes),
    }


def _import_trades(path: Path, catalog: Catalog, venue: str, symbol: str, grid: Grid) -> dict[str, Any]:
    frame = read_frame(path, TRADE_COLUMNS)
    trades = trade_columns(frame, path.name, first_row=CSV_FIRST_ROW if ".csv" in path.name else 0)
    identity = find(frame, ("id", "trade_id", "agg_trade_id"))
    if identity is None or frame[identity].null_count():
        raise Misuse(
            f"{path.name} has no column id, so that a trade that is imported twice cannot be told from two",
            remedy="give each trade the venue's id",
        )
    instrument, notes = make_instrument(venue, symbol, trades.price, trades.amount, grid)
    ids = [str(one) for one in frame[identity].to_list()]
    series, added = store_trades(catalog, instrument, trades, ids, source=path.name)
    return {
        **_facts(path, venue, symbol, "trades"),
        "tick": f"{series.instrument.tick:f}",
        "lot": f"{series.instrument.lot:f}",
        "added": added,
        "rows": series.rows,
        "first_ns": series.files[0].first_ns,
        "last_ns": series.files[-1].last_ns,
        "funding_rows": 0,
        "gaps": [],
        "notes": list(notes),
    }


def _facts(path: Path, venue: str, symbol: str, kind: str) -> dict[str, Any]:
    return {"source": path.name, "venue": venue, "symbol": symbol, "kind": kind}


def _spacing(path: Path) -> str:
    columns, _ = bar_columns(read_frame(path), path.name)
    found = spacing(columns.open_ns)
    if found is None:
        raise Misuse(f"the times in {path.name} do not show which timeframe it is of", remedy="say it, e.g. --timeframe 1m")
    return found.name
