"""Put one capture's rows into the catalog, whole or not at all.

Files are written to a folder beside their place, forced to the disk and renamed; the manifest is renamed last. Until then the
catalog is what it was, and what an interrupted import leaves behind is removed by the next one.
"""

import hashlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from b25.kernels.columns import LONG, SHORT, split_columns
from b25.market.catalog import COLUMNS, Catalog
from b25.market.manifest import NAME, Manifest, Source, StoredFile, read_manifest
from b25.market.whole_files import force, locked, missing_folders, remove_if_empty
from b25.model.errors import Misuse
from b25.model.event import ROW
from b25.model.instrument import Instrument

NS_PER_DAY = 86_400_000_000_000
COMPRESSION_LEVEL = 1
THREADS = 3
WORK_PREFIX = ".import-"


def store(
    catalog: Catalog,
    instrument: Instrument,
    source: Source,
    kinds: dict[str, np.ndarray],
    quality: Callable[[], dict[str, Any]] | None = None,
) -> Manifest:
    """Write a capture's rows and name them in the manifest; a capture of the same hash is replaced.

    Parameters
    ----------
    catalog : Catalog
        Its folder is made if needed.
    instrument : Instrument
        The grid of the rows.
    source : Source
        Without files.
    kinds : dict of str to ndarray of ROW
        Rows by kind, in file order.
    quality : callable, optional
        Gives the source's quality, beside the writing, where `source` does not have it yet.

    Raises
    ------
    Misuse
        When the span overlaps another capture's, or the disk is full or not writable; the catalog is as before.
    """
    folder = catalog.instrument_folder(instrument.venue, instrument.symbol)
    made = missing_folders(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            return _store(folder, instrument, source, kinds, quality)
    except (OSError, pl.exceptions.PolarsError) as fault:
        for path in made:
            remove_if_empty(path)
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        raise Misuse(
            f"writing to {folder} failed: {reason}; the catalog is as it was before",
            remedy="free some space or give a folder that you can write to with --catalog, then import again",
        ) from None


def _store(
    folder: Path,
    instrument: Instrument,
    source: Source,
    kinds: dict[str, np.ndarray],
    quality: Callable[[], dict[str, Any]] | None,
) -> Manifest:
    old = read_manifest(folder) or Manifest(instrument, [])
    refuse_overlap(old, source)
    _remove_strays(folder, old)
    work = folder / f"{WORK_PREFIX}{os.getpid()}"
    work.mkdir()
    try:
        kept = {file.path: file for one in old.sources for file in one.files}
        jobs = _jobs(kinds, set(kept))
        with ThreadPoolExecutor(THREADS) as pool:
            judged = pool.submit(quality or (lambda: source.quality))
            files = list(pool.map(lambda job: _write(work, *job), jobs))
            source = replace(source, files=files, quality=judged.result())
        manifest = replace(old, instrument=instrument).with_source(source)
        draft = work / NAME
        draft.write_text(manifest.text(), encoding="utf-8")
        force(draft)
        for file in files:
            (folder / file.kind).mkdir(exist_ok=True)
            (work / file.path.replace("/", "_")).rename(folder / file.path)
        for kind in {file.kind for file in files}:
            force(folder / kind)
        draft.rename(folder / NAME)
        force(folder)
    except BaseException:
        _remove_strays(folder, old)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _remove_strays(folder, manifest)
    return manifest


def refuse_overlap(manifest: Manifest, source: Source) -> None:
    """Raise Misuse when a capture was received in the time of another one, unless it is the same."""
    for other in manifest.sources:
        apart = source.last_recv_ns < other.first_recv_ns or source.first_recv_ns > other.last_recv_ns
        if other.sha256 != source.sha256 and not apart:
            raise Misuse(
                f"{source.name} overlaps {other.name}, which is already in the catalog "
                f"(received {source.first_recv_ns}…{source.last_recv_ns} and {other.first_recv_ns}…{other.last_recv_ns} ns)",
                remedy="import it into another catalog, or cut the overlap from one of the files",
            )


def _jobs(kinds: dict[str, np.ndarray], taken: set[str]) -> list[tuple[str, str, np.ndarray]]:
    """(kind, path, rows) of each file: the days of receipt, under names that no file has yet."""
    jobs = []
    for kind, rows in kinds.items():
        if len(rows) == 0:
            continue
        for start, stop, number in _days(rows["recv_ns"]):
            day = np.datetime64(number, "D")
            path = next(path for path in _names(kind, str(day)) if path not in taken)
            jobs.append((kind, path, rows[start:stop]))
    return jobs


def _days(recv_ns: np.ndarray) -> list[tuple[int, int, int]]:
    """(first row, row after the last, day since 1970) of each day; in file order it never goes back, even where a time does."""
    first, last = int(recv_ns[0]) // NS_PER_DAY, int(recv_ns.max()) // NS_PER_DAY
    if first == last:
        return [(0, len(recv_ns), first)]
    days = np.maximum.accumulate(recv_ns) // NS_PER_DAY
    starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(recv_ns)]
    return [(start, stop, int(days[start])) for start, stop in itertools.pairwise(starts)]


def _names(kind: str, day: str) -> Iterator[str]:
    yield f"{kind}/{day}.parquet"
    number = 2
    while True:
        yield f"{kind}/{day}_{number}.parquet"
        number += 1


def _write(work: Path, kind: str, path: str, rows: np.ndarray) -> StoredFile:
    columns = _columns(rows)
    content = hashlib.sha256()
    for column in columns.values():
        content.update(column.data)
    draft = work / path.replace("/", "_")
    pl.DataFrame(columns).write_parquet(
        draft, compression="zstd", compression_level=COMPRESSION_LEVEL, statistics=False, row_group_size=1 << 20
    )
    digest = force(draft)
    return StoredFile(
        kind=kind,
        path=path,
        rows=len(rows),
        bytes=draft.stat().st_size,
        sha256=digest,
        content_hash=content.hexdigest(),
        first_ns=int(columns["exch_ns"].min()),
        last_ns=int(columns["exch_ns"].max()),
    )


def _columns(rows: np.ndarray) -> dict[str, np.ndarray]:
    count = len(rows)
    prices = np.empty(count, np.int32)
    long, short = np.empty((len(LONG), count), np.int64), np.empty((len(SHORT), count), np.uint8)
    split_columns(rows, long, prices, short)
    found: dict[str, np.ndarray] = {"price_ticks": prices}
    found.update(zip(LONG, long, strict=True))
    found.update((name, column.view(ROW[name])) for name, column in zip(SHORT, short, strict=True))
    return {name: found[name] for name in COLUMNS}


def _remove_strays(folder: Path, manifest: Manifest) -> None:
    """Remove what no manifest names: left by an interrupted import, or replaced."""
    named = {file.path for source in manifest.sources for file in source.files}
    for path in folder.glob("*/*.parquet"):
        # A folder with a manifest of its own is no capture's: see b25.market.series.
        if path.relative_to(folder).as_posix() not in named and not (path.parent / NAME).exists():
            path.unlink()
    for path in folder.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)
