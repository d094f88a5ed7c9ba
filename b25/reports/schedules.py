"""Enters what is due: once for each slot, by whoever leads, and by each report's own rule for slots that were missed.

No clock of its own: it is told what time it is. What it enters stands in the store in one transaction with how far it has come,
so that a process that ends in the middle, or a second one beside it, enters nothing twice and nothing not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from b25.reports.definition import Report
from b25.reports.finish import finish
from b25.reports.paths import run_id_of
from b25.reports.process_limits import worker_is_gone
from b25.reports.schedule import NS, next_slots, overdue_ns, slots
from b25.store.report_marks import ReportMarks
from b25.store.report_runs import Ending, ReportRuns
from b25.store.store import Store

GRACE_NS: Final = 60 * NS  # a slot that is entered so soon was not missed
SILENT_NS: Final = 120 * NS  # after which a run of another machine is given up
CATCH_UP_MAX: Final = 100  # slots of `all`; earlier ones were missed
Say = Callable[..., None]


class Schedules:
    """The schedules of all reports.

    Parameters
    ----------
    store : Store
    say : callable
        ``say(event, **facts)``.
    """

    def __init__(self, store: Store, say: Say) -> None:
        self.store, self.say = store, say
        self.runs, self.marks = ReportRuns(store), ReportMarks(store)

    def enter(self, reports: Mapping[str, Report], now_ns: int) -> int:
        """Enter every slot that has come since the last time; gives how many are to be run.

        Raises
        ------
        StoreFailed
            Then nothing of the report at which it happened is entered; the next time enters it.
        """
        count = sum(self._enter(one, now_ns) for one in reports.values() if one.schedule)
        for name, mark in self.marks.marks().items():
            if mark["enabled"] and (name not in reports or not reports[name].schedule):
                with self.store.writing():
                    self.marks.off(name)
                self.say("not scheduled any more", report=name)
        for row in self.runs.runs(states=("queued",), limit=1_000):
            if row["report"] not in reports and self.runs.skip(row["id"], "the report is defined no more", now_ns):
                self.say("skipped", report=row["report"], run=row["id"])
        return count

    def _enter(self, one: Report, now_ns: int) -> int:
        schedule = f"{one.schedule} {one.timezone}"
        with self.store.writing():
            self.store.lock("report_mark")
            mark = self.marks.mark(one.name)
            late_ns = overdue_ns(one.schedule, one.timezone, now_ns, one.timeout_s)
            if mark is None:
                self.marks.begin(one.name, schedule, late_ns, now_ns)
                return 0
            if mark["schedule"] != schedule or not mark["enabled"]:  # nothing was missed of a schedule that did not hold
                self.marks.entered(one.name, schedule, now_ns, late_ns)
                return 0
            due = list(slots(one.schedule, one.timezone, int(mark["through_ns"]), now_ns))
            if not due:
                return 0
            count = 0
            for slot_ns, state, why in _by_policy(due, one.catch_up, now_ns):
                run_id = run_id_of(one.name, slot_ns, 1)
                is_new = self.runs.add(
                    run_id, one.name, slot_ns, state=state, origin="schedule", params={}, now_ns=now_ns, why=why
                )  # fmt: skip
                count += is_new and state == "queued"
                if is_new:
                    self.say("due" if state == "queued" else state, report=one.name, run=run_id)
            # The limit of silence is not moved: it counts from the last success.
            self.marks.entered(one.name, schedule, due[-1], int(mark["overdue_ns"]) or late_ns)
        return count

    def bury(self, reports: Mapping[str, Report], now_ns: int) -> list[dict[str, Any]]:
        """End the runs whose process lives no more; gives them."""
        found = []
        for row in self.runs.runs(states=("running",), limit=1_000):
            gone = worker_is_gone(row["worker"])
            if gone or (gone is None and now_ns - int(row["beaten_ns"]) > SILENT_NS):
                ending = Ending(
                    state="failed", error_name="ProcessDied", error_text="its process ended without a word: nothing of it is kept"
                )
                definition = reports.get(row["report"])
                if finish(self.store, row, definition, row["worker"], ending, may_retry=True, now_ns=now_ns):
                    self.say("died", report=row["report"], run=row["id"])
                    found.append(row)
        return found

    def next_ns(self, reports: Mapping[str, Report], now_ns: int) -> int:
        """When the next slot comes; 0 for never."""
        coming = [next_slots(one.schedule, one.timezone, now_ns, 1) for one in reports.values() if one.schedule]
        return min((at[0] for at in coming if at), default=0)


def _by_policy(due: list[int], catch_up: str, now_ns: int) -> list[tuple[int, str, str]]:
    """Slots with the state in which each is entered, and why."""
    is_fresh = now_ns - due[-1] <= GRACE_NS
    wanted = {"all": due[-CATCH_UP_MAX:], "latest": due[-1:], "none": due[-1:] if is_fresh else []}[catch_up]
    why = f"nothing ran at its time, and catch_up is {catch_up}"
    return [(at, "queued", "") if at in wanted else (at, "missed", why) for at in due]
