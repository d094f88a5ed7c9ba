"""The client: each operation of the API is a method of it, e.g. ``client.ping()``; the same one waits, the other is awaited.

Reads are asked again when the gateway or the network is unwell; writes never are, and carry a key by which they are done once.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import random
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from b25.client.bots import WATCHED, AsyncBot, Bot, Bots
from b25.client.call import AGAIN, Call, Operation, answer_of, call_of, operation, operations, unsure
from b25.client.live import LiveState, LiveThread
from b25.model.errors import Misuse

TRIES: Final = 3
FIRST_WAIT_S: Final = 0.1
WAIT_S_MAX: Final = 5.0
TIMEOUT_S: Final = 35.0  # above the longest that the gateway lets an ordinary request take
TICKET: Final = Operation("ticket", "POST", "/api/v1/auth/ticket", (), "")
HOME: Final = ("127.0.0.1", "localhost", "::1")
_open: weakref.WeakSet[Client] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End what still follows a gateway, before the interpreter takes the loop away from under it."""
    for client in list(_open):
        client.close()


class Credential:
    """A token or a key, which is never printed."""

    __slots__ = ("_headers",)

    def __init__(self, token: str | None, key: str | None) -> None:
        if token and key:
            raise Misuse("a token and a key at once", remedy="give one of them")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {"X-API-Key": key} if key else {}

    def headers(self) -> dict[str, str]:
        """Return the header that carries it."""
        return dict(self._headers)

    def __repr__(self) -> str:
        return "Credential(***)" if self._headers else "Credential(none)"

    def __reduce__(self) -> Any:
        raise TypeError("a credential is not pickled")


def checked_url(url: str, credential: Credential) -> str:
    """Return the address. Raises Misuse for one that is none, or over which a secret would travel readable."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Misuse("this is no address of a gateway", remedy="give e.g. http://127.0.0.1:8080, and the token apart from it")
    if parts.scheme == "http" and parts.hostname not in HOME and credential.headers():
        raise Misuse(f"a secret would go to {parts.hostname} unencrypted", remedy="use https")
    return url.rstrip("/")


def waits_s() -> Iterator[float]:
    """Yield how long to wait before each further try of a read."""
    for again in range(TRIES - 1):
        yield min(WAIT_S_MAX, FIRST_WAIT_S * 2**again * random.uniform(0.75, 1.25))  # noqa: S311 - so that not all come at once


class _Operations(ABC):
    """Gives each operation as a method."""

    @abstractmethod
    def call(self, name: str, /, *, idempotency_key: str = "", **given: Any) -> Any:
        """Ask for an operation by name."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in operations():
            if name.startswith("_"):
                raise AttributeError(name)
            try:
                operation(name)
            except Misuse as fault:
                raise AttributeError(str(fault)) from None

        def asked(**given: Any) -> Any:
            return self.call(name, **given)

        one = operation(name)
        asked.__name__ = asked.__qualname__ = name
        asked.__doc__ = f"{one.method} {one.path}; takes {', '.join((*one.places, *one.query)) or 'nothing'}"
        asked.__doc__ += " and the fields of a body" if one.body else ""
        return asked

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *operations()})


class Client(_Operations):
    """Waits for each answer.

    Parameters
    ----------
    url : str
        Of the gateway, e.g. ``"http://127.0.0.1:8080"``.
    token, key : str, optional
        An access token, or an API key. Sent as a header, never in an address.
    transport : httpx transport, optional
    """

    def __init__(
        self, url: str, *, token: str | None = None, key: str | None = None, timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.credential, self._sleep = Credential(token, key), sleep
        self.url = checked_url(url, self.credential)
        self._http = httpx.Client(base_url=self.url, timeout=timeout_s, transport=transport, trust_env=False)
        self._follows: LiveThread | None = None
        self._awaited: tuple[Any, AsyncClient] | None = None
        _open.add(self)

    def bots(self) -> Bots:
        """Return every session that may be seen, by name, as they stand now."""
        return Bots(self, self.call("get_sessions")["data"])

    @property
    def sessions(self) -> Bots:
        """As `bots()`."""
        return self.bots()

    def bot(self, name: str) -> Bot:
        """Return one session, to look at and to steer. Raises Misuse when there is none of that name."""
        return self.bots()[name]

    def session(self, name: str) -> Bot:
        """As `bot`."""
        return self.bot(name)

    @property
    def aio(self) -> AsyncClient:
        """The same client to await: ``await client.aio.bot("mm").pause()``. Within one loop it is one; each loop has its own."""
        loop: Any = None
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
        if self._awaited is None or self._awaited[0] is not loop:
            client = AsyncClient(self.url)
            client.credential = self.credential
            self._awaited = (loop, client)
        return self._awaited[1]

    def follow(self) -> LiveThread:
        """Return the copy of sessions, positions, orders and fills that one thread of this client keeps up to date."""
        if self._follows is None or not self._follows.is_alive():
            self._follows = self.live(*WATCHED)
        return self._follows

    def call(self, name: str, /, *, idempotency_key: str = "", **given: Any) -> Any:
        """Ask for an operation by name.

        Raises
        ------
        Misuse
            It was refused.
        Retry
            The gateway or the network is unwell.
        Resync
            A write was not answered: it is not known whether it was done.
        """
        return self.ask(operation(name), given, idempotency_key)

    def ask(self, one: Operation, given: Mapping[str, Any], idempotency_key: str = "") -> Any:
        """Ask for an operation; raises as `call` does."""
        call = call_of(one, given, idempotency_key=idempotency_key)
        waits = waits_s() if call.operation.is_read else iter(())
        while True:
            try:
                told = self._http.request(**_request(call, self.credential))
            except httpx.TransportError as fault:
                if (wait_s := next(waits, None)) is None:
                    raise unsure(call, _lost(self.url, fault)) from None
            else:
                if told.status_code not in AGAIN or (wait_s := next(waits, None)) is None:
                    return answer_of(call, told.status_code, told.headers.get("content-type", ""), told.content)
            self._sleep(wait_s)

    def live(self, *channels: str) -> LiveThread:
        """Return a copy of these channels that a thread keeps up to date, until it is closed."""

        async def ticket() -> str:
            return str((await asyncio.to_thread(self.ask, TICKET, {}))["ticket"])

        return LiveThread(LiveState(self.url, ticket, channels))

    def close(self) -> None:
        """Close its connections, and end the thread that follows."""
        if self._follows is not None:
            self._follows.close()
            self._follows = None
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r}, {self.credential!r})"


class AsyncClient(_Operations):
    """The same, whose answers are awaited."""

    def __init__(
        self, url: str, *, token: str | None = None, key: str | None = None, timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None, sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.credential, self._sleep = Credential(token, key), sleep
        self.url = checked_url(url, self.credential)
        self._http = httpx.AsyncClient(base_url=self.url, timeout=timeout_s, transport=transport, trust_env=False)

    async def call(self, name: str, /, *, idempotency_key: str = "", **given: Any) -> Any:
        """Ask for an operation by name; raises as `Client.call` does."""
        return await self.ask(operation(name), given, idempotency_key)

    async def ask(self, one: Operation, given: Mapping[str, Any], idempotency_key: str = "") -> Any:
        """Ask for an operation; raises as `call` does."""
        call = call_of(one, given, idempotency_key=idempotency_key)
        waits = waits_s() if call.operation.is_read else iter(())
        while True:
            try:
                told = await self._http.request(**_request(call, self.credential))
            except httpx.TransportError as fault:
                if (wait_s := next(waits, None)) is None:
                    raise unsure(call, _lost(self.url, fault)) from None
            else:
                if told.status_code not in AGAIN or (wait_s := next(waits, None)) is None:
                    return answer_of(call, told.status_code, told.headers.get("content-type", ""), told.content)
            await self._sleep(wait_s)

    def bot(self, name: str) -> AsyncBot:
        """Return a session, to look at and to steer; whether it is there is seen when it is asked."""
        return AsyncBot(self, name)

    def live(self, *channels: str, kind: str = "notebook") -> LiveState:
        """Return a copy of these channels that is kept up to date while its `run` is awaited."""

        async def ticket() -> str:
            return str((await self.ask(TICKET, {}))["ticket"])

        return LiveState(self.url, ticket, channels, kind=kind)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r}, {self.credential!r})"


def _request(call: Call, credential: Credential) -> dict[str, Any]:
    return {
        "method": call.operation.method, "url": call.path, "params": call.query, "content": call.content,
        "headers": call.headers | credential.headers(),
    }  # fmt: skip


def _lost(url: str, fault: Exception) -> str:
    return f"the gateway at {url} does not answer ({type(fault).__name__})"
