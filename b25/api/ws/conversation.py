"""What a client says, and what follows: subscriptions, pings, commands that are answered when they were acknowledged."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

from b25.api.problems import Problem, problem_of
from b25.api.roles import remedy_of
from b25.api.ws.commands import NEVER_HELD_UP, PERMISSIONS, Asked
from b25.api.ws.hub import Connection, Hub
from b25.api.ws.rates import Bucket
from b25.model.errors import B25Error, Misuse, Retry

LOG: Final = logging.getLogger(__name__)
BYTES_MAX: Final = 64 * 2**10
REFUSED_MAX: Final = 50  # messages too many, in a row, and the connection ends
AT_ONCE: Final = 8  # commands of one connection under way
ID_CHARS_MAX: Final = 100
OBJECT: Final = re.compile(r"[a-z_]{1,20}/[A-Za-z0-9_.:-]{1,100}")
SUBSCRIBING: Final = frozenset({"subscribe", "unsubscribe", "refresh", "look"})


class Conversation:
    """One connection's side of the protocol.

    Parameters
    ----------
    hub : Hub
    one : Connection
    """

    def __init__(self, hub: Hub, one: Connection, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.hub, self.one, self.viewer, self.clock_s = hub, one, one.viewer, clock_s
        self.messages, self.changes = Bucket(10.0, 20.0), Bucket(5.0, 10.0)
        self.refused = 0
        self.under_way: set[str] = set()

    def take(self, data: bytes) -> None:
        """Take a message; whatever is wrong with it is answered, and harms nobody else."""
        if len(data) > BYTES_MAX:
            self.viewer.close(1009, "too large")
            return
        try:
            message = self.viewer.wire.read(data)
        except ValueError:
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(kind, str):
            if self._passes("", ""):
                self._error("BAD_MESSAGE", f"this is no message in {self.viewer.wire.name} with a type")
            return
        name = message.get("name") if kind == "command" else ""
        if not self._passes(kind, name if isinstance(name, str) else ""):
            return
        self.hub.figures.received[kind if kind in ACTS else "unknown"] += 1
        act = ACTS.get(kind)
        if act is None:
            self._error("UNKNOWN_TYPE", "there is no such message", remedy=f"send one of {', '.join(ACTS)}")
            return
        try:
            act(self, message)
        except Misuse as fault:
            self._error("BAD_MESSAGE", fault.what, remedy=fault.remedy, answers=message.get("id"))

    def _passes(self, kind: str, name: str) -> bool:
        """Whether it is not too often."""
        now_s = self.clock_s()
        if name in NEVER_HELD_UP and name in PERMISSIONS and self.viewer.by.may(PERMISSIONS[name]):
            return True
        if self.messages.take(now_s) and (kind not in SUBSCRIBING or self.changes.take(now_s)):
            self.refused = 0
            return True
        self.refused += 1
        if self.refused > REFUSED_MAX:
            self.viewer.close(1008, "too many messages")
        elif self.refused == 1:
            self._error("RATE_LIMIT_EXCEEDED", "too many messages", remedy="10 a second, 5 of them subscriptions")
        return False

    def _error(self, code: str, what: str, *, remedy: str = "", answers: Any = None) -> None:
        self.hub.figures.refused[code] += 1
        told = {"type": "error", "code": code, "message": what, "remedy": remedy}
        if isinstance(answers, str):
            told["id"] = answers[:ID_CHARS_MAX]
        self.viewer.say(told)

    def _channels(self, message: dict[str, Any]) -> set[str]:
        told = message.get("channels")
        if not isinstance(told, list) or len(told) > 100 or not all(isinstance(one, str) for one in told):
            raise Misuse("channels are not given", remedy="give a list of names")
        return set(told)

    def subscribe(self, message: dict[str, Any]) -> None:
        """Show channels."""
        self.one.lane.subscribe(self.viewer, self._channels(message))

    def unsubscribe(self, message: dict[str, Any]) -> None:
        """Show channels no more."""
        self.one.lane.unsubscribe(self.viewer, self._channels(message))

    def refresh(self, message: dict[str, Any]) -> None:
        """Send a snapshot."""
        self.one.lane.refresh(self.viewer, self._channels(message))

    def look(self, message: dict[str, Any]) -> None:
        """Note what he looks at."""
        at = message.get("at", "")
        if not isinstance(at, str) or (at and not OBJECT.fullmatch(at)):
            raise Misuse("`at` names no object", remedy="give e.g. sessions/live-1, or nothing")
        self.hub.look(self.one, at)

    def ping(self, message: dict[str, Any]) -> None:
        """Answer, with what the client put in, so that it can tell the way there and back."""
        told = message.get("id")
        given = told if isinstance(told, int | float | str) and len(str(told)) <= ID_CHARS_MAX else None
        self.viewer.say({"type": "pong", "time_ns": self.hub.now_ns(), "id": given})

    def command(self, message: dict[str, Any]) -> None:
        """Begin a command; the answer comes when it was acknowledged."""
        command_id, name, args = message.get("id"), message.get("name"), message.get("args", {})
        if not isinstance(command_id, str) or not 0 < len(command_id) <= ID_CHARS_MAX:
            raise Misuse("a command without an id", remedy=f"give an id of at most {ID_CHARS_MAX} characters")
        if not isinstance(name, str) or name not in PERMISSIONS or not isinstance(args, dict):
            raise Misuse("there is no such command", remedy=f"send one of {', '.join(PERMISSIONS)} with args")
        if not self.viewer.by.may(PERMISSIONS[name]):
            remedy = remedy_of(PERMISSIONS[name])
            self._error("FORBIDDEN", f"{self.viewer.by.name} may not {name}", remedy=remedy, answers=command_id)
            return
        if self.hub.commander is None or self.hub.is_closing:
            self._error("UNAVAILABLE", "commands are not taken here", remedy="use the routes", answers=command_id)
            return
        if command_id in self.under_way:
            return  # the answer to the first is the answer to the second
        if len(self.under_way) >= AT_ONCE and name not in NEVER_HELD_UP:
            self._error("TOO_MANY", f"{AT_ONCE} commands are under way", remedy="wait for an answer", answers=command_id)
            return
        self.under_way.add(command_id)
        asked = Asked(command_id=command_id, name=name, args=args, ip=self.one.ip, connection=self.viewer.viewer_id)
        task = asyncio.get_running_loop().create_task(self._do(asked))
        self.hub.tasks.add(task)
        task.add_done_callback(self.hub.tasks.discard)

    async def _do(self, asked: Asked) -> None:
        """Have it done and tell the outcome: done, refused (it was not done), or unknown (it may have been)."""
        assert self.hub.commander is not None
        result: dict[str, Any]
        try:
            result = await self.hub.commander.command(self.viewer.by, asked)
            status = "done"
        except Retry as fault:
            status, result = "unknown", {"code": "RETRY", "message": fault.what, "remedy": fault.remedy}
        except Exception as fault:
            told = problem_of(fault)
            status = "refused" if isinstance(fault, Misuse | Problem) and told.status < 500 else "unknown"
            if not isinstance(fault, B25Error | Problem):
                LOG.exception("command %s of %s failed", asked.command_id, self.viewer.by.name)
            result = {"code": told.code, "message": told.detail, "remedy": told.remedy}
        finally:
            self.under_way.discard(asked.command_id)
        self.viewer.say({"type": "ack", "id": asked.command_id, "status": status, "result": result})


ACTS: Final[dict[str, Callable[[Conversation, dict[str, Any]], None]]] = {
    "subscribe": Conversation.subscribe, "unsubscribe": Conversation.unsubscribe, "refresh": Conversation.refresh,
    "look": Conversation.look, "ping": Conversation.ping, "command": Conversation.command,
}  # fmt: skip
