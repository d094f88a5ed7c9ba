"""Runs of reports in both databases: entered once for a slot, moved one legal step at a time, led by one."""

import threading

import pytest

from b25.model.errors import Misuse
from b25.store.report_marks import ReportMarks
from b25.store.report_runs import ENDS, Ending, ReportRuns
from b25.store.report_tables import STATES
from b25.store.store import open_store

SLOT_NS = 1_767_337_200 * 10**9


@pytest.fixture
def runs(store):
    return ReportRuns(store)


def enter(runs, run_id="daily-1", slot_ns=SLOT_NS, **more):
    told = {"origin": "schedule", "params": {}, "now_ns": SLOT_NS} | more
    with runs.store.writing():
        return runs.add(run_id, "daily", slot_ns, **told)


def end(runs, state, worker="me", run_id="daily-1"):
    with runs.store.writing():
        return runs.end(run_id, worker, Ending(state=state), SLOT_NS + 2)


def test_a_slot_is_entered_once(runs):
    assert enter(runs)
    assert not enter(runs, "another-id")
    assert enter(runs, "daily-2", attempt=2)
    assert [one["id"] for one in runs.runs("daily")] == ["daily-2", "daily-1"]


@pytest.mark.parametrize("state", ENDS)
def test_a_run_goes_from_queued_to_running_to_its_end_and_no_further(runs, state):
    enter(runs)
    assert not end(runs, state)  # it has not begun
    assert runs.claim("daily-1", "me", SLOT_NS + 1)
    assert not runs.claim("daily-1", "another", SLOT_NS + 1)
    assert not runs.skip("daily-1", "why", SLOT_NS + 1)
    assert not end(runs, state, worker="another")
    assert end(runs, state)
    for other in ENDS:
        assert not end(runs, other)
    assert not runs.claim("daily-1", "me", SLOT_NS + 3)
    row = runs.run("daily-1")
    assert (row["state"], row["started_ns"], row["ended_ns"]) == (state, SLOT_NS + 1, SLOT_NS + 2)


@pytest.mark.parametrize("state", ["missed", "skipped"])
def test_what_is_entered_as_over_is_over(runs, state):
    enter(runs, state=state, why="nothing ran")
    assert not runs.claim("daily-1", "me", SLOT_NS + 1)
    assert runs.run("daily-1")["error_text"] == "nothing ran"
    assert runs.due(2**62) == []


def test_every_other_state_is_refused(runs):
    for state in set(STATES) - {"queued", "missed", "skipped"}:
        with pytest.raises(Misuse, match="is not entered as"):
            enter(runs, state=state)
    for state in set(STATES) - set(ENDS):
        with pytest.raises(Misuse, match="does not go from running"):
            end(runs, state)


def test_a_run_waits_for_its_time(runs):
    enter(runs, not_before_ns=SLOT_NS + 30)
    assert runs.due(SLOT_NS + 29) == []
    assert not runs.claim("daily-1", "me", SLOT_NS + 29)
    assert [one["id"] for one in runs.due(SLOT_NS + 30)] == ["daily-1"]
    assert runs.claim("daily-1", "me", SLOT_NS + 30)


def test_runs_are_listed_page_by_page(runs):
    for number in range(5):
        enter(runs, f"daily-{number}", slot_ns=SLOT_NS + number)
    first = runs.runs("daily", limit=2)
    rest = runs.runs("daily", before=(first[-1]["scheduled_for_ns"], first[-1]["id"]))
    assert [one["id"] for one in (*first, *rest)] == [f"daily-{number}" for number in (4, 3, 2, 1, 0)]
    assert runs.count("daily") == 5


def test_one_leads_until_its_lease_runs_out(store):
    marks = ReportMarks(store)
    assert marks.lead("a", 1_000, 500)
    assert not marks.lead("b", 1_400, 500)
    assert marks.lead("a", 1_400, 500)
    assert marks.is_led(1_899)
    assert marks.lead("b", 1_901, 500)
    assert not marks.lead("a", 1_902, 500)
    marks.resign("b")
    assert not marks.is_led(1_903)
    assert marks.lead("a", 1_903, 500)


def test_of_many_that_begin_at_one_moment_one_leads_and_one_runs(url):
    first = open_store(url)
    enter(ReportRuns(first))
    led, run = [], []

    def begin(name):
        store = open_store(url)
        try:
            if ReportMarks(store).lead(name, 1_000, 500):
                led.append(name)
            if ReportRuns(store).claim("daily-1", name, SLOT_NS):
                run.append(name)
        finally:
            store.close()

    threads = [threading.Thread(target=begin, args=(f"s{number}",)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    first.close()
    assert (len(led), len(run)) == (1, 1)
