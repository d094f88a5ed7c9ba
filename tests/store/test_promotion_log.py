"""Rows of promoted versions on both databases: appended and never changed; where a name points; drift by its latest notes."""

import contextlib

import pytest
from sqlalchemy import text

from b25.model.errors import Misuse
from b25.store.drift_notes import add_drift_note, drift_notes, drift_of
from b25.store.promotion_log import Move, add_move, moves_of, moves_within
from b25.store.promotion_pointers import (
    Request,
    add_run,
    drop_request,
    point,
    pointers,
    put_request,
    request_within,
    requests,
    runs_of,
)
from b25.store.promotion_tables import APPEND_ONLY


def move(number=1, **more):
    facts = {
        "name": "mine", "version": 1, "number": number, "content_id": "c", "from_state": "draft", "to_state": "validated",
        "who": "ann", "role": "researcher", "when_ns": 10**18, "reason": "as agreed", "evidence": "{}", "evidence_sha256": "e",
        "skipped": "[]", "size_factor": 0.25, "alone": 0, "prev": "p", "signature": "s",
    }  # fmt: skip
    return Move(**(facts | more))


def note(store, session, at_ns, state, name="mine"):
    add_drift_note(store, name, 1, session, at_ns=at_ns, state=state, detail={"first": None, "causes": {"fee": 2}})


def test_a_move_is_read_as_it_was_written_and_nothing_can_be_changed(store):
    with store.writing():
        add_move(store, move())
        assert moves_within(store, "mine", 1) == [move()]
    assert moves_of(store, "mine", 1) == [move()]
    assert moves_of(store, "mine", 2) == []
    add_run(store, "mine", 1, content_id="c", session="s", mode="paper", account="", journal="j", now_ns=1)
    note(store, "s", 1, "none")
    for table in APPEND_ONLY:
        for statement in (f"UPDATE {table} SET name = 'other'", f"DELETE FROM {table}"):  # noqa: S608
            with store.engine.connect() as connection, pytest.raises(Exception, match="append-only"):
                connection.execute(text(statement))


def test_a_number_is_given_once(store):
    with store.writing():
        add_move(store, move())
    with contextlib.suppress(Exception), store.writing():
        add_move(store, move(who="eve"))
    assert [one.who for one in moves_of(store, "mine", 1)] == ["ann"]


def test_a_pointer_remembers_what_it_left(store):
    for version in (1, 2, 2, 1):
        with store.writing():
            point(store, "mine", "live", version, who="ann", now_ns=version, reason="r")
    (one,) = pointers(store, "mine")
    assert (one.version, one.before_version, one.revision) == (1, 2, 3)
    assert pointers(store, "other") == []


def test_a_request_is_replaced_and_dropped(store):
    for asked_ns in (1, 2):
        with store.writing():
            put_request(store, Request("mine", 1, "canary", "ann", asked_ns, "r"))
    assert [one.asked_ns for one in requests(store)] == [2]
    with store.writing():
        assert request_within(store, "mine", 1, "live") is None
        drop_request(store, "mine", 1, "canary")
    assert requests(store) == []


def test_runs_are_counted_over_all_versions(store):
    facts = {"content_id": "c", "mode": "paper", "account": "", "journal": "j", "now_ns": 1}
    assert [add_run(store, "mine", version, session=f"s{version}", **facts) for version in (1, 2)] == [1, 2]
    assert [one.session for one in runs_of(store, "mine", 2)] == ["s2"]


def test_drift_is_the_worst_of_the_latest_notes(store):
    assert drift_of(store, "mine", 1) == "not run"
    note(store, "a", 1, "unexplained")
    note(store, "b", 2, "none")
    assert drift_of(store, "mine", 1) == "unexplained"
    note(store, "a", 3, "explained")
    assert drift_of(store, "mine", 1) == "explained"
    assert drift_of(store, "other", 1) == "not run"
    assert [one.session for one in drift_notes(store, "mine", 1)] == ["a", "b", "a"]
    assert drift_notes(store, "mine", 1)[0].detail == {"first": None, "causes": {"fee": 2}}
    with pytest.raises(Misuse, match="never 'fine'"):
        note(store, "a", 4, "fine")
