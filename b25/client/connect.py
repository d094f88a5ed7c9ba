"""The way in: `b25.connect()` for this machine's gateway, `b25.connect(url, token=…)` for another's."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from b25.client.client import Client
from b25.model.errors import Misuse

KEY_FILE: Final = "B25_TOKEN_FILE"  # `b25 lab` tells its kernels by it where their key is
NOTEBOOK_KEY: Final = "notebook.token"
KEY_BEGINS: Final = "b25_"
MAKE_ONE: Final = "b25 token create --service notebook"


def connect(
    url: str | None = None, *, token: str | None = None, key: str | None = None, check: bool | None = None
) -> Client:  # fmt: skip
    """Return a client of a gateway.

    Parameters
    ----------
    url : str, optional
        Left out: the gateway of the settings, with the notebook's key (`b25 token create --service notebook`).
    token, key : str, optional
        An access token, or an API key. Over plain http only to this machine.
    check : bool, optional
        Ask the gateway at once whether it is there and lets us in; by default when `url` is left out.

    Returns
    -------
    Client
        Each operation of the API is a method of it; ``client.bots()`` are the sessions, ``client.aio`` is awaited, and
        ``client.live("positions", "orders")`` follows what happens.

    Raises
    ------
    Misuse
        For an address that is none, or over which a secret would travel readable; for a key that is missing, ran out or is
        readable by others.
    Retry
        When the gateway is away.
    """
    if token is not None and key is None and token.startswith(KEY_BEGINS):
        token, key = None, token
    at = url or _own_url()
    if token is None and key is None and (url is None or url.rstrip("/") == _own_url_or_none()):
        key = notebook_key(needed=url is None)
    client = Client(at, token=token, key=key)
    if url is None if check is None else check:
        try:
            client.get_sessions()  # what every key of ours may ask
        except BaseException:
            client.close()
            raise
    return client


def notebook_key(*, needed: bool = True) -> str | None:
    """Return the key of notebooks: of the file that ``B25_TOKEN_FILE`` names, else of the secrets folder.

    Raises
    ------
    Misuse
        When it is needed and not there, or others can read it.
    """
    path = Path(os.environ[KEY_FILE]) if os.environ.get(KEY_FILE) else _secrets_folder() / NOTEBOOK_KEY
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        if not needed:
            return None
        raise Misuse(f"there is no key for notebooks: {path} is not there", remedy=MAKE_ONE) from None
    except (OSError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is no text"
        raise Misuse(f"the key for notebooks, {path}, cannot be read: {why}", remedy=f"{MAKE_ONE} --replace") from None
    if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
        raise Misuse(f"others can read the key for notebooks, {path}", remedy=f"chmod 600 {path}, and {MAKE_ONE} --replace")
    if not text:
        raise Misuse(f"the key for notebooks, {path}, is empty", remedy=f"{MAKE_ONE} --replace")
    return text


def _secrets_folder() -> Path:
    from b25.config.settings import read_settings

    return read_settings().secrets_folder


def _own_url() -> str:
    from b25.config.settings import read_settings

    held = read_settings().gateway
    host = "127.0.0.1" if held.host in ("0.0.0.0", "::", "") else held.host  # noqa: S104 - all addresses: this one too
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{'https' if held.tls_certificate is not None else 'http'}://{shown}:{held.port}"


def _own_url_or_none() -> str | None:
    try:
        return _own_url()
    except Misuse:
        return None
