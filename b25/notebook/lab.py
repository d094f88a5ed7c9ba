"""JupyterLab for b25: on this machine only, with a token of its own, and kernels that have no key of an exchange."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from b25.client.connect import KEY_FILE, MAKE_ONE, NOTEBOOK_KEY
from b25.model.errors import Misuse
from b25.notebook.lab_guard import kernel_environment, refuse_open_doors, refuse_privileged

HOST: Final = "127.0.0.1"
PORT: Final = 8888
NOTEBOOKS: Final = "notebooks"


def server_words(
    root: Path, *, port: int = PORT, opens: str = "", browser: bool = True, allow_root: bool = False, more: Sequence[str] = ()
) -> list[str]:
    """Return the words that JupyterLab is started with; those of `more` hold, and are judged with the rest when it starts.

    Parameters
    ----------
    root : Path
        The folder that it shows.
    opens : str
        File or folder below it that is opened.
    more : sequence of str
        JupyterLab's own options.
    """
    words = [
        f"--ServerApp.ip={HOST}", f"--ServerApp.port={port}", f"--ServerApp.root_dir={root}", "--ServerApp.allow_origin=",
        "--ServerApp.disable_check_xsrf=False", "--ServerApp.allow_remote_access=False",
        "--ServerApp.allow_unauthenticated_access=False", f"--ServerApp.open_browser={browser}",
    ]  # fmt: skip
    never = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
    words += ["--LabApp.news_url=None", f"--LabApp.check_for_updates_class={never}"]  # nothing is asked of anybody outside
    if opens:
        words.append(f"--LabApp.default_url=/lab/tree/{opens}")
    if allow_root:
        words.append("--ServerApp.allow_root=True")
    named = {word.partition("=")[0] for word in more}  # JupyterLab refuses a word that comes twice
    return [*(word for word in words if word.partition("=")[0] not in named), *more]


def places(project: Path) -> dict[str, str]:
    """Return where things of a project are, as a kernel is told, whose own folder is that of its notebook."""
    from b25.config.settings import read_settings

    held = read_settings()
    named = {"RUN_FOLDER": held.run_folder, "CATALOG": held.catalog, "SECRETS_FOLDER": held.secrets_folder}
    found = {f"B25_{name}": str((project / path).resolve()) for name, path in named.items()}
    scheme, is_file, path = held.database_url.partition(":///")
    if is_file and scheme == "sqlite":
        found["B25_DATABASE_URL"] = f"sqlite:///{(project / path).resolve()}"
    found["B25_GATEWAY__HOST"], found["B25_GATEWAY__PORT"] = held.gateway.host, str(held.gateway.port)
    key = (project / held.secrets_folder / NOTEBOOK_KEY).resolve()
    return found | {KEY_FILE: str(key)}


def prepared(words: Sequence[str], *, allow_root: bool = False, project: Path | None = None) -> Any:
    """Return a server that is fit to start; from here on this process has no secret in its environment.

    Parameters
    ----------
    words : sequence of str
        See `server_words`.
    allow_root : bool
        Whether the user may be root.
    project : Path, optional
        The folder in which `data` and `strategies` are; the current one.

    Raises
    ------
    Misuse
        For root, or a door that is open.
    """
    refuse_privileged(allow_root=allow_root)
    told = places(project or Path.cwd())
    clean = kernel_environment(os.environ) | told
    os.environ.clear()
    os.environ.update(clean)
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    os.environ["JUPYTER_TOKEN"] = secrets.token_hex(24)  # read once, below, and gone before there is a kernel
    try:
        server = LabApp.initialize_server(argv=list(words))
        _ = server.identity_provider.token
    except SystemExit as ended:
        raise Misuse(
            "JupyterLab did not take its options, or its port is taken", remedy=f"see what it said above; {ended.code}"
        ) from None
    finally:
        os.environ.pop("JUPYTER_TOKEN", None)
    try:
        refuse_open_doors(server)
    except Misuse:
        server.http_server.stop()
        raise
    return server


def hint() -> str:
    """What is still missing for `b25.connect()` in its kernels; empty when nothing is."""
    path = Path(os.environ.get(KEY_FILE, ""))
    return "" if path.is_file() else f"for b25.connect() in a notebook, make a key of the role researcher: {MAKE_ONE}"


def address(server: Any) -> str:
    """Where it is opened, with its token: for the person at this terminal, and written nowhere else."""
    return f"http://{HOST}:{server.port}{server.default_url}?token={server.identity_provider.token}"
