"""The archive of market data: Parquet files by venue, symbol, kind and day, and a manifest that says what they hold.

    DIR/<venue>/<symbol>/manifest.json
    DIR/<venue>/<symbol>/l2/<YYYY-MM-DD>.parquet     depth, snapshots, trades and gaps in file order
    DIR/<venue>/<symbol>/bbo/<YYYY-MM-DD>.parquet    the ticker stream

A file belongs to one source capture; when a day has several, they are numbered. What the manifest does not name does not exist.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from b25.market.manifest import Manifest, StoredFile, folder_name, read_manifest
from b25.model.errors import Misuse
from b25.model.event import ROW
from b25.model.instrument import Instrument

COLUMNS = [name for name in ROW.names or () if name != "pad"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one instrument, in file order.

    Attributes
    ----------
    instrument : Instrument
        Whose they are.
    rows : ndarray of ROW
        As the captures had them, file after file; see `b25.market.bridge` for a true book.
    hash : str
        Of the contents: equal hashes are equal rows.
    """

    instrument: Instrument
    rows: np.ndarray
    hash: str


class Catalog:
    """A folder of market data.

    Parameters
    ----------
    folder : Path or str
        Made by the first import.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def instrument_folder(self, venue: str, symbol: str) -> Path:
        """Where one instrument's files lie."""
        return self.folder / venue / folder_name(symbol)

    def manifest(self, venue: str, symbol: str) -> Manifest:
        """Return what is known of one instrument; Misuse when nothing was imported."""
        found = read_manifest(self.instrument_folder(venue, symbol))
        if found is None:
            have = ", ".join(f"{m.instrument.venue} {m.instrument.symbol}" for m in self.manifests()) or "nothing"
            raise Misuse(
                f"the catalog {self.folder} holds no {venue} {symbol}; it holds {have}",
                remedy=f"import it: b25 data import FILE --venue {venue} --symbol {symbol} --catalog {self.folder}",
            )
        return found

    def manifests(self) -> Iterator[Manifest]:
        """All instruments' manifests, by venue and symbol."""
        for path in sorted(self.folder.glob("*/*/manifest.json")):
            if (found := read_manifest(path.parent)) is not None:
                yield found

    def hash(self, venue: str, symbol: str, start: int | None = None, end: int | None = None) -> str:
        """Hash of what `load` would give, from the manifest alone."""
        return _content_hash(self.manifest(venue, symbol), "l2", start, end)

    def load(self, venue: str, symbol: str, start: int | None = None, end: int | None = None, *, kind: str = "l2") -> Rows:
        """Read rows.

        Parameters
        ----------
        venue, symbol : str
            Ccxt id and unified symbol.
        start, end : int, optional
            Venue time in ns; the rows from the first at or after `start` to the last before `end`.
        kind : str
            ``"l2"``, or ``"bbo"`` for the ticker stream.

        Raises
        ------
        Misuse
            When the instrument is not in the catalog, the span is empty, or a file is missing or damaged.
        """
        manifest = self.manifest(venue, symbol)
        if start is not None and end is not None and start >= end:
            raise Misuse(f"the span from {start} to {end} ns is empty", remedy="give a start before the end")
        files = [
            file
            for source in manifest.sources
            for file in source.files
            if file.kind == kind and (start is None or file.last_ns >= start) and (end is None or file.first_ns < end)
        ]
        rows = self._read(manifest, files)
        if len(files) and (start is not None or end is not None):
            rows = _slice(rows, start, end)
        return Rows(manifest.instrument, rows, _content_hash(manifest, kind, start, end))

    def _read(self, manifest: Manifest, files: Sequence[StoredFile]) -> np.ndarray:
        rows = np.empty(sum(file.rows for file in files), ROW)
        rows["pad"] = 0
        at = 0
        for file in files:
            part = rows[at : at + file.rows]
            _fill(part, self.instrument_folder(manifest.instrument.venue, manifest.instrument.symbol) / file.path)
            at += file.rows
        return rows

    def list(self) -> Sequence[dict[str, Any]]:
        """One row an instrument: what it is, how many rows, which span, from which captures."""
        return [manifest.summary() for manifest in self.manifests()]

    def check(self) -> Sequence[str]:
        """Compare every file with the manifest; return the faults, one sentence each."""
        faults = []
        for manifest in self.manifests():
            folder = self.instrument_folder(manifest.instrument.venue, manifest.instrument.symbol)
            for source in manifest.sources:
                faults += [fault for file in source.files if (fault := _fault(folder, file))]
        return faults


def _fill(part: np.ndarray, path: Path) -> None:
    try:
        frame = pl.read_parquet(path, columns=COLUMNS, glob=False)
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise Misuse(
            f"{path} cannot be read: {fault}", remedy="import its capture again; `b25 data check` names all such files"
        ) from None
    if frame.height != len(part):
        raise Misuse(f"{path} holds {frame.height} rows, its manifest says {len(part)}", remedy="import its capture again")
    for name in COLUMNS:
        part[name] = frame[name].to_numpy()


def _slice(rows: np.ndarray, start: int | None, end: int | None) -> np.ndarray:
    inside = np.ones(len(rows), bool)
    if start is not None:
        inside &= rows["exch_ns"] >= start
    if end is not None:
        inside &= rows["exch_ns"] < end
    places = np.flatnonzero(inside)
    return rows[places[0] : places[-1] + 1] if len(places) else rows[:0]


def _content_hash(manifest: Manifest, kind: str, start: int | None, end: int | None) -> str:
    digest = hashlib.sha256(repr((manifest.instrument_text(), kind, start, end)).encode())
    for source in manifest.sources:
        for file in source.files:
            if file.kind == kind:
                digest.update(file.content_hash.encode())
    return digest.hexdigest()


def _fault(folder: Path, file: StoredFile) -> str | None:
    path = folder / file.path
    if not path.exists():
        return f"{path} is missing; import its capture again"
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
            return f"{path} is not what was imported (its hash differs); import its capture again"
    try:
        rows = np.empty(file.rows, ROW)
        _fill(rows, path)
    except Misuse as fault:
        return fault.what
    return None
