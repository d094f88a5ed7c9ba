"""Series of an instrument in the catalog, one row a time: bars, funding rates, trades from a venue's history.

    DIR/<venue>/<symbol>/bars-5m/manifest.json        the instrument, what was imported, and the files
    DIR/<venue>/<symbol>/bars-5m/2024-01.parquet      a month; of shorter frames a day, of longer ones a year
    DIR/<venue>/<symbol>/funding/…, trades/…

What is imported again must be what is there. The manifest is renamed last: until then the series is what it was, and what
it does not name does not exist.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from b25.market.manifest import NAME, instrument_of, instrument_text
from b25.market.timerange import time_text
from b25.market.whole_files import force, locked, missing_folders, remove_if_empty
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

VERSION = 1
TIME = "time_ns"
WORK_PREFIX = ".import-"
PERIODS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """One Parquet file: a period's rows."""

    period: str
    path: str
    rows: int
    bytes: int
    sha256: str
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Series:
    """A manifest.

    Attributes
    ----------
    instrument : Instrument
    given : bool
        Whether its tick and lot were given by somebody who knows, not inferred.
    sources : tuple of str
        What was imported, in order.
    files : tuple of SeriesFile
        In order of time.
    """

    instrument: Instrument
    given: bool
    sources: tuple[str, ...] = ()
    files: tuple[SeriesFile, ...] = ()

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(file.rows for file in self.files)

    @property
    def last_ns(self) -> int | None:
        """Time of the newest row."""
        return self.files[-1].last_ns if self.files else None


def read_series(folder: Path) -> Series | None:
    """Return the manifest in a folder, or None when there is none; Misuse when it is damaged."""
    path = folder / NAME
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["version"] != VERSION:
            raise Misuse(f"{path} has version {body['version']}, not {VERSION}", remedy="import the data into a new catalog")
        files = tuple(SeriesFile(**one) for one in body["files"])
        return Series(instrument_of(body["instrument"]), bool(body["given"]), tuple(body["sources"]), files)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise Misuse(f"{path} cannot be read: {fault.strerror}", remedy="give a catalog that you can read") from None
    except (ValueError, KeyError, TypeError) as fault:
        raise Misuse(f"{path} is damaged: {fault!r}", remedy="remove its folder and import the data again") from None


def load_series(folder: Path, series: Series, start_ns: int | None = None, end_ns: int | None = None) -> pl.DataFrame:
    """Return the rows of `[start_ns, end_ns)`, in order of time.

    Raises
    ------
    Misuse
        When a file is missing or damaged.
    """
    parts = [
        _read(folder / file.path, file.rows)
        for file in series.files
        if (start_ns is None or file.last_ns >= start_ns) and (end_ns is None or file.first_ns < end_ns)
    ]
    if not parts:
        raise Misuse(f"{folder} holds no row of this span", remedy="import or download the span")
    rows = pl.concat(parts)
    if start_ns is not None:
        rows = rows.filter(pl.col(TIME) >= start_ns)
    return rows if end_ns is None else rows.filter(pl.col(TIME) < end_ns)


def store_series(
    folder: Path, rows: pl.DataFrame, *, instrument: Instrument, given: bool, source: str, period: str, key: tuple[str, ...]
) -> tuple[Series, int]:
    """Add rows to a series; rows that are there already must be equal.

    Parameters
    ----------
    folder : Path
        Made if needed.
    rows : DataFrame
        With a column `time_ns`; null where a value is unknown.
    instrument : Instrument
        What the manifest shall say.
    given : bool
        See `Series`.
    source : str
        What the rows were imported from.
    period : {"day", "month", "year"}
        Of a file.
    key : tuple of str
        Columns that tell rows apart.

    Returns
    -------
    Series, int
        The series as it is then, and how many rows are new.

    Raises
    ------
    Misuse
        When a row differs from the one that is there, or the disk is full; the series is as before.
    """
    made = missing_folders(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            old = read_series(folder) or Series(instrument, given)
            sources = old.sources if source in old.sources else (*old.sources, source)
            return _store(folder, replace(old, instrument=instrument, given=given, sources=sources), rows, period, key)
    except (OSError, pl.exceptions.PolarsError) as fault:
        for path in made:
            remove_if_empty(path)
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise Misuse(
            f"writing to {folder} failed: {reason}; the catalog is as it was before",
            remedy="free some space or give a folder that you can write to with --catalog, then import again",
        ) from None


def series_faults(folder: Path, series: Series) -> Iterator[str]:
    """Compare every file with the manifest; yield the faults, one sentence each."""
    for file in series.files:
        path = folder / file.path
        if not path.exists():
            yield f"{path} is missing; import its data again"
        elif force(path) != file.sha256:
            yield f"{path} is not what was imported (its hash differs); import its data again"


def _store(folder: Path, series: Series, rows: pl.DataFrame, period: str, key: tuple[str, ...]) -> tuple[Series, int]:
    named = rows.with_columns(pl.from_epoch(TIME, time_unit="ns").dt.strftime(PERIODS[period]).alias("period"))
    kept = {file.period: file for file in series.files}
    work = folder / f"{WORK_PREFIX}{os.getpid()}"
    work.mkdir()
    try:
        drafts: dict[str, Path] = {}
        added = 0
        for (name,), part in named.partition_by("period", as_dict=True, include_key=False).items():
            old = kept.get(str(name))
            before = _read(folder / old.path, old.rows) if old else part.clear()
            merged = _merged(before, part, key, folder)
            added += merged.height - before.height
            if old is None or not merged.equals(before):
                kept[str(name)], draft = _write(work, folder, str(name), merged)
                drafts[kept[str(name)].path] = draft
        done = replace(series, files=tuple(sorted(kept.values(), key=lambda file: file.first_ns)))
        manifest = work / NAME
        manifest.write_text(_text(done), encoding="utf-8")
        force(manifest)
        for path, draft in drafts.items():
            draft.rename(folder / path)
        manifest.rename(folder / NAME)
        force(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        _remove_strays(folder)
    return done, added


def _merged(before: pl.DataFrame, part: pl.DataFrame, key: tuple[str, ...], folder: Path) -> pl.DataFrame:
    """Both, by key; what one does not know is taken from the other. Raises Misuse where they differ."""
    if before.height == 0:
        return part.sort(key)
    names = [name for name in before.columns if name not in key]
    both = before.join(part, on=list(key), how="left", suffix="_new", maintain_order="left")
    for name in names:
        differs = both.filter(pl.col(name) != pl.col(f"{name}_new"))  # null where one of the two is unknown, and so left out
        if differs.height:
            row = differs.row(0, named=True)
            raise Misuse(
                f"{folder.parent.name} {folder.name}, {time_text(row[TIME])}: {name} is {row[name]} in the catalog and "
                f"{row[f'{name}_new']} in what is imported ({differs.height:,} such rows)",
                remedy="import it into another catalog, or cut the overlap: one of the two sources is wrong",
            )
    known = both.with_columns(pl.coalesce(name, f"{name}_new").alias(name) for name in names).select(before.columns)
    new = part.join(before, on=list(key), how="anti").select(before.columns)
    return pl.concat([known, new]).sort(key)


def _write(work: Path, folder: Path, period: str, rows: pl.DataFrame) -> tuple[SeriesFile, Path]:
    path, number = f"{period}.parquet", 2
    while (folder / path).exists():
        path, number = f"{period}_{number}.parquet", number + 1
    draft = work / path
    rows.write_parquet(draft, compression="zstd", compression_level=1, statistics=False)
    digest = force(draft)
    first, last = int(rows[TIME][0]), int(rows[TIME][-1])
    return SeriesFile(period, path, rows.height, draft.stat().st_size, digest, first, last), draft


def _read(path: Path, count: int) -> pl.DataFrame:
    remedy = "import its data again; `b25 data check` names all such files"
    try:
        rows = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise Misuse(f"{path} cannot be read: {str(fault).partition(chr(10))[0]}", remedy=remedy) from None
    if rows.height != count:
        raise Misuse(f"{path} holds {rows.height} rows, its manifest says {count}", remedy=remedy)
    return rows


def _text(series: Series) -> str:
    body: dict[str, Any] = {
        "version": VERSION,
        "instrument": instrument_text(series.instrument),
        "given": series.given,
        "sources": list(series.sources),
        "files": [asdict(file) for file in series.files],
    }
    return json.dumps(body, indent=1, sort_keys=True) + "\n"


def _remove_strays(folder: Path) -> None:
    """Remove what the manifest does not name: replaced, or left by an interrupted import."""
    found = read_series(folder)
    named = {file.path for file in found.files} if found else set()
    for path in folder.glob("*.parquet"):
        if path.name not in named:
            path.unlink()
    for path in folder.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)
