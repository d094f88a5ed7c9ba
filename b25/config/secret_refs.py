"""Where a channel's address is kept, and how it is read: it is never in a configuration, a log, or the text of an error."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from b25.model.errors import Misuse

MODE_MAX = 0o077  # rights that nobody but the owner may have


def secret_of(reference: str, folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return the secret that a reference names.

    Parameters
    ----------
    reference : str
        ``env:NAME``, ``file:NAME`` within `folder`, or ``keyring:SERVICE/NAME``.
    folder : Path
        Secrets, each a file that only its owner may read.

    Raises
    ------
    Misuse
        When there is none, or others may read it. The secret itself is in no message.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        found = environment.get(name, "")
    elif kind == "file":
        found = _from_file(folder, name)
    elif kind == "keyring":
        found = _from_keyring(name)
    else:
        raise Misuse(f"{kind!r} is no place for a secret", remedy="write env:NAME, file:NAME or keyring:SERVICE/NAME")
    if not found.strip():
        raise Misuse(f"the secret {reference} is not there, or empty", remedy="put it there; see docs/alerts.md")
    return found.strip()


def _from_file(folder: Path, name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise Misuse(f"{name!r} names no file of secrets", remedy=f"name a file in {folder}")
    path = folder / name
    try:
        with path.open(encoding="utf-8") as file:
            rights = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if rights & MODE_MAX:
                raise Misuse(f"{path} may be read by others ({rights:04o})", remedy=f"chmod 600 {path}")
            return file.read(65_536)
    except (OSError, UnicodeDecodeError) as fault:
        raise Misuse(f"the secret in {path} cannot be read: {type(fault).__name__}", remedy="write it there, mode 0600") from None


def _from_keyring(name: str) -> str:
    service, _, user = name.partition("/")
    try:
        import keyring

        return keyring.get_password(service, user) or ""
    except Exception as fault:  # every backend has faults of its own
        raise Misuse(
            f"the keyring does not give {service}/{user}: {type(fault).__name__}", remedy="unlock it, or use file:NAME"
        ) from None
