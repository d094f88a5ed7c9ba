"""From a raw capture to the catalog: find the grid, read the rows, judge them, store them whole or not at all."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from b25.kernels.archive import SURVEY, archive_rows, begin_survey
from b25.kernels.bridging import RECENT
from b25.market.bridge import chain_rule
from b25.market.capture import Capture, OnBad, Progress, grid_of, read_capture
from b25.market.catalog import Catalog
from b25.market.catalog_writer import store
from b25.market.grid import infer_steps, nearly_fits, places_and_step
from b25.market.manifest import Manifest, Source, read_manifest
from b25.market.quality import quality_report
from b25.market.slow_path import OffGrid, TooLarge
from b25.market.venue_names import default_contract_size, known_instrument, market_of, raw_symbol
from b25.model.errors import Misuse
from b25.model.event import DEPTH, ROW
from b25.model.instrument import Instrument
from b25.model.message import COINM

FINEST = 8  # decimals that any price of Binance has room in
QTY_PLACES = (8, 3, 0)  # quantities of very cheap coins do not fit int64 at eight


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller says of the instrument; None where the data shall tell."""

    tick: Decimal | None = None
    lot: Decimal | None = None
    contract_size: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `as_dict` is the answer of `b25 data import --json`."""

    instrument: Instrument
    source: Source
    bad_file: Path | None

    def as_dict(self) -> dict[str, Any]:
        """Return counts and times as JSON values."""
        return {
            "venue": self.instrument.venue,
            "symbol": self.instrument.symbol,
            "tick": f"{self.instrument.tick:f}",
            "lot": f"{self.instrument.lot:f}",
            **self.source.facts,
            "source": self.source.name,
            "files": [file.path for file in self.source.files],
            "bad_lines_file": str(self.bad_file) if self.bad_file else None,
            "quality": self.source.quality,
        }


def import_capture(
    path: Path | str,
    *,
    venue: str,
    symbol: str,
    catalog: Catalog | Path | str,
    wanted: Wanted | None = None,
    on_bad: OnBad = "error",
    progress: Progress | None = None,
) -> Imported:
    """Import a raw capture.

    Parameters
    ----------
    path : Path or str
        Plain or gzip: lines of 19 digits of receive time in ns, a space, the message.
    venue, symbol : str
        Ccxt id and unified symbol.
    catalog : Catalog, Path or str
        Where to; made if needed. The same capture again replaces itself; another one of the same instrument is added.
    wanted : Wanted, optional
        Tick, lot and contract size; else the catalog's, else the published ones where the data lie on them, else inferred.
    on_bad : {"error", "skip"}
        What to do with damaged, foreign, negative or off-grid lines.
    progress : callable, optional
        Told the bytes of text read.

    Raises
    ------
    Misuse
        When the capture is not what it should be; the catalog is as it was.
    """
    path, wanted = Path(path), wanted or Wanted()
    catalog = catalog if isinstance(catalog, Catalog) else Catalog(catalog)
    raw = raw_symbol(venue, symbol)
    folder = catalog.instrument_folder(venue, symbol)
    before = read_manifest(folder)
    reading = _Reading(path, venue, symbol, raw, on_bad, progress)
    capture, instrument, survey, l2, bbo = reading.read(wanted, before)
    facts = _facts(capture, survey, len(l2))
    facts["clock_offset_ns"] = max(0, -int(survey["latency_ns_min"]))
    facts["bbo_rows"] = len(bbo)
    source = Source(
        name=path.name,
        sha256=_hash_of(path),
        first_recv_ns=int(survey["first_recv_ns"]),
        last_recv_ns=int(survey["last_recv_ns"]),
        first_update_id=int(l2["first_id"][np.argmax(l2["kind"] == DEPTH)]),
        last_update_id=int(survey["last_id"]),
        facts=facts,
    )
    manifest = store(catalog, instrument, source, {"l2": l2, "bbo": bbo}, lambda: quality_report(capture, survey, l2, venue))
    stored = next(one for one in manifest.sources if one.sha256 == source.sha256)
    return Imported(instrument, stored, _keep_bad_lines(folder, path, capture))


class _Reading:
    """Finds the grid while it reads: the caller's or the catalog's binds, the published one is tried, else the data tell."""

    def __init__(self, path: Path, venue: str, symbol: str, raw: str, on_bad: OnBad, progress: Progress | None) -> None:
        self.path, self.venue, self.symbol, self.raw = path, venue, symbol, raw
        self.market = market_of(venue)
        self.on_bad: OnBad = on_bad
        self.progress = progress

    def read(self, wanted: Wanted, before: Manifest | None) -> tuple[Capture, Instrument, np.void, np.ndarray, np.ndarray]:
        """Return capture, instrument, survey, and the rows of the two kinds."""
        if before is not None:
            _refuse_difference(before.instrument, wanted)
            return self._on_grid(before.instrument, before)
        known = known_instrument(self.venue, self.symbol)
        size = wanted.contract_size or (known.contract_size if known else default_contract_size(self.venue, self.symbol))
        tick, lot = wanted.tick or (known.tick if known else None), wanted.lot or (known.lot if known else None)
        if tick is not None and lot is not None:
            given = wanted.tick is not None and wanted.lot is not None
            try:
                return self._on_grid(self._instrument(tick, lot, size), before, tentative=not given)
            except OffGrid:
                if given:
                    raise
        capture, qty_places = self._on_finest_grid()
        tick_raw, lot_raw = infer_steps(capture.parts, self.path.name)
        if known is not None and nearly_fits(capture.parts, int(known.tick.scaleb(FINEST))):
            tick_raw = int(known.tick.scaleb(FINEST))
        instrument = self._instrument(
            wanted.tick or Decimal(tick_raw).scaleb(-FINEST), wanted.lot or Decimal(lot_raw).scaleb(-qty_places), size
        )
        if wanted.tick is None and wanted.lot is None:
            survey, l2, bbo = _archive(capture, self.venue, tick_raw, lot_raw, before)
            if survey["off_grid"] == 0:
                self._check(survey)
                return capture, instrument, survey, l2, bbo
        # Some line is off the grid: read again on it, so that the error or the line set aside has its number.
        return self._on_grid(instrument, before)

    def _instrument(self, tick: Decimal, lot: Decimal, size: Decimal) -> Instrument:
        return Instrument(
            venue=self.venue,
            symbol=self.symbol,
            tick=_plain(tick),
            lot=_plain(lot),
            contract_size=_plain(size),
            inverse=self.market == COINM,
        )

    def _on_grid(
        self, instrument: Instrument, before: Manifest | None, *, tentative: bool = False
    ) -> tuple[Capture, Instrument, np.void, np.ndarray, np.ndarray]:
        grid = grid_of(self.market, places_and_step(instrument.tick), places_and_step(instrument.lot))
        capture = self._read(grid, tentative=tentative)
        survey, l2, bbo = _archive(capture, self.venue, 1, 1, before)
        self._check(survey)
        return capture, instrument, survey, l2, bbo

    def _on_finest_grid(self) -> tuple[Capture, int]:
        for places in QTY_PLACES[:-1]:
            try:
                return self._read(grid_of(self.market, (FINEST, 1), (places, 1))), places
            except TooLarge:
                continue
        return self._read(grid_of(self.market, (FINEST, 1), (QTY_PLACES[-1], 1))), QTY_PLACES[-1]

    def _read(self, grid: np.ndarray, *, tentative: bool = False) -> Capture:
        return read_capture(self.path, self.raw, grid, on_bad=self.on_bad, tentative=tentative, progress=self.progress)

    def _check(self, survey: np.void) -> None:
        if survey["l2_rows"] == 0:
            raise Misuse(
                f"{self.path.name}: no depth, snapshot or trade of {self.raw} in the capture",
                remedy="check the file, --venue and --symbol",
            )
        if survey["too_high"]:
            raise Misuse(
                f"{self.path.name}: {survey['too_high']} prices are above {2**31 - 2:,} ticks", remedy="give a coarser --tick"
            )


def _archive(
    capture: Capture, venue: str, price_div: int, qty_div: int, before: Manifest | None
) -> tuple[np.void, np.ndarray, np.ndarray]:
    """Rows on the grid, and what was learned on the way."""
    survey = np.zeros(1, SURVEY)
    begin_survey(survey[0], _chain_end(capture, before))
    l2 = np.empty(sum(map(len, capture.parts)) + capture.diffs, ROW)
    bbo = np.empty(2 * capture.tickers, ROW)
    recent = np.full(RECENT, -1, np.int64)
    for part in capture.parts:
        archive_rows(part, chain_rule(venue), price_div, qty_div, survey[0], recent, l2, bbo)
    return survey[0], l2[: survey[0]["l2_rows"]], bbo[: survey[0]["bbo_rows"]]


def _chain_end(capture: Capture, before: Manifest | None) -> int:
    """Last update id of the capture that was received before this one, -1 when there is none."""
    if before is None or not capture.parts:
        return -1
    first_recv_ns = int(capture.parts[0]["recv_ns"][0])
    earlier = [source for source in before.sources if source.last_recv_ns < first_recv_ns]
    return earlier[-1].last_update_id if earlier else -1


def _facts(capture: Capture, survey: np.void, rows: int) -> dict[str, int]:
    return {
        "rows": rows,
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
    }


def _refuse_difference(have: Instrument, wanted: Wanted) -> None:
    for name in ("tick", "lot", "contract_size"):
        asked = getattr(wanted, name)
        if asked is not None and asked != getattr(have, name):
            raise Misuse(
                f"the catalog holds {have.symbol} with {name} {getattr(have, name):f}, not {asked:f}",
                remedy=f"leave --{name.replace('_', '-')} out, or import into another catalog",
            )


def _keep_bad_lines(folder: Path, path: Path, capture: Capture) -> Path | None:
    if not capture.bad:
        return None
    kept = folder / f"{path.name}.set-aside.txt"
    with kept.open("wb") as file:
        for number, why, line in capture.bad:
            file.write(f"# line {number}: {why}\n".encode() + line + b"\n")
    return kept


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(number: Decimal) -> Decimal:
    """Without trailing zeros or exponent: 0.010 → 0.01, 1E+1 → 10."""
    return Decimal(f"{number.normalize():f}")
