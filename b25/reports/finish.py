"""What follows from the end of a run, in one transaction: its state, another try, who is told, how long silence is no fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from b25.reports.definition import Report
from b25.reports.paths import run_id_of
from b25.reports.schedule import overdue_ns
from b25.store.report_marks import ReportMarks
from b25.store.report_runs import BAD, Ending, ReportRuns
from b25.store.store import Store

TRIES: Final = 3  # the first, and two more
WAIT_NS: Final = 30_000_000_000  # before the second; twice as long before the third


def finish(
    store: Store, row: Mapping[str, Any], definition: Report | None, worker: str, ending: Ending, *, may_retry: bool, now_ns: int
) -> bool:
    """End a run.

    Parameters
    ----------
    row : mapping
        The run.
    definition : Report, optional
        None when it is defined no more.
    may_retry : bool
        Whether it failed for something that may be well the next time: never for a cell.

    Returns
    -------
    bool
        Whether it was this worker's to end.
    """
    runs, marks, report = ReportRuns(store), ReportMarks(store), str(row["report"])
    with store.writing(full=True):
        if not runs.end(row["id"], worker, ending, now_ns):
            return False
        if ending.state == "failed" and may_retry and definition is not None and int(row["attempt"]) < TRIES:
            again, slot_ns = int(row["attempt"]) + 1, int(row["scheduled_for_ns"])
            runs.add(
                run_id_of(report, slot_ns, again), report, slot_ns, attempt=again, origin=row["origin"],
                asked_by=row["asked_by"], params=orjson.loads(row["params"]), now_ns=now_ns,
                not_before_ns=now_ns + WAIT_NS * 2 ** (again - 2),
            )  # fmt: skip
            return True  # nobody is told while it is tried again
        was_bad = marks.was_bad_before(report, int(row["scheduled_for_ns"]))
        notify = definition.notify if definition is not None else ("failure", "recovered")
        if ending.state in BAD:
            if ending.state == "quarantined" or (not was_bad and "failure" in notify):
                change = "quarantined" if ending.state == "quarantined" else "failed"
                marks.notice(row["id"], report, change, error_cell=ending.error_cell, error_name=ending.error_name, now_ns=now_ns)
        else:
            if was_bad and "recovered" in notify:
                marks.notice(row["id"], report, "recovered", now_ns=now_ns)
            if definition is not None:
                late_ns = overdue_ns(definition.schedule, definition.timezone, now_ns, definition.timeout_s)
                marks.was_well(report, late_ns, now_ns)
    return True
