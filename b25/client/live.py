"""The server's state, here: kept up to date over a socket that is opened again when it is lost.

While it is lost the last values stay, each with its age, and commands are refused; nothing is set to zero, and nothing queued.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
import websockets
from websockets.asyncio.client import ClientConnection, connect

from b25.client.mirror import Mirror
from b25.model.errors import B25Error, Misuse, Resync, Retry

FIRST_WAIT_S: Final = 3.0
TRIES_MAX: Final = 10
WAIT_S_MAX: Final = 300.0
PING_S: Final = 20.0
REFRESH_S: Final = 2.0
OPEN_S: Final = 10.0
ACK_S: Final = 15.0
BYTES_MAX: Final = 64 * 2**20
CONNECTED, CONNECTING, LOST, CLOSED = "connected", "connecting", "lost", "closed"

Ticket = Callable[[], Awaitable[str]]


class LiveState:
    """A copy of some channels.

    Parameters
    ----------
    url : str
        Of the gateway.
    ticket : async callable
        Gets a ticket, which is worth one connection.
    channels : iterable of str
    kind : str
        ``"notebook"`` or ``"tui"``: how often it wants to hear.

    Attributes
    ----------
    mirror : Mirror
        What is known: ``get``, ``age_s``, ``is_stale``.
    state : str
        connected, connecting, lost (it has given up: call `run` again), closed.
    tries : int
        Since it was connected.
    round_trip_s : float or None
        Of the last ping.
    changed : callable
        Called after each message, in the loop in which it runs.
    """

    def __init__(
        self, url: str, ticket: Ticket, channels: Iterable[str] = (), *, kind: str = "notebook",
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep, changed: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.url, self.ticket, self.kind, self.sleep, self.changed = url, ticket, kind, sleep, changed
        self.mirror = Mirror()
        self.mirror.subscribed(channels)
        self.state, self.tries, self.messages = CLOSED, 0, 0
        self.why: B25Error | None = None
        self.round_trip_s: float | None = None
        self.notices: list[dict[str, Any]] = []
        self._line: ClientConnection | None = None
        self._acks: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._asked_s = 0.0

    async def run(self) -> None:
        """Follow until cancelled.

        Raises
        ------
        Misuse
            When the gateway does not let us in.
        Retry
            After ten tries in a row: whether to go on is for a person to say.
        """
        self.tries = 0
        try:
            while True:
                self.state = CONNECTING
                try:
                    await self._once()
                except Misuse:
                    raise
                except (B25Error, OSError, TimeoutError, websockets.WebSocketException) as fault:
                    self.why = (
                        fault if isinstance(fault, B25Error) else Retry(_told(fault), remedy="see whether the gateway runs")
                    )
                self.state = CONNECTING
                self._lost()
                if self.tries >= TRIES_MAX:
                    raise Retry(f"no connection to {self.url} after {TRIES_MAX} tries", remedy="see whether the gateway runs")
                await self.sleep(min(WAIT_S_MAX, FIRST_WAIT_S * 2**self.tries))
                self.tries += 1
        except asyncio.CancelledError:
            self.state = CLOSED
            raise
        except B25Error as fault:
            self.why = fault
            raise
        finally:
            self._lost()
            self.state = CLOSED if self.state == CLOSED else LOST

    async def _once(self) -> None:
        """Open a socket and follow it to its end."""
        address = self.url.replace("http", "ws", 1) + f"/ws?type={self.kind}&format=msgpack&ticket={await self.ticket()}"
        options: dict[str, Any] = {"open_timeout": OPEN_S, "max_size": BYTES_MAX, "proxy": None, "compression": None}
        try:
            line = await connect(address, **options)
        except websockets.InvalidStatus as fault:
            status = fault.response.status_code
            kind = Retry if status >= 500 or status == 429 else Misuse
            raise kind(f"the gateway refused the socket with {status}", remedy="sign in again, or ask for the role") from None
        self._line = line
        try:
            self.mirror.begin()
            self.state, self.tries, self.why = CONNECTED, 0, None
            await self._send({"type": "subscribe", "channels": sorted(self.mirror.wanted)})
            pinging = asyncio.create_task(self._ping())
            try:
                async for data in line:
                    await self._take(msgpack.unpackb(data))
            finally:
                pinging.cancel()
                await asyncio.gather(pinging, return_exceptions=True)
        finally:
            self._line = None
            with contextlib.suppress(Exception):
                await line.close()

    def _lost(self) -> None:
        """Mark all of it; whoever waits for an answer is told that it will not come."""
        self.mirror.suspect |= self.mirror.wanted
        for one in self._acks.values():
            if not one.done():
                one.set_exception(_unsure())
        self._acks.clear()
        self.changed()

    async def _take(self, message: dict[str, Any]) -> None:
        self.messages += 1
        suspect = self.mirror.take(message)
        kind = message.get("type")
        if kind == "pong" and isinstance(message.get("id"), float):
            self.round_trip_s = time.perf_counter() - message["id"]
        elif kind in ("ack", "error") and message.get("id") in self._acks:
            waiting = self._acks.pop(message["id"])
            if not waiting.done():
                waiting.set_result(message)
        elif kind == "notice":
            self.notices = [*self.notices[-99:], message]
        if suspect or (self.mirror.suspect and time.monotonic() - self._asked_s > REFRESH_S and self.mirror.gaps):
            self._asked_s = time.monotonic()
            await self._send({"type": "refresh", "channels": sorted(suspect or self.mirror.suspect)})
        self.changed()

    async def _ping(self) -> None:
        while True:
            await self._send({"type": "ping", "id": time.perf_counter()})
            await asyncio.sleep(PING_S)

    async def _send(self, message: dict[str, Any]) -> None:
        if self._line is None:
            raise Retry("there is no connection to the gateway", remedy="wait until it is back")
        await self._line.send(msgpack.packb(message))

    async def subscribe(self, *channels: str) -> None:
        """Follow more channels; while the connection is lost, from the next one on."""
        self.mirror.subscribed(channels)
        if self._line is not None:
            await self._send({"type": "subscribe", "channels": list(channels)})

    async def unsubscribe(self, *channels: str) -> None:
        """Follow channels no more."""
        self.mirror.unsubscribed(channels)
        if self._line is not None:
            await self._send({"type": "unsubscribe", "channels": list(channels)})

    async def look(self, at: str) -> None:
        """Tell others what is looked at here, e.g. ``"sessions/live-1"``; empty for nothing."""
        await self._send({"type": "look", "at": at})

    async def command(self, name: str, *, command_id: str = "", **args: Any) -> dict[str, Any]:
        """Have a session do something, and wait until it has said what became of it.

        Raises
        ------
        Misuse
            It was refused: it was not done.
        Retry
            There is no connection: it was not sent.
        Resync
            No answer came: it is not known whether it was done. The same `command_id` is never done twice.
        """
        command_id = command_id or uuid.uuid4().hex
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if self._line is None:
            raise Retry("there is no connection to the gateway: the command was not sent", remedy="wait until it is back")
        self._acks[command_id] = waiting
        try:
            await self._send({"type": "command", "id": command_id, "name": name, "args": args})
            async with asyncio.timeout(ACK_S):
                told = await waiting
        except (TimeoutError, websockets.WebSocketException):
            raise _unsure(command_id) from None
        finally:
            self._acks.pop(command_id, None)
        result: dict[str, Any] = told.get("result") or {}
        if told["type"] == "error":
            raise Misuse(str(told["message"]), remedy=str(told.get("remedy") or "see docs/websocket.md"))
        if told["status"] == "refused":
            raise Misuse(str(result.get("message")), remedy=str(result.get("remedy") or "see the session's log"))
        if told["status"] != "done":
            raise _unsure(command_id, str(result.get("message") or ""))
        return result


class LiveThread:
    """The same for code that awaits nothing, as in a notebook: a thread follows until `close`.

    Parameters
    ----------
    live : LiveState
    """

    def __init__(self, live: LiveState) -> None:
        self.live = live
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name="b25-live", daemon=True)
        self._thread.start()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self.live.run())
        with contextlib.suppress(asyncio.CancelledError, B25Error):  # it stands in `live.why`
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def get(self, path: str, default: Any = None) -> Any:
        """Return what stands at a path."""
        return self.live.mirror.get(path, default)

    def age_s(self, path: str) -> float | None:
        """Return how old an entry is; None when it is not known."""
        return self.live.mirror.age_s(path)

    def is_stale(self, path: str) -> bool:
        """Whether an entry cannot be relied on."""
        return self.live.mirror.is_stale(path)

    def command(self, name: str, **args: Any) -> dict[str, Any]:
        """As `LiveState.command`."""
        if not self._thread.is_alive():
            raise Retry("there is no connection to the gateway: the command was not sent", remedy="open a new one")
        asked = asyncio.run_coroutine_threadsafe(self.live.command(name, **args), self._loop)
        return asked.result(ACK_S + 5.0)

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Follow no more."""
        if self._thread.is_alive() and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(OPEN_S)

    def __enter__(self) -> LiveThread:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unsure(command_id: str = "", what: str = "") -> Resync:
    remedy = f"look before you ask again; with command_id={command_id!r} it is not done twice" if command_id else "look first"
    return Resync(f"{what or 'no answer came'}: it is not known whether the command was done", remedy=remedy)


def _told(fault: BaseException) -> str:
    return f"the socket was lost: {type(fault).__name__}"  # its text may hold the address, and that the ticket
