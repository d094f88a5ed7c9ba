"""Keeps a kernel from speaking to anybody but this machine, for as long as that is wanted."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any, Final

from b25.model.errors import Misuse

HERE: Final = frozenset({"localhost", "", "ip6-localhost"})


class _Wall:
    """Whether the wall stands; an audit hook cannot be taken away, so that it is asked each time."""

    is_hooked = False
    is_up = False


def stay_offline(wanted: bool) -> None:
    """Refuse connections to other machines from now on, or let them pass again."""
    if wanted and not _Wall.is_hooked:
        sys.addaudithook(_refuse)
        _Wall.is_hooked = True
    _Wall.is_up = wanted


def is_offline() -> bool:
    """Whether connections to other machines are refused."""
    return _Wall.is_up


def is_here(host: Any) -> bool:
    """Whether a host is this machine."""
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
    if text in HERE:
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(event: str, given: tuple[Any, ...]) -> None:
    if not _Wall.is_up or event not in ("socket.connect", "socket.getaddrinfo"):
        return
    if event == "socket.connect":
        address = given[1]
        if not isinstance(address, tuple):  # a socket of the file system
            return
        host = address[0]
    else:
        host = given[0]
    if not is_here(host):
        raise Misuse(f"this notebook is offline, and {host!r} is another machine", remedy="b25.notebook.setup(offline=False)")
