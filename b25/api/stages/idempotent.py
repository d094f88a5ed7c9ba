"""Idempotency keys: a write that comes again within a day is answered again, and not done again.

A request to a session carries an id made of the key, by which the session itself does it once: also when this process died in
between, and also when the database is away.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any, Final

from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.stages.asked import UNSAFE, Scope, header, refuse, state_of
from b25.model.errors import B25Error
from b25.runner.structured_log import StructuredLog
from b25.store.idempotency import Known, Standing, begin_request, forget_request, keep_answer

KEY: Final = re.compile(r"[\x21-\x7e]{8,128}")
PREFIX: Final = "/api/v1/"
# What acts on the market must have one. Their sessions do them once for each key; so they may be asked for anew after a 5xx.
NEEDED: Final = (
    ("POST", "orders"), ("PATCH", "orders/{order_id}"), ("DELETE", "orders/{order_id}"), ("POST", "sessions/{name}/flatten"),
    ("POST", "sessions/{name}/parameters"), ("POST", "account/positions/close"),
)  # fmt: skip
ONCE_BY_THEMSELVES: Final = ("orders", "sessions", "account")
# These make things safer: a database that is away does not keep them.
WITHOUT_STORE: Final = ("cancel", "close", "stop", "pause", "flatten", "emergency-stop")
# Their answers hold secrets, and are not kept.
SECRET: Final = ("auth", "keys", "users", "tokens", "api-keys")
ANSWER_BYTES_MAX: Final = 2**18


class Idempotent:
    """Does a request once for each key."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass on what was not asked before."""
        if scope["type"] != "http" or scope["method"] not in UNSAFE:
            await self.app(scope, receive, send)
            return
        state = state_of(scope)
        route, principal, key = state["route"], state.get("principal"), header(scope, b"idempotency-key")
        if route is None or principal is None:
            await self.app(scope, receive, send)
            return
        words = route.pattern.removeprefix(PREFIX)
        if key is None:
            if (scope["method"], words) in NEEDED:
                fault = Problem(
                    400, "this needs an Idempotency-Key", code="IDEMPOTENCY_KEY_MISSING",
                    remedy="send a header Idempotency-Key, new for each thing that you want done",
                )  # fmt: skip
                await refuse(scope, receive, send, fault)
                return
            await self.app(scope, receive, send)
            return
        if not KEY.fullmatch(key):
            await refuse(scope, receive, send, Problem(400, "an Idempotency-Key is 8 to 128 printable characters"))
            return
        state["idempotency_key"] = key
        state["command_id"] = hashlib.sha256(f"{principal.name}\0{key}".encode()).hexdigest()[:32]
        await self._once(scope, receive, send, words, principal.name, key)

    async def _once(self, scope: Scope, receive: Any, send: Any, words: str, who: str, key: str) -> None:
        try:
            known = await asyncio.to_thread(
                begin_request, self.gateway.store, who, key, _fingerprint(scope), now_ns=self.gateway.now_ns()
            )
        except B25Error as fault:
            if any(word in words for word in WITHOUT_STORE) or scope["method"] == "DELETE":
                await self.app(scope, receive, send)
            else:
                await refuse(scope, receive, send, fault)
            return
        is_own = words.partition("/")[0] in ONCE_BY_THEMSELVES
        if known.standing is Standing.NEW or (known.standing is Standing.LOST and is_own):
            await self._done(scope, receive, send, words, who, key)
        elif known.standing is Standing.ANSWERED:
            await _again(scope, receive, send, known)
        else:
            await refuse(scope, receive, send, _fault_of(known.standing))

    async def _done(self, scope: Scope, receive: Any, send: Any, words: str, who: str, key: str) -> None:
        """Have it done, and keep the answer; one that says that it was not done lets the key be used again."""
        status, kind, parts = 0, "", list[bytes]()

        async def sending(message: dict[str, Any]) -> None:
            nonlocal status, kind
            if message["type"] == "http.response.start":
                status = message["status"]
                kind = next((value.decode() for name, value in message["headers"] if name == b"content-type"), "")
            else:
                parts.append(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            answer = b"".join(parts)
            is_kept = 200 <= status < 500 and status not in (401, 403, 408, 429)
            is_unsure = status in (0, 500) and words.partition("/")[0] not in ONCE_BY_THEMSELVES
            if words.partition("/")[0] in SECRET or len(answer) > ANSWER_BYTES_MAX:
                answer, kind = b"", "secret"
            if not is_unsure:  # one that is stays as begun, and is not done again
                await asyncio.shield(asyncio.to_thread(self._keep, who, key, status, kind, answer, is_kept))

    def _keep(self, who: str, key: str, status: int, kind: str, answer: bytes, is_kept: bool) -> None:
        try:
            if is_kept:
                keep_answer(self.gateway.store, who, key, status=status, kind=kind, answer=answer)
            else:
                forget_request(self.gateway.store, who, key)
        except B25Error as fault:  # it was done and answered; asked anew it is RUNNING, then LOST, and never done twice unseen
            log: StructuredLog = self.gateway.parts.get(StructuredLog) or StructuredLog(process="gateway")
            log.warning("an answer could not be kept for its idempotency key", why=fault.what)


def _fingerprint(scope: Scope) -> bytes:
    body = state_of(scope).get("body", b"")
    told = b"\0".join((scope["method"].encode(), scope["path"].encode(), scope.get("query_string", b""), body))
    return hashlib.sha256(told).digest()


def _fault_of(standing: Standing) -> Problem:
    if standing is Standing.OTHER:
        return Problem(
            409, "this Idempotency-Key was given to another request", code="IDEMPOTENCY_CONFLICT", remedy="make a new key"
        )
    if standing is Standing.RUNNING:
        return Problem(
            409, "the request with this Idempotency-Key is still being done", code="IDEMPOTENCY_RUNNING",
            remedy="wait, then ask again with the same key", headers={"Retry-After": "1"},
        )  # fmt: skip
    return Problem(
        409, "the request with this Idempotency-Key was begun and never answered", code="OUTCOME_UNKNOWN",
        remedy="look whether it was done; then ask with a new key if not",
    )  # fmt: skip


async def _again(scope: Scope, receive: Any, send: Any, known: Known) -> None:
    if known.kind == "secret":
        fault = Problem(409, f"it was done already (status {known.status}); its answer is not kept", code="DONE_ALREADY")
        await refuse(scope, receive, send, fault)
        return
    headers = [(b"idempotency-replayed", b"true"), (b"content-length", str(len(known.answer)).encode())]
    if known.kind:
        headers.append((b"content-type", known.kind.encode()))
    if known.status == 204:
        headers = [one for one in headers if one[0] != b"content-length"]
    await send({"type": "http.response.start", "status": known.status, "headers": headers})
    await send({"type": "http.response.body", "body": known.answer})
