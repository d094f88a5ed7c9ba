"""What one call sent and was answered on HTTP, kept apart from every other call that runs at the same time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import orjson

TEXT_MAX = 500
QUERY = re.compile(r"(?<=\w)\?\w+=\S*")


@dataclass(slots=True)
class Exchanged:
    """One HTTP request and what came back; `status` 0 while nothing has."""

    method: str
    url: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    fault: BaseException | None = None

    @property
    def parsed(self) -> Any:
        """The body as JSON, or None when it is none."""
        try:
            value = orjson.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict | list) else None

    @property
    def is_read(self) -> bool:
        """Whether it can have changed nothing."""
        return self.method == "GET"

    def header(self, name: str) -> str:
        """One header, whatever its case; empty when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


_trail: ContextVar[list[Exchanged] | None] = ContextVar("b25_ccxt_trail", default=None)


@contextmanager
def trail() -> Iterator[list[Exchanged]]:
    """Collect what this task, and tasks it starts, exchange on HTTP.

    ccxt keeps the last response on the exchange object, where two calls at a time overwrite each other's. A context variable
    is copied into each task, so that a call sees its own requests only.
    """
    exchanged: list[Exchanged] = []
    token = _trail.set(exchanged)
    try:
        yield exchanged
    finally:
        _trail.reset(token)


def begun(method: str, url: str) -> Exchanged:
    """Note that a request is about to be written."""
    one = Exchanged(method.upper(), url)
    if (kept := _trail.get()) is not None:
        kept.append(one)
    return one


def answering() -> Exchanged | None:
    """The request of this task that an answer has just come for."""
    kept = _trail.get()
    return kept[-1] if kept else None


def said(text: object) -> str:
    """Words about a failure that may be stored: without the query of a url, which holds a signature, and not too long."""
    return QUERY.sub("", str(text))[:TEXT_MAX]


def never_connected(fault: BaseException | None) -> bool:
    """Whether a failure proves that no byte of a request was written: no name, no connection, no TLS."""
    import socket

    import aiohttp

    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        if isinstance(
            fault, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL | socket.gaierror
        ):
            return True
        if isinstance(fault, asyncio.TimeoutError):
            return False
        fault = fault.__cause__
    return False
