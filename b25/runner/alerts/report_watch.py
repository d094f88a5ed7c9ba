"""What is told of reports: that one failed or is well again, and that one has been silent for too long.

The scheduler enters the limit of silence before it comes: one that is dead need not say that it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from b25.store.report_marks import ReportMarks


def report_events(marks: ReportMarks) -> list[tuple[str, dict[str, Any]]]:
    """Return what nobody was told yet, each with its source. Raises StoreFailed."""
    return [
        (
            f"report/{row['report']}",
            {
                "name": row["report"], "run_id": row["run_id"], "change": row["change"], "error_cell": row["error_cell"],
                "error_name": row["error_name"], "link": f"/api/v1/reports/runs/{row['run_id']}/html",
            },
        )
        for row in marks.untold()
    ]  # fmt: skip


def report_silences(marks: ReportMarks, now_ns: int) -> list[tuple[str, dict[str, Any]]]:
    """Return for every scheduled report whether two of its periods have passed since it was well. Raises StoreFailed."""
    found = []
    for name, mark in marks.marks().items():
        is_late = bool(mark["enabled"]) and 0 < int(mark["overdue_ns"]) < now_ns
        last_ns = int(mark["last_ok_ns"])
        last = datetime.fromtimestamp(last_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M UTC") if last_ns else "never"
        found.append((f"report_schedule/{name}", {"name": name, "is_overdue": int(is_late), "last_ok": last}))
    return found
