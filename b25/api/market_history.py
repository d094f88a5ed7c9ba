"""Bars, trades, funding and book rows of the catalog, by pages that other imports do not move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from b25.api.problems import Problem
from b25.market.bar_catalog import FUNDING, TRADES, Stored, series_of
from b25.market.catalog import Catalog
from b25.market.manifest import Manifest
from b25.market.series import TIME, load_series
from b25.market.timeframe import timeframe
from b25.model.errors import Misuse
from b25.model.event import BUY, CLEAR, DEPTH, GAP, SELL, SNAPSHOT, TRADE
from b25.model.instrument import Instrument

GAPS_TOLD_MAX: Final = 100
KINDS: Final = {DEPTH: "depth", TRADE: "trade", CLEAR: "clear", SNAPSHOT: "snapshot", GAP: "gap"}
SIDES: Final = {BUY: "buy", SELL: "sell"}
FILE_MTIME: Final = "file_changed_ns"


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, where to go on, and what there is to know of them."""

    rows: pl.DataFrame
    place: list[Any] | None
    notes: dict[str, Any]
    instrument: Instrument


def stored(catalog: Catalog, symbol: str, venue: str, kind: str) -> Stored:
    """Return one series. Raises Problem when there is none, or venues are to be chosen from."""
    try:
        held = series_of(catalog, symbol, venue or None)
    except Misuse as fault:
        raise Problem(404, f"there are no {kind} of this symbol", remedy="see /api/v1/history/catalog") from fault
    found = next((one for one in held if one.kind == kind), None)
    if found is None:
        kinds = ", ".join(one.kind for one in held)
        raise Problem(404, f"there are no {kind} of this symbol", remedy=f"there are {kinds}")
    return found


def series_page(found: Stored, start_ns: int, end_ns: int, after: list[Any], limit: int) -> Page:
    """Rows of a series in [start, end), after a place (time and, of trades, id)."""
    begin = max(start_ns, after[0]) if after else start_ns
    try:
        rows = load_series(found.folder, _cut(found, begin, end_ns, limit), begin, end_ns)
    except Misuse as fault:
        if "no row of this span" not in fault.what:
            raise
        rows = None
    notes = _series_notes(found)
    if rows is None:
        return Page(pl.DataFrame(), None, notes | {"gaps": []}, found.series.instrument)
    has_id = "id" in rows.columns
    if after:
        later = pl.col(TIME) > after[0]
        rows = rows.filter(later | ((pl.col(TIME) == after[0]) & (pl.col("id") > after[1])) if has_id else later)
    rows = rows.sort(TIME, "id") if has_id else rows
    more = rows.height > limit
    rows = rows.head(limit)
    place = [int(rows[TIME][-1]), *([rows["id"][-1]] if has_id else [])] if more else None
    return Page(rows, place, notes | {"gaps": _gaps(rows, found)}, found.series.instrument)


def _cut(found: Stored, start_ns: int, end_ns: int, limit: int) -> Any:
    """The series with only as many of its files as hold a page and one row more."""
    kept, rows = [], 0
    for file in found.series.files:
        if file.last_ns < start_ns:
            continue
        if file.first_ns >= end_ns or rows > limit:
            break
        kept.append(file)
        rows += file.rows if file.first_ns >= start_ns else 0
    return replace(found.series, files=tuple(kept))


def _gaps(rows: pl.DataFrame, found: Stored) -> list[dict[str, int]]:
    """Where a bar does not open when the one before it closed; empty for what is not of a timeframe."""
    if found.kind in (FUNDING, TRADES) or rows.height < 2:
        return []
    opens = rows[TIME].to_numpy()
    closes = timeframe(found.kind).next_open(opens)
    places = np.flatnonzero(opens[1:] > closes[:-1])[:GAPS_TOLD_MAX]
    return [{"start_ns": int(closes[i]), "end_ns": int(opens[i + 1])} for i in places]


def _series_notes(found: Stored) -> dict[str, Any]:
    instrument = found.series.instrument
    changed = max(((found.folder / file.path).stat().st_mtime_ns for file in found.series.files), default=0)
    return {
        "venue": instrument.venue, "symbol": instrument.symbol, "kind": found.kind, "sources": list(found.series.sources),
        FILE_MTIME: changed, "version": _version(file.sha256 for file in found.series.files),
    }  # fmt: skip


def _version(hashes: Iterable[str]) -> str:
    """Of what is kept: another one when anything of it was revised."""
    digest = hashlib.sha256()
    for one in hashes:
        digest.update(one.encode())
    return digest.hexdigest()[:16]


def candles_kind(interval: str) -> str:
    """The kind of series that an interval is. Raises Problem for what is no timeframe."""
    try:
        return timeframe(interval).name
    except Misuse as fault:
        raise Problem(
            422, fault.what, remedy=fault.remedy, fields=[{"field": "query.interval", "rule": "a timeframe"}]
        ) from fault


def decimal_text(number: float | None) -> str | None:
    """The shortest decimal of a float, without an exponent; None stays None."""
    if number is None:
        return None
    said = repr(number)
    if "e" in said:
        said = f"{Decimal(said):f}"
    return said.removesuffix(".0")


def decimal_texts(numbers: pl.Series) -> list[str | None]:
    """The same of a column: polars writes the shortest decimal too, and only its exponents are rewritten here."""
    said = numbers.cast(pl.String).str.strip_suffix(".0").to_list()
    return [decimal_text(float(one)) if one is not None and "e" in one else one for one in said]


def book_page(catalog: Catalog, symbol: str, venue: str, start_ns: int, end_ns: int, after: list[Any], limit: int) -> Page:
    """Rows of depth and snapshots as the captures had them, in file order; the place is a file's name and a row in it."""
    manifest = _manifest(catalog, symbol, venue)
    folder = catalog.instrument_folder(manifest.instrument.venue, manifest.instrument.symbol)
    files = [file for source in manifest.sources for file in source.files if file.kind == "l2"]
    if after:
        names = [file.path for file in files]
        if after[0] not in names:
            raise Problem(409, "the data of this cursor were imported anew", remedy="begin again without a cursor")
        files = files[names.index(after[0]) :]
    parts: list[pl.DataFrame] = []
    place: list[Any] | None = None
    left = limit
    for file in files:
        if file.last_ns < start_ns or file.first_ns >= end_ns:
            continue
        skip = after[1] + 1 if after and file.path == after[0] else 0
        rows = _book_rows(folder / file.path, skip, start_ns, end_ns, left + 1)
        if rows.height > left:
            place = [file.path, int(rows["row"][left - 1])] if left else place
            parts.append(rows.head(left))
            break
        parts.append(rows)
        left -= rows.height
        if rows.height:
            place = [file.path, int(rows["row"][-1])]
    else:
        place = None
    instrument = manifest.instrument
    rows = pl.concat(parts) if parts else pl.DataFrame()
    notes = {
        "venue": instrument.venue, "symbol": instrument.symbol, "kind": "l2", "tick": f"{instrument.tick:f}",
        "lot": f"{instrument.lot:f}", "sources": [source.name for source in manifest.sources], "gaps": _breaks(rows),
        FILE_MTIME: max(((folder / file.path).stat().st_mtime_ns for file in files), default=0),
        "version": _version(file.sha256 for file in files),
    }  # fmt: skip
    return Page(rows, place, notes, instrument)


def _book_rows(path: Path, skip: int, start_ns: int, end_ns: int, most: int) -> pl.DataFrame:
    try:
        lazy = pl.scan_parquet(path, glob=False).with_row_index("row").slice(skip)
        inside = (pl.col("exch_ns") >= start_ns) & (pl.col("exch_ns") < end_ns)
        return lazy.filter(inside).head(most).collect()
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise Problem(503, f"a file of the catalog cannot be read: {path.name}", remedy="see b25 data check") from fault


def _manifest(catalog: Catalog, symbol: str, venue: str) -> Manifest:
    held = [one for one in catalog.manifests() if one.instrument.symbol == symbol and venue in ("", one.instrument.venue)]
    if len(held) != 1:
        remedy = "give venue=" if held else "see /api/v1/history/catalog"
        raise Problem(404, f"{len(held)} venues have book rows of this symbol", remedy=remedy)
    return held[0]


def _breaks(rows: pl.DataFrame) -> list[dict[str, int]]:
    """Where the venue's sequence broke: the book is suspect from there until a snapshot."""
    if not rows.height:
        return []
    times = rows.filter(pl.col("kind") == GAP)["exch_ns"].head(GAPS_TOLD_MAX).to_list()
    return [{"start_ns": int(at), "end_ns": int(at)} for at in times]


def book_rows(rows: pl.DataFrame, instrument: Instrument) -> list[dict[str, Any]]:
    """Book rows in words and decimals."""
    return [
        {
            "time_ns": row["exch_ns"], "receive_ns": row["recv_ns"], "kind": KINDS.get(row["kind"], str(row["kind"])),
            "side": SIDES.get(row["side"]), "price": f"{instrument.price(row['price_ticks']):f}",
            "quantity": f"{instrument.quantity(row['qty_lots']):f}", "first_id": row["first_id"], "last_id": row["last_id"],
        }
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
