"""Backtests asked for over the API: each a process of its own that runs `b25 backtest`, a few at a time, each in its folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from b25.api.problems import Problem
from b25.runner.durable_file import write_durably

AT_ONCE: Final = 2
WAITING_MAX: Final = 50
KEPT: Final = 200
TIME_S: Final = 900.0
LINE_BYTES: Final = 4_096
STATE, REQUEST, RESULT, SAID = "state.json", "request.json", "result.json", "said.log"
FILLS, EQUITY, SHEET = "fills.parquet", "equity.parquet", "tearsheet.html"
ENDS: Final = frozenset({"done", "failed", "cancelled"})
# What a process of research needs of this one's environment; no key is among it.
PASSED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "B25_CACHE_DIR", "B25_CATALOG", "B25_TRIALS")


class BacktestDesk:
    """A part of the gateway.

    Parameters
    ----------
    folder : Path
        Made when the first is asked for.
    now_ns : callable
    """

    def __init__(self, folder: Path, now_ns: Callable[[], int]) -> None:
        self.folder, self.now_ns = folder, now_ns
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """What ran when the gateway ended is told as failed."""
        for one in self.all():
            if one["state"] not in ENDS:
                self._tell(one | {"state": "failed", "why": "the gateway ended while it ran; ask again"})

    async def stop(self) -> None:
        """End what runs."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def all(self) -> list[dict[str, Any]]:
        """Every backtest that is kept, the newest first."""
        found = [known for path in self.folder.glob(f"*/{STATE}") if (known := _read(path)) is not None]
        return sorted(found, key=lambda one: (one["asked_ns"], one["id"]), reverse=True)

    def one(self, backtest_id: str) -> dict[str, Any]:
        """How one stands. Raises Problem 404."""
        known = _read(self.folder / backtest_id / STATE)
        if known is None:
            raise Problem(404, "there is no such backtest", remedy="see GET /api/v1/backtests")
        if known["state"] == "running":
            known["progress"] = _last_line(self.folder / backtest_id / SAID)
        return known

    def file(self, backtest_id: str, name: str) -> Path:
        """A file of one that is done. Raises Problem 404 and 409."""
        if (state := self.one(backtest_id)["state"]) != "done":
            raise Problem(409, f"the backtest is {state}", code="NOT_DONE", remedy="ask again when its state is done")
        return self.folder / backtest_id / name

    def ask(self, words: Sequence[str], request: dict[str, Any], by: str) -> dict[str, Any]:
        """Begin one: `words` follow `b25 backtest`.

        Raises
        ------
        Problem
            429 when too many wait.
        """
        if len(self._tasks) >= WAITING_MAX:
            raise Problem(429, f"{len(self._tasks)} backtests wait already", code="BUSY", remedy="ask again when some are done")
        backtest_id = secrets.token_hex(8)
        own = self.folder / backtest_id
        own.mkdir(parents=True, mode=0o700)
        (own / REQUEST).write_bytes(orjson.dumps(request))
        facts = {"id": backtest_id, "state": "queued", "by": by, "asked_ns": self.now_ns(), "request": request, "why": ""}
        self._tell(facts)
        task = asyncio.get_running_loop().create_task(self._go(facts, words))
        self._tasks[backtest_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(backtest_id, None))
        return facts

    async def cancel(self, backtest_id: str) -> dict[str, Any]:
        """End one that waits or runs; one that has ended stays as it is."""
        if (task := self._tasks.get(backtest_id)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return self.one(backtest_id)

    async def _go(self, facts: dict[str, Any], words: Sequence[str]) -> None:
        try:
            async with self._turns:
                facts = facts | {"state": "running", "started_ns": self.now_ns()}
                self._tell(facts)
                facts |= await self._ran(self.folder / str(facts["id"]), words)
        except asyncio.CancelledError:
            facts |= {"state": "cancelled", "why": "it was ended before its end"}
        except OSError as fault:
            facts |= {"state": "failed", "why": f"{fault.strerror}: see that there is space"}
        self._tell(facts | {"ended_ns": self.now_ns()})
        self._forget()

    async def _ran(self, own: Path, words: Sequence[str]) -> dict[str, Any]:
        files = ["--fills", str(own / FILLS), "--equity", str(own / EQUITY), "--tearsheet", str(own / SHEET)]
        nice = ["nice", "-n", "10"] if shutil.which("nice") else []
        command = [*nice, sys.executable, "-m", "b25", "backtest", *words, *files, "--json"]
        environment = {name: os.environ[name] for name in PASSED if name in os.environ}
        with (own / f".{RESULT}").open("wb") as out, (own / SAID).open("wb") as said:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=out, stderr=said, env=environment, start_new_session=True
            )
        try:
            async with asyncio.timeout(TIME_S):
                code = await child.wait()
        except TimeoutError:
            return {"state": "failed", "why": f"it took more than {TIME_S:.0f} s; take less data"}
        finally:
            await _ended(child)
        if code != 0:
            return {"state": "failed", "why": _why(own, code)}
        (own / f".{RESULT}").rename(own / RESULT)
        return {"state": "done"}

    def _tell(self, facts: dict[str, Any]) -> None:
        write_durably(self.folder / str(facts["id"]) / STATE, orjson.dumps(facts))

    def _forget(self) -> None:
        for old in [one for one in self.all() if one["state"] in ENDS][KEPT:]:
            shutil.rmtree(self.folder / str(old["id"]), ignore_errors=True)


async def _ended(child: Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


def _why(own: Path, code: int) -> str:
    """What a person is told: the error of the command, which names the thing and the remedy."""
    with contextlib.suppress(OSError, orjson.JSONDecodeError, KeyError, TypeError):
        fault = orjson.loads((own / f".{RESULT}").read_bytes())["error"]
        return f"{fault['what']} ({fault['remedy']})" if fault.get("remedy") else str(fault["what"])
    return _last_line(own / SAID) or f"it ended with exit code {code}"


def _read(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        known = orjson.loads(path.read_bytes())
        return known if isinstance(known, dict) and "id" in known else None
    return None


def _last_line(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LINE_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""
