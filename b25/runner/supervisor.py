"""`b25 up`: keeps the processes of a plan alive, one of each, and ends them in order.

<run folder>/supervisor.json     how everything stands, written once a second
<run folder>/control/*.json      what a person asks of it: start, stop; answered beside it as *.done.json
<run folder>/supervisor.jsonl    its log
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import orjson

from b25.model.errors import Misuse, Retry
from b25.runner.durable_file import read_json, write_durably, write_plainly
from b25.runner.seat import Seat, is_taken, occupant
from b25.runner.structured_log import StructuredLog, follow_level
from b25.runner.supervisor_child import Child, Phase, end_orphan
from b25.runner.supervisor_plan import KILL, SEAT, ProcessPlan

LOOK_S = 0.05
STATUS_S = 1.0
STEP_S = 0.5  # of the wall clock against the monotonic one: a clock that was set
ORPHAN_S = 12.0  # what an earlier supervisor left has its drain time, then is killed
CLEAR_S = 60.0  # at the end, for the kill process to cancel what the dead left


class Supervisor:
    """Runs a plan.

    Parameters
    ----------
    plans : sequence of ProcessPlan
    folder : Path
        The run folder. One supervisor at a time works on it.

    Raises
    ------
    Misuse
        When another supervisor does.
    """

    def __init__(self, plans: Sequence[ProcessPlan], folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._seat = Seat.take(self.folder, SEAT)
        self.run_id = f"{time.time_ns() // 1_000_000:x}-{secrets.token_hex(2)}"
        follow_level(self.folder)
        self.log = StructuredLog(self.folder / "supervisor.jsonl", run=self.run_id, process=SEAT)
        self._lifeline, self._held = os.pipe()  # nothing is ever written; the kernel closes our end with us
        self.children = [Child(plan, self.folder, self.run_id, self._lifeline, self.log) for plan in plans]
        self.stopping = ""
        self.clock_steps = 0
        self._status_s = float("-inf")
        self._began_s = self._stop_s = time.monotonic()
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def run(self) -> int:
        """Watch until SIGTERM or SIGINT, or until every process has finished; gives the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.log.info("up", pid=os.getpid(), processes=[child.plan.name for child in self.children])
        while not self._is_over():
            self.look()
            time.sleep(LOOK_S)
        self._write_status()
        failed = [child.plan.name for child in self.children if child.phase is Phase.FAILED]
        self.log.info("down", failed=failed)
        os.close(self._held)
        os.close(self._lifeline)
        self._seat.leave()
        return 1 if failed else 0

    def look(self) -> None:
        """Look once at everything."""
        self._look_at_clock()
        self._look_at_orphans()
        self._take_commands()
        if self.stopping:
            self._stop_in_order()
        ready = True
        for child in self.children:
            below = [other for other in self.children if other.plan.order < child.plan.order]
            ready = not self.stopping and all(other.is_ready() for other in below if child.phase is Phase.WAITING)
            child.look(may_start=ready)
        if time.monotonic() - self._status_s >= STATUS_S:
            self._write_status()

    def stop(self, why: str) -> None:
        """End everything in order."""
        if not self.stopping:
            self.stopping, self._stop_s = why, time.monotonic()
            self.log.info("stopping everything", why=why)

    def _stop_in_order(self) -> None:
        """Sessions first; kill when their orders are known to be gone; then the rest."""
        alive = [child for child in self.children if child.phase in (Phase.UP, Phase.STOPPING, Phase.WAITING)]
        if not alive:
            return
        last = max(child.plan.order for child in alive)
        for child in alive:
            if child.plan.order != last or child.phase is Phase.STOPPING:
                continue
            if child.plan.name == KILL and child.phase is Phase.UP and not self._all_cleared():
                continue
            child.unwant(self.stopping)

    def _all_cleared(self) -> bool:
        """Whether every session that died without cancelling was cleared; a venue that is away is waited for a minute."""
        return self._waited_long() or not any(child.has_orders_left() for child in self.children)

    def _waited_long(self) -> bool:
        return time.monotonic() - self._stop_s > CLEAR_S

    def _is_over(self) -> bool:
        ended = all(child.phase in (Phase.DOWN, Phase.FINISHED, Phase.FAILED) for child in self.children)
        if self.stopping:
            return ended
        others = [child for child in self.children if child.plan.name != KILL]
        if all(child.phase is Phase.FINISHED for child in others):
            self.stop("every process has finished")
        return False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop(signal.Signals(number).name)

    def _look_at_clock(self) -> None:
        offset_ns = time.time_ns() - time.monotonic_ns()
        step_s = (offset_ns - self._offset_ns) / 1e9
        self._offset_ns = offset_ns
        if abs(step_s) > STEP_S:
            self.clock_steps += 1
            self.log.alarm("the clock was set", step_s=round(step_s, 3))

    def _look_at_orphans(self) -> None:
        for child in self.children:
            if (
                child.phase is Phase.WAITING
                and time.monotonic() - self._began_s > ORPHAN_S
                and is_taken(self.folder, child.plan.name)
            ):
                end_orphan(occupant(self.folder, child.plan.name), child.log)

    def _take_commands(self) -> None:
        for path in sorted((self.folder / "control").glob("*.json")):
            if path.name.endswith(".done.json"):
                continue
            asked = read_json(path)
            name, act = str(asked.get("name")), str(asked.get("act"))
            child = next((one for one in self.children if one.plan.name == name), None)
            if child is None or act not in ("start", "stop"):
                told = {"ok": False, "why": f"there is no process {name!r}" if child is None else f"nobody can {act!r}"}
            else:
                self.log.info("asked", request=path.stem, act=act, name=name, by=asked.get("by"))
                if act == "start":
                    child.want()
                else:
                    child.unwant("asked")
                told = {"ok": True, "why": ""}
            write_plainly(path.with_name(path.stem + ".done.json"), orjson.dumps(told))
            with suppress(OSError):
                path.unlink()

    def _write_status(self) -> None:
        self._status_s = time.monotonic()
        facts = {
            "pid": os.getpid(),
            "run": self.run_id,
            "time_ns": time.time_ns(),
            "stopping": self.stopping,
            "clock_steps": self.clock_steps,
            "processes": [child.facts() for child in self.children],
        }
        with suppress(OSError):
            write_plainly(self.folder / "supervisor.json", orjson.dumps(facts))


def ask(folder: Path, act: str, name: str, *, by: str, wait_s: float = 5.0) -> None:
    """Ask the supervisor of a folder to start or stop a process.

    Raises
    ------
    Misuse
        When no supervisor runs there, or it knows no such process.
    Retry
        When it does not answer.
    """
    if not is_taken(folder, SEAT):
        raise Misuse(f"no supervisor runs on {folder}", remedy="start it: b25 up")
    request = folder / "control" / f"{time.time_ns():x}-{secrets.token_hex(2)}.json"
    write_durably(request, orjson.dumps({"act": act, "name": name, "by": by}))
    done = request.with_name(request.stem + ".done.json")
    until_s = time.monotonic() + wait_s
    while not done.exists():
        if time.monotonic() > until_s:
            raise Retry(
                f"the supervisor did not answer within {wait_s:g} s", remedy="look at its log: b25 session logs supervisor"
            )
        time.sleep(0.02)
    told = read_json(done)
    done.unlink()
    if not told.get("ok"):
        raise Misuse(str(told.get("why")), remedy="see `b25 session list`")


def status(folder: Path) -> dict[str, object]:
    """How everything stood when the supervisor last wrote it down; empty when none ever did."""
    return read_json(folder / "supervisor.json")
