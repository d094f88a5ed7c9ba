"""The data that everybody runs on: the real capture, its tiled form, and both in each engine's own storage, made once."""

import gzip
import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bar_data import made_bars
from contestants import CACHE, LOCKS, ROOT, BenchFailed, Worker, b25, environment, say
from tiled import tile

VENUE, SYMBOL = "binanceusdm", "ETH/USDT:USDT"
CAPTURE = "usdm_ethusdt_20240808"
TILES = 12  # 5.3 million rows
BUFFER_ROWS = 8_000_000


@dataclass(frozen=True)
class Prepared:
    """One capture, ready for both engines."""

    capture: Path
    rows: int
    text_bytes: int
    place: list[str]  # the words that say venue, symbol and catalog to b25
    catalog: Path
    peer_data: Path


@dataclass
class Stage:
    """What a bench is run on; nothing is prepared before it is asked for."""

    shared: Path = field(default_factory=lambda: Path(os.environ.get("B25_SHARED", ROOT.parent / "shared")))

    def __post_init__(self) -> None:
        if not (self.shared / "reference").is_dir():
            raise BenchFailed(f"no captures at {self.shared}; set B25_SHARED to the folder that holds data/ and reference/")

    def capture(self, name: str) -> Path:
        """A raw capture by its name."""
        return self.shared / "data" / "binance_raw" / f"{name}.gz"

    def reference(self, name: str) -> dict[str, Any]:
        """A file of answers by its name."""
        answers: dict[str, Any] = json.loads((self.shared / "reference" / f"{name}.json").read_text())
        return answers

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        """The five reference backtests."""
        runs: list[dict[str, Any]] = self.reference("ethusdt_usdm_20240808")["runs"]
        return runs

    @cached_property
    def hftbacktest(self) -> Path:
        """Python of hftbacktest's environment."""
        return environment("hftbacktest")

    @cached_property
    def ccxt(self) -> Path:
        """Python of ccxt's environment."""
        return environment("ccxt")

    @cached_property
    def vectorbt(self) -> Path:
        """Python of vectorbt's environment."""
        return environment("vectorbt")

    @cached_property
    def backtesting(self) -> Path:
        """Python of backtesting.py's environment."""
        return environment("backtesting")

    def bars(self, count: int) -> Path:
        """File of so many one-minute bars, the same for everybody."""
        made_of = hashlib.sha256((Path(__file__).parent / "bar_data.py").read_bytes()).hexdigest()[:12]
        return made_bars(CACHE / "data" / f"bars_{made_of}", count)

    @cached_property
    def short(self) -> Prepared:
        """The capture as it is."""
        return self.prepare(self.capture(CAPTURE), "short")

    @cached_property
    def long(self) -> Prepared:
        """The capture tiled to more than five million rows."""
        source = self.capture(CAPTURE)
        made_of = hashlib.sha256(source.read_bytes() + (Path(__file__).parent / "tiled.py").read_bytes()).hexdigest()[:12]
        to = CACHE / "data" / f"{CAPTURE}_x{TILES}_{made_of}.gz"
        if not to.exists():
            say(f"tiling {source.name} {TILES} times")
        return self.prepare(tile(source, to, TILES), "long")

    def prepare(self, capture: Path, name: str) -> Prepared:
        """Import a capture into a fresh catalog of ours, and convert it with hftbacktest's own converter."""
        catalog = CACHE / "data" / f"{name}_catalog"
        shutil.rmtree(catalog, ignore_errors=True)
        place = ["--venue", VENUE, "--symbol", SYMBOL, "--catalog", str(catalog)]
        say(f"importing {capture.name}")
        imported = b25(["data", "import", str(capture), *place, "--json"]).answer
        lock = (LOCKS / "hftbacktest.txt").read_bytes()
        peer_data = CACHE / "data" / f"{name}_{hashlib.sha256(lock + str(capture).encode()).hexdigest()[:12]}.npy"
        with Worker("peer_hftbacktest.py", self.hftbacktest) as peer:
            peer.ask("convert", capture=str(capture), to=str(peer_data), buffer_rows=BUFFER_ROWS)
        return Prepared(capture, int(imported["rows"]), text_bytes(capture), place, catalog, peer_data)


def text_bytes(capture: Path) -> int:
    """Unpacked size of a capture."""
    total = 0
    with gzip.open(capture, "rb") as text:
        while piece := text.read(1 << 22):
            total += len(piece)
    return total
