"""Two persons: what one asks another allows, exactly that, once; and what stands in for the second where there is none."""

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from b25.api.auth.approval import COOL_OFF_S, LIFE_S, approve, confirmation, refuse, request_approval, take_approved
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Role
from b25.store.approvals import find_approval
from b25.store.audit import audit_entries, verify_audit
from b25.store.store import open_store
from tests.api.auth.conftest import HOME, NOW_NS, add

REASON = "the book is deeper than it was"
BODY = {"position_max": "2"}


def risk(name, *, stepped=True, role=Role.RISK):
    return Principal(name=name, roles=frozenset({role}), is_stepped_up=stepped)


def ask(store, by="ann", *, now_ns=NOW_NS, body=BODY):
    told = {"action": "limits.loosen", "about": "limits/eth", "body": body, "reason": REASON}
    return request_approval(store, risk(by), **told, now_ns=now_ns, origin=HOME)


def allow(store, asked, by="bob", *, now_ns=NOW_NS, **more):
    return approve(store, asked.id, by if isinstance(by, Principal) else risk(by), why="seen", now_ns=now_ns, origin=HOME, **more)


def do(store, asked, *, now_ns=NOW_NS, **other):
    told = {"action": "limits.loosen", "about": "limits/eth", "body": BODY} | other
    with store.writing():
        return take_approved(store, asked.id, risk("ann"), **told, now_ns=now_ns, origin=HOME)


def code(call, *arguments, **more):
    with pytest.raises(Problem) as caught:
        call(*arguments, **more)
    return caught.value.code


@pytest.fixture
def two(each_access):
    for name in ("ann", "bob"):
        add(each_access, name, Role.RISK)
    return each_access.means.store


@pytest.mark.spec("RB-01")
def test_one_asks_another_allows_and_it_is_done_once(two):
    asked = ask(two)
    assert code(do, two, asked) == "APPROVAL_NOT_HELD"
    assert code(allow, two, asked, "ann") == "OWN_CHANGE"
    assert allow(two, asked).state == "approved"
    assert do(two, asked).state == "taken"
    assert code(do, two, asked) == "APPROVAL_NOT_HELD"
    said = [(row.actor, row.action) for row in audit_entries(two)][-3:]
    assert said == [("ann", "approvals.request"), ("bob", "approvals.approve"), ("ann", "approvals.take")]
    assert verify_audit(two) == ""


def test_it_is_given_for_exactly_this(two):
    asked = ask(two)
    allow(two, asked)
    for other in ({"body": {"position_max": "3"}}, {"about": "limits/btc"}, {"action": "live.start"}):
        assert code(do, two, asked, **other) == "APPROVAL_MISMATCH"
    assert do(two, asked)


def test_what_fails_after_the_approval_was_taken_gives_it_back(two):
    asked = ask(two)
    allow(two, asked)

    def fails():
        with two.writing():
            told = {"action": "limits.loosen", "about": "limits/eth", "body": BODY}
            take_approved(two, asked.id, risk("ann"), **told, now_ns=NOW_NS, origin=HOME)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert find_approval(two, asked.id).state == "approved"


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (risk("bob", stepped=False), "STEP_UP_REQUIRED"),
        (risk("bob", role=Role.ADMIN), "FORBIDDEN"),
        (risk("bob", role=Role.TRADER), "FORBIDDEN"),
    ],
)
def test_who_may_not_approve(two, by, says):
    assert code(allow, two, ask(two), by) == says


def test_it_runs_out_before_and_after_it_was_approved(two):
    late_ns = NOW_NS + LIFE_S * 10**9
    asked, other = ask(two), ask(two)
    assert code(allow, two, asked, now_ns=late_ns) == "CONFLICT"
    allow(two, other)
    assert code(do, two, other, now_ns=late_ns) == "APPROVAL_NOT_HELD"


def test_it_is_refused_or_taken_back(two):
    mine, other = ask(two), ask(two)
    assert refuse(two, mine.id, risk("ann", role=Role.VIEWER), why="a slip", now_ns=NOW_NS, origin=HOME).state == "refused"
    told = {"why": "no", "now_ns": NOW_NS, "origin": HOME}
    assert code(refuse, two, other.id, risk("eve", role=Role.TRADER), **told) == "FORBIDDEN"
    refuse(two, other.id, risk("bob"), **told)
    assert code(allow, two, other) == "CONFLICT"
    assert code(do, two, other) == "APPROVAL_NOT_HELD"


def test_a_program_asks_for_nothing_and_nobody_without_a_reason(two):
    program = Principal(name="service:notebook", roles=frozenset({Role.RESEARCHER}))
    told = {"action": "a", "about": "b", "body": {}, "now_ns": NOW_NS, "origin": HOME}
    assert code(request_approval, two, program, reason=REASON, **told) == "FORBIDDEN"
    assert code(request_approval, two, risk("ann"), reason="pls", **told) == "BAD_REQUEST"


@pytest.mark.spec("RB-01")
def test_who_is_alone_types_it_out_and_waits_a_minute(each_access):
    store = each_access.means.store
    add(each_access, "ann", Role.RISK)
    asked = ask(store)
    assert code(allow, store, asked, "ann") == "CONFIRM_BY_TYPING"
    assert code(allow, store, asked, "ann", typed="yes") == "CONFIRM_BY_TYPING"
    allow(store, asked, "ann", typed=confirmation(asked))
    assert code(do, store, asked, now_ns=NOW_NS + (COOL_OFF_S - 1) * 10**9) == "APPROVAL_COOLS_OFF"
    assert do(store, asked, now_ns=NOW_NS + COOL_OFF_S * 10**9)


def test_two_that_take_it_at_one_moment_do_it_once(make_access, url):
    one = make_access(url)[0]
    for name in ("ann", "bob"):
        add(one, name, Role.RISK)
    asked = ask(one.means.store)
    allow(one.means.store, asked)
    stores, got, barrier = [one.means.store, open_store(url)], [], threading.Barrier(2)

    def take(store):
        barrier.wait()
        try:
            got.append(do(store, asked).state)
        except Problem as fault:
            got.append(fault.code)

    threads = [threading.Thread(target=take, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stores[1].close()
    assert sorted(got) == ["APPROVAL_NOT_HELD", "taken"]


def test_the_routes(people):
    store = people.access.means.store
    asked = request_approval(
        store, risk("trader", role=Role.TRADER), action="limits.loosen", about="limits/eth", body=BODY, reason=REASON,
        now_ns=NOW_NS, origin=HOME,
    )  # fmt: skip
    shown = people("GET", "/approvals?state=pending", token=people.token("viewer")).json()["approvals"]
    assert [(one["id"], one["body"], one["asked_by"]) for one in shown] == [(asked.id, BODY, "trader")]
    path = f"/approvals/{asked.id}/approve"
    assert people("POST", path, token=people.token("risk"), json={"reason": "seen"}).json()["code"] == "STEP_UP_REQUIRED"
    assert people("POST", path, token=people.stepped("trader"), json={"reason": "seen"}).json()["code"] == "FORBIDDEN"
    assert people("POST", path, token=people.stepped("risk"), json={"reason": "seen"}).json()["decided_by"] == "risk"
    assert people("POST", f"/approvals/{asked.id}/refuse", token=people.stepped("risk"), json={"reason": "no"}).status_code == 409
    assert people("GET", "/approvals/0123456789abcdef", token=people.token("viewer")).status_code == 404


class Approvals(RuleBasedStateMachine):
    """Any order of asking, deciding and doing, against a model that knows only what may be done."""

    people = ("ann", "bob", "eve")

    def __init__(self):
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"sqlite:///{self.folder.name}/b25.db", readers=1)
        from b25.store.people import Person, add_person

        with self.store.writing():
            for name in self.people:
                add_person(
                    self.store,
                    Person(
                        name=name, email=None, password="", roles=("risk",), accounts=None, totp=None, totp_next=None,
                        totp_step=0, made_ns=0, password_ns=0, disabled_ns=None, version=1,
                    ),
                )  # fmt: skip
        self.now_ns, self.asked, self.allowed, self.done = NOW_NS, [], {}, set()

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    @rule(by=st.sampled_from(people))
    def someone_asks(self, by):
        self.asked.append(ask(self.store, by, now_ns=self.now_ns))

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours):
        self.now_ns += hours * 3_600 * 10**9

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), by=st.sampled_from(people))
    def someone_decides(self, data, by):
        asked = data.draw(st.sampled_from(self.asked))
        try:
            allow(self.store, asked, by, now_ns=self.now_ns)
        except Problem:
            return
        assert by != asked.asked_by
        assert self.now_ns < asked.expires_ns
        assert asked.id not in self.allowed
        self.allowed[asked.id] = by

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def someone_does_it(self, data):
        asked = data.draw(st.sampled_from(self.asked))
        may = asked.id in self.allowed and asked.id not in self.done and self.now_ns < asked.expires_ns
        try:
            do(self.store, asked, now_ns=self.now_ns)
        except Problem:
            assert not may
            return
        assert may
        self.done.add(asked.id)

    @invariant()
    def the_record_is_whole(self):
        assert verify_audit(self.store) == ""


TestApprovals = Approvals.TestCase
TestApprovals.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
