"""The routes: who comes in, what a token or key opens, and what nobody can smuggle in."""

import asyncio
import stat

import orjson
import pyotp
import pytest

from b25.api.app import make_app
from b25.api.gateway import Gateway
from b25.api.roles import MATRIX, Permission, Role
from b25.store.audit import audit_entries
from tests.api.auth.conftest import GOOD, HOME, NOW_NS, PEOPLE, Browser, add

ALL = [str(role) for role in PEOPLE]


@pytest.fixture
def empty(make_access, tmp_path):
    """An application where nobody belongs yet."""
    one, settings, store = make_access(f"sqlite:///{tmp_path}/b25.db")
    one.start()
    gateway = Gateway(settings=settings, store=store, now_ns=one.means.now_ns, authenticator=one.authenticator)
    gateway.join(one)
    return Browser(make_app(gateway), one)


@pytest.mark.spec("AU-01")
def test_the_first_person_needs_the_token_that_lies_in_a_private_file(empty):
    path = empty.access.membership.setup_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = {"token": "x" * 43, "name": "ann", "password": GOOD}
    assert empty("POST", "/auth/setup", json=told).status_code == 401
    assert (
        empty("POST", "/auth/setup", json=told | {"token": path.read_text().strip(), "password": "password1"}).status_code == 400
    )
    made = empty("POST", "/auth/setup", json=told | {"token": path.read_text().strip()})
    assert (made.status_code, made.json()) == (201, {"name": "ann", "roles": sorted(ALL)})
    assert not path.exists()
    assert empty.login("ann").status_code == 200
    assert empty("POST", "/auth/setup", json=told).status_code == 401
    empty.access.start()
    assert not path.exists()


@pytest.mark.spec("AU-01")
@pytest.mark.spec("AU-N1")
def test_there_is_no_default_person_and_no_example_of_a_token(empty):
    for name, password in (("admin", "admin"), ("admin", "password"), ("b25", "b25"), ("root", "")):
        assert empty("POST", "/auth/login", json={"name": name, "password": password or "x"}).status_code == 401
    path = empty.access.membership.setup_path
    path.write_text("change-me\n")
    told = {"token": "change-me", "name": "ann", "password": GOOD}
    assert empty("POST", "/auth/setup", json=told).status_code == 400


def test_the_one_who_signed_in_is_told_who_he_is(people):
    told = people("GET", "/auth/verify", token=people.token("trader"))
    assert told.status_code == 200
    assert told.json()["permissions"] == sorted(one for one in Permission if Role.TRADER in MATRIX[one])
    assert people("GET", "/auth/verify").status_code == 401
    assert people("GET", "/auth/verify?access_token=" + people.token("trader")).status_code == 401


@pytest.mark.spec("AU-06")
def test_codes(people, clock):
    token = people.token("viewer")
    assert people("GET", "/auth/verify", headers={"Authorization": "Bearer x.y.z"}).json()["code"] == "INVALID_TOKEN"
    assert people("GET", "/users", token=token).json()["code"] == "FORBIDDEN"
    assert people.login("viewer", "no").json()["code"] == "INVALID_CREDENTIALS"
    admin = people.stepped("admin")
    assert people("GET", "/users/nobody", token=admin).json()["code"] == "USER_NOT_FOUND"
    new = {"name": "viewer", "password": GOOD, "roles": ["viewer"]}
    assert people("POST", "/users", token=admin, json=new).json()["code"] == "DUPLICATE_USER"
    people("POST", "/auth/logout", token=token)
    assert people("GET", "/auth/verify", token=token).json()["code"] == "TOKEN_REVOKED"
    clock.pass_s(700)
    assert people("GET", "/auth/verify", token=admin).json()["code"] == "TOKEN_EXPIRED"


def test_a_token_and_a_key_at_once_are_refused(people):
    told = people("GET", "/auth/verify", token=people.token("viewer"), key="b25_x")
    assert (told.status_code, told.json()["code"]) == (400, "BAD_REQUEST")
    assert people("GET", "/auth/verify", headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_an_old_token_is_in_nobody_s_way_at_the_entrances(people, clock):
    token = people.token("viewer")
    clock.pass_s(3_600)
    assert people("POST", "/auth/login", token=token, json={"name": "viewer", "password": GOOD}).status_code == 200


@pytest.mark.spec("AU-N3")
def test_neither_kind_of_token_is_the_other(people):
    tokens = people.login("viewer").json()
    assert people("GET", "/auth/verify", token=tokens["refresh_token"]).status_code == 401
    assert people("POST", "/auth/refresh", json={"refresh_token": tokens["access_token"]}).status_code in (401, 422)
    assert people("POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 200


def test_signing_in_always_begins_anew(people):
    """Session fixation: what one had before, or sends along, has no part in what one gets."""
    before = people.login("viewer").json()
    sent = {"name": "viewer", "password": GOOD}
    after = people("POST", "/auth/login", token=before["access_token"], json=sent, headers={"Cookie": "sid=1"}).json()
    assert not {before["sign_in"], before["access_token"], before["refresh_token"]} & set(map(str, after.values()))
    assert people("POST", "/auth/login", json=sent | {"sign_in": before["sign_in"]}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/profile", {"email": None, "roles": ["admin"]}),
        ("PATCH", "/profile", {"email": None, "is_active": True}),
        ("PATCH", "/profile", {"email": None, "name": "admin"}),
        ("POST", "/auth/password", {"old": GOOD, "new": "another good one", "name": "admin"}),
        ("POST", "/auth/step-up", {"password": GOOD, "roles": ["admin"]}),
        ("POST", "/keys", {"scopes": ["read"], "owner": "admin"}),
        ("POST", "/keys", {"scopes": ["read"], "roles": ["admin"]}),
    ],
)
def test_what_was_not_asked_for_is_refused(people, method, path, body):
    assert people(method, path, token=people.stepped("viewer"), json=body).status_code == 422
    assert people.access.means.standing.people["viewer"].roles == ("viewer",)


def test_changing_people_asks_for_a_fresh_proof(people, clock):
    new = {"name": "new.one", "password": GOOD, "roles": ["viewer"]}
    told = people("POST", "/users", token=people.token("admin"), json=new)
    assert (told.status_code, told.json()["code"]) == (403, "STEP_UP_REQUIRED")
    admin = people.stepped("admin")
    assert people("POST", "/users", token=admin, json=new).status_code == 201
    clock.pass_s(301)
    assert people("PATCH", "/users/new.one", token=admin, json={"is_active": False}).json()["code"] == "STEP_UP_REQUIRED"


def test_somebody_who_is_shut_out_is_out_with_token_and_key(people):
    stepped = people.stepped("trader")
    key = people("POST", "/keys", token=stepped, json={"scopes": ["read"]}).json()["key"]
    assert people("GET", "/annotations", key=key).status_code == 200
    changed = people("PATCH", "/users/trader", token=people.stepped("admin"), json={"is_active": False, "reason": "left"})
    assert changed.json()["is_active"] is False
    assert people("GET", "/annotations", token=stepped).status_code == 401
    assert people("GET", "/annotations", key=key).status_code == 401
    assert people.login("trader").json()["code"] == "INVALID_CREDENTIALS"


@pytest.mark.spec("GW-08")
def test_taken_roles_are_gone_at_once_and_given_ones_need_a_new_sign_in(people):
    token = people.token("trader")
    people("PATCH", "/users/trader", token=people.stepped("admin"), json={"roles": ["viewer"]})
    assert people("GET", "/auth/verify", token=token).json()["code"] == "TOKEN_REVOKED"
    assert people("GET", "/auth/verify", token=people.token("trader")).json()["roles"] == ["viewer"]


def test_the_last_administrator_stays(people):
    told = people("PATCH", "/users/admin", token=people.stepped("admin"), json={"roles": ["viewer"]})
    assert (told.status_code, told.json()["code"]) == (409, "CONFLICT")
    assert people("PATCH", "/users/admin", token=people.stepped("admin"), json={"is_active": False}).status_code == 409


def test_another_process_shuts_somebody_out_and_it_holds_here_within_seconds(people, clock):
    token = people.token("viewer")
    assert people("GET", "/auth/verify", token=token).status_code == 200
    standing = people.access.means.standing
    picture = (standing.people, standing.revoked, standing.version)
    people.access.membership.change("ann", "viewer", HOME, is_active=False)
    standing.people, standing.revoked, standing.version = picture  # as it is in a process that has not looked since
    assert people("GET", "/auth/verify", token=token).status_code == 200
    clock.pass_s(3)
    assert people("GET", "/auth/verify", token=token).status_code == 401


def test_while_the_database_is_away_those_who_are_known_still_come_in(people, clock, monkeypatch):
    from b25.store.faults import Cause, StoreFailed

    token = people.token("trader")

    def away(*_):
        raise StoreFailed(Cause.UNAVAILABLE, "gone")

    monkeypatch.setattr("b25.api.auth.standing.people_of", away)
    clock.pass_s(300)
    assert people("POST", "/auth/ticket", token=token).status_code == 200
    clock.pass_s(400)
    assert people("POST", "/auth/ticket", token=token).json()["code"] == "TOKEN_EXPIRED"


@pytest.mark.spec("AU-01")
def test_another_password_ends_all_other_sign_ins(people):
    here, there = people.token("viewer"), people.token("viewer")
    told = {"old": "wrong", "new": "a whole new sentence"}
    assert people("POST", "/auth/password", token=here, json=told).status_code == 401
    assert people("POST", "/auth/password", token=here, json=told | {"old": GOOD, "new": "qwertyuiop"}).status_code == 400
    assert people("POST", "/auth/password", token=here, json=told | {"old": GOOD}).json() == {"ended": 1}
    assert people("GET", "/auth/verify", token=here).status_code == 200
    assert people("GET", "/auth/verify", token=there).status_code == 401
    assert people.login("viewer").status_code == 401
    assert people.login("viewer", "a whole new sentence").status_code == 200


@pytest.mark.spec("AU-08")
def test_an_administrator_gives_a_way_back_in_that_works_once(people, clock):
    old = people.token("viewer")
    admin = people.stepped("admin")
    token = people("POST", "/users/viewer/reset", token=admin).json()["token"]
    assert people.login("viewer").status_code == 200  # the old password stays until then
    told = {"token": token, "password": "a whole new sentence"}
    assert people("POST", "/auth/reset", json=told).status_code == 204
    assert people("POST", "/auth/reset", json=told).status_code == 401
    assert people("GET", "/auth/verify", token=old).status_code == 401
    assert people.login("viewer", "a whole new sentence").status_code == 200
    late = people("POST", "/users/viewer/reset", token=people.stepped("admin")).json()["token"]
    clock.pass_s(3_601)
    assert people("POST", "/auth/reset", json=told | {"token": late}).status_code == 401


@pytest.mark.spec("AU-08")
def test_a_second_factor(people, clock):
    token = people.token("risk")
    begun = people("POST", "/auth/mfa", token=token, json={"password": GOOD}).json()
    app = pyotp.TOTP(begun["seed"])
    assert people.login("risk").status_code == 200  # it counts only once confirmed
    assert people("POST", "/auth/mfa/confirm", token=token, json={"code": "000000"}).status_code == 401
    first = app.generate_otp(clock.ns // 30_000_000_000)
    codes = people("POST", "/auth/mfa/confirm", token=token, json={"code": first}).json()["codes"]
    assert len(set(codes)) == 10
    assert begun["seed"] not in str(people.access.means.store.rows(_everything()))

    assert people.login("risk").json()["code"] == "MFA_REQUIRED"
    assert people.login("risk", "wrong").json()["code"] == "INVALID_CREDENTIALS"
    assert people.login("risk", code=first).json()["code"] == "INVALID_CREDENTIALS"  # a code is good once
    clock.pass_s(30)
    second = app.generate_otp(clock.ns // 30_000_000_000)
    assert people.login("risk", code=second).status_code == 200
    clock.pass_s(60)
    assert people.login("risk", code=second).status_code == 401  # an older one never again
    clock.pass_s(60)
    assert people.login("risk", code=codes[0]).status_code == 200
    assert people.login("risk", code=codes[0]).status_code == 401
    clock.pass_s(60)
    token = people.login("risk", code=codes[1].upper()).json()["access_token"]
    assert people("GET", "/auth/verify", token=token).json()["backup_codes_left"] == 8
    assert people("POST", "/auth/step-up", token=token, json={"password": GOOD}).status_code == 401
    clock.pass_s(60)
    assert people("POST", "/auth/step-up", token=token, json={"code": codes[2]}).status_code == 200
    end = {"name": "risk", "password": GOOD, "code": codes[3]}
    assert people("POST", "/auth/mfa/end", token=token, json=end | {"password": "wrong"}).status_code == 401
    clock.pass_s(60)
    assert people("POST", "/auth/mfa/end", token=token, json=end).status_code == 204
    assert people.login("risk").status_code == 200


def test_telling_the_code_in_a_second_step_counts_as_no_failure_and_hides_no_guess(people, clock):
    token = people.token("risk")
    begun = people("POST", "/auth/mfa", token=token, json={"password": GOOD}).json()
    app = pyotp.TOTP(begun["seed"])
    now = lambda: app.generate_otp(clock.ns // 30_000_000_000)  # noqa: E731 - the time goes on
    assert people("POST", "/auth/mfa/confirm", token=token, json={"code": now()}).status_code == 200
    for _ in range(8):
        clock.pass_s(30)
        assert people.login("risk").json()["code"] == "MFA_REQUIRED"
        assert people.login("risk", code=now()).status_code == 200
    outcomes = []
    for _ in range(8):  # who has the password gains nothing by asking without a code between his guesses
        outcomes += [people.login("risk").status_code, people.login("risk", code="000000").status_code]
    assert outcomes.count(401) < 12
    assert outcomes[-4:] == [429] * 4


def _everything():
    from b25.store.access_tables import person

    return person.select()


def test_where_one_is_signed_in_and_who_has_tried(people):
    here, there = people.login("viewer").json(), people.login("viewer").json()
    people.login("viewer", "wrong")
    told = people("GET", "/auth/sign-ins", token=here["access_token"]).json()
    assert {one["id"]: one["is_this"] for one in told["sign_ins"]} == {here["sign_in"]: True, there["sign_in"]: False}
    assert sorted(one["outcome"] for one in told["attempts"]) == ["signed in", "signed in", "wrong password"]
    other = people.login("trader").json()["sign_in"]
    assert people("DELETE", f"/auth/sign-ins/{other}", token=here["access_token"]).status_code == 404
    assert people("DELETE", f"/auth/sign-ins/{there['sign_in']}", token=here["access_token"]).status_code == 204
    assert people("GET", "/auth/verify", token=there["access_token"]).status_code == 401


def test_a_ticket_opens_one_socket_within_half_a_minute(people, clock):
    authenticator = people.access.authenticator
    take = lambda told: asyncio.run(authenticator.of_ticket(told))  # noqa: E731 - three times below
    token = people.token("viewer")
    tickets = [people("POST", "/auth/ticket", token=token).json()["ticket"] for _ in range(3)]
    assert take(tickets[0]).name == "viewer"
    assert take(tickets[0]) is None
    clock.pass_s(30)
    assert take(tickets[1]) is None
    late = people("POST", "/auth/ticket", token=token).json()["ticket"]
    by = take(people("POST", "/auth/ticket", token=token).json()["ticket"])
    assert authenticator.holds(by)
    people("POST", "/auth/logout", token=token)
    assert take(late) is None
    assert not authenticator.holds(by)


def test_everything_about_access_is_audited_without_a_secret(people):
    tokens = people.login("viewer").json()
    people("POST", "/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    people("POST", "/auth/logout", token=tokens["access_token"])
    people.login("viewer", "a-secret-guess")
    rows = list(audit_entries(people.access.means.store))
    said = "".join(f"{row.actor} {row.action} {row.body}" for row in rows)
    assert [row.action for row in rows][-3:] == ["auth.login", "auth.logout", "auth.login_refused"]
    for secret in (GOOD, "a-secret-guess", tokens["access_token"], tokens["refresh_token"], "argon2id"):
        assert secret not in said


def test_a_person_has_the_accounts_that_were_given(people):
    add(people.access, "eve", Role.TRADER, accounts=("sim/main",))
    assert people("GET", "/auth/verify", token=people.token("eve")).json()["accounts"] == ["sim/main"]
    told = people("POST", "/keys", token=people.stepped("eve"), json={"scopes": ["read"]}).json()
    assert told["accounts"] == ["sim/main"]
    assert told["made_ns"] == NOW_NS


@pytest.mark.spec("AL-04")
def test_the_audit_is_searched_page_by_page_checked_and_taken_out(people):
    token = people.token("risk")
    page = people("GET", "/audit?limit=2&action=users.", token=token).json()
    rest = people("GET", f"/audit?limit=100&action=users.&cursor={page['cursor']}", token=token).json()
    assert [one["seq"] for one in page["entries"] + rest["entries"]] == [5, 4, 3, 2, 1]
    assert rest["cursor"] is None
    found = people("GET", "/audit?object=person:risk&since=2020-01-01T00:00:00Z", token=token).json()["entries"]
    assert [one["action"] for one in found] == ["auth.login", "users.add"]
    assert found[0]["body"]["ip"] == "127.0.0.1"
    for query in ("since=2999-01-01T00:00:00Z", "since=1900-01-01T00:00:00Z"):
        assert people("GET", f"/audit?{query}", token=token).status_code == 400
    for query in ("since=2020-01-01", "limit=0", "cursor=-1", "cursor=99999999999999999999"):
        assert people("GET", f"/audit?{query}", token=token).status_code == 422
    assert people("GET", "/audit/verify", token=token).json() == {"is_whole": True, "what": "", "entries": 6}
    lines = people("GET", "/audit/export", token=token).text.splitlines()
    assert len(lines) == 7
    assert orjson.loads(lines[-1])["action"] == "audit.export"
