"""Forms that answers share: a page of a list, a problem, and the statuses that any route may answer by its stages."""

from __future__ import annotations

import re
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from b25.api.problems import MEDIA, Problem

Item = TypeVar("Item")
SYMBOL: Final = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20}(-[0-9A-Z-]{1,20})?)?")
SYMBOL_EXAMPLE: Final = "BTC/USDT:USDT"
# Of a page that a notebook or a strategy made, which is not trusted: no script, no request, no form, an origin of its own.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Content-Disposition": "inline",
}  # fmt: skip


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="For programs, in capitals.", examples=["NOT_FOUND"])
    detail: str = Field(description="For people.")
    request_id: str
    remedy: str | None = None
    fields: list[dict[str, Any]] | None = None


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    data: list[Item]
    total: int = Field(description="How many there are in all, this page or not.")
    next: str | None = Field(default=None, description="Give it as `cursor` for what follows; null at the end.")


class Given(BaseModel):
    """What a request brings; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses=` of a route, for statuses that are problems."""
    told = {"model": ProblemBody, "content": {MEDIA: {}}}
    return {status: {**told, "description": DESCRIPTIONS.get(status, "A problem.")} for status in statuses}


def symbol_of(text: str) -> str:
    """Return the unified symbol that somebody means. Raises Problem for what is none, with a hint."""
    symbol = text.upper().strip("/")
    if "/" not in symbol and symbol.count("-") == 1:
        symbol = symbol.replace("-", "/")
    if not SYMBOL.fullmatch(symbol):
        raise Problem(
            422, "this is no unified symbol", code="NO_SYMBOL", remedy="write BTC/USDT for spot, BTC/USDT:USDT for a swap"
        )
    return symbol


DESCRIPTIONS: Final = {
    400: "The request cannot be understood.",
    401: "Nobody is signed in, or the credential is over.",
    403: "He who is signed in may not do this, or a foreign page asks.",
    404: "There is nothing by this name that he may see.",
    405: "The path is there, and does not take this method.",
    408: "The body did not arrive in time.",
    409: "It does not fit how things stand.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    421: "The host name is not served here.",
    422: "A value is not valid, or what was asked is refused.",
    429: "Too many requests; see Retry-After.",
    500: "Something went wrong here; the log has it under the request id.",
    503: "What is needed for the answer is away.",
    504: "No answer in time.",
}
