"""What is entered after a downtime, by each report's own rule, at a time that is told; and twice by nobody."""

from datetime import UTC, datetime

import pytest

from b25.reports.definition import Report
from b25.reports.finish import finish
from b25.reports.schedule import NS
from b25.reports.schedules import Schedules
from b25.store.report_marks import ReportMarks
from b25.store.report_runs import Ending, ReportRuns
from b25.store.store import open_store
from tests.store.conftest import url as url


def ns(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


THURSDAY = ns("2026-01-01T12:00")
NEXT_WEEK = ns("2026-01-08T09:00")  # six slots later, the newest two hours old


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'own.db'}")
    yield opened
    opened.close()


def daily(**more):
    return {"daily": Report(**({"name": "daily", "notebook": "d.ipynb", "schedule": "0 7 * * mon-fri", "timeout_s": 300} | more))}


def schedules(store):
    return Schedules(store, lambda *_, **__: None)


def days(store, state):
    rows = ReportRuns(store).runs("daily", states=[state])
    return sorted(datetime.fromtimestamp(one["scheduled_for_ns"] // NS, UTC).strftime("%d %H:%M") for one in rows)


def test_nothing_is_due_of_a_time_before_the_report_was_known(store):
    assert schedules(store).enter(daily(), THURSDAY) == 0
    assert schedules(store).enter(daily(), THURSDAY + NS) == 0
    assert ReportRuns(store).count() == 0


@pytest.mark.parametrize(
    ("catch_up", "queued", "missed"),
    [
        ("latest", ["08 07:00"], ["02 07:00", "05 07:00", "06 07:00", "07 07:00"]),
        ("all", ["02 07:00", "05 07:00", "06 07:00", "07 07:00", "08 07:00"], []),
        ("none", [], ["02 07:00", "05 07:00", "06 07:00", "07 07:00", "08 07:00"]),
    ],
)
def test_slots_of_a_downtime_are_entered_by_the_reports_rule(store, catch_up, queued, missed):
    schedules(store).enter(daily(catch_up=catch_up), THURSDAY)
    assert schedules(store).enter(daily(catch_up=catch_up), NEXT_WEEK) == len(queued)
    assert (days(store, "queued"), days(store, "missed")) == (queued, missed)
    assert schedules(store).enter(daily(catch_up=catch_up), NEXT_WEEK + NS) == 0


def test_a_slot_that_has_just_come_is_not_missed(store):
    schedules(store).enter(daily(catch_up="none"), THURSDAY)
    assert schedules(store).enter(daily(catch_up="none"), ns("2026-01-02T07:00:30")) == 1


def test_a_second_scheduler_enters_nothing_twice(url):
    """On both databases, as is whatever follows from an end: `finish` and `enter` are transactions."""
    first, other = open_store(url), open_store(url)
    try:
        for at in (THURSDAY, NEXT_WEEK, NEXT_WEEK + NS):
            for one in (first, other):
                schedules(one).enter(daily(catch_up="all"), at)
        assert ReportRuns(first).count() == 5
        for number, state in enumerate(("failed", "ok"), start=1):
            ended(first, number * 100 * NS, state)
        assert [change for _, change in told(other)] == ["failed", "recovered"]
        schedules(other).enter({}, NEXT_WEEK + 2 * NS)
        assert len(days(first, "skipped")) == 5
    finally:
        first.close()
        other.close()


def test_another_schedule_has_missed_nothing(store):
    schedules(store).enter(daily(), THURSDAY)
    assert schedules(store).enter(daily(schedule="0 * * * *"), NEXT_WEEK) == 0
    assert schedules(store).enter(daily(schedule="0 * * * *"), NEXT_WEEK + 3_601 * NS) == 1


def test_a_report_that_is_gone_is_skipped_and_silent_by_right(store):
    schedules(store).enter(daily(), THURSDAY)
    schedules(store).enter(daily(), NEXT_WEEK)
    schedules(store).enter({}, NEXT_WEEK + NS)
    assert days(store, "skipped") == ["08 07:00"]
    assert ReportMarks(store).marks()["daily"]["enabled"] == 0


def ended(store, slot_ns, state, *, attempt=1, may_retry=False, definition=None):
    """A run of a slot, from its entry to its end; gives it."""
    runs, run_id = ReportRuns(store), f"daily-{slot_ns}-{attempt}"
    with store.writing():
        runs.add(run_id, "daily", slot_ns, attempt=attempt, origin="schedule", params={}, now_ns=slot_ns)
    runs.claim(run_id, "me", slot_ns)
    one = definition or daily()["daily"]
    assert finish(store, runs.run(run_id), one, "me", Ending(state=state), may_retry=may_retry, now_ns=slot_ns + attempt * NS)
    return runs.run(run_id)


def told(store):
    return [(one["run_id"].split("-")[1], one["change"]) for one in ReportMarks(store).untold()]


def test_somebody_is_told_once_of_each_change(store):
    for slot, state in enumerate(["ok", "failed", "timed_out", "failed", "ok", "ok", "failed"], start=1):
        ended(store, slot * 100 * NS, state)
    seconds = [(int(at) // NS // 100, change) for at, change in told(store)]
    assert seconds == [(2, "failed"), (5, "recovered"), (7, "failed")]


def test_who_wishes_not_to_be_told_is_told_of_secrets_only(store):
    for slot, state in enumerate(["failed", "ok", "quarantined", "quarantined"], start=1):
        ended(store, slot * 100 * NS, state, definition=daily(notify=())["daily"])
    assert [change for _, change in told(store)] == ["quarantined", "quarantined"]


def test_what_may_be_well_the_next_time_is_tried_twice_more_and_then_told(store):
    slot_ns, runs = 100 * NS, ReportRuns(store)
    ended(store, slot_ns, "failed", may_retry=True)
    (second,) = runs.runs("daily", states=["queued"])
    assert (second["attempt"], second["not_before_ns"]) == (2, slot_ns + 31 * NS)
    assert told(store) == []
    runs.claim(second["id"], "me", slot_ns + 40 * NS)
    one = daily()["daily"]
    finish(store, runs.run(second["id"]), one, "me", Ending(state="failed"), may_retry=True, now_ns=slot_ns + 50 * NS)
    (third,) = runs.runs("daily", states=["queued"])
    assert (third["attempt"], third["not_before_ns"]) == (3, slot_ns + 110 * NS)
    runs.claim(third["id"], "me", slot_ns + 120 * NS)
    finish(store, runs.run(third["id"]), one, "me", Ending(state="failed"), may_retry=True, now_ns=slot_ns + 130 * NS)
    assert runs.runs("daily", states=["queued"]) == []
    assert [change for _, change in told(store)] == ["failed"]


def test_a_run_of_which_the_second_try_is_well_is_told_to_nobody(store):
    slot_ns, runs = 100 * NS, ReportRuns(store)
    ended(store, 50 * NS, "ok")
    ended(store, slot_ns, "failed", may_retry=True)
    (second,) = runs.runs("daily", states=["queued"])
    runs.claim(second["id"], "me", slot_ns + 40 * NS)
    finish(store, second, daily()["daily"], "me", Ending(state="ok"), may_retry=False, now_ns=slot_ns + 50 * NS)
    assert told(store) == []


def test_the_limit_of_silence_counts_from_the_last_success(store):
    schedules(store).enter(daily(), THURSDAY)
    marks = ReportMarks(store)
    assert marks.marks()["daily"]["overdue_ns"] == ns("2026-01-05T07:05")  # its second slot, a Monday, and a run's time
    ended(store, ns("2026-01-02T07:00"), "failed")
    schedules(store).enter(daily(), ns("2026-01-02T07:00:10"))
    assert marks.marks()["daily"]["overdue_ns"] == ns("2026-01-05T07:05")
    ended(store, ns("2026-01-05T07:00"), "ok")
    assert marks.marks()["daily"]["overdue_ns"] == ns("2026-01-07T07:05")
