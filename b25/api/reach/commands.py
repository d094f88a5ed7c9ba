"""Commands to sessions: checked, audited, sent where the session is, and answered only when it has answered."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from b25.api.doors import audit_facts
from b25.api.gateway import Gateway
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.breaker import TO_ORDERS, Breaker, Circuit
from b25.api.reach.bus_line import BusLine
from b25.api.reach.pictures import Picture, Pictures
from b25.model.errors import B25Error, Misuse, Retry
from b25.runner.control import READS, ask_session
from b25.runner.seat import SESSION_NAME, is_taken
from b25.store.audit import append_audit

ASK_S: Final = 8.0  # less than any route may take
THREADS: Final = 32
# What only makes things safer is done though the audit cannot be written, and though the session failed lately.
SAFER: Final = frozenset({"pause", "flatten", "stop", "cancel", "close", "kill"})
BEFORE: Final = ("state", "gate", "why", "positions", "orders_open", "profit")
BREAKERS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a session, by whom, and why."""

    session: str
    command: str
    by: Principal
    reason: str
    request: Request
    more: dict[str, Any]


class Commands:
    """A part of the gateway.

    Parameters
    ----------
    gateway : Gateway
    pictures : Pictures
    bus : BusLine
    """

    def __init__(self, gateway: Gateway, pictures: Pictures, bus: BusLine) -> None:
        self.gateway, self.pictures, self.bus = gateway, pictures, bus
        self.breakers: dict[str, Breaker] = {}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="commands")

    def stop(self) -> None:
        """Wait for no thread that waits for a session."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def open_circuits(self) -> list[str]:
        """Sessions that are left alone because they failed again and again."""
        return sorted(name for name, one in self.breakers.items() if one.circuit is not Circuit.CLOSED)

    def must_see(self, name: str, by: Principal) -> Picture | None:
        """Return how a session on this machine stands; None for one elsewhere. Raises Problem for one that he cannot know of."""
        if not SESSION_NAME.fullmatch(name):
            raise Problem(404, f"no session {name!r}")
        found = self.pictures.one(name, by)
        if found is not None:
            return found
        if name in self.pictures.all or by.accounts is not None or not self.bus.has_session(name, self.gateway.now_ns()):
            raise Problem(404, f"no session {name!r}", remedy="see GET /api/v1/sessions")
        return None

    async def ask(self, asked: Asked) -> dict[str, Any]:
        """Have a session do something; return what it answered.

        Raises
        ------
        Problem
            When it cannot be known, does not run, refuses, or does not answer in time.
        """
        picture = self.must_see(asked.session, asked.by)
        state = asked.request.state
        command_id = getattr(state, "command_id", "") or secrets.token_hex(16)
        before = {name: picture.status.get(name) for name in BEFORE} if picture is not None else None
        await self._audit(asked, "asked", command_id, before=before, after=None)
        breaker = self._breaker(asked.session)
        if not breaker.may(time.monotonic()) and asked.command not in SAFER:
            raise Problem(
                503, f"session {asked.session} failed again and again, and is left alone for a while", code="CIRCUIT_OPEN"
            )
        try:
            told = await self._sent(asked, command_id)
        except Problem as fault:
            breaker.told(time.monotonic(), is_good=fault.status < 500)
            await self._audit(asked, "refused", command_id, before=before, after={"code": fault.code, "what": fault.detail})
            raise
        breaker.told(time.monotonic(), is_good=True)
        after = {name: told[name] for name in (*BEFORE, "order_id", "client_id", "verdict", "reason") if name in told}
        await self._audit(asked, "done", command_id, before=before, after=after)
        return told | {"command_id": command_id}

    def _breaker(self, session: str) -> Breaker:
        if session not in self.breakers and len(self.breakers) >= BREAKERS_MAX:
            self.breakers.pop(next(iter(self.breakers)))
        return self.breakers.setdefault(session, Breaker(TO_ORDERS))

    async def _sent(self, asked: Asked, command_id: str) -> dict[str, Any]:
        folder, by, reason = self.pictures.folder, asked.by.name, asked.reason or "asked over the API"
        more = {**asked.more, "id": command_id, "by": by, "reason": reason}
        loop = asyncio.get_running_loop()
        try:
            if await loop.run_in_executor(self._pool, is_taken, folder, asked.session):
                call = lambda: ask_session(folder, asked.session, asked.command, wait_s=ASK_S, **more)  # noqa: E731
                return await loop.run_in_executor(self._pool, call)
            if not self.bus.has_session(asked.session, self.gateway.now_ns()):
                raise Problem(
                    409, f"session {asked.session} does not run", code="SESSION_NOT_RUNNING",
                    remedy=f"start it: POST /api/v1/sessions/{asked.session}/start",
                )  # fmt: skip
            request = {"command": asked.command, **asked.more}
            result = await self.bus.ask(asked.session, request, by=by, reason=reason, command_id=command_id)
        except Retry as fault:
            remedy = f"{fault.remedy}; with the same Idempotency-Key it is not done twice"
            raise Problem(504, fault.what, code="OUTCOME_UNKNOWN", remedy=remedy) from None
        except Misuse as fault:
            is_gone = getattr(fault, "exit_code", 0) == 3
            code = "SESSION_NOT_RUNNING" if is_gone else "REFUSED_BY_SESSION"
            raise Problem(409 if is_gone else 422, fault.what, code=code, remedy=fault.remedy) from None
        answer: dict[str, Any] = dict(result.answer)
        if not result.is_done:
            error: Any = answer.get("error", answer)
            raise Problem(422, str(error.get("what")), code="REFUSED_BY_SESSION", remedy=str(error.get("remedy") or ""))
        return answer

    async def _audit(self, asked: Asked, what: str, command_id: str, *, before: Any, after: Any) -> None:
        """Write down what is asked before it is done, and what came of it. Raises Problem when the first cannot be written."""
        if asked.command in READS:
            return
        facts = audit_facts(
            asked.request, object=f"session {asked.session}", before=before, after=after, reason=asked.reason,
            command_id=command_id, asked=asked.more,
        )  # fmt: skip
        action = f"session.{asked.command}" if what == "asked" else f"session.{asked.command}.{what}"
        try:
            await asyncio.to_thread(
                append_audit, self.gateway.store, actor=asked.by.name, action=action, body=facts, now_ns=self.gateway.now_ns()
            )
        except B25Error as fault:
            # The session itself keeps requests and answers in its commands.jsonl.
            if what == "asked" and asked.command not in SAFER:
                raise Problem(
                    503, f"it cannot be written down: {fault.what}", code="AUDIT_UNAVAILABLE", remedy=fault.remedy
                ) from None
