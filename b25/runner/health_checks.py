"""Asks every part of the platform how it is: what `/health/ready` answers, and what the metrics repeat.

Each check has a limit of its own and fails alone: one that does not answer in time is unknown, which is not healthy.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import orjson

from b25.bus.address import URL, bus_address, bus_folder
from b25.bus.link import NATS_PORT
from b25.model.errors import B25Error
from b25.observe.health import Check, State, aged, weighed
from b25.runner.durable_file import read_json
from b25.runner.heartbeat import Beat, Life, read_beat
from b25.runner.kill_latch import latched
from b25.runner.kill_main import NAME as KILL
from b25.runner.kill_main import is_watching
from b25.runner.seat import SESSION_NAME, is_taken, session_folder
from b25.runner.session_watch import read_status
from b25.runner.supervisor_plan import SEAT
from b25.store.ping import ping
from b25.store.store import Store

CHECK_S: Final = 2.0
SLOW_S: Final = 0.5
BEAT_AGE_S_MAX: Final = 5.0
STATUS_AGE_S_MAX: Final = 10.0
DISK_LOW, DISK_FULL = 0.10, 0.02  # share of the disk that is free
CLOCK_ERROR_S_MAX: Final = 0.5
NOT_SESSIONS: Final = (KILL, SEAT)
ADJTIMEX_BYTES: Final = 208
TIME_ERROR: Final = 5


class HasSettings(Protocol):
    """Of settings, what is looked at here."""

    @property
    def run_folder(self) -> Path:
        """Where sessions keep their files."""
        ...


class GatewayLike(Protocol):
    """What is asked about: the gateway, or whatever has its settings and store."""

    @property
    def settings(self) -> HasSettings:
        """What holds here."""
        ...

    @property
    def store(self) -> Store:
        """The database."""
        ...


async def check_all(gateway: GatewayLike, environment: Mapping[str, str] = os.environ) -> list[Check]:
    """Ask everything at once; returns one check for each part, weighed by what it needs."""
    database = _within("database", lambda: asyncio.to_thread(check_database, gateway.store))
    found, others = await asyncio.gather(database, check_others(gateway.settings.run_folder, environment))
    return weighed([*found, *others])


async def check_others(folder: Path, environment: Mapping[str, str] = os.environ) -> list[Check]:
    """Ask everything but the database."""
    asked: dict[str, Callable[[], Awaitable[list[Check]]]] = {
        "bus": lambda: check_bus(folder, environment),
        "processes": lambda: asyncio.to_thread(check_processes, folder),
        "disk": lambda: asyncio.to_thread(check_disk, folder),
        "clock": lambda: asyncio.to_thread(check_clock),
    }
    found = await asyncio.gather(*(_within(name, ask) for name, ask in asked.items()))
    return [one for group in found for one in group]


async def _within(name: str, ask: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    try:
        return await asyncio.wait_for(ask(), CHECK_S)
    except TimeoutError:
        return [Check(name=name, state=State.UNKNOWN, detail=f"no answer within {CHECK_S:g} s")]
    except Exception as fault:  # a check that breaks says nothing about the part, and nothing about the others
        return [Check(name=name, state=State.UNKNOWN, detail=f"it cannot be asked: {type(fault).__name__}")]


def check_database(store: Store) -> list[Check]:
    """Have the database answer."""
    began_s = time.monotonic()
    try:
        ping(store)
    except B25Error as fault:
        return [Check(name="database", state=State.UNHEALTHY, age_s=0.0, detail=fault.what)]
    took_s = time.monotonic() - began_s
    state = State.DEGRADED if took_s > SLOW_S else State.HEALTHY
    return [Check(name="database", state=state, age_s=0.0, detail=f"answered in {took_s * 1e3:.1f} ms")]


async def check_bus(folder: Path, environment: Mapping[str, str] = os.environ) -> list[Check]:
    """Have the server of the bus say who it is; disabled where nobody asked for one."""
    if not environment.get(URL) and not bus_folder(folder).is_dir():
        return [Check(name="bus", state=State.DISABLED, detail=f"none is configured: no {URL}", is_required=False)]
    parts = urlsplit(bus_address("", folder, environment).url)
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, parts.port or NATS_PORT), CHECK_S / 2)
        try:
            line = await asyncio.wait_for(reader.readline(), CHECK_S / 2)
        finally:
            writer.close()
        told = orjson.loads(line.removeprefix(b"INFO ").strip()) if line.startswith(b"INFO ") else {}
    except (OSError, TimeoutError, orjson.JSONDecodeError) as fault:
        detail = f"{parts.hostname}:{parts.port or NATS_PORT} does not answer ({type(fault).__name__})"
        return [Check(name="bus", state=State.UNHEALTHY, age_s=0.0, detail=detail)]
    if not told:
        return [Check(name="bus", state=State.UNHEALTHY, age_s=0.0, detail="what answers there is no NATS server")]
    if not told.get("jetstream"):
        return [Check(name="bus", state=State.UNHEALTHY, age_s=0.0, detail="it keeps no streams: JetStream is off")]
    return [Check(name="bus", state=State.HEALTHY, age_s=0.0, detail=f"NATS {told.get('version', 'of unknown version')}")]


def check_processes(folder: Path) -> list[Check]:
    """Look at the heartbeats and seats of supervisor, kill process and sessions."""
    plan = read_json(folder / "supervisor.json")
    planned = {str(one.get("name")): one for one in plan.get("processes", []) if isinstance(one, dict)}
    names = {path.parent.name for path in folder.glob("sessions/*/seat.json")} | set(planned)
    names = {name for name in names if SESSION_NAME.fullmatch(name)}
    found = [_supervisor(folder, plan), _kill(folder, KILL in names)]
    for name in sorted(names - set(NOT_SESSIONS)):
        if (session_folder(folder, name) / "seat.json").exists():
            found.append(_session(folder, name, planned.get(name, {})))
    return found


def _supervisor(folder: Path, plan: Mapping[str, Any]) -> Check:
    if not plan:
        return Check(name=SEAT, state=State.DISABLED, detail="none was started on this run folder", is_required=False)
    age_s = max(0.0, (time.time_ns() - int(plan.get("time_ns") or 0)) / 1e9)
    if not is_taken(folder, SEAT):
        return Check(name=SEAT, state=State.DISABLED, age_s=age_s, detail="it has ended", is_required=False)
    failed = [str(one.get("name")) for one in plan.get("processes", []) if one.get("phase") == "failed"]
    state = State.DEGRADED if failed else State.HEALTHY
    detail = f"stays down: {', '.join(failed)}" if failed else "every process is as it should be"
    return aged(Check(name=SEAT, state=state, age_s=age_s, detail=detail, is_required=False), age_s_max=STATUS_AGE_S_MAX)


def _kill(folder: Path, is_planned: bool) -> Check:
    if not is_planned:
        return Check(name=KILL, state=State.DISABLED, detail="no kill process was ever here", is_required=False)
    age_s = _beat_age_s(folder, KILL)
    if not is_watching(folder):
        return Check(name=KILL, state=State.UNHEALTHY, age_s=age_s, detail="nobody watches: orders of the dead stay")
    latch = latched(folder, "all")
    if latch is not None:
        return Check(name=KILL, state=State.DEGRADED, age_s=age_s, detail=f"latched: {latch.reason}, by {latch.by}")
    return Check(name=KILL, state=State.HEALTHY, age_s=age_s, detail="it watches")


def _session(folder: Path, name: str, plan: Mapping[str, Any]) -> Check:
    beat, status = read_beat(folder, name), read_status(folder, name)
    needs = ("disk", "clock", *((KILL,) if plan.get("account") else ()))
    state, detail = _standing(beat, status, is_taken(folder, name))
    check = Check(
        name=f"session {name}", state=state, age_s=_beat_age_s(folder, name), detail=detail, depends_on=needs, is_required=False
    )
    return aged(check, age_s_max=BEAT_AGE_S_MAX) if state in (State.HEALTHY, State.DEGRADED) and not _is_silent(beat) else check


def _is_silent(beat: Beat | None) -> bool:
    """Whether it may be silent for long now, and not because it hangs."""
    return beat is not None and beat.life in (Life.STARTING, Life.COMPILING)


def _standing(beat: Beat | None, status: Mapping[str, Any], is_there: bool) -> tuple[State, str]:
    if not is_there:
        ended = beat is not None and beat.life is Life.STOPPED
        return (State.DISABLED, "ended") if ended else (State.UNHEALTHY, "gone, and not in order")
    if beat is None:
        return State.UNKNOWN, "it has not beaten yet"
    if _is_silent(beat):
        return State.DEGRADED, beat.life.name.lower()
    told = str(status.get("state") or beat.life.name.lower())
    if told == "halted" or beat.life is Life.FAILED:
        return State.UNHEALTHY, told
    if told in ("paused", "ending") or status.get("gate") in ("reducing", "stopped"):
        return State.DEGRADED, f"{told}; gate {status.get('gate')}: {status.get('why') or 'no reason is told'}"
    return State.HEALTHY, told


def _beat_age_s(folder: Path, name: str) -> float | None:
    beat = read_beat(folder, name)
    return max(0.0, (time.monotonic_ns() - beat.beaten_ns) / 1e9) if beat is not None else None


def check_disk(folder: Path) -> list[Check]:
    """Look how much room is left where sessions write."""
    used = shutil.disk_usage(existing(folder))
    share = used.free / used.total if used.total else 0.0
    state = State.UNHEALTHY if share < DISK_FULL else State.DEGRADED if share < DISK_LOW else State.HEALTHY
    return [Check(name="disk", state=state, age_s=0.0, detail=f"{share:.1%} free, {used.free / 2**30:.1f} GiB")]


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    at = folder.resolve()
    while not at.exists():
        at = at.parent
    return at


def check_clock() -> list[Check]:
    """Ask the kernel whether this machine's clock is kept by a time service, and how far off it may be."""
    told = clock_error_s()
    if told is None:
        return [Check(name="clock", state=State.UNKNOWN, detail="this system does not tell", is_required=False)]
    is_kept, error_s = told
    detail = f"at most {error_s:.3f} s off" if is_kept else "no time service keeps it, as the kernel sees it"
    state = State.HEALTHY if is_kept and error_s <= CLOCK_ERROR_S_MAX else State.DEGRADED
    return [Check(name="clock", state=state, age_s=0.0, detail=detail, is_required=False)]


def clock_error_s() -> tuple[bool, float] | None:
    """Whether the clock is kept, and its largest error in seconds, as the kernel says; None where it cannot be asked."""
    try:
        ask = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    held = ctypes.create_string_buffer(ADJTIMEX_BYTES)  # all zero: nothing is set, everything is told
    state = int(ask(held))
    if state < 0:
        return None
    (error_us,) = struct.unpack_from("<q", held.raw, 24)  # modes, offset, freq, then maxerror
    return state != TIME_ERROR, error_us / 1e6
