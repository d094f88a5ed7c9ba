"""The kill switch as a process: it waits for a reason, kills, and guards what it killed until a person re-arms.

    python -m b25.runner.kill_main --folder data/run --plan up.toml

What pulls it: the latch file (`b25 kill`, the API), a file named KILL in the run folder, SIGUSR1, a session's risk latch.
What makes it cancel one session's orders without a latch: that session's process is gone, or silent for five seconds; it is
then fenced, ended, and its orders cancelled. When the supervisor is gone, sessions have ten seconds to stop by themselves.
Meanwhile it keeps the venue's dead man's switch wound, where there is one: should this process die as well, the venue cancels.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import orjson

from b25.runner.durable_file import append_durably, read_json, write_durably
from b25.runner.heartbeat import Heartbeat, Life, read_beat, supervisor_is_gone
from b25.runner.kill import RISK_LATCH
from b25.runner.kill_latch import ALL, KillRecord, Latch, Trigger, latched, pull, read_report, write_report
from b25.runner.kill_sequence import KillReport, Pace, Sweep
from b25.runner.seat import closing_prefix, fence_of, is_alive, occupant, raise_fence
from b25.runner.structured_log import StructuredLog
from b25.venue.port.port import VenuePort

LOOK_S = 0.05
LOST_S = 5.0
GRACE_S = 10.0
COUNTDOWN_MS = 120_000
RENEW_S = 30.0
GUARD_S = 30.0
ATTEMPT_S = 30.0
STOP_S = 8.0
ALIVE = (Life.RUNNING, Life.PAUSED, Life.STOPPING)


class Reach:
    """One account within reach of the kill switch: its port, and what is being done there. One thing at a time."""

    def __init__(
        self, name: str, port: VenuePort, symbols: tuple[str, ...], unban: Callable[[], None], *, kills_when_lost: bool = False
    ) -> None:
        self.name, self.port, self.symbols, self.unban = name, port, symbols, unban
        self.kills_when_lost = kills_when_lost
        self.lock = asyncio.Lock()
        self.armed: set[str] = set()
        self.renewed_s = float("-inf")
        self.handled: tuple[str, bool] | None = None  # kill id and flatten of the last attempt
        self.next_s = float("-inf")


class Watcher(Protocol):
    """Looks at something beside the latches and the sessions' lives."""

    def look(self, process: KillProcess) -> None:
        """Look once; what takes time is begun with `KillProcess.begin`."""


class KillProcess:
    """Watches a run folder.

    Parameters
    ----------
    folder : Path
        The run folder.
    reaches : mapping of str to Reach
        By account name.
    log : StructuredLog
    record : KillRecord, optional
        The database.
    pace : Pace, optional
    watchers : sequence of Watcher
        What else is looked at, twenty times a second.
    lost_s, grace_s : float
        After which a silent session is lost, and how long sessions may take to stop when the supervisor is gone.
    """

    def __init__(
        self,
        folder: Path,
        reaches: Mapping[str, Reach],
        log: StructuredLog,
        *,
        record: KillRecord | None = None,
        pace: Pace | None = None,
        watchers: Sequence[Watcher] = (),
        lost_s: float = LOST_S,
        grace_s: float = GRACE_S,
        countdown_ms: int = COUNTDOWN_MS,
        renew_s: float = RENEW_S,
    ) -> None:
        self.folder, self.reaches, self.log, self.record = folder, dict(reaches), log, record
        self.pace = pace or Pace(give_up_s=ATTEMPT_S)
        self.lost_s, self.grace_s = lost_s, grace_s
        self.countdown_ms, self.renew_s, self.watchers = countdown_ms, renew_s, list(watchers)
        self.stopping = False
        self.only_latches = False  # neither sessions nor the dead man's switch are this one's business
        self.looks = 0
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._gone_since_s: float | None = None

    async def run(self, heartbeat: Heartbeat | None = None) -> None:
        """Watch until told to stop, or until the supervisor is gone and everything is clean."""
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for ending in () if self.only_latches else (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(ending, self.stop)
            loop.add_signal_handler(signal.SIGUSR1, self.on_signal)
        for reach in self.reaches.values():
            self.begin(f"listings {reach.name}", self._warm(reach))
        self.log.info("watching", accounts=sorted(self.reaches), pid=os.getpid())
        while not self.stopping:
            self.looks += 1
            if heartbeat is not None:
                heartbeat.beat(Life.RUNNING, done=self.looks)
            self.look()
            if self._is_done():
                break
            await asyncio.sleep(LOOK_S)
        await self._end()
        if heartbeat is not None:
            heartbeat.beat(Life.STOPPED, done=self.looks)

    def look(self) -> None:
        """Look once for every reason there is, and begin what it calls for."""
        self._look_for_files()
        for name, reach in self.reaches.items():
            latch = latched(self.folder, name)
            if latch is not None:
                is_new = reach.handled != (latch.kill_id, latch.flatten)
                if is_new or time.monotonic() >= reach.next_s:
                    guard = account_done(self.folder, latch, name)
                    self.begin(f"kill {name}", self._kill(reach, latch, guard=guard))
            if not self.only_latches:
                self._begin_countdown(reach, latch)
        for session in [] if self.only_latches else self._sessions():
            self._look_at(session)
        for watcher in self.watchers:
            watcher.look(self)

    def on_signal(self) -> None:
        """SIGUSR1: stop every account."""
        self._pull(ALL, Trigger.SIGNAL, "SIGUSR1", flatten=False)

    def stop(self) -> None:
        """SIGTERM: end in order. What is latched stays latched, and is gone on with at the next start."""
        self.stopping = True

    def _look_for_files(self) -> None:
        file = self.folder / "KILL"
        if file.exists():
            with suppress(OSError):
                flatten = b"flatten" in file.read_bytes()[:1000]
                self._pull(ALL, Trigger.FILE, "a file named KILL", flatten=flatten)
                file.unlink()
        for path in self.folder.glob(f"sessions/*/{RISK_LATCH}"):
            row = read_json(path)
            account = row.get("account") or occupant(self.folder, path.parent.name).get("account") or ALL
            reason = f"session {path.parent.name}: {row.get('reason', 'its risk latch')}"
            self._pull(account, Trigger.RISK, reason, flatten=bool(row.get("flatten")))
            with suppress(OSError):
                path.replace(path.with_name("risk-latch.taken.json"))

    def _pull(self, account: str, trigger: Trigger, reason: str, *, flatten: bool) -> None:
        try:
            latch = pull(
                self.folder,
                account,
                by=f"process {os.getpid()}",
                reason=reason,
                trigger=trigger,
                flatten=flatten,
                record=self.record,
            )
            self.log.alarm("latched", **asdict(latch))
        except OSError as fault:  # no disk: cancel all the same
            self.log.alarm("the latch cannot be written", account=account, why=str(fault))
            latch = Latch(
                kill_id="", account=account, by="", reason=reason, trigger=trigger, flatten=flatten, time_ns=time.time_ns()
            )
            for reach in self.reaches.values():
                if account in (ALL, reach.name):
                    self.begin(f"kill {reach.name}", self._kill(reach, latch, guard=False))

    async def _kill(self, reach: Reach, latch: Latch, *, guard: bool) -> None:
        """Bring one account to rest; `guard` looks again at one that is, for an order that came after."""
        log = self.log.bind(account=reach.name, kill_id=latch.kill_id)
        log.info("guarding" if guard else "killing", flatten=latch.flatten)
        report = await self.sweep(reach, log, flatten=latch.flatten and not guard)
        is_settled = report.is_complete or (bool(report.not_closed) and not report.orders_left)
        reach.handled = latch.kill_id, latch.flatten
        reach.next_s = time.monotonic() + (GUARD_S if is_settled else 0.0)
        if guard and not report.orders_seen:
            return
        self._report(reach, latch, report)
        say = log.info if report.is_complete else log.alarm
        say("killed" if report.is_complete else "not complete", **_brief(report))

    def _report(self, reach: Reach, latch: Latch, report: KillReport) -> None:
        held = read_report(self.folder, latch.kill_id)
        accounts = held.get("accounts", {}) | {reach.name: asdict(report)}
        wanted = set(self.reaches) if latch.account == ALL else {latch.account}
        row = {
            "kill_id": latch.kill_id,
            "account": latch.account,
            "flatten": latch.flatten,
            "time_ns": time.time_ns(),
            "is_complete": all(accounts.get(name, {}).get("is_complete") for name in wanted),
            "orders_left": [left for one in accounts.values() for left in one["orders_left"]],
            "positions_left": [left for one in accounts.values() for left in [*one["positions_left"], *one["not_closed"]]],
            "trouble": [f"{name}: {one['trouble']}" for name, one in accounts.items() if one["trouble"]],
            "accounts": accounts,
        }
        try:
            write_report(self.folder, row, self.record)
        except OSError as fault:
            self.log.alarm("the report cannot be written", kill_id=latch.kill_id, why=str(fault))

    def _sessions(self) -> list[str]:
        return [path.parent.name for path in self.folder.glob("sessions/*/seat.json")]

    def _look_at(self, session: str) -> None:
        who, beat = occupant(self.folder, session), read_beat(self.folder, session)
        epoch, account = int(who.get("epoch") or 0), str(who.get("account") or "")
        if not account or is_cleared(self.folder, session, epoch) or (beat and beat.epoch == epoch and beat.life is Life.STOPPED):
            return
        own = beat is not None and beat.epoch == epoch
        silent_s = (time.monotonic_ns() - beat.beaten_ns) / 1e9 if beat is not None and own else 0.0
        alive = is_alive(who)
        hung = alive and own and beat is not None and beat.life in ALIVE and silent_s > self.lost_s
        left = alive and self._gone_since_s is not None and time.monotonic() - self._gone_since_s > self.grace_s
        if alive and not hung and not left:
            return
        why = "its process is gone" if not alive else f"silent for {silent_s:.1f} s" if hung else "the supervisor is gone"
        self.begin(f"clear {session}", self._clear(session, who, why))

    async def _clear(self, session: str, who: dict[str, Any], why: str) -> None:
        """Fence a session off, end its process, cancel its orders."""
        epoch, account = int(who["epoch"]), str(who["account"])
        log = self.log.bind(session=session, epoch=epoch, account=account)
        log.alarm("clearing a dead session", why=why)
        raise_fence(self.folder, session)
        if is_alive(who):
            with suppress(ProcessLookupError):
                os.kill(int(who["pid"]), signal.SIGKILL)
        reach = self.reaches.get(account)
        if reach is None:
            log.alarm("no way to this account: its orders stay", remedy="name it in the plan's [accounts]")
            return
        if reach.kills_when_lost:
            self._pull(account, Trigger.HEARTBEAT, f"session {session}: {why}", flatten=False)
        report = await self.sweep(reach, log, prefix=str(who.get("client_id_prefix") or ""))
        row = {"session": session, "epoch": epoch, "why": why, "time_ns": time.time_ns(), **asdict(report)}
        append_durably(self.folder / "kill" / "audit.jsonl", {"action": "cleared", **row, "steps": len(report.steps)})
        if report.is_complete:
            write_durably(cleared_path(self.folder, session), orjson.dumps(row))
        log.info("cleared" if report.is_complete else "not cleared yet", **_brief(report))

    async def sweep(
        self, reach: Reach, log: StructuredLog, *, flatten: bool = False, prefix: str = "", only: str = ""
    ) -> KillReport:
        """Bring an account, or a part of it, to rest; one sweep of an account at a time."""
        async with reach.lock:
            sweep = Sweep(
                reach.port,
                reach.symbols,
                prefix=prefix,
                only=only,
                closes_as=closing_prefix(self.folder, reach.name),
                pace=self.pace,
                now_s=time.monotonic,
                now_ms=lambda: time.time_ns() // 1_000_000,
                unban=reach.unban,
                told=lambda step: log.info("step", **step),
            )
            return await sweep.run(flatten=flatten)

    def _begin_countdown(self, reach: Reach, latch: Latch | None) -> None:
        if not reach.port.abilities.countdown or time.monotonic() - reach.renewed_s < self.renew_s:
            return
        has_session = any(
            occupant(self.folder, name).get("account") == reach.name and is_alive(occupant(self.folder, name))
            for name in self._sessions()
        )
        if latch is None and (has_session or reach.armed):
            self.begin(f"countdown {reach.name}", self._countdown(reach, self.countdown_ms if has_session else 0))

    async def _countdown(self, reach: Reach, after_ms: int) -> None:
        reach.renewed_s = time.monotonic()
        for symbol in sorted(reach.symbols):
            outcome = await reach.port.countdown(symbol, after_ms)
            if outcome.is_definite and outcome.value is None and outcome.answer.name == "ACCEPTED":
                (reach.armed.add if after_ms else reach.armed.discard)(symbol)
            else:
                reach.renewed_s = time.monotonic() - self.renew_s + 1.0  # again in a second
                self.log.warning(
                    "countdown not set", account=reach.name, symbol=symbol, answer=outcome.answer.name, text=outcome.text
                )

    async def _warm(self, reach: Reach) -> None:
        """Read the listings beforehand, so that a kill need not: until the venue answers, and the clock with it."""
        wait_s = 0.5
        while not self.stopping and (await reach.port.listings()).value is None:
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, 10.0)
        await reach.port.server_time_ms()

    def begin(self, name: str, job: Any) -> None:
        """Start a job, unless one of that name is at work."""
        running = self._jobs.get(name)
        if running is not None and not running.done():
            job.close()
            return
        self._jobs[name] = asyncio.create_task(self._guarded(name, job), name=name)

    async def _guarded(self, name: str, job: Any) -> None:
        try:
            await job
        except (
            Exception
        ) as fault:  # one account's fault must not end the watch over the others; it is begun again at the next look
            self.log.alarm("a job failed", job=name, why=f"{type(fault).__name__}: {fault}")
            await asyncio.sleep(1.0)

    def _is_done(self) -> bool:
        """Whether nothing is left to do: every kill is settled, or the supervisor and its sessions are gone."""
        if self.only_latches:
            return all(reach.next_s > time.monotonic() for reach in self.reaches.values())
        if self._gone_since_s is None:
            if supervisor_is_gone():
                self._gone_since_s = time.monotonic()
                self.log.alarm("the supervisor is gone", grace_s=self.grace_s)
            return False
        busy = any(not job.done() for name, job in self._jobs.items() if not name.startswith(("listings", "countdown")))
        return not busy and not any(self._is_open(session) for session in self._sessions())

    def _is_open(self, session: str) -> bool:
        who, beat = occupant(self.folder, session), read_beat(self.folder, session)
        epoch = int(who.get("epoch") or 0)
        if not who.get("account") or who["account"] not in self.reaches:
            return False
        ended = beat is not None and beat.epoch == epoch and beat.life is Life.STOPPED
        return not ended and not is_cleared(self.folder, session, epoch)

    async def _end(self) -> None:
        jobs = [job for name, job in self._jobs.items() if not name.startswith("listings")]
        if jobs:
            await asyncio.wait(jobs, timeout=STOP_S)
        for reach in self.reaches.values():
            if reach.armed and latched(self.folder, reach.name) is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._countdown(reach, 0), 2.0)
        for job in self._jobs.values():
            job.cancel()
        await asyncio.gather(*self._jobs.values(), return_exceptions=True)
        for reach in self.reaches.values():
            await reach.port.close()
        self.log.info("ended")


def account_done(folder: Path, latch: Latch, account: str) -> bool:
    """Whether a kill is complete at an account, closing included where it was asked for."""
    report = read_report(folder, latch.kill_id)
    done = report.get("accounts", {}).get(account, {}).get("is_complete", False)
    return bool(done) and bool(report.get("flatten")) >= latch.flatten


def cleared_path(folder: Path, session: str) -> Path:
    """File that says up to which epoch a session's orders were cancelled after its death."""
    return folder / "sessions" / session / "cleared.json"


def is_cleared(folder: Path, session: str, epoch: int) -> bool:
    """Whether a dead session is fenced off and its orders are known to be gone."""
    return int(read_json(cleared_path(folder, session)).get("epoch") or 0) >= epoch and fence_of(folder, session) > epoch


def _brief(report: KillReport) -> dict[str, Any]:
    row = asdict(report)
    del row["steps"]
    return row
