"""The control socket of a session: what a person or a program asks for becomes a journaled event, once for each request.

<run folder>/sessions/<name>/control.sock      a unix socket that only its owner can open; one line of JSON each way
<run folder>/sessions/<name>/commands.jsonl    every request and its answer, flushed before it is acted on

    {"id": "8f2c", "command": "set", "parameter": "half_spread_bps", "value": 0.5, "by": "ann"}
    {"id": "8f2c", "ok": true, "session": "mm", "state": "active", …}

A request that comes again with the same id is not done again: it is given the same answer, also after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from b25.model.errors import B25Error, Misuse, Retry
from b25.runner.durable_file import append_durably
from b25.runner.seat import is_taken, session_folder

SOCKET, AUDIT = "control.sock", "commands.jsonl"
LINE_BYTES_MAX: Final = 65_536
KEPT: Final = 1_000  # answers that are remembered
WAIT_S: Final = 5.0
READS: Final = ("status", "orders", "positions", "check")  # change nothing, and are not audited

Handle = Callable[[dict[str, Any]], dict[str, Any]]
Settle = Callable[[dict[str, Any]], dict[str, Any] | None]


class Control:
    """The listening end, in a session's own loop.

    Parameters
    ----------
    folder : Path
        The run folder.
    session : str
        Name of the seat.
    act : callable
        Does what a request asks for and returns the facts of its answer; what it raises is answered as an error.
    now_ns : callable
        Wall clock, for the audit.
    settle : callable, optional
        Finds out what became of a request that an earlier life was asked and never answered: gives its answer, or None when it
        was certainly not done and may be done now. Raises Retry when nobody can know, which is what happens without it.
    """

    def __init__(self, folder: Path, session: str, act: Handle, now_ns: Callable[[], int], settle: Settle | None = None) -> None:
        self.own, self.session, self.act, self.now_ns = session_folder(folder, session), session, act, now_ns
        self.settle = settle or _unsure
        self.answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.unsettled: dict[str, dict[str, Any]] = {}
        self._server: asyncio.AbstractServer | None = None
        self._callers: set[asyncio.Task[Any]] = set()
        self._recall()

    async def start(self) -> None:
        """Listen; nothing was asked for before."""
        self.own.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self.own / SOCKET).unlink()  # of a life before: the seat is ours
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.setblocking(False)
        before = os.umask(0o177)
        try:
            with _near(self.own) as at:
                listening.bind(at)
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LINE_BYTES_MAX)

    async def close(self) -> None:
        """Listen no more, and let go of whoever is still connected."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for caller in (callers := tuple(self._callers)):
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            (self.own / SOCKET).unlink()

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do one request, or give the answer it was given before."""
        request_id = str(request.get("id") or "")
        if not request_id or len(request_id) > 100:
            return _refusal(request_id, Misuse("a request without an id", remedy="give an id of at most 100 characters"))
        if (known := self.answers.get(request_id)) is not None:
            return {**known, "again": True}
        is_read = request.get("command") in READS
        if (asked := self.unsettled.get(request_id)) is not None:
            try:
                facts = self.settle(asked)
            except B25Error as fault:
                return _refusal(request_id, fault)
            del self.unsettled[request_id]
            if facts is not None:
                return self._answered(request_id, {"id": request_id, "ok": True, "session": self.session, **facts})
        if not is_read:
            try:  # first: what was not written down is not done
                self._audit("asked", request_id, {"request": dict(request)})
            except OSError as fault:
                return _refusal(
                    request_id,
                    Retry(f"the command cannot be written down: {fault.strerror}", remedy="free some space; see b25 kill"),
                )
        try:
            told = {"id": request_id, "ok": True, "session": self.session, **self.act(dict(request))}
        except B25Error as fault:
            told = _refusal(request_id, fault)
        return told if is_read else self._answered(request_id, told)

    def _answered(self, request_id: str, told: dict[str, Any]) -> dict[str, Any]:
        self._remember(request_id, told)
        with contextlib.suppress(OSError):
            self._audit("answered", request_id, {"answer": told})
        return told

    def _audit(self, action: str, request_id: str, facts: dict[str, Any]) -> None:
        append_durably(self.own / AUDIT, {"time_ns": self.now_ns(), "action": action, "id": request_id, **facts})

    def _remember(self, request_id: str, told: dict[str, Any]) -> None:
        self.answers[request_id] = told
        while len(self.answers) > KEPT:
            self.answers.popitem(last=False)

    def _recall(self) -> None:
        """What an earlier life answered; and what it was asked and never answered, which may or may not have been done."""
        try:
            lines = (self.own / AUDIT).read_bytes().splitlines()[-2 * KEPT :]
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                row = orjson.loads(line)
                if row["action"] == "answered":
                    self.unsettled.pop(row["id"], None)
                    self._remember(row["id"], row["answer"])
                elif row["action"] == "asked":
                    self.unsettled[row["id"]] = {**row["request"], "id": row["id"]}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (caller := asyncio.current_task()) is not None:
            self._callers.add(caller)
            caller.add_done_callback(self._callers.discard)
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError, asyncio.CancelledError):
            while line := await reader.readline():
                try:
                    request = orjson.loads(line)
                except orjson.JSONDecodeError:
                    request = None
                if isinstance(request, dict):
                    told = self.handle(request)
                else:
                    told = _refusal("", Misuse("a line that is no JSON object", remedy="send one JSON object a line"))
                writer.write(orjson.dumps(told, default=str, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")
                await writer.drain()


def ask_session(folder: Path, session: str, command: str, *, wait_s: float = WAIT_S, **more: Any) -> dict[str, Any]:
    """Ask a session that runs; gives its answer.

    Raises
    ------
    Misuse
        When no session of that name runs, or it refuses what was asked.
    Retry
        When it does not answer in time. The id in the message may be used again: it is never done twice.
    """
    request = {"id": more.pop("id", "") or secrets.token_hex(8), "command": command, **more}
    own = session_folder(folder, session)
    if not is_taken(folder, session):
        known = ", ".join(
            sorted(path.parent.name for path in folder.glob(f"sessions/*/{SOCKET}") if is_taken(folder, path.parent.name))
        )
        raise _gone(f"no session {session} runs in {folder}", f"these do: {known}" if known else "start it: b25 run, or b25 up")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(wait_s)
            with _near(own) as at:
                line.connect(at)
            line.sendall(orjson.dumps(request) + b"\n")
            with line.makefile("rb") as file:
                answered = file.readline()
    except TimeoutError:
        raise Retry(
            f"session {session} did not answer request {request['id']} within {wait_s:g} s",
            remedy="it may hang: see b25 session list; b25 kill works without it",
        ) from None
    except OSError as fault:
        raise _gone(f"session {session} runs, but takes no commands ({fault.strerror})", "see b25 session list") from None
    if not answered:
        raise _gone(f"session {session} ended while it was asked", f"see b25 session logs {session}")
    told: dict[str, Any] = orjson.loads(answered)
    if not told.get("ok"):
        error = told.get("error", {})
        kind = Retry if error.get("code") == "retry" else Misuse
        raise kind(str(error.get("what")), remedy=str(error.get("remedy")))
    return told


@contextlib.contextmanager
def _near(folder: Path) -> Any:
    """A short name for the socket: the system allows a hundred characters, and a run folder may lie deep."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


def _unsure(request: dict[str, Any]) -> None:
    raise Retry("the session ended while it did this", remedy="see b25 session status, and ask anew")


def _gone(what: str, remedy: str) -> Misuse:
    fault = Misuse(what, remedy=remedy)
    fault.exit_code = 3  # type: ignore[attr-defined]
    return fault


def _refusal(request_id: str, fault: B25Error) -> dict[str, Any]:
    error = {"code": type(fault).__name__.lower(), "what": fault.what, "remedy": fault.remedy}
    return {"id": request_id, "ok": False, "error": error}
