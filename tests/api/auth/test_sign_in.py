"""Sign-ins: one answer to every wrong one, tokens used once, families that end, and races on both databases."""

import threading

import pytest

from b25.api.auth.throttle import FREE
from b25.api.problems import Problem
from b25.api.roles import Role
from b25.store.access_tables import refresh_token, sign_in
from b25.store.audit import audit_entries, verify_audit
from tests.api.auth.conftest import GOOD, HOME, add


def refused(call, *arguments):
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


def actions(access):
    return [row.action for row in audit_entries(access.means.store)]


@pytest.mark.spec("AU-07")
def test_a_person_signs_in_and_is_recognised(each_access):
    add(each_access, "bob", Role.TRADER)
    issued = each_access.sign_ins.sign_in(" Bob ", GOOD, "", HOME)
    by = each_access.authenticator.of_token(issued.access_token)
    assert (by.name, by.roles, by.login, by.is_stepped_up) == ("bob", {Role.TRADER}, issued.sign_in, False)
    assert issued.refresh_token not in repr(issued)
    assert actions(each_access) == ["users.add", "auth.login"]
    assert verify_audit(each_access.means.store) == ""


def test_an_e_mail_is_as_good_as_the_name(access):
    add(access, "bob", email="Bob@Example.org")
    assert access.sign_ins.sign_in("BOB@example.ORG", GOOD, "", HOME).name == "bob"


@pytest.mark.spec("AU-N4")
@pytest.mark.spec("AU-04")
def test_unknown_wrong_and_inactive_get_the_same_answer_after_the_same_work(access):
    add(access, "ann", Role.ADMIN)
    add(access, "bob")
    add(access, "eve")
    access.membership.change("ann", "eve", HOME, is_active=False)
    answers, work = [], []
    for name, password in (("nobody", GOOD), ("bob", "wrong password"), ("eve", GOOD), ("eve", "wrong password")):
        before = access.means.hasher.verified
        fault = refused(access.sign_ins.sign_in, name, password, "", HOME)
        answers.append((fault.status, fault.code, fault.detail, fault.remedy, fault.headers))
        work.append(access.means.hasher.verified - before)
    assert len(set(map(str, answers))) == 1
    assert answers[0][:2] == (401, "INVALID_CREDENTIALS")
    assert work == [1, 1, 1, 1]


@pytest.mark.spec("AU-04")
def test_after_five_failures_each_next_try_waits_longer(each_access, clock):
    add(each_access, "bob")
    waits = []
    for _ in range(FREE):
        assert refused(each_access.sign_ins.sign_in, "bob", "wrong password", "", HOME).status == 401
    for _ in range(3):
        before = each_access.means.hasher.verified
        fault = refused(each_access.sign_ins.sign_in, "bob", GOOD, "", HOME)
        assert (fault.status, fault.code) == (429, "RATE_LIMIT_EXCEEDED")
        assert each_access.means.hasher.verified == before  # no password is looked at
        waits.append(int(fault.headers["Retry-After"]))
        clock.pass_s(waits[-1])
        assert refused(each_access.sign_ins.sign_in, "bob", "wrong password", "", HOME).status == 401
    assert waits == [2, 4, 8]
    clock.pass_s(16)
    assert each_access.sign_ins.sign_in("bob", GOOD, "", HOME)


@pytest.mark.spec("AU-N4")
def test_a_name_that_nobody_has_is_slowed_in_the_same_way(access):
    for _ in range(FREE):
        assert refused(access.sign_ins.sign_in, "nobody", "x", "", HOME).status == 401
    assert refused(access.sign_ins.sign_in, "nobody", "x", "", HOME).status == 429


def test_a_stranger_elsewhere_cannot_keep_a_person_out(access):
    add(access, "bob")
    access.sign_ins.sign_in("bob", GOOD, "", HOME)
    for number in range(3 * FREE):
        with pytest.raises(Problem):
            access.sign_ins.sign_in("bob", "guess", "", type(HOME)(ip=f"10.9.{number}.1"))
    assert access.sign_ins.sign_in("bob", GOOD, "", HOME)


def test_one_address_gets_not_more_tries_by_naming_many_people_or_by_one_success_between(access):
    add(access, "bob")
    for number in range(FREE - 1):
        refused(access.sign_ins.sign_in, f"name{number}", "x", "", HOME)
    access.sign_ins.sign_in("bob", GOOD, "", HOME)
    assert refused(access.sign_ins.sign_in, "other", "x", "", HOME).status == 401
    assert refused(access.sign_ins.sign_in, "another", "x", "", HOME).status == 429


@pytest.mark.spec("S6")
@pytest.mark.spec("AU-04")
def test_many_guesses_at_one_moment_are_no_more_than_five(each_access):
    add(each_access, "bob")
    outcomes, barrier = [], threading.Barrier(12)

    def guess():
        barrier.wait()
        outcomes.append(refused(each_access.sign_ins.sign_in, "bob", "guess", "", HOME).status)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (outcomes.count(401), outcomes.count(429)) == (FREE, 12 - FREE)


@pytest.mark.spec("AU-03")
def test_a_refresh_token_is_used_once_and_kept_as_a_hash(each_access, clock):
    add(each_access, "bob")
    first = each_access.sign_ins.sign_in("bob", GOOD, "", HOME)
    clock.pass_s(60)
    second = each_access.sign_ins.refresh(first.refresh_token, HOME)
    assert second.sign_in == first.sign_in
    assert len({first.refresh_token, second.refresh_token, first.access_token, second.access_token}) == 4
    rows = each_access.means.store.rows(refresh_token.select())
    assert first.refresh_token not in str(rows)
    assert all(len(bytes(row.hash)) == 32 for row in rows)


@pytest.mark.spec("S7")
@pytest.mark.spec("AU-03")
def test_a_token_used_again_ends_the_family_and_raises_an_alarm(each_access, clock, alarms):
    add(each_access, "bob")
    first = each_access.sign_ins.sign_in("bob", GOOD, "", HOME)
    second = each_access.sign_ins.refresh(first.refresh_token, HOME)
    clock.pass_s(6)
    assert refused(each_access.sign_ins.refresh, first.refresh_token, HOME).code == "TOKEN_REVOKED"
    assert alarms == ["refresh token reuse"]
    assert "auth.refresh_reuse" in actions(each_access)
    assert refused(each_access.sign_ins.refresh, second.refresh_token, HOME).code == "TOKEN_REVOKED"
    assert refused(each_access.authenticator.of_token, second.access_token).code == "TOKEN_REVOKED"
    assert alarms == ["refresh token reuse"]  # said once


def test_within_five_seconds_the_same_browser_is_let_through_and_another_is_a_thief(access, clock):
    add(access, "bob")
    first = access.sign_ins.sign_in("bob", GOOD, "", HOME)
    access.sign_ins.refresh(first.refresh_token, HOME)
    clock.pass_s(4)
    access.sign_ins.refresh(first.refresh_token, HOME)
    thief = type(HOME)(ip="10.0.0.66", agent="test")
    assert refused(access.sign_ins.refresh, first.refresh_token, thief).code == "TOKEN_REVOKED"


def test_the_grace_has_an_end(access):
    add(access, "bob")
    first = access.sign_ins.sign_in("bob", GOOD, "", HOME)
    for _ in range(5):
        access.sign_ins.refresh(first.refresh_token, HOME)
    assert refused(access.sign_ins.refresh, first.refresh_token, HOME).code == "TOKEN_REVOKED"


@pytest.mark.spec("AU-03")
@pytest.mark.parametrize("is_same_browser", [True, False])
def test_of_refreshes_at_one_moment_in_two_processes_one_wins(make_access, url, is_same_browser):
    """Two stores are two connections that write, as two gateways have."""
    desks = [make_access(url)[0], make_access(url)[0]]
    add(desks[0], "bob")
    first = desks[0].sign_ins.sign_in("bob", GOOD, "", HOME)
    got, barrier = [], threading.Barrier(2)

    def refresh(number):
        origin = HOME if is_same_browser else type(HOME)(ip=f"10.0.0.{number}")
        barrier.wait()
        try:
            got.append(desks[number].sign_ins.refresh(first.refresh_token, origin))
        except Problem as fault:
            got.append(fault.code)

    threads = [threading.Thread(target=refresh, args=(number,)) for number in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if is_same_browser:
        assert len({one.refresh_token for one in got}) == 2
    else:
        assert [one for one in got if isinstance(one, str)] == ["TOKEN_REVOKED"]
        assert [bool(row.revoked_ns) for row in desks[0].means.store.rows(sign_in.select())] == [True]


@pytest.mark.spec("AU-03")
def test_a_sign_in_ends_after_half_an_hour_of_nothing_and_after_twelve_hours_at_the_latest(access, clock):
    add(access, "bob")
    idle = access.sign_ins.sign_in("bob", GOOD, "", HOME)
    clock.pass_s(30 * 60)
    assert refused(access.sign_ins.refresh, idle.refresh_token, HOME).code == "TOKEN_EXPIRED"
    busy = access.sign_ins.sign_in("bob", GOOD, "", HOME)
    ends_ns = busy.ends_ns
    while clock.ns + 1_700 * 10**9 < ends_ns:
        clock.pass_s(1_700)
        busy = access.sign_ins.refresh(busy.refresh_token, HOME)
        assert busy.ends_ns == ends_ns
    assert busy.expires_in_s <= (ends_ns - clock.ns) // 10**9
    clock.pass_s((ends_ns - clock.ns) / 10**9)
    assert refused(access.sign_ins.refresh, busy.refresh_token, HOME).code == "TOKEN_EXPIRED"


@pytest.mark.spec("AU-03")
def test_what_has_run_out_is_cleaned_up(access, clock):
    add(access, "bob")
    for _ in range(3):
        access.sign_ins.sign_in("bob", GOOD, "", HOME)
    clock.pass_s(3 * 86_400)
    access.sign_ins.sign_in("bob", GOOD, "", HOME)
    assert len(access.means.store.rows(sign_in.select())) == len(access.means.store.rows(refresh_token.select())) == 1


def test_signing_out_ends_this_sign_in_only_and_everywhere_ends_all(access):
    add(access, "bob")
    one, other = (access.sign_ins.sign_in("bob", GOOD, "", HOME) for _ in range(2))
    access.sign_ins.sign_out(access.authenticator.of_token(one.access_token), HOME)
    assert refused(access.authenticator.of_token, one.access_token).code == "TOKEN_REVOKED"
    by = access.authenticator.of_token(other.access_token)
    assert access.sign_ins.sign_out_all(by, HOME) == 1
    assert refused(access.authenticator.of_token, other.access_token).code == "TOKEN_REVOKED"


def test_a_person_that_is_shut_out_meanwhile_is_out_at_once(each_access):
    add(each_access, "ann", Role.ADMIN)
    add(each_access, "bob")
    issued = each_access.sign_ins.sign_in("bob", GOOD, "", HOME)
    each_access.authenticator.of_token(issued.access_token)
    each_access.membership.change("ann", "bob", HOME, is_active=False)
    assert refused(each_access.authenticator.of_token, issued.access_token).code == "TOKEN_REVOKED"
    assert refused(each_access.sign_ins.refresh, issued.refresh_token, HOME).code == "TOKEN_REVOKED"


@pytest.mark.spec("AL-03")
def test_no_audit_no_sign_in(access, monkeypatch):
    add(access, "bob")

    def fails(*_, **__):
        raise OSError(28, "no space left")

    monkeypatch.setattr("b25.api.auth.sign_in.add_audit", fails)
    with pytest.raises(Exception, match="full"):
        access.sign_ins.sign_in("bob", GOOD, "", HOME)
    assert access.means.store.rows(sign_in.select()) == []
