"""Bring recorded text into the catalog, whatever stage an earlier run left it in: half a line, closed, packed, or imported.

Each step is done whole or not at all, and done again without harm: cut the last half line, pack, import, in this order.
Run as a module it settles one instrument's closed files, so that a recorder need not stop for it.
"""

import gzip
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import orjson

from b25.kernels.archive import SURVEY, archive_rows, begin_survey
from b25.kernels.bridging import BY_PREVIOUS, RECENT
from b25.market.capture import Capture, grid_of, read_capture
from b25.market.catalog import Catalog
from b25.market.catalog_writer import store
from b25.market.grid import places_and_step
from b25.market.import_capture import Wanted, import_capture
from b25.market.manifest import Source, instrument_of, instrument_text, read_manifest
from b25.market.quality import quality_report
from b25.market.record_text import CLOSED, FOLDER, OPEN
from b25.market.venue_names import MARKETS
from b25.model.errors import Misuse
from b25.model.event import DEPTH, ROW
from b25.model.instrument import Instrument
from b25.model.message import USDM

PACKED, PACKING, UNREADABLE = ".gz", ".packing", ".unreadable"
GZIP_LEVEL = 3
TAIL_BYTES = 1 << 16
BUSY_TRIES, BUSY_WAIT_S = 20, 0.5


def settle(catalog: Catalog, instrument: Instrument, raw_name: str, *, also_open: bool = False) -> list[Source]:
    """Settle one instrument's recorded files; return what came into the catalog now.

    Parameters
    ----------
    catalog : Catalog
    instrument : Instrument
        With the grid that was recorded on.
    raw_name : str
        The symbol as it stands in the messages.
    also_open : bool
        Files that were still being written, too: only when no recorder runs.

    Raises
    ------
    Misuse
        When the disk is full or not writable. A file of which nothing can be made is left where it is, renamed.
    """
    folder = catalog.instrument_folder(instrument.venue, instrument.symbol)
    raw = folder / FOLDER
    for stray in raw.glob(f"*{PACKING}"):
        stray.unlink()
    if also_open:
        for path in sorted(raw.glob(f"*{OPEN}")):
            _close(path)
    for path in sorted(raw.glob(f"*{CLOSED}")):
        _pack(path)
    known = read_manifest(folder)
    have = {source.name for source in known.sources} if known else set()
    settled = []
    for path in sorted(raw.glob(f"*{PACKED}")):
        if path.name in have:
            continue
        try:
            settled.append(_import(catalog, instrument, raw_name, path))
        except Misuse as fault:
            if not any(why in fault.what for why in ("no depth, snapshot or trade", "is empty")):
                raise
            path.rename(path.with_suffix(path.suffix + UNREADABLE))  # the start of a recording that was ended at once
    return settled


def _close(path: Path) -> None:
    """Cut what stands after the last line feed, and let the file be closed; one without a line goes."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        keep = 0
        while end > 0:
            start = max(0, end - TAIL_BYTES)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                keep = start + at + 1
                break
            end = start
        file.truncate(keep)
    if keep:
        path.rename(path.with_suffix(CLOSED))
    else:
        path.unlink()


def _pack(path: Path) -> None:
    draft, done = path.with_suffix(PACKING), path.with_suffix(PACKED)
    try:
        with path.open("rb") as text, draft.open("wb") as file:
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
                shutil.copyfileobj(text, packed, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(done)
    except OSError as fault:
        draft.unlink(missing_ok=True)
        raise Misuse(
            f"packing {path} failed: {fault.strerror}; the text is kept",
            remedy="free some space, then record again, or import the file",
        ) from None
    path.unlink()


def _import(catalog: Catalog, instrument: Instrument, raw_name: str, path: Path) -> Source:
    for wait_s in (*[BUSY_WAIT_S] * BUSY_TRIES, None):
        try:
            if instrument.venue in MARKETS:
                wanted = Wanted(instrument.tick, instrument.lot, instrument.contract_size)
                venue, symbol = instrument.venue, instrument.symbol
                return import_capture(path, venue=venue, symbol=symbol, catalog=catalog, wanted=wanted, on_bad="skip").source
            return _import_translated(catalog, instrument, raw_name, path)
        except Misuse as fault:
            if "another import" not in fault.what or wait_s is None:
                raise
            time.sleep(wait_s)
    raise AssertionError("the last attempt returns or raises")


def _import_translated(catalog: Catalog, instrument: Instrument, raw_name: str, path: Path) -> Source:
    """Import what `ccxt_feed` wrote of a venue that is not Binance, in the layout of USD-M."""
    grid = grid_of(USDM, places_and_step(instrument.tick), places_and_step(instrument.lot))
    capture = read_capture(path, raw_name, grid, on_bad="skip")
    survey = np.zeros(1, SURVEY)
    folder = catalog.instrument_folder(instrument.venue, instrument.symbol)
    known = read_manifest(folder)
    begin_survey(survey[0], known.sources[-1].last_update_id if known and known.sources else -1)
    l2 = np.empty(sum(map(len, capture.parts)) + capture.diffs, ROW)
    bbo = np.empty(2 * capture.tickers, ROW)
    recent = np.full(RECENT, -1, np.int64)
    for part in capture.parts:
        archive_rows(part, BY_PREVIOUS, 1, 1, survey[0], recent, l2, bbo)
    found = survey[0]
    l2, bbo = l2[: found["l2_rows"]], bbo[: found["bbo_rows"]]
    if len(l2) == 0:
        raise Misuse(f"{path.name}: no depth, snapshot or trade in the capture", remedy="record for longer")
    source = Source(
        name=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        first_recv_ns=int(found["first_recv_ns"]),
        last_recv_ns=int(found["last_recv_ns"]),
        first_update_id=int(l2["first_id"][np.argmax(l2["kind"] == DEPTH)]),
        last_update_id=int(found["last_id"]),
        facts=_facts(capture, found, len(l2), len(bbo)),
    )
    manifest = store(
        catalog, instrument, source, {"l2": l2, "bbo": bbo}, lambda: quality_report(capture, found, l2, instrument.venue)
    )
    return next(one for one in manifest.sources if one.sha256 == source.sha256)


def _facts(capture: Capture, survey: np.void, rows: int, bbo_rows: int) -> dict[str, int]:
    return {
        "rows": rows,
        "bbo_rows": bbo_rows,
        "diffs": capture.diffs,
        "trades": capture.trades,
        "snapshots": capture.snapshots,
        "tickers": capture.tickers,
        "gaps": int(survey["gaps"]),
        "duplicates": int(survey["repeated_diffs"]) + int(survey["repeated_trades"]),
        "first_ns": int(survey["first_ns"]),
        "last_ns": int(survey["last_ns"]),
        "lines": capture.lines,
        "text_bytes": capture.text_bytes,
        "clock_offset_ns": max(0, -int(survey["latency_ns_min"])),
    }


def command(catalog: Path, instrument: Instrument, raw_name: str) -> list[str]:
    """Words that settle one instrument's closed files in a process of its own."""
    told = {"catalog": str(catalog), "instrument": instrument_text(instrument), "raw_name": raw_name}
    return [sys.executable, "-m", "b25.market.record_settle", orjson.dumps(told).decode()]


def main(words: list[str]) -> int:
    """Settle as `command` says; the answer is the exit code, a fault is told on standard error."""
    told = orjson.loads(words[0])
    try:
        settle(Catalog(told["catalog"]), instrument_of(told["instrument"]), told["raw_name"])
    except Misuse as fault:
        print(fault.what, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
