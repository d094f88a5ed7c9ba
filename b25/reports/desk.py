"""Reports for whoever asks, on the command line or over the API: what there is, what ran, pages and figures; and a new run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from b25.config.settings import Settings
from b25.model.errors import Misuse
from b25.reports.definition import Report, read_reports, report_of
from b25.reports.metrics import compare, read_metrics
from b25.reports.parameters import Parameters, parameters_of
from b25.reports.paths import run_id_of, within
from b25.reports.refusals import NoReport
from b25.reports.schedule import next_slots
from b25.store.report_marks import ReportMarks
from b25.store.report_runs import ReportRuns
from b25.store.store import Store

MS: Final = 1_000_000
TRIES: Final = 50


class ReportDesk:
    """Answers of reports.

    Parameters
    ----------
    settings : Settings
    store : Store
    now_ns : callable
    """

    def __init__(self, settings: Settings, store: Store, now_ns: Callable[[], int]) -> None:
        self.settings, self.store, self.now_ns = settings, store, now_ns
        self.runs, self.marks = ReportRuns(store), ReportMarks(store)

    def reports(self) -> dict[str, Report]:
        """Return the definitions; none without a file. Raises BadReport for one that is wrong."""
        return read_reports(self.settings.reports_file) if self.settings.reports_file.is_file() else {}

    def listing(self) -> list[dict[str, Any]]:
        """Return every report with its next slot, how it ran last, and whether it is silent for too long."""
        now_ns, marks = self.now_ns(), self.marks.marks()
        rows = []
        for one in self.reports().values():
            last = self.runs.runs(one.name, limit=1)
            mark = marks.get(one.name, {})
            coming = next_slots(one.schedule, one.timezone, now_ns, 1) if one.schedule else []
            overdue_ns = int(mark.get("overdue_ns", 0))
            rows.append({
                "name": one.name, "notebook": one.notebook, "schedule": one.schedule, "timezone": one.timezone,
                "catch_up": one.catch_up, "next_ns": coming[0] if coming else 0, "last_run": last[0]["id"] if last else "",
                "last_state": last[0]["state"] if last else "", "last_ok_ns": int(mark.get("last_ok_ns", 0)),
                "is_overdue": bool(overdue_ns) and now_ns > overdue_ns,
            })  # fmt: skip
        return rows

    def parameters(self, name: str) -> Parameters:
        """Return the parameters of a report's notebook."""
        one = report_of(self.reports(), name)
        return parameters_of(within(Path.cwd() / one.notebook, Path.cwd()), one.notebook)

    def ask(self, name: str, params: Mapping[str, Any], *, by: str, origin: str, now_ns: int = 0) -> dict[str, Any]:
        """Enter a run that is to be done now; what is wrong with its parameters is told now, not by a run that fails.

        Raises
        ------
        NoReport, BadReport, StoreFailed
        """
        one = report_of(self.reports(), name)
        self.parameters(name).checked(one.params | dict(params))
        at_ns = (now_ns or self.now_ns()) // MS * MS
        for number in range(TRIES):  # another may have asked in the same millisecond
            slot_ns = at_ns + number * MS
            run_id = run_id_of(name, slot_ns, 1)
            with self.store.writing():
                is_new = self.runs.add(
                    run_id, name, slot_ns, origin=origin, asked_by=by, params=params, now_ns=self.now_ns()
                )  # fmt: skip
            if is_new:
                return self.run(run_id)
        raise Misuse(f"{name} was asked for {TRIES} times within as many milliseconds", remedy="ask once")

    def run(self, run_id: str) -> dict[str, Any]:
        """Return a run. Raises NoReport when there is none."""
        row = self.runs.run(run_id)
        if row is None:
            near = difflib.get_close_matches(run_id, [one["id"] for one in self.runs.runs(limit=200)], 1)
            raise NoReport(f"there is no run {run_id!r}", remedy=f"did you mean {near[0]}?" if near else "see b25 report list")
        return row

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run. Raises NoReport when it has none, or one that is not shown to anybody."""
        row = self.run(run_id)
        if row["state"] == "quarantined":
            raise NoReport(
                f"{run_id} is quarantined: {row['error_text']}", remedy="see docs/reports.md: what to do with a secret"
            )
        if not row["folder"] or row["files"] == "none":
            raise NoReport(f"{run_id} has no files: it is {row['state']}, or retention has taken them", remedy="run it again")
        root = self.settings.reports_folder.resolve()
        return within(root / row["folder"], root)

    def page(self, run_id: str) -> bytes:
        """Return the page of a run. Raises NoReport."""
        try:
            return (self.folder(run_id) / "report.html").read_bytes()
        except FileNotFoundError:
            raise NoReport(f"the page of {run_id} is gone", remedy="run it again") from None

    def metrics(self, run_id: str) -> list[dict[str, Any]]:
        """Return the figures of a run. Raises NoReport, and Misuse when they cannot be read."""
        return read_metrics(self.folder(run_id))

    def compared(self, before: str, after: str) -> list[dict[str, Any]]:
        """Return two runs beside each other; see `b25.reports.metrics.compare`."""
        return compare(self.metrics(before), self.metrics(after))

    def is_led(self) -> bool:
        """Whether a scheduler lives that would do what is asked."""
        return self.marks.is_led(self.now_ns() // MS)


def shown_run(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run as it is told: parameters and headline as values, nothing of whose process it is."""
    hidden = ("worker", "beaten_ns", "not_before_ns")
    told = {name: value for name, value in row.items() if name not in hidden}
    return told | {"params": orjson.loads(row["params"]), "headline": orjson.loads(row["headline"])}
