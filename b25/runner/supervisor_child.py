"""One supervised process: started, looked at, asked to stop, killed, started again."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from b25.runner.heartbeat import Life, read_beat
from b25.runner.kill_process import is_cleared
from b25.runner.seat import is_alive, is_taken, occupant, raise_fence, session_folder
from b25.runner.structured_log import StructuredLog, rotate
from b25.runner.supervisor_plan import ProcessPlan
from b25.runner.supervisor_policy import After, Budget, Watch


class Phase(StrEnum):
    """Where a child is, as the supervisor sees it."""

    DOWN = "down"  # not wanted
    WAITING = "waiting"  # wanted, and not yet allowed to start
    UP = "up"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"  # stays down until a person starts it


class Child:
    """One process of a plan.

    Parameters
    ----------
    plan : ProcessPlan
    folder : Path
        The run folder.
    run_id : str
    lifeline : int
        Reading end of the pipe that ends with the supervisor.
    """

    def __init__(self, plan: ProcessPlan, folder: Path, run_id: str, lifeline: int, log: StructuredLog) -> None:
        self.plan, self.folder, self.run_id, self.lifeline = plan, folder, run_id, lifeline
        self.log = log.bind(process=plan.name)
        self.phase = Phase.WAITING if plan.autostart else Phase.DOWN
        self.why = ""
        self.restarts = 0
        self.rss_mb = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._budget = Budget(plan, random.Random(f"{run_id}{plan.name}"))  # noqa: S311 - jitter
        self._watch = Watch()
        self._started_ns = 0
        self._not_before_s = 0.0
        self._kill_at_s = float("inf")
        self._is_killed = False
        self._killed_pid = 0
        self._paused = False
        self._wanted = plan.autostart
        self._said = ""

    @property
    def pid(self) -> int:
        """Of the process; 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    @property
    def log_path(self) -> Path:
        """What the process says: its own lines of JSON, and whatever else it prints."""
        return session_folder(self.folder, self.plan.name) / "log.jsonl"

    def is_ready(self) -> bool:
        """Whether those that come after it may start."""
        if self.phase is not Phase.UP:
            return self.phase in (Phase.DOWN, Phase.FINISHED)
        if self.plan.ready:
            host, _, port = self.plan.ready.rpartition(":")
            with suppress(OSError), socket.create_connection((host, int(port)), timeout=0.2):
                return True
            return False
        beat = read_beat(self.folder, self.plan.name)
        return not self.plan.beats or (beat is not None and beat.pid == self.pid and beat.life is not Life.STARTING)

    def want(self) -> None:
        """Start it, with a full budget: a person asked."""
        self._wanted, self._paused = True, False
        self._budget.forgive()
        if self.phase in (Phase.DOWN, Phase.FINISHED, Phase.FAILED):
            self.phase, self._not_before_s = Phase.WAITING, 0.0

    def unwant(self, why: str) -> None:
        """Drain it: SIGTERM, and SIGKILL when its time is over."""
        self._wanted = False
        if self.phase is Phase.UP:
            self._drain(why)
        elif self.phase is Phase.WAITING:
            self.phase = Phase.DOWN

    def look(self, *, may_start: bool) -> None:
        """Look once: notice its end, its silence, its size; do what follows."""
        if self.phase in (Phase.UP, Phase.STOPPING) and self._process is not None:
            code = self._process.poll()
            if code is not None:
                self._ended(code)
            elif time.monotonic() >= self._kill_at_s:
                self._kill("did not stop in time")
            elif self.phase is Phase.UP:
                self._examine()
        elif self.phase is Phase.WAITING and may_start and time.monotonic() >= self._not_before_s:
            blocked = self._blocked()
            if not blocked:
                self._start()
            elif blocked != self._said:
                self.log.warning("cannot start yet", why=blocked)
            self._said = blocked

    def facts(self) -> dict[str, Any]:
        """For the status file."""
        beat = read_beat(self.folder, self.plan.name)
        own = beat if beat is not None and beat.pid == self.pid else None
        return {
            "name": self.plan.name,
            "phase": str(self.phase),
            "why": self.why or self._said,
            "pid": self.pid,
            "account": self.plan.account,
            "life": own.life.name if own else None,
            "epoch": own.epoch if own else None,
            "done": own.done if own else None,
            "silent_s": round((time.monotonic_ns() - own.beaten_ns) / 1e9, 3) if own else None,
            "rss_mb": self.rss_mb,
            "restarts": self.restarts,
            "up_s": round((time.monotonic_ns() - self._started_ns) / 1e9, 1) if self.pid else None,
        }

    def _examine(self) -> None:
        beat = read_beat(self.folder, self.plan.name)
        beat = beat if beat is not None and beat.pid == self.pid else None
        fault = self._watch.fault(self.plan, beat, started_ns=self._started_ns, now_ns=time.monotonic_ns())
        if fault:
            self._paused = True
            self._kill(fault)
            return
        self.rss_mb = rss_mb(self.pid)
        if self.plan.rss_mb_max and self.rss_mb > self.plan.rss_mb_max:
            self._drain(f"uses {self.rss_mb} MB, more than {self.plan.rss_mb_max}")
            self._is_killed = True  # its end is not its own decision: it counts, and it comes back

    def _drain(self, why: str) -> None:
        assert self._process is not None
        self.phase, self.why = Phase.STOPPING, why
        self._kill_at_s = time.monotonic() + self.plan.drain_s
        self.log.info("stopping", pid=self.pid, why=why, drain_s=self.plan.drain_s)
        self._process.terminate()

    def _kill(self, why: str) -> None:
        """End it now: compiled code that never returns hears no other signal. Fenced first: nothing of it counts any more."""
        assert self._process is not None
        if self._killed_pid == self.pid:
            return  # it is dying; the system has not told yet
        self._killed_pid = self.pid
        self.why, self._is_killed, self._kill_at_s = why, True, float("inf")
        self.log.alarm("killing", pid=self.pid, why=why)
        with suppress(OSError):
            raise_fence(self.folder, self.plan.name)
        self._process.kill()

    def _ended(self, code: int) -> None:
        ran_s = (time.monotonic_ns() - self._started_ns) / 1e9
        after, delay_s = self._budget.ended(code, now_s=time.monotonic(), ran_s=ran_s, was_killed=self._is_killed)
        if not self._wanted:
            after = After.FINISHED
        self.phase = {After.RESTART: Phase.WAITING, After.STAY_DOWN: Phase.FAILED, After.FINISHED: Phase.FINISHED}[after]
        if not self._wanted:
            self.phase = Phase.DOWN
        self.why = self.why or f"exit code {code}"
        self._not_before_s, self._kill_at_s = time.monotonic() + delay_s, float("inf")
        say = self.log.alarm if self.phase is Phase.FAILED else self.log.info if code == 0 else self.log.warning
        say("ended", code=code, why=self.why, ran_s=round(ran_s, 3), then=str(self.phase), delay_s=round(delay_s, 3))

    def _blocked(self) -> str:
        """Why it must not start: another sits in its place, or its dead predecessor's orders are not gone."""
        who = occupant(self.folder, self.plan.name)
        epoch = int(who.get("epoch") or 0)
        if is_taken(self.folder, self.plan.name):
            return f"process {who.get('pid')} sits in its place"
        return f"the orders of epoch {epoch} are not cancelled yet" if self.has_orders_left() else ""

    def has_orders_left(self) -> bool:
        """Whether whoever sat there last died without cancelling, and nobody has cancelled for it yet."""
        who, beat = occupant(self.folder, self.plan.name), read_beat(self.folder, self.plan.name)
        epoch = int(who.get("epoch") or 0)
        stopped = beat is not None and beat.epoch == epoch and beat.life is Life.STOPPED
        return bool(who.get("account")) and not stopped and not is_cleared(self.folder, self.plan.name, epoch)

    def _start(self) -> None:
        own = session_folder(self.folder, self.plan.name)
        own.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            **self.plan.environment,
            "B25_RUN_FOLDER": str(self.folder),
            "B25_PROCESS": self.plan.name,
            "B25_RUN_ID": self.run_id,
            "B25_ACCOUNT": self.plan.account,
            "B25_LIFELINE_FD": str(self.lifeline),
            "B25_START_PAUSED": "1" if self._paused else "",
            "PYTHONUNBUFFERED": "1",
        }
        rotate(self.log_path)
        out = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.restarts += self._started_ns != 0
        self._started_ns, self._watch, self._is_killed, self.why = time.monotonic_ns(), Watch(), False, ""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the plan is the operator's own
                self.plan.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                pass_fds=(self.lifeline,),
                start_new_session=True,  # Ctrl-C at the terminal is the supervisor's to hand on, in order
            )
        except OSError as fault:
            self.phase, self.why = Phase.FAILED, f"cannot be started: {fault}"
            self.log.alarm("cannot be started", why=str(fault), command=list(self.plan.command))
            return
        finally:
            os.close(out)
        self.phase = Phase.UP
        self.log.info("started", pid=self.pid, paused=self._paused, restarts=self.restarts)


def rss_mb(pid: int) -> int:
    """Memory of a process, MB; 0 when it cannot be told."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def end_orphan(who: dict[str, Any], log: StructuredLog) -> None:
    """Kill a process that an earlier supervisor left behind, if it is that very one."""
    if is_alive(who):
        log.alarm("killing what an earlier supervisor left", pid=who["pid"], epoch=who.get("epoch"))
        with suppress(ProcessLookupError):
            os.kill(int(who["pid"]), signal.SIGKILL)
