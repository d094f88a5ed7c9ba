"""What a client session must not do behind our back: send a request a second time, or send it somewhere else."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

_hardened: WeakSet[Any] = WeakSet()


class Redirected(Exception):
    """A venue asked us to send a signed request to another address. It is not sent there."""


async def _refuse(session: Any, context: Any, params: Any) -> None:
    raise Redirected(f"{params.method} {params.url.host} was redirected with HTTP {params.response.status}")


def harden(session: Any) -> None:
    """Make an aiohttp session send each request once, to where it was addressed.

    By itself it sends PUT and DELETE again when a kept connection turns out dead, and follows redirects with the API key in
    the headers.
    """
    import aiohttp

    if session in _hardened:
        return
    _hardened.add(session)
    session._retry_connection = False
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse)
    trace.freeze()
    session.trace_configs.append(trace)
