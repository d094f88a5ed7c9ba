"""Where the bus is: a URL and the token that it asks for, from the environment or from the run folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from b25.model.errors import Misuse

URL, TOKEN_FILE = "B25_NATS_URL", "B25_NATS_TOKEN_FILE"
PORT: Final = 14_222


@dataclass(frozen=True, slots=True)
class BusAddress:
    """A server, and the token it asks for; the token is never printed."""

    url: str
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("nats", "tls", "ws", "wss") or not parts.hostname:
            raise Misuse(f"{self.url!r} is no address of a NATS server", remedy="give e.g. nats://127.0.0.1:14222")
        if parts.password or parts.username:
            raise Misuse(
                "a secret stands in the address of the bus", remedy=f"put the token into a file, and name it in {TOKEN_FILE}"
            )


def bus_folder(run_folder: Path) -> Path:
    """Where the server that b25 starts keeps its token, its log and its streams."""
    return run_folder / "bus"


def bus_address(url: str, run_folder: Path, environment: Mapping[str, str] = os.environ) -> BusAddress:
    """Return where the bus is, and its token.

    Parameters
    ----------
    url : str
        Empty: as `B25_NATS_URL` says, else that of this machine's own server.
    run_folder : Path
        Its server's token is used for a server on this machine.
    environment : mapping
        `B25_NATS_TOKEN_FILE` names the file that holds the token.
    """
    told = url or environment.get(URL, "") or f"nats://127.0.0.1:{PORT}"
    named = environment.get(TOKEN_FILE, "")
    file = Path(named) if named else bus_folder(run_folder) / "token"
    if not named and (not file.exists() or urlsplit(told).hostname not in ("127.0.0.1", "localhost", "::1")):
        return BusAddress(told)
    try:
        return BusAddress(told, file.read_text(encoding="utf-8").strip())
    except OSError as fault:
        raise Misuse(
            f"the token of the bus cannot be read from {file}: {fault.strerror}", remedy=f"correct {TOKEN_FILE}"
        ) from None
