"""Where a notebook is run again: a copy of its folder, neighbours linked, and an environment in which no secret is left."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from b25.kernels.build import PACKAGE, cache_root
from b25.promote import rerun_guard
from b25.promote.lint import SECRET
from b25.research.dataset import default_catalog

COPIED_BYTES_MAX: Final = 16_000_000  # a larger file is linked; it can be read, and not changed
COPIED_FILES_MAX: Final = 2_000
REFUSED: Final = "refused.txt"
LEVELS_ABOVE: Final = 2  # `../../data/x.parquet` is found
LEFT_OUT: Final = {".git", ".venv", "__pycache__", ".ipynb_checkpoints", "node_modules", ".cache"}
KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
KEPT_BEGIN: Final = "NUMBA_"  # part of the key of the machine code
FIXED: Final = {
    "TZ": "UTC", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}  # fmt: skip


def copied(folder: Path, into: Path) -> Path:
    """Copy a folder so that paths beside and above it are found, and return where its copy is.

    Parameters
    ----------
    folder : Path
        Of the notebook.
    into : Path
        An empty folder.
    """
    folder = folder.resolve()
    above = [one for one in list(folder.parents)[:LEVELS_ABOVE] if one != one.parent][::-1]
    here = into / "root"
    here.mkdir()
    inner = [*above[1:], folder] if above else [folder]
    for parent, child in zip(above, inner, strict=False):
        _link(parent, here, without=child.name)
        here = here / child.name
        here.mkdir()
    _copy(folder, here, [0])
    return here


def _link(folder: Path, into: Path, without: str) -> None:
    for one in _listed(folder):
        if one.name != without:
            (into / one.name).symlink_to(one)


def _copy(folder: Path, into: Path, count: list[int]) -> None:
    for one in _listed(folder):
        count[0] += 1
        there = into / one.name
        if count[0] > COPIED_FILES_MAX or one.is_symlink() or not (one.is_file() or one.is_dir()):
            there.symlink_to(one.resolve())
        elif one.is_dir():
            there.mkdir()
            _copy(one, there, count)
        elif one.stat().st_size > COPIED_BYTES_MAX:
            there.symlink_to(one)
        else:
            shutil.copyfile(one, there)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if one.name not in LEFT_OUT)
    except OSError:
        return []


def environment(work: Path, notebook: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the whole environment of a re-run; its guard is written into the working folder.

    Parameters
    ----------
    work : Path
        Temporary folder: home, temporary files, run log.
    notebook : Path
        Where the notebook really lies, for the catalog that it would find.
    """
    kept = {name: value for name, value in given.items() if name in KEPT or name.startswith(KEPT_BEGIN)}
    kept = {name: value for name, value in kept.items() if not SECRET.search(f'{name}="{value}"')}
    guard, home, temporary = work / "guard", work / "home", work / "tmp"
    pictures = cache_root() / "matplotlib"
    for one in (guard, home, temporary, pictures):
        one.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(rerun_guard.__file__, guard / "sitecustomize.py")
    folders = os.pathsep.join(str(one) for one in (work, cache_root()))
    own = {
        "HOME": str(home), "TMPDIR": str(temporary), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_RUNTIME_DIR": str(home),
        "JUPYTER_CONFIG_DIR": str(home), "MPLCONFIGDIR": str(pictures), "B25_CACHE_DIR": str(cache_root()),
        "B25_TRIALS": str(work / "trials"), "B25_CATALOG": given.get("B25_CATALOG") or str(_catalog_of(notebook)),
        "B25_RERUN_FOLDERS": folders,
        "B25_RERUN_REFUSED": str(work / REFUSED), "PYTHONPATH": os.pathsep.join([str(guard), str(PACKAGE.parent)]),
    }  # fmt: skip
    return kept | FIXED | own


def _catalog_of(notebook: Path) -> Path:
    here = notebook.resolve().parent
    project = next((p for p in (here, *here.parents) if (p / "strategies").is_dir() and (p / "data").is_dir()), None)
    return project / "data" / "catalog" if project else default_catalog()


def command() -> list[str]:
    """Return how the kernel is started."""
    return [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
