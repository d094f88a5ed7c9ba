"""What the gateway depends on, really asked: each with how it stands, why, and since when that is known."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from b25.api.gateway import Gateway
from b25.api.reach.bus_line import BusLine
from b25.api.reach.commands import Commands
from b25.api.reach.pictures import STALE_S, Pictures
from b25.api.tls import SOON, Certificate
from b25.model.errors import B25Error
from b25.runner.durable_file import read_json
from b25.runner.heartbeat import read_beat
from b25.runner.seat import is_taken
from b25.runner.supervisor_plan import KILL, SEAT
from b25.store.order_views import ping

ASK_S: Final = 2.0
KEPT_S: Final = 1.0  # whoever asks more often is told the same
SILENT_S: Final = 5.0
DISK_BYTES_LOW: Final = 2 * 2**30
DISK_BYTES_MIN: Final = 256 * 2**20


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    DEGRADED = "degraded"  # a part does less; the rest goes on
    BAD = "bad"
    ABSENT = "absent"  # not part of this set-up


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    state: State
    why: str
    asked_ns: int
    took_ms: float
    is_essential: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What one check says."""

    state: State
    why: str = ""


class Health:
    """A part of the gateway.

    Parameters
    ----------
    gateway : Gateway
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.started_ns = 0
        self._found: list[Check] = []
        self._asked_s = float("-inf")
        self._one = asyncio.Lock()

    def start(self) -> None:
        """Begin: it is joined last, so that everything else has started."""
        self.started_ns = self.gateway.now_ns()

    def stop(self) -> None:
        """Be ready no more."""
        self.started_ns = 0

    async def checks(self) -> list[Check]:
        """Ask everything, at once, at most once a second."""
        async with self._one:
            if time.monotonic() - self._asked_s > KEPT_S:
                self._found = list(await asyncio.gather(*self._asked()))
                self._asked_s = time.monotonic()
        return self._found

    def _asked(self) -> list[Awaitable[Check]]:
        in_thread: list[tuple[str, Callable[[], Found], bool]] = [
            ("database", self._database, True), ("disk", self._disk, True), ("sessions", self._sessions, False),
            ("supervisor", self._supervisor, False), ("kill", self._kill, False), ("bus", self._bus, False),
            ("circuits", self._circuits, False), ("certificate", self._certificate, False), ("look", self._look, True),
        ]  # fmt: skip
        return [self._one_check(name, ask, is_essential=needed) for name, ask, needed in in_thread]

    async def _one_check(self, name: str, ask: Callable[[], Found], *, is_essential: bool) -> Check:
        begun, now_ns = time.perf_counter(), self.gateway.now_ns()
        try:
            async with asyncio.timeout(ASK_S):
                found = await asyncio.to_thread(ask)
        except TimeoutError:
            found = Found(State.BAD, f"no answer within {ASK_S:g} s")
        except B25Error as fault:
            found = Found(State.BAD, fault.what)
        except Exception as fault:
            found = Found(State.BAD, type(fault).__name__)
        return Check(name, found.state, found.why, now_ns, round((time.perf_counter() - begun) * 1e3, 2), is_essential)

    def _database(self) -> Found:
        ping(self.gateway.store)
        return Found(State.OK)

    def _disk(self) -> Found:
        folder = self.gateway.settings.run_folder
        free = shutil.disk_usage(folder if folder.exists() else ".").free
        state = State.BAD if free < DISK_BYTES_MIN else State.DEGRADED if free < DISK_BYTES_LOW else State.OK
        return Found(state, f"{free / 1e9:.1f} GB free")

    def _look(self) -> Found:
        age_s = (time.time_ns() - self.gateway.part(Pictures).looked_ns) / 1e9
        return Found(State.OK if age_s < STALE_S else State.BAD, f"sessions were looked at {age_s:.1f} s ago")

    def _sessions(self) -> Found:
        running = [one for one in self.gateway.part(Pictures).all.values() if one.is_running]
        if not running:
            return Found(State.ABSENT, "no session runs")
        now_ns = self.gateway.now_ns()
        bad = [f"{one.name} is silent for {one.silent_s:.0f} s" for one in running if (one.silent_s or 0.0) > SILENT_S]
        bad += [f"{one.name} has halted" for one in running if one.status.get("state") == "halted"]
        bad += [f"{one.name} told nothing for {age:.0f} s" for one in running if (age := one.age_s(now_ns) or 0.0) > STALE_S]
        return Found(State.DEGRADED if bad else State.OK, "; ".join(bad) or f"{len(running)} run")

    def _supervisor(self) -> Found:
        folder = self.gateway.settings.run_folder
        if not is_taken(folder, SEAT):
            return Found(State.ABSENT, "no supervisor runs here")
        told = read_json(folder / "supervisor.json")
        failed = [str(one["name"]) for one in told.get("processes", []) if one.get("phase") == "failed"]
        age_s = (time.time_ns() - int(told.get("time_ns", 0))) / 1e9
        if age_s > SILENT_S:
            return Found(State.BAD, f"silent for {age_s:.0f} s")
        return Found(State.DEGRADED if failed else State.OK, f"these stay down: {', '.join(failed)}" if failed else "")

    def _kill(self) -> Found:
        folder = self.gateway.settings.run_folder
        if not is_taken(folder, KILL):
            is_needed = any(
                one.is_running and one.status.get("mode") == "live" for one in self.gateway.part(Pictures).all.values()
            )
            if is_needed:
                return Found(State.BAD, "no kill process runs, though a session is live; latches by file still hold")
            return Found(State.ABSENT, "no kill process runs here")
        beat = read_beat(folder, KILL)
        age_s = (time.monotonic_ns() - beat.beaten_ns) / 1e9 if beat is not None else float("inf")
        return Found(State.OK if age_s < 2 * SILENT_S else State.BAD, f"its heartbeat is {age_s:.1f} s old")

    def _bus(self) -> Found:
        bus = self.gateway.part(BusLine)
        if not bus.is_wanted:
            return Found(State.ABSENT, bus.why)
        return Found(State.OK if bus.is_up else State.BAD, bus.why or ("" if bus.is_up else "the connection is lost"))

    def _circuits(self) -> Found:
        opened = self.gateway.part(Commands).open_circuits()
        return Found(State.DEGRADED if opened else State.OK, f"left alone for a while: {', '.join(opened)}" if opened else "")

    def _certificate(self) -> Found:
        found: Certificate | None = self.gateway.parts.get(Certificate)
        if found is None:
            return Found(State.ABSENT, "no TLS")
        left = found.expires - datetime.now(UTC)
        state = State.BAD if left.total_seconds() <= 0 else State.DEGRADED if left < SOON else State.OK
        return Found(state, f"valid until {found.expires.isoformat()}")


def overall(checks: list[Check]) -> State:
    """How the gateway stands: bad when it cannot answer for what it is here for, degraded when a part cannot."""
    if any(one.state is State.BAD and one.is_essential for one in checks):
        return State.BAD
    return State.DEGRADED if any(one.state in (State.BAD, State.DEGRADED) for one in checks) else State.OK
