"""Secrets of a report's notebook: only those that its definition names, and never among its parameters.

    from b25.reports.secrets import get
    get("SMTP")

A secret is a file of the service manager's credentials, a file of mode 0600 in the folder of secrets, or an entry of the keyring
under the service b25, looked for in this order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from b25.config.secret_refs import secret_of
from b25.model.errors import Misuse
from b25.observe.redaction import hide

ALLOWED: Final = "B25_REPORT_SECRETS"  # names, with commas between
FOLDER: Final = "B25_SECRETS_FOLDER"
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"  # where systemd puts what LoadCredential names
SERVICE: Final = "b25"


def get(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a secret.

    Parameters
    ----------
    name : str
        One of those in `secrets` of the report.

    Raises
    ------
    Misuse
        When this report may not read it, or it is nowhere. The secret itself is in no message.
    """
    allowed = [one for one in environment.get(ALLOWED, "").split(",") if one]
    if name not in allowed:
        raise Misuse(
            f"this report may not read the secret {name!r}", remedy=f"name it in reports.toml: secrets = [{name!r}]"
        )  # fmt: skip
    return find(name, Path(environment.get(FOLDER, "data/secrets")), environment)


def find(name: str, folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return a secret by its name, whoever asks. Raises Misuse when it is nowhere."""
    given = environment.get(CREDENTIALS, "")
    if given and (Path(given) / name).is_file():
        found = secret_of(f"file:{name}", Path(given))
    elif (folder / name).is_file():
        found = secret_of(f"file:{name}", folder)
    else:
        found = secret_of(f"keyring:{SERVICE}/{name}", folder)
    hide(found)
    return found
