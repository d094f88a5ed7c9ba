"""What the machine and its settings must be fit for, looked at for real: each finding with its age and its remedy."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from b25.model.errors import B25Error
from b25.runner import doctor_sessions
from b25.runner.doctor_findings import Finding, Health
from b25.runner.kill_account import KillAccount, open_port, read_accounts
from b25.runner.kill_latch import all_latches, read_report
from b25.runner.kill_main import is_watching
from b25.runner.seat import is_taken
from b25.runner.supervisor import status
from b25.runner.supervisor_plan import SEAT

FREE_BYTES_MIN, FREE_SHARE_MIN = 2**30, 0.10
MEMORY_MB_MIN = 1_024
SKEW_MS_MAX = 500
PACKAGES = ("numpy", "numba", "polars", "orjson", "typer")
EXCHANGE_PACKAGES = ("ccxt", "aiohttp", "cryptography")


Check = Callable[[], list[Finding]]


def examine(checks: Iterable[tuple[str, Check]]) -> list[Finding]:
    """Run checks. One that breaks is a finding itself: unknown."""
    found = []
    for name, check in checks:
        began_ns = time.perf_counter_ns()
        try:
            seen = check()
        except Exception as fault:  # a check that cannot look has not seen anything good
            remedy = fault.remedy if isinstance(fault, B25Error) else "look into it: this check itself broke"
            what = fault.what if isinstance(fault, B25Error) else f"{type(fault).__name__}: {fault}"
            seen = [Finding(name=name, health=Health.UNKNOWN, what=what, remedy=remedy)]
        took_ms = (time.perf_counter_ns() - began_ns) / 1e6
        found += [
            Finding(
                name=one.name,
                health=one.health,
                what=one.what,
                remedy=one.remedy,
                age_s=one.age_s,
                took_ms=round(took_ms / len(seen), 1),
            )
            for one in seen
        ]
    return found


def checks_of(folder: Path, plan: Path | None, store: str = "") -> list[tuple[str, Check]]:
    """Every check that makes sense here: those of a venue need a plan, those of a database its URL."""
    checks: list[tuple[str, Check]] = [
        ("packages", packages),
        ("disk", lambda: disk(folder)),
        ("memory", memory),
        ("clock", clock),
        ("limits", limits),
        ("run folder", lambda: run_folder(folder)),
        ("kill switch", lambda: kill_switch(folder, needed=plan is not None)),
        ("stops", lambda: doctor_sessions.stops(folder)),
        ("supervisor", lambda: supervisor(folder)),
        ("sessions", lambda: doctor_sessions.sessions(folder)),
        ("kernels", kernels),
    ]
    if store:
        checks.append(("store", lambda: doctor_sessions.store(store)))
    if plan is not None:
        checks += [("plan", lambda: [Finding(name="plan", health=Health.GOOD, what=f"{len(read_accounts(plan))} accounts")])]
        try:
            accounts = read_accounts(plan)
        except B25Error:
            return checks  # the check of the plan says why
        for name, account in accounts.items():
            checks.append((f"venue {name}", lambda account=account: venue(account)))  # type: ignore[misc]
    return checks


def packages() -> list[Finding]:
    """Whether what b25 needs is installed, and which versions."""
    found = {name: _version(name) for name in (*PACKAGES, *EXCHANGE_PACKAGES)}
    told = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if missing := [name for name in PACKAGES if not found[name]]:
        return [
            Finding(
                name="packages", health=Health.BAD, what=f"missing: {', '.join(missing)}", remedy="make .venv anew: make test"
            )
        ]
    if missing := [name for name in EXCHANGE_PACKAGES if not found[name]]:
        what = f"no venue can be reached: {', '.join(missing)} missing"
        return [Finding(name="packages", health=Health.WARNING, what=what, remedy="uv pip install 'b25[exchange]'")]
    return [Finding(name="packages", health=Health.GOOD, what=told)]


def disk(folder: Path) -> list[Finding]:
    """Room for journals and the latch: 10 % and 1 GiB free, and a file that can be written and flushed."""
    at = next(one for one in (folder, *folder.resolve().parents) if one.exists())
    usage = shutil.disk_usage(at)
    what = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f} at {at}"
    probe = at / f".b25-doctor-{os.getpid()}"
    began_ns = time.perf_counter_ns()
    try:
        handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, b"x" * 4096)
        os.fsync(handle)
        os.close(handle)
    except OSError as fault:
        return [
            Finding(
                name="disk", health=Health.BAD, what=f"{at}: {fault.strerror}", remedy="make room, or choose another --folder"
            )
        ]
    finally:
        probe.unlink(missing_ok=True)
    what += f", flushed in {(time.perf_counter_ns() - began_ns) / 1e6:.1f} ms"
    if usage.free < FREE_BYTES_MIN or usage.free < FREE_SHARE_MIN * usage.total:
        return [Finding(name="disk", health=Health.WARNING, what=what, remedy="make room: 10 % and 1 GiB should be free")]
    return [Finding(name="disk", health=Health.GOOD, what=what)]


def memory() -> list[Finding]:
    """Memory that can be had without swapping."""
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available_mb = int(rows["MemAvailable"].split()[0]) // 1024
    what = f"{available_mb:,} MB available of {int(rows['MemTotal'].split()[0]) // 1024:,}"
    if available_mb < MEMORY_MB_MIN:
        return [Finding(name="memory", health=Health.WARNING, what=what, remedy="end other programs: a session needs 1 GB")]
    return [Finding(name="memory", health=Health.GOOD, what=what)]


def clock() -> list[Finding]:
    """Whether the wall clock runs as the monotonic one does, and how finely the monotonic one ticks."""
    wall_ns, mono_ns = time.time_ns(), time.monotonic_ns()
    time.sleep(0.2)
    drift_ms = abs((time.time_ns() - wall_ns) - (time.monotonic_ns() - mono_ns)) / 1e6
    what = f"wall and monotonic clock differ by {drift_ms:.2f} ms in 200 ms"
    if drift_ms > 5.0:
        return [
            Finding(name="clock", health=Health.BAD, what=what, remedy="something sets the clock in steps: use chrony, slewing")
        ]
    return [Finding(name="clock", health=Health.GOOD, what=what)]


def limits() -> list[Finding]:
    """Open files that a process may have: sockets and journals need some."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1024:
        return [Finding(name="limits", health=Health.WARNING, what=f"{soft} open files at most", remedy="ulimit -n 4096")]
    return [Finding(name="limits", health=Health.GOOD, what=f"{soft:,} open files at most")]


def run_folder(folder: Path) -> list[Finding]:
    """Whether the run folder is ours alone: whoever can write there can pull the switch, or take the latch off."""
    if not folder.exists():
        return [Finding(name="run folder", health=Health.GOOD, what=f"{folder} is not there yet")]
    found = folder.stat()
    if found.st_uid != os.getuid():
        what = f"{folder} belongs to user {found.st_uid}"
        return [
            Finding(name="run folder", health=Health.BAD, what=what, remedy="run b25 as that user, or choose another --folder")
        ]
    if stat.S_IMODE(found.st_mode) & 0o022:
        what = f"{folder} can be written by others (mode {stat.S_IMODE(found.st_mode):o})"
        return [Finding(name="run folder", health=Health.BAD, what=what, remedy=f"chmod go-w {folder}")]
    return [Finding(name="run folder", health=Health.GOOD, what=f"{folder}, mode {stat.S_IMODE(found.st_mode):o}")]


def kill_switch(folder: Path, *, needed: bool) -> list[Finding]:
    """Whether something is latched, and whether the kill process watches."""
    found = []
    for latch in all_latches(folder):
        age_s = max((time.time_ns() - latch.time_ns) / 1e9, 0.0) if latch.time_ns else 0.0
        done = "complete" if read_report(folder, latch.kill_id).get("is_complete") else "not complete"
        what = f"{latch.account} is latched by {latch.by or 'n/a'}: {latch.reason}; its kill is {done}"
        remedy = f"b25 kill re-arm --account {latch.account} --by NAME --reason WHY"
        found.append(Finding(name="kill switch", health=Health.WARNING, what=what, remedy=remedy, age_s=age_s))
    if is_watching(folder):
        return [*found, Finding(name="kill switch", health=Health.GOOD, what="the kill process watches")]
    remedy = "b25 up starts it; `b25 kill` works without it"
    health = Health.WARNING if needed else Health.GOOD
    return [*found, Finding(name="kill switch", health=health, what="no kill process runs", remedy=remedy if needed else "")]


def supervisor(folder: Path) -> list[Finding]:
    """How the supervised processes stood when that was last written down."""
    if not is_taken(folder, SEAT):
        return [Finding(name="supervisor", health=Health.GOOD, what="b25 up does not run here")]
    facts = dict(status(folder))
    age_s = (time.time_ns() - int(str(facts.get("time_ns", 0)))) / 1e9
    rows = facts.get("processes")
    processes = rows if isinstance(rows, list) else []
    failed = [f"{one['name']} ({one['why']})" for one in processes if one["phase"] == "failed"]
    if age_s > 5.0:
        what = f"it runs, but has written nothing for {age_s:.0f} s"
        return [
            Finding(
                name="supervisor", health=Health.BAD, what=what, remedy="start it again: sessions end by themselves", age_s=age_s
            )
        ]
    if failed:
        what, remedy = f"stay down: {', '.join(failed)}", "b25 session logs NAME, then b25 session start NAME"
        return [Finding(name="supervisor", health=Health.BAD, what=what, remedy=remedy, age_s=age_s)]
    up = sum(one["phase"] == "up" for one in processes)
    return [Finding(name="supervisor", health=Health.GOOD, what=f"{up} of {len(processes)} processes up", age_s=age_s)]


def kernels() -> list[Finding]:
    """Whether a kernel can be compiled and gives what it should, and where compiled code is kept."""
    from numba import njit

    from b25.kernels.build import cache_directory

    @njit
    def doubled(number):  # type: ignore[no-untyped-def]
        return number * 2

    if doubled(21) != 42:
        return [
            Finding(name="kernels", health=Health.BAD, what="compiled code is wrong", remedy="install numba and llvmlite anew")
        ]
    at = cache_directory()
    above = next(one for one in (at, *at.parents) if one.exists())
    if not os.access(above, os.W_OK):
        what = f"compile, but {above} cannot be written: each start compiles anew"
        return [Finding(name="kernels", health=Health.WARNING, what=what, remedy="set B25_CACHE_DIR to a folder of yours")]
    return [Finding(name="kernels", health=Health.GOOD, what=f"compile; kept in {at}")]


def venue(account: KillAccount) -> list[Finding]:
    """Whether a venue answers, its clock agrees with ours, and the key may read its orders."""
    import asyncio

    name = f"venue {account.name}"

    async def ask() -> list[Finding]:
        port, _ = open_port(account)
        try:
            before_ms = time.time_ns() / 1e6
            told = await port.server_time_ms()
            after_ms = time.time_ns() / 1e6
            if told.value is None:
                what = f"no answer: {told.answer.name}, {told.text[:120]}"
                return [Finding(name=name, health=Health.BAD, what=what, remedy="check address and network; is `b25 venue` up?")]
            skew_ms, trip_ms = told.value - (before_ms + after_ms) / 2, after_ms - before_ms
            found = [
                Finding(
                    name=name, health=Health.GOOD, what=f"answers in {trip_ms:.0f} ms, its clock is {skew_ms:+.0f} ms from ours"
                )
            ]
            if abs(skew_ms) > SKEW_MS_MAX:
                remedy = "set the clock by NTP: requests are refused by their time"
                found = [Finding(name=name, health=Health.BAD, what=f"its clock is {skew_ms:+.0f} ms from ours", remedy=remedy)]
            listed = await port.open_orders(account.symbols[0] if account.symbols else None)
            if listed.value is None:
                what = f"the key was not accepted: {listed.answer.name}, code {listed.code}, {listed.text[:120]}"
                return [
                    *found,
                    Finding(name=f"key {account.name}", health=Health.BAD, what=what, remedy="check key file and permissions"),
                ]
            what = f"reads orders ({len(listed.value)} open), file readable by its owner only"
            return [*found, Finding(name=f"key {account.name}", health=Health.GOOD, what=what)]
        finally:
            await port.close()

    return asyncio.run(ask())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
