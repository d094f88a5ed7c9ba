"""Everybody who is connected: lanes that send when something changed, not more often than their interval; who looks at what."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.state.state import State
from b25.api.ws.commands import Commander
from b25.api.ws.figures import Figures
from b25.api.ws.lane import Lane
from b25.api.ws.viewer import Viewer
from b25.api.ws.wire import WIRES

INTERVAL_S: Final = {"web": 0.25, "tui": 0.1, "notebook": 0.25}
GATHER_S: Final = 0.002  # what comes together is told together
VIEWERS_MAX: Final = 1_000
CHECK_S: Final = 30.0
CLOSE_S: Final = 30.0
LOOKERS_MAX: Final = 20

Holds = Callable[[Principal], bool | Awaitable[bool]]


class Pace:
    """Calls for a round of a lane: soon after a change, and not more often than the interval; from any thread.

    Parameters
    ----------
    loop : event loop
        In which rounds are made.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, interval_s: float) -> None:
        self.loop, self.interval_s = loop, interval_s
        self.lane: Lane | None = None
        self._last_s = float("-inf")

    def wake(self) -> None:
        """Something changed."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._plan)

    def _plan(self) -> None:
        wait_s = self._last_s + self.interval_s - self.loop.time()
        self.loop.call_later(max(GATHER_S, wait_s), self._go)

    def _go(self) -> None:
        if self.lane is not None:
            self._last_s = self.loop.time()
            self.lane.round()


@dataclass(slots=True)
class Connection:
    """A viewer, where it comes from and its lane."""

    viewer: Viewer
    lane: Lane
    ip: str
    since_ns: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def facts(self) -> dict[str, Any]:
        """Return what an administrator sees of it."""
        viewer = self.viewer
        return {
            "client_id": viewer.viewer_id, "name": viewer.by.name, "type": viewer.kind, "format": viewer.wire.name, "ip": self.ip,
            "since_ns": self.since_ns, "channels": sorted(viewer.channels), "looks_at": viewer.looks_at or None,
            "messages": viewer.seq, "waiting": viewer.waiting, "was_slow": viewer.was_behind,
        }  # fmt: skip


class Hub:
    """Connections of one gateway.

    Parameters
    ----------
    state : State
    holds : callable, plain or async
        Whether a principal's sign-in still holds: neither revoked nor over. Asked every half minute.
    commander : Commander, optional
        Without one commands are refused.
    """

    def __init__(
        self, state: State, *, holds: Holds, commander: Commander | None = None, now_ns: Callable[[], int] = time.time_ns,
        check_s: float = CHECK_S,
    ) -> None:  # fmt: skip
        self.state, self.holds, self.commander, self.now_ns, self.check_s = state, holds, commander, now_ns, check_s
        self.figures = Figures()
        self.connections: dict[str, Connection] = {}
        self.tasks: set[asyncio.Task[Any]] = set()  # commands that go on, whoever asked for them is gone
        self.is_closing = False
        self._lanes: dict[tuple[str, float, frozenset[str] | None], Lane] = {}
        self._numbers = itertools.count(1)
        self._checking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look whether sign-ins still hold."""
        self._checking = asyncio.get_running_loop().create_task(self._check())

    async def stop(self) -> None:
        """Tell everybody to come back later, and wait for them to go, and for commands under way to be answered."""
        self.is_closing = True
        for one in list(self.connections.values()):
            one.viewer.close(1012, "the gateway ends")
        waits = [one.ended.wait() for one in self.connections.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*waits, *self.tasks, return_exceptions=True)
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)

    def enter(self, by: Principal, kind: str, form: str, ip: str) -> Connection:
        """Take a connection. Raises Problem when there are too many."""
        if self.is_closing or len(self.connections) >= VIEWERS_MAX:
            raise Problem(503, f"{len(self.connections)} sockets are open", remedy="close some, or come back later")
        viewer = Viewer(f"{next(self._numbers)}-{secrets.token_hex(4)}", by, kind, WIRES[form], self.figures)
        lane = self._lane(form, INTERVAL_S[kind], by.accounts)
        lane.enter(viewer)
        made = self.connections[viewer.viewer_id] = Connection(viewer, lane, ip, self.now_ns())
        self.figures.opened += 1
        return made

    def leave(self, one: Connection, why: str) -> None:
        """Let a connection go."""
        self.connections.pop(one.viewer.viewer_id, None)
        one.lane.leave(one.viewer)
        if not one.lane.viewers:
            one.lane.close()
            self._lanes = {key: lane for key, lane in self._lanes.items() if lane is not one.lane}
        self.figures.closed[why] += 1
        self.look(one, "")
        one.ended.set()

    def _lane(self, form: str, interval_s: float, accounts: frozenset[str] | None) -> Lane:
        key = (form, interval_s, accounts)
        if (found := self._lanes.get(key)) is not None:
            return found
        pace = Pace(asyncio.get_running_loop(), interval_s)
        pace.lane = self._lanes[key] = Lane(self.state, WIRES[form], accounts, self.figures, pace.wake)
        return pace.lane

    def look(self, one: Connection, at: str) -> None:
        """Note which session or other object somebody looks at now: all see it in the channel `presence`."""
        before, one.viewer.looks_at = one.viewer.looks_at, at
        for what in {before, at} - {""}:
            names = sorted({other.viewer.by.name for other in self.connections.values() if other.viewer.looks_at == what})
            if names:
                self.state.put("presence", what, {"names": names[:LOOKERS_MAX], "count": len(names)}, source="gateway")
            else:
                self.state.remove("presence", what)

    def disconnect(self, client_id: str, reason: str) -> bool:
        """End a connection; False when there is none of this id."""
        found = self.connections.get(client_id)
        if found is None:
            return False
        found.viewer.close(1008, reason)
        return True

    def broadcast(self, text: str, by: str) -> int:
        """Say something to everybody; gives to how many."""
        for one in self.connections.values():
            one.viewer.say({"type": "notice", "time_ns": self.now_ns(), "text": text, "by": by})
        return len(self.connections)

    async def _check(self) -> None:
        """Every half minute: say that we are there, and end the connections of sign-ins that hold no more."""
        while True:
            await asyncio.sleep(self.check_s)
            known: dict[tuple[str, str], bool] = {}
            for one in list(self.connections.values()):
                by = one.viewer.by
                if (by.name, by.login) not in known:
                    known[by.name, by.login] = await self._still_holds(by)
                if not known[by.name, by.login]:
                    one.viewer.close(1008, "the sign-in is over")
                else:
                    one.viewer.say({"type": "heartbeat", "time_ns": self.now_ns()})

    async def _still_holds(self, by: Principal) -> bool:
        try:
            told = self.holds(by)
            return await told if inspect.isawaitable(told) else told
        except Exception:  # whether it holds is not known: then it does not
            return False

    def facts(self) -> dict[str, Any]:
        """Return what passes, for metrics and health."""
        by_kind: dict[str, int] = {}
        channels: dict[str, int] = {}
        for one in self.connections.values():
            by_kind[one.viewer.kind] = by_kind.get(one.viewer.kind, 0) + 1
            for channel in one.viewer.channels:
                channels[channel] = channels.get(channel, 0) + 1
        return self.figures.facts() | {
            "clients": by_kind, "subscriptions": channels,
            "waiting": sum(one.viewer.waiting for one in self.connections.values()),
        }  # fmt: skip
