"""The build key: one hash over everything that decides what machine code a kernel becomes.

Numba's own cache looks at the caller's file only: after an edit of a callee it serves the old answer, and a flag such
as NUMBA_BOUNDSCHECK is not in its key at all. So every cache directory carries this key in its name, and any change
begins a fresh one.
"""

import hashlib
import os
import platform
import sys
from functools import cache
from pathlib import Path

from b25.model.errors import Misuse

PACKAGE = Path(__file__).resolve().parent.parent
# The folders whose sources end up in compiled code.
SOURCES = ("model", "kernels", "account", "strategy", "risk", "venue", "execution", "engine")
KEPT = 4  # cache directories kept for builds other than this one


@cache
def build_key() -> str:
    """Hash of all kernel sources, the versions of Python, numpy, numba and llvmlite, the CPU, and numba's flags."""
    import llvmlite
    import llvmlite.binding as llvm
    import numba
    import numpy as np

    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    flags = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR")
    features = llvm.get_host_cpu_features().flatten()
    for part in (
        sys.version,
        np.__version__,
        numba.__version__,
        llvmlite.__version__,
        platform.machine(),
        llvm.get_host_cpu_name(),
        features,
        *flags,
    ):
        digest.update(part.encode())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Folder that holds one cache directory a build: B25_CACHE_DIR, or b25 under the user's cache folder."""
    if named := os.environ.get("B25_CACHE_DIR"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "b25"


@cache
def cache_directory() -> Path:
    """Directory for this build's machine code; made if absent, older builds' directories removed.

    Raises
    ------
    Misuse
        When the directory cannot be written.
    """
    root = cache_root()
    folder = root / f"build-{build_key()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
        os.utime(folder)
    except OSError as fault:
        raise Misuse(
            f"the cache directory {folder} cannot be written: {fault.strerror}",
            remedy="set B25_CACHE_DIR to a folder that you can write to",
        ) from None
    _forget_old_builds(root, folder)
    return folder


def _forget_old_builds(root: Path, current: Path) -> None:
    import shutil

    others = [p for p in root.glob("build-*") if p != current and p.is_dir()]
    others.sort(key=lambda p: p.stat().st_mtime if p.exists() else 0.0, reverse=True)
    for stale in others[KEPT:]:
        shutil.rmtree(stale, ignore_errors=True)
