"""The figures before any backtest: a capture into the catalog, and a fresh clone to a finished demo."""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from contestants import ROOT, BenchFailed, b25, say
from figures import Figure, spread
from stage import SYMBOL, VENUE, Stage

ROUNDS = 5


def import_speed(stage: Stage) -> Iterator[Figure]:
    """Megabytes of unpacked JSON a second, of the import itself in a fresh process; and with the process around it."""
    speeds, whole = [], []
    megabytes = stage.long.text_bytes / 1e6
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as catalog:
            words = [
                "data",
                "import",
                str(stage.long.capture),
                "--venue",
                VENUE,
                "--symbol",
                SYMBOL,
                "--catalog",
                catalog,
                "--json",
            ]
            done = b25(words)
            speeds.append(megabytes / done.answer["import_s"])
            whole.append(megabytes / done.wall_s)
    detail = f"{spread(speeds)}; {megabytes:,.0f} MB from gzip; {spread(whole)} with the process's start and end"
    yield Figure("import of a raw capture into the catalog", statistics.median(speeds), "MB/s", 100, 300, True, detail)


def fresh_clone(stage: Stage) -> Iterator[Figure]:
    """`git clone`, then `make demo` with every cache empty and nothing of this environment in sight."""
    with tempfile.TemporaryDirectory() as folder:
        clone, empty = Path(folder) / "clone", Path(folder) / "caches"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        variables = {
            name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "B25_CACHE_DIR", "PYTHONPATH")
        }
        variables["PATH"] = os.pathsep.join(
            part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(str(ROOT))
        )
        variables.update({name: str(empty) for name in ("XDG_CACHE_HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR")})
        make = shutil.which("make", path=variables["PATH"])
        if make is None:
            raise BenchFailed("there is no make on PATH")
        say("make demo in a fresh clone")
        begun = time.perf_counter()
        done = subprocess.run([make, "demo"], cwd=clone, env=variables, capture_output=True, text=True)
        took_s = time.perf_counter() - begun
    if done.returncode != 0:
        raise BenchFailed(f"make demo failed in a fresh clone:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    yield Figure(
        "fresh clone, no caches: `make demo` to the end",
        took_s,
        "s",
        180,
        90,
        False,
        "one run, downloads and compilation included",
    )


MEASURES = (import_speed, fresh_clone)
