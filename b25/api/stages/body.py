"""What a request brings: bounded in size, in time, and JSON that every part of the gateway can keep."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson

from b25.api.gateway import Gateway
from b25.api.problems import Problem
from b25.api.stages.asked import UNSAFE, Scope, header, refuse, state_of

BYTES_MAX: Final = 2**20
BYTES_MAX_AUTH: Final = 64 * 1024
BYTES_MAX_IMPORT: Final = 10_000_000
WHOLE_S: Final = 10.0  # for all of it to arrive
WHOLE_IMPORT_S: Final = 60.0
IMPORT_TYPES: Final = ("application/json", "multipart/form-data", "text/plain", "application/yaml", "application/toml")
INT_MAX: Final = 2**63 - 1


class Body:
    """Reads the body, whole, before anybody is asked who he is; a route never waits for a slow sender."""

    def __init__(self, app: Any, gateway: Gateway) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass the request on with its body."""
        if scope["type"] != "http" or not _has_body(scope):
            await self.app(scope, receive, send)
            return
        is_import = scope["path"].endswith("/import")
        try:
            body = await _read(scope, receive, is_import=is_import)
            if body:
                _check(scope, body, is_import=is_import)
        except Problem as fault:
            fault.headers.setdefault("Connection", "close")
            await refuse(scope, receive, send, fault)
            return
        if body is None:
            return
        state_of(scope)["body"] = body
        given = False

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)


def _has_body(scope: Scope) -> bool:
    """Whether bytes may follow; a GET without a length has none."""
    return (
        any((key == b"content-length" and value != b"0") or key == b"transfer-encoding" for key, value in scope["headers"])
        or scope["method"] in UNSAFE
    )


def _bytes_max(path: str, *, is_import: bool) -> int:
    return BYTES_MAX_IMPORT if is_import else BYTES_MAX_AUTH if path.startswith("/api/v1/auth") else BYTES_MAX


async def _read(scope: Scope, receive: Any, *, is_import: bool) -> bytes | None:
    """Return the body; None when the sender went away. Raises Problem for one that is too large or too slow."""
    most = _bytes_max(scope["path"], is_import=is_import)
    told = header(scope, b"content-length")
    if told is not None and (not told.isdigit() or int(told[:20]) > most):
        raise Problem(413, f"a body of at most {most:,} bytes")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(WHOLE_IMPORT_S if is_import else WHOLE_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                size += len(message.get("body", b""))
                if size > most:
                    raise Problem(413, f"a body of at most {most:,} bytes")
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise Problem(408, "the body did not arrive in time", code="SLOW_REQUEST") from None


def _check(scope: Scope, body: bytes, *, is_import: bool) -> None:
    kind = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if is_import and kind in IMPORT_TYPES and kind != "application/json":
        return
    if kind != "application/json":
        raise Problem(415, "a body is JSON here", remedy="send Content-Type: application/json")
    try:
        held = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise Problem(400, f"the body is no JSON: {str(fault)[:100]}", code="MALFORMED_JSON") from None
    if (why := _unfit(held)) or (b"\\u0000" in body and _has_zero(held)):
        raise Problem(400, why or "a text holds a zero byte", code="MALFORMED_JSON")


def _unfit(held: Any) -> str:
    """Tell which number no table and no kernel can hold; empty when all fit."""
    waiting = [held]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, int) and not -INT_MAX <= one <= INT_MAX:
            return "a whole number is larger than 63 bits"
        elif isinstance(one, float) and one in (float("inf"), float("-inf")):
            return "a number is too large"
    return ""


def _has_zero(held: Any) -> bool:
    waiting = [held]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and "\0" in one:
            return True
    return False
