"""Keep laid-out tapes beside the catalog, memory-mapped, so that a second run begins at once."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from b25.kernels.build import build_key
from b25.market.catalog import Catalog
from b25.market.tape import BRIDGED, Tape, make_tape
from b25.model.tape import LEVEL_ROW, MESSAGE, VENUE_MESSAGE, VENUE_ROW

LAYOUTS = {
    "venue": VENUE_ROW,
    "venue_messages": VENUE_MESSAGE,
    "cells": np.dtype(np.int32),
    "quantities": np.dtype(np.int64),
    "messages": MESSAGE,
    "levels": LEVEL_ROW,
}
KEPT = 3


def open_tape(catalog: Catalog, venue: str, symbol: str, *, profile: str = BRIDGED) -> Tape:
    """Return the tape of everything that the catalog holds of an instrument, laying it out if that was not done before.

    Parameters
    ----------
    catalog : Catalog
    venue, symbol : str
    profile : {"bridged", "hftbacktest"}

    Raises
    ------
    Misuse
        When the catalog does not hold the instrument, or its rows cannot be replayed.
    """
    manifest = catalog.manifest(venue, symbol)
    source_hash = catalog.hash(venue, symbol)
    key = hashlib.sha256(f"{source_hash}{profile}{build_key()}{manifest.instrument}".encode()).hexdigest()[:16]
    root = catalog.instrument_folder(venue, symbol) / "tape"
    folder = root / f"{profile}-{key}"
    if (folder / "tape.json").exists():
        facts = json.loads((folder / "tape.json").read_text())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r").view(dtype) for name, dtype in LAYOUTS.items()}
        return Tape(instrument=manifest.instrument, **arrays, **facts)
    stored = catalog.load(venue, symbol)
    tape = make_tape(stored.instrument, stored.rows, profile=profile, source_hash=source_hash)
    _keep(tape, root, folder)
    return tape


def _keep(tape: Tape, root: Path, folder: Path) -> None:
    """Write the tape aside and move it into place whole. A catalog that cannot be written only costs the next run's time."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        for name in LAYOUTS:
            np.save(temporary / f"{name}.npy", getattr(tape, name))
        facts = {name: getattr(tape, name) for name in ("profile", "base_ticks", "size_ticks", "hash")}
        (temporary / "tape.json").write_text(json.dumps(facts))
        if not folder.exists():
            temporary.rename(folder)
        others = sorted((p for p in root.glob(f"{tape.profile}-*") if p != folder), key=lambda p: p.stat().st_mtime)
        for stale in others[: max(0, len(others) - KEPT + 1)]:
            shutil.rmtree(stale, ignore_errors=True)
    except OSError:
        return
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
