"""The scheduler: leads or stands by, enters what is due, starts one run after the other, and cleans up once a day.

APScheduler is the timer and nothing else: one wake at the next slot, in memory, given as a time of UTC. What is due, and what was
done, stands in the store.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from b25.config.settings import Settings
from b25.model.errors import B25Error
from b25.reports.definition import Report, read_reports
from b25.reports.kernel_environment import import_places
from b25.reports.paths import BUILDING
from b25.reports.process_limits import kill_tree, worker_of
from b25.reports.retention import apply_retention
from b25.reports.schedule import NS
from b25.reports.schedules import Say, Schedules
from b25.store.report_marks import ReportMarks
from b25.store.report_runs import ReportRuns
from b25.store.store import Store

LEASE_MS: Final = 15_000
LOOK_S: Final = 3.0  # for runs that somebody asks for, the lease, and a changed file
BEAT_S: Final = 0.25
OVER_S: Final = 180.0  # beyond its own limit, for rendering: then a run is ended from outside
DAY_NS: Final = 86_400 * NS


@dataclass(slots=True)
class Running:
    """A run that this process has started."""

    run_id: str
    report: str
    process: subprocess.Popen[bytes]
    until_s: float


class Scheduler:
    """Schedules until it is told that it is over.

    Parameters
    ----------
    settings : Settings
    store : Store
    say : callable
        ``say(event, **facts)``.
    at_once : int
        Runs at one time.
    now_ns : callable
    """

    def __init__(
        self, settings: Settings, store: Store, say: Say, *, at_once: int = 1, now_ns: Callable[[], int] = time.time_ns
    ) -> None:  # fmt: skip
        self.settings, self.store, self.say, self.at_once, self.now_ns = settings, store, say, at_once, now_ns
        self.holder = worker_of(os.getpid())
        self.schedules, self.marks, self.runs = Schedules(store, say), ReportMarks(store), ReportRuns(store)
        self.reports: Mapping[str, Report] = {}
        self.done = 0
        self.is_leader = False
        self.running: list[Running] = []
        self._wake = threading.Event()
        self._read = (0, -1)  # when the file was changed, and its size
        self._told = ""
        self._cleaned_ns = 0
        self._timer = BackgroundScheduler(jobstores={"default": MemoryJobStore()}, timezone=UTC)

    def run(self, beat: Callable[[int, int], None], is_over: Callable[[], bool]) -> None:
        """Serve.

        Parameters
        ----------
        beat : callable
            Told a few times a second how many runs were done, and how many go on.
        is_over : callable
        """
        self._timer.start()
        due_s = 0.0
        try:
            while not is_over():
                if self._wake.is_set() or time.monotonic() >= due_s:
                    self._wake.clear()
                    self._guarded(self.tick)
                    due_s = time.monotonic() + LOOK_S
                if self._ended():
                    due_s = 0.0
                beat(self.done, len(self.running))
                self._wake.wait(BEAT_S)
        finally:
            self._timer.shutdown(wait=False)
            self._stop(beat)
            self._guarded(lambda: self.marks.resign(self.holder))

    def tick(self) -> None:
        """Look once: lead or stand by, enter what is due, start what can be started.

        Raises
        ------
        StoreFailed
        """
        now_ns = self.now_ns()
        was_leader, self.is_leader = self.is_leader, self.marks.lead(self.holder, now_ns // 1_000_000, LEASE_MS)
        if self.is_leader != was_leader:
            self.say("leading" if self.is_leader else "standing by: another scheduler leads")
        if not self.is_leader:
            return
        self._read_again()
        for row in self.schedules.bury(self.reports, now_ns):
            self._tidy(row)
        if not was_leader:
            self._tidy_all()
        self.schedules.enter(self.reports, now_ns)
        self._start_due(now_ns)
        self._clean(now_ns)
        self._wind(now_ns)

    def _read_again(self) -> None:
        """Read reports.toml when it has changed; one that is wrong leaves in force what held before."""
        path = self.settings.reports_file
        try:
            held = path.stat()
            at = (held.st_mtime_ns, held.st_size)
        except FileNotFoundError:
            at = (0, 0)
        if at == self._read:
            return
        self._read = at
        try:
            self.reports = read_reports(path) if at != (0, 0) else {}
        except B25Error as fault:
            self.say("reports.toml is wrong; what held before holds", what=fault.what, remedy=fault.remedy)
            return
        self.say("reports", names=sorted(self.reports))

    def _start_due(self, now_ns: int) -> None:
        for row in self.runs.due(now_ns):
            busy = {one.report for one in self.running}
            if len(self.running) >= self.at_once:
                return
            if row["report"] in busy or any(one.run_id == row["id"] for one in self.running):
                continue
            timeout_s = self.reports[row["report"]].timeout_s if row["report"] in self.reports else 0
            process = start_run(row["id"], self.settings)
            self.running.append(Running(row["id"], row["report"], process, time.monotonic() + timeout_s + OVER_S))
            self.say("started", report=row["report"], run=row["id"], pid=process.pid)

    def _ended(self) -> bool:
        """Notice the ends of runs; one that does not end is ended."""
        over = False
        for one in list(self.running):
            code = one.process.poll()
            if code is None and time.monotonic() > one.until_s:
                self.say("ending a run that does not end", report=one.report, run=one.run_id)
                kill_tree(one.process.pid)
                continue
            if code is not None:
                self.running.remove(one)
                self.done, over = self.done + 1, True
                self.say("ended", report=one.report, run=one.run_id, code=code)
        return over

    def _stop(self, beat: Callable[[int, int], None]) -> None:
        """End what runs, in order; what it was is noted as to be tried again."""
        for one in self.running:
            one.process.send_signal(signal.SIGTERM)
        until_s = time.monotonic() + 20.0
        while self.running and time.monotonic() < until_s:
            self._ended()
            beat(self.done, len(self.running))
            time.sleep(0.1)
        for one in self.running:
            kill_tree(one.process.pid)
            one.process.wait()

    def _tidy(self, row: Mapping[str, Any]) -> None:
        """Take away what a run that died has left half made."""
        for path in (self.settings.reports_folder / row["report"]).glob(f"*/*/{BUILDING}{row['id']}"):
            shutil.rmtree(path, ignore_errors=True)

    def _tidy_all(self) -> None:
        """Take away what is half made and of no run that goes on."""
        live = {row["id"] for row in self.runs.runs(states=("running",), limit=1_000)}
        for path in self.settings.reports_folder.glob(f"*/*/*/{BUILDING}*"):
            if path.name.removeprefix(BUILDING) not in live:
                shutil.rmtree(path, ignore_errors=True)
                self.say("half made, taken away", run=path.name.removeprefix(BUILDING))

    def _clean(self, now_ns: int) -> None:
        if now_ns // DAY_NS > self._cleaned_ns // DAY_NS:
            self._cleaned_ns = now_ns
            apply_retention(self.store, self.settings.reports_folder, self.reports, now_ns, self.say)

    def _wind(self, now_ns: int) -> None:
        """Have the timer wake us at the next slot."""
        at_ns = self.schedules.next_ns(self.reports, now_ns)
        self._timer.remove_all_jobs()
        if at_ns:
            when = datetime.fromtimestamp(at_ns // NS, UTC)
            self._timer.add_job(self._wake.set, "date", run_date=when, misfire_grace_time=None, id="next")

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do something that the store may be unable to do now; the next look tries again."""
        try:
            act()
        except B25Error as fault:
            if fault.what != self._told:
                self.say("failed", what=fault.what, remedy=fault.remedy)
            self._told = fault.what
            try:
                self.store.reconnect()
            except B25Error:
                return
        else:
            self._told = ""


def start_run(run_id: str, settings: Settings, *, stdout: Any = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a queued run in a process and group of its own, with these settings whatever the environment says."""
    told = {
        "B25_DATABASE_URL": settings.database_url, "B25_RUN_FOLDER": str(settings.run_folder),
        "B25_CATALOG": str(settings.catalog), "B25_SECRETS_FOLDER": str(settings.secrets_folder),
        "B25_REPORTS_FOLDER": str(settings.reports_folder), "B25_REPORTS_FILE": str(settings.reports_file),
        "B25_REPORTS_DATABASE_URL": settings.reports_database_url, "B25_STRATEGIES_FOLDER": str(settings.strategies_folder),
        "PYTHONPATH": import_places(os.environ.get("PYTHONPATH", "")),
    }  # fmt: skip
    command = [sys.executable, "-m", "b25.reports.run", run_id]
    return subprocess.Popen(  # noqa: S603 - the id is one of ours
        command, stdin=subprocess.DEVNULL, stdout=stdout, env={**os.environ, **told}, start_new_session=True, cwd=Path.cwd()
    )  # fmt: skip
