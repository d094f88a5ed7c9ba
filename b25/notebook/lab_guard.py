"""What JupyterLab must not be, and what its kernels must not be given. A door that is open is refused, whoever opened it."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from b25.model.errors import Misuse

TOKEN_CHARS_MIN: Final = 32
SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|SECRET|SECRETS|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PRIVATE|CREDENTIALS?|SEED|PEPPER|COOKIE|AUTH)(?:$|_)",
    re.IGNORECASE,
)
SECRET_VALUE: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]{8,}\.[\w-]{8,}\.|\bb25_[A-Za-z0-9]{4,}_[\w-]{16,}|://[^\s:/@]*:[^\s/@]+@"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-"
)
# Places, not secrets, though their names look like it.
PLACES: Final = frozenset({"B25_SECRETS_FOLDER", "B25_TOKEN_FILE", "XAUTHORITY"})
WITHHELD: Final = ("B25_EXCHANGE__", "B25_VENUE__", "JUPYTER_TOKEN", "SSH_AUTH_SOCK")


def kernel_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what its name or its value says is a secret.

    Parameters
    ----------
    environment : mapping of str to str
    """
    return {name: value for name, value in environment.items() if not is_secret(name, value)}


def is_secret(name: str, value: str) -> bool:
    """Whether a variable is none of a kernel's business."""
    if name.upper().startswith(WITHHELD) or SECRET_VALUE.search(value):
        return True
    return name not in PLACES and SECRET_NAME.search(name) is not None


def refuse_privileged(*, allow_root: bool) -> None:
    """Raise Misuse for the user who may do everything, unless that is asked for."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and not allow_root:
        raise Misuse(
            "JupyterLab would run as root, and so would whatever a notebook runs",
            remedy="start it as another user; in a container that is only this: --allow-root",
        )


def refuse_open_doors(server: Any) -> None:
    """Check a server that is about to start, by what holds now, whichever file, variable or word it came from.

    Parameters
    ----------
    server : jupyter_server.serverapp.ServerApp

    Raises
    ------
    Misuse
        Names the first setting that would let somebody in.
    """
    token = str(server.identity_provider.token or "")
    faults = [
        (not _is_loopback(str(server.ip)), f"ip={server.ip!r} is not this machine alone", "leave ServerApp.ip out"),
        (not token, "the token is empty", "leave the token out: a random one is made"),
        (0 < len(token) < TOKEN_CHARS_MIN, f"the token is shorter than {TOKEN_CHARS_MIN} characters", "leave the token out"),
        (bool(server.allow_origin), f"allow_origin={server.allow_origin!r}", "leave it out: pages of this server need none"),
        (bool(server.allow_origin_pat), f"allow_origin_pat={server.allow_origin_pat!r}", "leave it out"),
        (bool(server.disable_check_xsrf), "disable_check_xsrf is on", "leave it out"),
        (bool(server.allow_remote_access), "allow_remote_access is on", "tunnel to this machine: ssh -L"),
    ]
    for is_open, what, remedy in faults:
        if is_open:
            raise Misuse(f"JupyterLab is not started: {what}", remedy=f"{remedy}; see also the files of `jupyter --paths`")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
