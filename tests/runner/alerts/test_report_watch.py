"""What is told of reports: a failure once, its end once, and a silence that the scheduler need not live to tell."""

import asyncio

import pytest

from b25.runner.alerts.default_rules import default_rules
from b25.store.report_marks import ReportMarks
from tests.runner.alerts.test_service import T0, S, Stand
from tests.store.conftest import store as store
from tests.store.conftest import url as url


def stand_of(store, tmp_path, http):
    made = Stand(store, tmp_path, http)
    made.service.engine.use([one for one in default_rules() if one.name.startswith("report_")])
    return made


def notice(store, run_id, change, **more):
    with store.writing():
        ReportMarks(store).notice(run_id, "daily", change, now_ns=T0, **more)


def titles(http):
    return [one["title"] for one in http.accepted]


@pytest.mark.spec("AN-12")
def test_a_failure_and_its_end_are_told_once_each(store, tmp_path, http):
    stand = stand_of(store, tmp_path, http)
    notice(store, "daily-1", "failed", error_cell="cell 3 (abc): 1 / 0", error_name="ZeroDivisionError")
    asyncio.run(stand.second(count=15))
    (title,) = titles(http)
    assert "report daily failed: cell 3 (abc): 1 / 0 ZeroDivisionError" in title + http.accepted[0]["body"]
    assert "/api/v1/reports/runs/daily-1/html" in title + http.accepted[0]["body"]
    notice(store, "daily-2", "recovered")
    asyncio.run(stand.second(count=15))
    assert len(titles(http)) == 2
    assert "well again" in titles(http)[1] + http.accepted[1]["body"]
    notice(store, "daily-3", "failed", error_name="Timeout")  # no cooldown hides it
    asyncio.run(stand.second(count=15))
    assert len(titles(http)) == 3
    assert ReportMarks(store).untold() == []


def test_a_silence_is_told_though_the_scheduler_is_dead_and_its_end_too(store, tmp_path, http):
    stand, marks = stand_of(store, tmp_path, http), ReportMarks(store)
    with store.writing():
        marks.begin("daily", "0 7 * * * UTC", T0 + 30 * S, T0)
    asyncio.run(stand.second(count=25))
    assert titles(http) == []
    asyncio.run(stand.second(count=30))
    assert len(titles(http)) == 1
    assert "two of its periods; last: never" in titles(http)[0] + http.accepted[0]["body"]
    with store.writing():
        marks.was_well("daily", stand.now_ns + 10_000 * S, stand.now_ns)
    asyncio.run(stand.second(count=25))
    assert len(titles(http)) == 2
    assert "resolved" in titles(http)[1]


def test_a_report_that_is_not_scheduled_any_more_is_silent_by_right(store, tmp_path, http):
    stand, marks = stand_of(store, tmp_path, http), ReportMarks(store)
    with store.writing():
        marks.begin("daily", "0 7 * * * UTC", T0 + 5 * S, T0)
        marks.off("daily")
    asyncio.run(stand.second(count=25))
    assert titles(http) == []
