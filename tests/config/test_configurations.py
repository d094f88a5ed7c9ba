"""Versions, activation, rollback, locking: on both databases, one transaction each, and nothing of history ever lost."""

import threading

import pytest

from b25.config.approvals import Approvals, confirmation
from b25.config.check import Invalid
from b25.config.refusals import Duplicate, NotAllowed, NotFound, Refused, VersionConflict
from b25.store import configurations as kept
from b25.store.audit import audit_length, verify_audit
from b25.store.store import open_store
from b25.store.tables import audit
from tests.config.conftest import ANN, BOB
from tests.config.examples import GOOD

KEY = "default/mm/live/limits"
LIMITS = GOOD["risk_limit"]


def limits(**more):
    return {"account": {"order_value_max": 500.0, "daily_loss_max": 50.0} | more}


def actions(configurations):
    return [one.action for one in configurations.changed_after(0)]


@pytest.mark.spec("CF-05")
@pytest.mark.spec("CF-04")
@pytest.mark.parametrize("kind", GOOD)
def test_every_type_goes_from_draft_to_active_to_archived(configurations, kind):
    key = f"default/default/default/{kind}"
    made = configurations.create(key, kind, GOOD[kind], ANN, reason="first")
    assert (made.head.state, made.version.number, made.version.changed_by) == ("DRAFT", 1, "ann")
    assert made.version.value == GOOD[kind]
    assert len(made.version.checksum) == 64
    held = configurations.activate(key, ANN, approved=True)
    assert (held.head.state, held.head.active_version) == ("ACTIVE", 1)
    assert [one.value for one in configurations.active(kind)] == [GOOD[kind]]
    ended = configurations.deactivate(key, ANN, approved=True)
    assert (ended.head.state, ended.head.active_version) == ("ARCHIVED", None)
    assert configurations.active(kind) == []
    assert actions(configurations) == ["created", "activated", "deactivated"]
    assert verify_audit(configurations.store) == ""


@pytest.mark.spec("CF-06")
@pytest.mark.spec("CF-N3")
@pytest.mark.golden("G22")
def test_an_update_names_the_version_it_read_and_a_stale_one_is_refused(configurations):
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    second = configurations.update(KEY, 1, limits(collar=0.05), BOB, reason="narrower")
    assert second.version.number == 2
    with pytest.raises(VersionConflict, match="at version 2 by now, not 1"):
        configurations.update(KEY, 1, limits(collar=0.04), ANN)
    assert configurations.version(KEY)[1].value == limits(collar=0.05)


@pytest.mark.spec("CF-N3")
def test_of_several_writers_at_once_exactly_one_wins(configurations, url):
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    won, lost, begin = [], [], threading.Barrier(4)

    def write(k):
        store = open_store(url)
        own = type(configurations)(store, now_ns=configurations.now_ns)
        begin.wait()
        try:
            won.append(own.update(KEY, 1, limits(collar=0.01 * (k + 1)), ANN).version.number)
        except VersionConflict as fault:
            lost.append(fault)
        finally:
            store.close()

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (won, len(lost)) == ([2], 3)
    assert [one.seq for one in configurations.changed_after(0)] == [1, 2]
    assert verify_audit(configurations.store) == ""


@pytest.mark.spec("CF-06")
@pytest.mark.golden("G22")
def test_a_rollback_is_a_new_version_that_the_schema_of_today_must_allow(configurations, monkeypatch):
    configurations.create(KEY, "risk_limit", limits(collar=0.02), ANN)
    configurations.activate(KEY, ANN)
    configurations.update(KEY, 1, limits(collar=0.01), ANN)
    configurations.activate(KEY, ANN)
    back = configurations.rollback(KEY, 1, ANN, reason="it refused too much", approved=True)
    assert (back.version.number, back.version.of_version, back.head.active_version) == (3, 1, 3)
    assert back.version.value == limits(collar=0.02)
    monkeypatch.setattr("b25.config.configurations.check", lambda *parts: [refusing()])
    with pytest.raises(Invalid, match="the schema of today"):
        configurations.rollback(KEY, 1, ANN, reason="again")
    assert configurations.head(KEY).version == 3


def refusing():
    from b25.config.check import Fault

    return Fault("account.collar", 0.02, "is refused by the schema of today", "leave it out")


def test_a_version_that_held_before_comes_back_by_a_rollback_only(configurations):
    configurations.create(KEY, "risk_limit", limits(collar=0.02), ANN)
    configurations.activate(KEY, ANN)
    with pytest.raises(Refused, match="holds already"):
        configurations.activate(KEY, ANN)
    configurations.update(KEY, 1, limits(collar=0.01), ANN)
    configurations.activate(KEY, ANN)
    with pytest.raises(Refused, match="held before"):
        configurations.activate(KEY, ANN, version=1)


@pytest.mark.spec("CF-N1")
@pytest.mark.golden("G22")
def test_what_is_deleted_keeps_versions_changes_and_audit_and_its_key_goes_on(configurations):
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    configurations.update(KEY, 1, limits(collar=0.02), ANN)
    configurations.delete(KEY, BOB, reason="not needed")
    assert kept.heads(configurations.store) == ([], 0)
    assert [one.number for one in kept.versions(configurations.store, configurations.head(KEY).id)[0]] == [2, 1]
    assert actions(configurations) == ["created", "updated", "deleted"]
    assert audit_length(configurations.store) == 3
    with pytest.raises(NotFound):
        configurations.update(KEY, 2, LIMITS, ANN)
    again = configurations.create(KEY, "risk_limit", LIMITS, ANN)
    assert (again.version.number, again.head.state) == (3, "DRAFT")
    with pytest.raises(Duplicate):
        configurations.create(KEY, "risk_limit", LIMITS, ANN)


@pytest.mark.spec("CF-N2")
@pytest.mark.parametrize("where", ["add_version", "add_change", "add_audit"])
def test_value_version_change_and_audit_are_written_together_or_not_at_all(configurations, monkeypatch, where):
    configurations.create(KEY, "risk_limit", LIMITS, ANN)

    def fails(*parts, **more):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(f"b25.config.configurations.{'' if where == 'add_audit' else 'kept.'}{where}", fails)
    with pytest.raises(Exception, match="space"):
        configurations.update(KEY, 1, limits(collar=0.02), ANN)
    monkeypatch.undo()
    head = configurations.head(KEY)
    assert (head.version, kept.versions(configurations.store, head.id)[1], audit_length(configurations.store)) == (1, 1, 1)
    assert actions(configurations) == ["created"]


@pytest.mark.spec("CF-N1")
@pytest.mark.parametrize("statement", ["UPDATE config_version SET value = '{}'", "DELETE FROM config_change"])
def test_the_database_itself_refuses_to_change_history(configurations, statement):
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    with pytest.raises(Exception, match="append-only"), configurations.store.writing():
        configurations.store._run(statement)


def test_the_audit_says_who_from_where_why_and_what_changed(configurations):
    import orjson

    configurations.create(KEY, "risk_limit", limits(collar=0.05), ANN, reason="begin")
    configurations.update(KEY, 1, limits(collar=0.02), BOB, reason="it let too much through")
    rows = configurations.store.rows(audit.select().order_by(audit.c.seq))
    assert [(one.actor, one.action) for one in rows] == [("ann", "config.created"), ("bob", "config.updated")]
    body = orjson.loads(rows[1].body)
    assert (body["ip"], body["request_id"], body["object"]) == ("10.0.0.2", "r2", KEY)
    assert body["reason"] == "it let too much through"
    assert body["differences"] == [{"field": "account.collar", "change": "changed", "before": 0.05, "after": 0.02}]
    assert (body["before"]["version"], body["after"]["version"]) == (1, 2)


# What is inherited.


@pytest.mark.spec("CF-05")
def test_of_limits_the_tightest_of_the_chain_holds_of_all_else_the_most_special(configurations):
    for key, value in (("default/default/default/limits", limits(collar=0.02)), (KEY, {"account": {"order_value_max": 900.0}})):
        configurations.create(key, "risk_limit", value, ANN)
        configurations.activate(key, ANN)
    found = configurations.effective("risk_limit", KEY)
    assert found["account"] == {"order_value_max": 500.0, "daily_loss_max": 50.0, "collar": 0.02}
    configurations.create("default/default/default/strategy", "strategy", GOOD["strategy"], ANN)
    configurations.activate("default/default/default/strategy", ANN)
    configurations.create("default/mm/live/strategy", "strategy", {"parameters": {"levels": 9}}, ANN)
    configurations.activate("default/mm/live/strategy", ANN)
    assert configurations.effective("strategy", "default/mm/live/strategy")["parameters"] == {"spread": 0.004, "levels": 9}


def test_a_change_that_would_make_something_wrong_that_inherits_from_it_is_refused(configurations):
    configurations.create("default/default/default/strategy", "strategy", GOOD["strategy"], ANN)
    configurations.activate("default/default/default/strategy", ANN)
    configurations.create("default/mm/default/strategy", "strategy", {"parameters": {"levels": 9}}, ANN)
    configurations.activate("default/mm/default/strategy", ANN)
    with pytest.raises(Invalid, match=r"default/mm/default/strategy, which inherits from .*: name"):
        configurations.deactivate("default/default/default/strategy", ANN)


# A second person.


@pytest.mark.spec("CF-16")
@pytest.mark.spec("CF-12")
def test_tightening_holds_at_once_and_loosening_waits_for_a_second_person(configurations):
    approvals = Approvals(configurations)
    configurations.create(KEY, "risk_limit", limits(collar=0.05), ANN)
    assert configurations.activate(KEY, ANN).pending is None
    configurations.update(KEY, 1, limits(collar=0.02), ANN)
    assert configurations.activate(KEY, ANN).pending is None
    configurations.update(KEY, 2, limits(collar=0.04), ANN)
    asked = configurations.activate(KEY, ANN, reason="calm market")
    assert [str(one) for one in asked.loosened] == ["account: collar: 0.02 -> 0.04"]
    assert configurations.head(KEY).active_version == 2
    with pytest.raises(NotAllowed, match="does not agree with himself"):
        approvals.approve(asked.pending.id, ANN)
    assert approvals.approve(asked.pending.id, BOB, reason="seen").head.active_version == 3
    with pytest.raises(Refused, match="settled"):
        approvals.approve(asked.pending.id, BOB)
    assert configurations.changed_after(0)[-1].actor == "ann"
    assert verify_audit(configurations.store) == ""


def test_to_take_limits_away_loosens_and_what_changed_since_is_asked_for_anew(configurations):
    approvals = Approvals(configurations)
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    configurations.activate(KEY, ANN)
    for end in (configurations.deactivate, configurations.delete):
        asked = end(KEY, ANN)
        assert asked.pending is not None
        assert configurations.head(KEY).active_version == 1
    configurations.update(KEY, 1, limits(collar=0.01), ANN)
    with pytest.raises(Refused, match="not as it was"):
        approvals.approve(asked.pending.id, BOB)
    again = configurations.delete(KEY, ANN)
    assert approvals.approve(again.pending.id, BOB).head.deleted_ns is not None


@pytest.mark.spec("CF-16")
def test_who_works_alone_types_it_after_a_minute(configurations, clock):
    approvals = Approvals(configurations, alone=True)
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    configurations.activate(KEY, ANN)
    asked = configurations.deactivate(KEY, ANN).pending
    with pytest.raises(NotAllowed, match="in 60 s"):
        approvals.approve(asked.id, ANN, typed=confirmation(asked))
    clock.pass_s(61)
    with pytest.raises(NotAllowed, match="type"):
        approvals.approve(asked.id, ANN, typed="yes")
    assert approvals.approve(asked.id, ANN, typed=confirmation(asked)).head.state == "ARCHIVED"


def test_what_nobody_agreed_on_within_a_day_or_was_refused_never_holds(configurations, clock):
    approvals = Approvals(configurations)
    configurations.create(KEY, "risk_limit", LIMITS, ANN)
    configurations.activate(KEY, ANN)
    first = configurations.deactivate(KEY, ANN).pending
    approvals.refuse(first.id, BOB, reason="no")
    second = configurations.deactivate(KEY, ANN).pending
    clock.pass_s(86_401)
    with pytest.raises(Refused, match="not as it was"):
        approvals.approve(second.id, BOB)
    assert configurations.head(KEY).active_version == 1
    assert approvals.waiting() == []
