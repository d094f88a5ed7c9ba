"""What is left of old runs: their rows always, their pages and figures thinned out with age, their notebooks for a while."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse
from b25.reports.definition import Keep, Report
from b25.reports.paths import within
from b25.store.report_runs import ReportRuns
from b25.store.store import Store

DAY_NS: Final = 86_400 * 10**9
NOTEBOOK: Final = "executed.ipynb"
Say = Callable[..., None]


def kept(rows: Iterable[Mapping[str, Any]], keep: Keep, now_ns: int) -> dict[str, str]:
    """Return what is to be left of each run of one report.

    Parameters
    ----------
    rows : iterable of mapping
        With ``id, state, scheduled_for_ns, ended_ns``.

    Returns
    -------
    dict of str to str
        By id: ``all``, ``page`` for everything but the notebook, or ``none``.
    """
    ordered = sorted(rows, key=lambda one: (int(one["scheduled_for_ns"]), int(one["ended_ns"])), reverse=True)
    good = [one for one in ordered if one["state"] == "ok"]
    pages = {str(one["id"]) for one in good[: keep.last]}
    pages |= _one_each(good, lambda at: at.strftime("%Y-%m-%d"), keep.daily_days, now_ns, days=keep.daily_days)
    pages |= _one_each(good, lambda at: "{}-{}".format(*at.isocalendar()[:2]), keep.weekly, now_ns)
    pages |= _one_each(good, lambda at: at.strftime("%Y-%m"), keep.monthly, now_ns)
    if keep.month_ends:
        pages |= {str(one["id"]) for one in good if (_day(one) + timedelta(days=1)).day == 1}
    failures_ns, notebooks_ns = now_ns - keep.failures_days * DAY_NS, now_ns - keep.notebook_days * DAY_NS
    pages |= {str(one["id"]) for one in ordered if one["state"] != "ok" and int(one["ended_ns"]) >= failures_ns}
    return {
        str(one["id"]): "none" if one["id"] not in pages else "all" if int(one["ended_ns"]) >= notebooks_ns else "page"
        for one in ordered
    }


def apply_retention(store: Store, root: Path, reports: Mapping[str, Report], now_ns: int, say: Say) -> int:
    """Delete what is not kept, and tell of each; gives how many runs lost something.

    Raises
    ------
    StoreFailed
    """
    runs, count = ReportRuns(store), 0
    held: dict[str, list[dict[str, Any]]] = {}
    for row in runs.with_files():
        held.setdefault(row["report"], []).append(row)
    for report, rows in held.items():
        wanted = kept(rows, reports[report].keep if report in reports else Keep(), now_ns)
        for row in rows:
            left = wanted[row["id"]]
            if left == row["files"] or (row["files"] == "page" and left == "all"):
                continue
            try:
                folder = within(root / row["folder"], root)
            except Misuse as fault:
                say("left alone", run=row["id"], why=fault.what)
                continue
            if left == "none":
                shutil.rmtree(folder, ignore_errors=True)
            else:
                (folder / NOTEBOOK).unlink(missing_ok=True)
            runs.keep_files(row["id"], left)
            say("deleted", run=row["id"], what="everything" if left == "none" else "its notebook", folder=row["folder"])
            count += 1
    return count


def _one_each(
    rows: Iterable[Mapping[str, Any]], period: Callable[[datetime], str], count: int, now_ns: int, *, days: int = 0
) -> set[str]:  # fmt: skip
    """The last run of each of the newest periods; of those of so many days, when days are given."""
    found: dict[str, str] = {}
    for one in rows:
        if days and int(one["scheduled_for_ns"]) < now_ns - days * DAY_NS:
            break
        found.setdefault(period(_day(one)), str(one["id"]))
    return set(list(found.values())[:count])


def _day(one: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(one["scheduled_for_ns"]) // 10**9, UTC)
