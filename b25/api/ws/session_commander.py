"""Carries out commands that come over a socket: by the way that those of the routes take, and a kill by its latch.

A client's id of a command is its own: two people who use the same one do not get each other's answers.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from starlette.requests import Request

from b25.api.doors import audit_facts
from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.ws.commands import Asked
from b25.model.errors import B25Error, Misuse
from b25.runner.kill_latch import Trigger, pull
from b25.store.audit import append_audit

ORDER: Final = frozenset({"symbol", "side", "type", "quantity", "price", "post_only", "reduce_only", "tif"})
TAKES: Final[dict[str, frozenset[str]]] = {
    "order": ORDER,
    "check": ORDER,
    "cancel": frozenset({"order_id", "client_id", "symbol", "all"}),
    "amend": frozenset({"order_id", "price", "quantity"}),
    "close": frozenset({"symbol", "quantity"}),
    "set": frozenset({"parameter", "value", "values"}),
    "stop": frozenset({"flatten"}),
    "pause": frozenset(),
    "resume": frozenset(),
    "flatten": frozenset(),
}
REASON_CHARS_MAX: Final = 500
RECORD_S: Final = 1.0
# Threads of its own: nothing else that waits can keep a stop waiting.
_STOPS: Final = ThreadPoolExecutor(2, thread_name_prefix="socket-kill")

Ask = Callable[[Principal, str, str, str, Request, dict[str, Any]], Awaitable[dict[str, Any]]]


class SessionCommander:
    """A `b25.api.ws.commands.Commander`.

    Parameters
    ----------
    gateway : Gateway
    ask : async callable
        Has a session do something, audited: who asks, session, command, reason, a request that says from where and by which id
        (`request.state.command_id`), and what the command takes.
    """

    def __init__(self, gateway: Gateway, ask: Ask) -> None:
        self.gateway, self.ask = gateway, ask

    async def command(self, by: Principal, asked: Asked) -> dict[str, Any]:
        """Do a command and return its outcome; raises as the Commander says."""
        args = dict(asked.args)
        reason = _text(args.pop("reason", ""), "reason")
        if asked.name == "kill":
            return await self._kill(by, asked, args, reason)
        session = _text(args.pop("session", ""), "session")
        _check(asked.name, args, TAKES[asked.name])
        return await self.ask(by, session, asked.name, reason, _request(by, asked), args)

    async def _kill(self, by: Principal, asked: Asked, args: dict[str, Any], reason: str) -> dict[str, Any]:
        """Pull the latch, then write down who did; that it cannot be written keeps nobody from stopping."""
        account = _text(args.pop("account", ""), "account")
        _check("kill", args, frozenset({"flatten"}))
        if not account or not reason:
            raise Misuse("kill needs an account and a reason", remedy="give both; the account `all` is every account")
        if by.accounts is not None and account not in by.accounts:
            raise Problem(403, f"{by.name} may not act on account {account}")
        flatten = args.get("flatten", False) is True
        folder, loop = self.gateway.settings.run_folder, asyncio.get_running_loop()
        try:
            latch = await loop.run_in_executor(
                _STOPS, lambda: pull(folder, account, by=by.name, reason=reason, trigger=Trigger.API, flatten=flatten)
            )
        except OSError as fault:
            raise Problem(
                503, f"the disk does not take the latch: {fault.strerror}", code="LATCH_FAILED", remedy="stop at the venue itself"
            ) from None
        after = {"kill_id": latch.kill_id, "account": latch.account, "flatten": flatten}
        facts = audit_facts(_request(by, asked), object=f"account {account}", before=None, after=after, reason=reason)
        try:
            async with asyncio.timeout(RECORD_S):
                await asyncio.to_thread(self._record, by.name, facts)
            is_recorded = True
        except (B25Error, TimeoutError):  # the kill process keeps its own record
            is_recorded = False
        return after | {"is_recorded": is_recorded}

    def _record(self, actor: str, facts: dict[str, Any]) -> None:
        append_audit(self.gateway.store, actor=actor, action="risk.emergency-stop", body=facts, now_ns=self.gateway.now_ns())


def _request(by: Principal, asked: Asked) -> Request:
    """Return a request that says from where it came, as those of the routes do."""
    command_id = hashlib.sha256(f"{by.name}\0{asked.command_id}".encode()).hexdigest()[:32]
    state = {"request_id": f"socket-{asked.connection}", "command_id": command_id}
    return Request({"type": "http", "method": "POST", "path": "/ws", "headers": [], "client": (asked.ip, 0), "state": state})


def _check(name: str, args: Mapping[str, Any], takes: frozenset[str]) -> None:
    if strange := sorted(set(args) - takes):
        known = ", ".join(sorted(takes)) or "nothing more"
        raise Misuse(f"{name} takes no {strange[0]!r}", remedy=f"it takes session, reason and {known}")
    if nested := [one for one, value in args.items() if isinstance(value, list | dict) and one != "values"]:
        raise Misuse(f"{name}: {nested[0]} is no single value", remedy="give text, a number, true or false")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > REASON_CHARS_MAX:
        raise Misuse(f"{name} is no text of at most {REASON_CHARS_MAX} characters", remedy=f"give {name} as text")
    return value.strip()
