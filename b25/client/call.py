"""One call of the API, without input or output: what is sent for an operation, and what an answer means."""

from __future__ import annotations

import difflib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from b25.client.operations import TABLE
from b25.model.errors import B25Error, Halt, Misuse, Resync, Retry

READS: Final = frozenset({"GET", "HEAD"})
AGAIN: Final = frozenset({429, 502, 503, 504})
LET_IN: Final = "make a new key (b25 token create --service notebook --replace) or sign in again, then connect anew"
KINDS: Final[dict[str, type[B25Error]]] = {"MISUSE": Misuse, "RETRY": Retry, "RESYNC": Resync, "HALT": Halt}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Attributes
    ----------
    query : tuple of str
        Parameters that stand after the question mark.
    body : str
        ``"json"``, a media type, or empty for none.
    """

    name: str
    method: str
    path: str
    query: tuple[str, ...]
    body: str

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the holes in the path."""
        return tuple(piece.partition("}")[0].removesuffix(":path") for piece in self.path.split("{")[1:])

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, and may be asked again."""
        return self.method in READS


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent."""

    operation: Operation
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    content: bytes | None


@cache
def operations() -> dict[str, Operation]:
    """Return every operation by name."""
    return operations_of(TABLE)


def operations_of(table: str) -> dict[str, Operation]:
    """Return the operations of a table as `b25.client.generate` writes it."""
    found = {}
    for line in table.replace("\n  ", " ").splitlines():
        name, method, path, *rest = line.replace(", ", ",").split()
        query = next((tuple(one[1:].split(",")) for one in rest if one.startswith("?")), ())
        found[name] = Operation(name, method, path, query, next((one for one in rest if not one.startswith("?")), ""))
    return found


def operation(name: str) -> Operation:
    """Return an operation. Raises Misuse with what may have been meant."""
    found = operations().get(name)
    if found is None:
        near = difflib.get_close_matches(name, operations(), 3)
        raise Misuse(
            f"the API has no operation {name!r}", remedy=f"did you mean {' or '.join(near)}?" if near else "see dir(client)"
        )
    return found


def call_of(one: Operation, given: Mapping[str, Any], *, idempotency_key: str = "") -> Call:
    """Return what is sent for an operation.

    Parameters
    ----------
    given : mapping
        By name what stands in path and query; the rest is the body's fields, or `body` is all of it.
    idempotency_key : str
        Of a write: the same one twice is done once. Left out, one is made.

    Raises
    ------
    Misuse
        For what is missing or strange.
    """
    left = dict(given)
    path = one.path
    for name in one.places:
        if left.get(name) in (None, ""):
            raise Misuse(f"{one.name} needs {name}", remedy=f"give {', '.join((*one.places, *one.query))}")
        path = path.replace(f"{{{name}:path}}", f"{{{name}}}").replace(f"{{{name}}}", quote(str(left.pop(name)), safe=""))
    query = {name: _text(left.pop(name)) for name in one.query if name in left and left[name] is not None}
    left = {name: value for name, value in left.items() if name not in one.query}
    headers: dict[str, str] = {"Accept": "application/json"}
    if not one.is_read:
        headers["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
    content: bytes | None = None
    if one.body == "json":
        content = json.dumps(left.pop("body") if "body" in left else left, default=str, allow_nan=False).encode()
        headers["Content-Type"] = "application/json"
        left = {} if content is not None and "body" not in given else left
    elif one.body and "body" in left:
        content = left.pop("body")
        headers["Content-Type"] = one.body
    if left:
        known = ", ".join((*one.places, *one.query, *(("body",) if one.body else ()))) or "nothing"
        raise Misuse(f"{one.name} takes no {sorted(left)[0]!r}", remedy=f"it takes {known}")
    return Call(one, path, query, headers, content)


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [str(item) for item in value] if isinstance(value, list | tuple | set) else str(value)


def answer_of(call: Call, status: int, content_type: str, content: bytes) -> Any:
    """Return what an answer says: a value of JSON, text, bytes, or None for nothing.

    Raises
    ------
    B25Error
        As the server calls it; with attributes `status` and `code`.
    """
    kind = content_type.partition(";")[0].strip()
    if status < 400:
        if not content:
            return None
        if kind == "application/json":
            return json.loads(content)
        return content.decode() if kind.startswith("text/") or kind == "application/x-ndjson" else content
    try:
        told = json.loads(content)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    code = str(told.get("code") or status)
    what = str(told.get("detail") or f"the gateway answered {status}")
    if told.get("request_id"):
        what += f" (request {told['request_id']})"
    fault = _fault(call, status, code, what, str(told.get("remedy") or ""))
    fault.status, fault.code, fault.fields = status, code, told.get("fields", [])  # type: ignore[attr-defined]
    return _raised(fault)


def _fault(call: Call, status: int, code: str, what: str, remedy: str) -> B25Error:
    if status == 401 and code in ("TOKEN_EXPIRED", "INVALID_TOKEN", "401"):
        return Misuse(what, remedy=LET_IN)
    if code in KINDS:
        return KINDS[code](what, remedy=remedy or "see the gateway's log")
    if status == 429 or (status >= 500 and call.operation.is_read):
        return Retry(what, remedy=remedy or "wait, then ask again")
    if status == 503:  # refused before anything was done
        return Retry(what, remedy=remedy or f"wait, then ask again with the idempotency key {key_of(call)}")
    if status >= 500:
        return unsure(call, what)
    return Misuse(what, remedy=remedy or f"see the description of {call.operation.name}")


def unsure(call: Call, what: str) -> B25Error:
    """Return the fault of a call that may or may not have been done; a read may simply be asked again."""
    if call.operation.is_read:
        return Retry(what, remedy="see whether the gateway runs, then ask again")
    remedy = f"look whether it was done; asked again with idempotency_key={key_of(call)!r} it is not done twice"
    return Resync(f"{what}: it is not known whether {call.operation.name} was done", remedy=remedy)


def key_of(call: Call) -> str:
    """Return the idempotency key of a call."""
    return call.headers.get("Idempotency-Key", "")


def _raised(fault: B25Error) -> Any:
    raise fault
