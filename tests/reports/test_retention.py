"""What is left of old runs."""

from datetime import UTC, datetime, timedelta

from b25.reports.definition import Keep, Report
from b25.reports.retention import apply_retention, kept
from b25.store.report_runs import Ending, ReportRuns

DAY_NS = 86_400 * 10**9
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
FEW = Keep(last=2, daily_days=3, weekly=2, monthly=2, failures_days=5, notebook_days=2)


def row(days_ago, state="ok", hour=7):
    at = NOW.replace(hour=hour) - timedelta(days=days_ago)
    at_ns = int(at.timestamp()) * 10**9
    return {"id": f"{state}-{days_ago}-{hour}", "state": state, "scheduled_for_ns": at_ns, "ended_ns": at_ns}


def left(rows, keep=FEW):
    return {name for name, what in kept(rows, keep, NOW_NS).items() if what != "none"}


def test_the_last_runs_are_kept_however_old():
    assert left([row(900), row(800), row(700)], FEW.model_copy(update={"weekly": 0, "monthly": 0, "month_ends": False})) == {
        "ok-700-7", "ok-800-7",
    }  # fmt: skip


def test_one_of_each_day_week_and_month_is_kept_and_month_ends_for_ever():
    found = left([row(ago, hour=hour) for ago in range(200) for hour in (7, 9)])
    assert {f"ok-{ago}-9" for ago in (0, 1, 2)} <= found  # the later run of each of three days
    assert "ok-1-7" not in found
    assert "ok-3-9" in found  # Sunday the 12th: the week before
    assert "ok-15-9" in found  # 30 June: the month before, and a month's end
    assert {"ok-45-9", "ok-45-7", "ok-137-9"} <= found  # 31 May, 28 February
    assert len(found) < 25


def test_failures_are_kept_for_their_days_and_notebooks_for_theirs():
    told = kept([row(1, "failed"), row(4, "failed"), row(6, "failed"), row(0)], FEW, NOW_NS)
    assert told == {"failed-1-7": "all", "failed-4-7": "page", "failed-6-7": "none", "ok-0-7": "all"}


def test_files_go_rows_stay_and_each_deletion_is_told(stand):
    runs, said = ReportRuns(stand.store), []
    for number, ago in enumerate((1, 40, 41)):
        folder = stand.settings.reports_folder / f"daily/{number}"
        folder.mkdir(parents=True)
        for name in ("executed.ipynb", "report.html"):
            (folder / name).write_text("x")
        slot_ns = NOW_NS - ago * DAY_NS
        with stand.store.writing():
            runs.add(f"r{number}", "daily", slot_ns, origin="cli", params={}, now_ns=slot_ns)
        runs.claim(f"r{number}", "me", slot_ns)
        with stand.store.writing():
            runs.end(f"r{number}", "me", Ending(state="ok", folder=f"daily/{number}", files="all"), slot_ns)
    keep = Keep(last=2, daily_days=0, weekly=0, monthly=0, notebook_days=10)
    reports = {"daily": Report(name="daily", notebook="d.ipynb", keep=keep)}

    def tell(_, **facts):
        said.append(facts)

    for count in (2, 0):
        told = apply_retention(
            stand.store, stand.settings.reports_folder, reports, NOW_NS, lambda event, **facts: said.append(facts)
        )
        assert told == count
    assert [one["files"] for one in runs.runs("daily")] == ["all", "page", "none"]
    root = stand.settings.reports_folder
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*.*")) == [
        "daily/0/executed.ipynb", "daily/0/report.html", "daily/1/report.html",
    ]  # fmt: skip
    assert {one["run"]: one["what"] for one in said} == {"r1": "its notebook", "r2": "everything"}


def test_a_folder_outside_is_never_deleted(stand):
    runs, outside = ReportRuns(stand.store), stand.folder / "precious"
    outside.mkdir()
    with stand.store.writing():
        runs.add("r", "daily", 1, origin="cli", params={}, now_ns=1)
    runs.claim("r", "me", 1)
    with stand.store.writing():
        runs.end("r", "me", Ending(state="failed", folder="../precious", files="all"), 1)
    apply_retention(stand.store, stand.settings.reports_folder, {}, NOW_NS, lambda *_, **__: None)
    assert outside.is_dir()
