"""What went wrong, as application/problem+json (RFC 9457): a code, a sentence, a remedy, never what is inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket

from b25.model.errors import B25Error, Halt, Misuse, Resync, Retry
from b25.store.faults import StoreFailed

POLICY: Final = 1008  # of closing a socket: what was asked is not allowed
MEDIA: Final = "application/problem+json"
STATUS: Final[dict[type[B25Error], int]] = {Misuse: 400, Retry: 503, Resync: 503, Halt: 500}
CODES: Final = {
    400: "BAD_REQUEST", 401: "INVALID_TOKEN", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 409: "CONFLICT",
    413: "TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE", 422: "VALIDATION_FAILED", 429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR", 503: "UNAVAILABLE", 504: "TIMEOUT",
}  # fmt: skip


class Problem(Exception):
    """An answer that is no success.

    Parameters
    ----------
    status : int
    code : str
        In capitals, for programs; that of the status when left out.
    detail : str
        For people.
    fields : sequence of dict
        ``{"field": "a.b", "value": …, "rule": …}``, never with a secret.
    """

    def __init__(
        self, status: int, detail: str, *, code: str = "", remedy: str = "", fields: Sequence[dict[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.status, self.detail, self.remedy, self.fields = status, detail, remedy, list(fields)
        self.code = code or CODES.get(status, "ERROR")
        self.headers = dict(headers or {})
        super().__init__(detail)


def problem_response(problem: Problem, request_id: str) -> Response:
    """Return the answer that says it."""
    body: dict[str, Any] = {
        "type": "about:blank", "title": problem.code.replace("_", " ").capitalize(), "status": problem.status,
        "code": problem.code, "detail": problem.detail, "request_id": request_id,
    }  # fmt: skip
    if problem.remedy:
        body["remedy"] = problem.remedy
    if problem.fields:
        body["fields"] = problem.fields
    return Response(orjson.dumps(body, default=str), problem.status, problem.headers, MEDIA)


def problem_of(fault: Exception) -> Problem:
    """Return what an exception is, told from outside; the inside goes to the log only."""
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, StoreFailed):  # what the driver says of it is for the log
        return Problem(503, f"the store is {fault.cause}", code="STORE_UNAVAILABLE", remedy=fault.remedy)
    if isinstance(fault, B25Error):
        status = next((code for kind, code in STATUS.items() if isinstance(fault, kind)), 500)
        return Problem(status, fault.what, code=type(fault).__name__.upper() if status != 500 else "", remedy=fault.remedy)
    if isinstance(fault, RequestValidationError):
        fields = [{"field": ".".join(map(str, one["loc"])), "rule": one["msg"]} for one in fault.errors()]
        return Problem(422, f"{fields[0]['field']}: {fields[0]['rule']}" if fields else "not valid", fields=fields)
    if isinstance(fault, HTTPException):
        return Problem(fault.status_code, str(fault.detail), headers=fault.headers)
    return Problem(500, "something went wrong here; the log has it under the request id")


def install_problems(app: FastAPI) -> None:
    """Answer every exception of a route in this form."""

    async def answer(request: Request | WebSocket, fault: Exception) -> Response:
        response = problem_response(problem_of(fault), getattr(request.state, "request_id", ""))
        if isinstance(request, WebSocket):  # of one that is not open yet; for it nobody else sends the answer
            if "websocket.http.response" in request.scope.get("extensions", {}):
                await request.send_denial_response(response)
            else:
                await request.close(POLICY, problem_of(fault).detail[:100])
        return response

    for kind in (Problem, B25Error, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)
