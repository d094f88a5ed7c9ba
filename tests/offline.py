"""Refuse every connection that leaves this machine, so that no test depends on a network without anyone noticing."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

LOCAL_NAMES = {"localhost", "", None}


class OutsideConnection(AssertionError):
    """A test tried to leave the machine."""


def is_local(address: Any) -> bool:
    """Whether a socket address is on this machine: a local path, the loopback range, or a name for it."""
    if not isinstance(address, tuple):
        return True  # AF_UNIX: a path
    host = address[0]
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: looking it up is already a connection


def refuse_outside_connections() -> None:
    """From now on, in this process, only local addresses can be connected to, sent to, or looked up."""
    for name, position in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name), position))
    look_up = socket.getaddrinfo

    def local_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        if not is_local((host.decode() if isinstance(host, bytes) else host,)):
            raise OutsideConnection(f"a test looks up {host!r}; tests run without a network")
        return look_up(host, *rest, **named)

    socket.getaddrinfo = local_look_up


def _guarded(method: Callable[..., Any], position: int) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(arguments[position]):
            raise OutsideConnection(f"a test connects to {arguments[position]!r}; tests run without a network")
        return method(self, *arguments)

    return guarded
