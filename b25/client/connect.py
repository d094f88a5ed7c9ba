"""The way in: `b25.connect(url, token=…)`."""

from __future__ import annotations

from typing import Final

from b25.client.client import Client

HERE: Final = "http://127.0.0.1:8080"


def connect(url: str = HERE, *, token: str | None = None, key: str | None = None) -> Client:
    """Return a client of a gateway.

    Parameters
    ----------
    url : str
    token, key : str, optional
        An access token, or an API key (`b25 token create`). Over plain http only to this machine.

    Returns
    -------
    Client
        Each operation of the API is a method of it; ``client.live("positions", "orders")`` follows what happens.

    Raises
    ------
    Misuse
        For an address that is none, or over which a secret would travel readable.
    """
    return Client(url, token=token, key=key)
