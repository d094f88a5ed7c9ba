"""What a report's kernel finds in its environment: a short list of names, so that no key of an account is ever among them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import b25
from b25.config.settings import Settings
from b25.reports.secrets import ALLOWED, CREDENTIALS, FOLDER

KEPT: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "B25_CACHE_DIR",
    "B25_NATS_URL", "NUMBA_CACHE_DIR", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
)  # fmt: skip
FIXED: Final = {
    "TZ": "UTC", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONUNBUFFERED": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "IPYTHONDIR": "", "TQDM_DISABLE": "1", "POLARS_MAX_THREADS": "2",
}  # fmt: skip


def kernel_environment(
    settings: Settings,
    scratch: Path,
    secrets: Sequence[str],
    known: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the environment of a run's kernel.

    Parameters
    ----------
    scratch : Path
        A folder of its own, which is gone after the run.
    secrets : sequence of str
        Names that this report may read.
    known : mapping
        Secrets of this machine, by name; a variable that holds one is left out whatever it is called.
    """
    made = {name: environment[name] for name in KEPT if name in environment} | FIXED | {"IPYTHONDIR": str(scratch / "ipython")}
    made["PYTHONPATH"] = import_places(made.get("PYTHONPATH", ""))
    made["B25_DATABASE_URL"] = settings.reports_database_url or settings.database_url
    for name in ("run_folder", "catalog", "reports_folder", "strategies_folder"):
        made[f"B25_{name.upper()}"] = str(Path(getattr(settings, name)).resolve())
    url = made["B25_DATABASE_URL"]
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        made["B25_DATABASE_URL"] = f"sqlite:///{Path(url.removeprefix('sqlite:///')).resolve()}"
    if secrets:
        made |= {ALLOWED: ",".join(secrets), FOLDER: str(settings.secrets_folder.resolve())}
        made |= {CREDENTIALS: environment[CREDENTIALS]} if CREDENTIALS in environment else {}
    return {name: value for name, value in made.items() if name == "B25_DATABASE_URL" or value not in known.values()}


def import_places(told: str) -> str:
    """Return a PYTHONPATH by which a process in another folder imports what is imported here: this b25, and the project."""
    own = [str(Path(b25.__file__).resolve().parents[1]), str(Path.cwd())]
    return os.pathsep.join(dict.fromkeys([*(word for word in told.split(os.pathsep) if word), *own]))
