"""The nightly drift job: once a day it has every session of the last day compared with its version, and tells what came out.

The comparison runs in a process of its own, so that this one beats meanwhile and a fault of it is told and not died of. A night
that was missed, because nothing ran, is caught up once. What is found goes to the store (by the comparison) and to the bus
(`drift.{session}`), where the rule `drift_unexplained` alerts; with `pause` a session that drifts is paused as well.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from b25.bus.address import BusAddress
from b25.bus.bodies import SessionDrifted
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.bus.subjects import TOKEN
from b25.model.errors import B25Error
from b25.runner.control import ask_session
from b25.runner.durable_file import read_json, write_durably
from b25.runner.heartbeat import Heartbeat, Life, supervisor_is_gone
from b25.runner.seat import Seat, session_folder
from b25.runner.structured_log import StructuredLog

NAME: Final = "drift"  # its component on the bus, and its seat
FILE: Final = "done.json"
DAY_NS: Final = 86_400_000_000_000
AT_NS: Final = 15 * 60_000_000_000  # after midnight, UTC
BACK_DAYS_MAX: Final = 7  # what is caught up of a longer silence
BEAT_S: Final = 0.25
LONGEST_S: Final = 4 * 3_600.0
AGAIN_S: Final = 600.0  # after a comparison that could not be made
SEND_S: Final = 10.0
DETAIL_MAX: Final = 500
Run = Callable[[int, int], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPlan:
    """What `b25 drift --nightly` is told.

    Attributes
    ----------
    address : BusAddress or None
        None tells nobody but the store and the log.
    words : tuple of str
        Options of the comparison, e.g. where journals are.
    pause : bool
        Whether a session that drifts without a cause is paused.
    """

    run_folder: Path
    address: BusAddress | None
    words: tuple[str, ...] = ()
    pause: bool = False


def due(now_ns: int, done_ns: int) -> tuple[int, int] | None:
    """Return the span to compare now, from and up to a midnight UTC; None when that was done.

    Parameters
    ----------
    done_ns : int
        Up to when it was done; 0 for never, which begins with the last day.
    """
    until_ns = (now_ns - AT_NS) // DAY_NS * DAY_NS
    if done_ns >= until_ns:
        return None
    since_ns = max(done_ns, until_ns - BACK_DAYS_MAX * DAY_NS) if done_ns else until_ns - DAY_NS
    return since_ns, until_ns


class DriftProcess:
    """Serves until it is stopped.

    Parameters
    ----------
    plan : DriftPlan
    log : StructuredLog
    run : callable, optional
        Compares the sessions between two times; by default in a process of its own.
    now_ns : callable
    """

    def __init__(
        self, plan: DriftPlan, log: StructuredLog, *, run: Run | None = None, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.plan, self.log, self.run, self.now_ns = plan, log, run or self._compared, now_ns
        self.publisher = Publisher(NAME, "nightly", clock_ns=now_ns)
        self.over = asyncio.Event()
        self.compared = 0
        self._path = session_folder(plan.run_folder, NAME) / FILE
        self._not_before_ns = 0

    def stop(self) -> None:
        """End."""
        self.over.set()

    async def serve(self, heartbeat: Heartbeat | None = None) -> None:
        """Serve."""
        link = None
        if self.plan.address is not None:
            link = await open_link(self.plan.address, NAME, lambda text: self.log.warning("bus", text=text))
        night: asyncio.Task[None] | None = None
        try:
            while not self.over.is_set() and not supervisor_is_gone():
                if heartbeat is not None:
                    heartbeat.beat(Life.RUNNING, self.compared)
                if night is not None and night.done():
                    night.result()
                    night = None
                if night is None and self.now_ns() >= self._not_before_ns and (span := due(self.now_ns(), self.done_ns)):
                    night = asyncio.create_task(self.night(*span))
                if link is not None and self.publisher.waiting:
                    await self.publisher.send(link)
                await asyncio.sleep(BEAT_S)
        finally:
            if night is not None:
                night.cancel()
                await asyncio.gather(night, return_exceptions=True)
            if link is not None:
                await asyncio.wait_for(self.publisher.send(link), SEND_S)
                await link.close()

    @property
    def done_ns(self) -> int:
        """Up to when sessions were compared."""
        return int(read_json(self._path).get("until_ns") or 0)

    async def night(self, since_ns: int, until_ns: int) -> None:
        """Compare the sessions of a span, tell what came out, and write down that it is done."""
        try:
            told = await self.run(since_ns, until_ns)
        except B25Error as fault:
            self._not_before_ns = self.now_ns() + int(AGAIN_S * 1e9)
            self.log.alarm("drift was not compared", what=fault.what, remedy=fault.remedy, again_s=AGAIN_S)
            return
        for one in told.get("sessions", []):
            self.tell(one)
            if self.plan.pause and one["state"] == "unexplained":
                await self._pause(one["session"], one["detail"])
        facts = {"since_ns": since_ns, "until_ns": until_ns, "at_ns": self.now_ns(), "sessions": len(told.get("sessions", []))}
        write_durably(self._path, orjson.dumps(facts))
        self.log.info("compared", state=told.get("state", ""), **facts)

    def tell(self, one: Mapping[str, Any]) -> None:
        """Offer what one session came to."""
        self.compared += 1
        token = one["session"] if TOKEN.fullmatch(one["session"]) else "unnamed"
        market = one.get("market") or {}
        causes = {name: row["count"] for name, row in (market.get("causes") or {}).items()}
        body = SessionDrifted(
            session=one["session"], version=one["version"], mode=one["mode"], state=one["state"],
            detail=one["detail"][:DETAIL_MAX], effects=one["effects"], differences=sum(causes.values()),
            cost_bps=float(market.get("cost_bps") or 0.0),
        )  # fmt: skip
        self.publisher.channel("drift.{session}", session=token).offer(body, self.now_ns())
        (self.log.alarm if one["state"] == "unexplained" else self.log.info)(
            "drift", session=one["session"], version=one["version"], state=one["state"], detail=one["detail"]
        )

    async def _compared(self, since_ns: int, until_ns: int) -> dict[str, Any]:
        words = ("drift", "--since-ns", str(since_ns), "--until-ns", str(until_ns), *self.plan.words, "--json")
        code, out = await _asked(words)
        try:
            told: dict[str, Any] = orjson.loads(out.splitlines()[-1])
        except (orjson.JSONDecodeError, IndexError):
            raise B25Error(
                f"the comparison ended with exit code {code} and no answer", remedy="run it by hand: b25 drift"
            ) from None
        if "sessions" not in told:
            fault = told.get("error", {})
            raise B25Error(str(fault.get("what", "no answer")), remedy=str(fault.get("remedy", "run it by hand: b25 drift")))
        return told

    async def _pause(self, session: str, why: str) -> None:
        """Have a session cancel what works and take no more risk; one that has ended needs none."""
        try:
            await asyncio.to_thread(
                ask_session, self.plan.run_folder, session, "pause", by=NAME, reason=f"drift: {why}"[:DETAIL_MAX]
            )
        except B25Error as fault:
            self.log.warning("not paused", session=session, what=fault.what)
            return
        self.log.alarm("paused", session=session, why=why)


async def _asked(words: Sequence[str]) -> tuple[int, bytes]:
    """Run a command of b25; gives exit code and standard output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "b25", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    return process.returncode or 0, out


def serve(plan: DriftPlan) -> None:
    """Take the seat, serve until SIGTERM or SIGINT, and leave. Raises B25Error for what keeps it from starting."""
    name = os.environ.get("B25_PROCESS") or NAME
    log = StructuredLog(run=os.environ.get("B25_RUN_ID", ""), process=name)
    seat = Seat.take(plan.run_folder, name)
    heartbeat = Heartbeat(seat.folder, name, epoch=seat.epoch)
    life = Life.FAILED
    try:
        asyncio.run(_serve(DriftProcess(plan, log), heartbeat))
        life = Life.STOPPED
    finally:
        heartbeat.beat(life)
        heartbeat.close()
        seat.leave()


async def _serve(process: DriftProcess, heartbeat: Heartbeat) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, process.stop)
    await process.serve(heartbeat)
