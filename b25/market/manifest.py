"""The manifest of one instrument in the catalog: its grid, its captures, their files, hashes, spans and quality."""

import json
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.model.instrument import Instrument

VERSION = 1
NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file; `sha256` is of its bytes, `content_hash` of its rows."""

    kind: str
    path: str
    rows: int
    bytes: int
    sha256: str
    content_hash: str
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Source:
    """One imported capture.

    Attributes
    ----------
    facts : dict of str to int
        Counts and times that `b25 data import` reports.
    quality : dict
        See `b25.market.quality`.
    """

    name: str
    sha256: str
    first_recv_ns: int
    last_recv_ns: int
    first_update_id: int
    last_update_id: int
    facts: dict[str, int] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An instrument and its captures, in order of receive time."""

    instrument: Instrument
    sources: list[Source]

    def with_source(self, source: Source) -> "Manifest":
        """Return the same with one more capture, or with the one of the same hash replaced."""
        others = [other for other in self.sources if other.sha256 != source.sha256]
        return replace(self, sources=sorted([*others, source], key=lambda one: one.first_recv_ns))

    def instrument_text(self) -> dict[str, Any]:
        """Return the instrument as exact decimal strings."""
        return instrument_text(self.instrument)

    def text(self) -> str:
        """Return the manifest as JSON."""
        body = {"version": VERSION, "instrument": self.instrument_text(), "sources": [asdict(one) for one in self.sources]}
        return json.dumps(body, indent=1, sort_keys=True) + "\n"

    def summary(self) -> dict[str, Any]:
        """Return one row of `b25 data list`."""
        files = [file for source in self.sources for file in source.files]
        first = [file.first_ns for file in files if file.kind == "l2"]
        last = [file.last_ns for file in files if file.kind == "l2"]
        return {
            "venue": self.instrument.venue,
            "symbol": self.instrument.symbol,
            "tick": f"{self.instrument.tick:f}",
            "lot": f"{self.instrument.lot:f}",
            "rows": sum(file.rows for file in files if file.kind == "l2"),
            "bbo_rows": sum(file.rows for file in files if file.kind == "bbo"),
            "first_ns": min(first, default=None),
            "last_ns": max(last, default=None),
            "bytes": sum(file.bytes for file in files),
            "sources": [source.name for source in self.sources],
            "gaps": sum(source.facts.get("gaps", 0) for source in self.sources),
        }


def instrument_text(one: Instrument) -> dict[str, Any]:
    """Return an instrument as exact decimal strings."""
    return {
        "venue": one.venue,
        "symbol": one.symbol,
        "tick": f"{one.tick:f}",
        "lot": f"{one.lot:f}",
        "contract_size": f"{one.contract_size:f}",
        "inverse": one.inverse,
        "price_ticks_max": one.price_ticks_max,
        "qty_lots_max": one.qty_lots_max,
        "min_notional": f"{one.min_notional:f}",
    }


def folder_name(symbol: str) -> str:
    """Return a symbol as the name of a folder."""
    return symbol.replace("/", "_").replace(":", "_")


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a folder, or None when there is none; Misuse when it is damaged or of another version."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise Misuse(f"{path} cannot be read: {fault.strerror}", remedy="give a catalog that you can read") from None
    try:
        body = json.loads(text)
        if body["version"] != VERSION:
            raise Misuse(f"{path} has version {body['version']}, not {VERSION}", remedy="import the captures into a new catalog")
        return Manifest(instrument_of(body["instrument"]), [_source(one) for one in body["sources"]])
    except (ValueError, KeyError, TypeError) as fault:
        raise Misuse(f"{path} is damaged: {fault!r}", remedy="remove its folder and import the captures again") from None


def instrument_of(body: dict[str, Any]) -> Instrument:
    """Return the instrument that `instrument_text` wrote."""
    decimals = {name: Decimal(body[name]) for name in ("tick", "lot", "contract_size", "min_notional")}
    return Instrument(**{**body, **decimals})


def _source(body: dict[str, Any]) -> Source:
    return Source(**{**body, "files": [StoredFile(**file) for file in body["files"]]})
