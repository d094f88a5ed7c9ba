"""Keys of programs: never more than who made them, never from elsewhere, never for longer."""

import pytest

from b25.api.auth.program_keys import NEVER_BY_KEY
from b25.api.roles import Permission, Role
from b25.store.access_keys import keys_of
from tests.api.auth.conftest import add


def make(people, name, **more):
    return people("POST", "/keys", token=people.stepped(name), json={"scopes": ["read"]} | more)


@pytest.mark.spec("AU-08")
def test_a_key_opens_what_its_scopes_say(people):
    made = make(people, "trader", label="watcher").json()
    assert made["key"].startswith(f"b25_{made['id']}_")
    who = people("GET", "/annotations", key=made["key"])
    assert who.status_code == 200
    assert people("GET", "/auth/verify", key=made["key"]).json()["code"] == "FORBIDDEN"  # `own` is not among its scopes
    kept = keys_of(people.access.means.store)[0]
    assert made["key"].rsplit("_", 1)[-1] not in repr(kept)
    assert len(kept.hash) == 32


@pytest.mark.spec("GW-08", "GW-N1")
@pytest.mark.spec("AU-08")
def test_no_key_may_more_than_its_owner(people):
    for role in Role:
        if role is Role.SERVICE:
            continue
        person = people.access.means.standing.people[str(role)]
        token = people.stepped(person.name)
        may = set(people("GET", "/auth/verify", token=token).json()["permissions"])
        for permission in Permission:
            told = people("POST", "/keys", token=token, json={"scopes": ["read", permission]})
            assert (told.status_code == 201) == (permission in may and permission not in NEVER_BY_KEY), (role, permission)


def test_a_key_loses_what_its_owner_loses(people):
    key = make(people, "researcher", scopes=["read", "research"]).json()["key"]
    by = people.access.authenticator.of_key(key, "127.0.0.1")
    assert by.may(Permission.RESEARCH)
    assert not by.is_stepped_up
    people("PATCH", "/users/researcher", token=people.stepped("admin"), json={"roles": ["viewer"]})
    by = people.access.authenticator.of_key(key, "127.0.0.1")
    assert (by.may(Permission.READ), by.may(Permission.RESEARCH)) == (True, False)


def test_a_key_makes_no_key_and_changes_no_password(people):
    key = make(people, "admin", scopes=["own", "read"]).json()["key"]
    for method, path, body in (
        ("POST", "/keys", {"scopes": ["read"]}), ("GET", "/keys", None), ("POST", "/auth/step-up", {"password": "x"}),
        ("POST", "/auth/password", {"old": "x", "new": "a whole new sentence"}), ("POST", "/auth/logout-all", None),
        ("POST", "/auth/mfa", {"password": "x"}), ("PATCH", "/profile", {"email": "a@b.c"}), ("GET", "/auth/sign-ins", None),
    ):  # fmt: skip
        assert people(method, path, key=key, json=body).status_code == 403, path


@pytest.mark.spec("AU-08")
def test_a_key_runs_out_is_bound_to_addresses_and_ends_when_it_is_told(people, clock):
    made = make(people, "viewer", days=1, ips=["10.1.0.0/16", "::1"]).json()
    assert people("GET", "/annotations", key=made["key"], ip="10.1.2.3").status_code == 200
    assert people("GET", "/annotations", key=made["key"], ip="::1").status_code == 200
    assert people("GET", "/annotations", key=made["key"], ip="10.2.0.1").status_code == 401
    clock.pass_s(86_400)
    assert people("GET", "/annotations", key=made["key"], ip="10.1.2.3").json()["code"] == "TOKEN_EXPIRED"
    other = make(people, "viewer").json()
    assert people("DELETE", f"/keys/{other['id']}", token=people.token("trader")).status_code == 404  # not his
    assert people("DELETE", f"/keys/{other['id']}", token=people.token("viewer")).status_code == 204
    assert people("GET", "/annotations", key=other["key"]).status_code == 401


@pytest.mark.spec("AU-08")
def test_a_key_is_replaced_with_some_time_for_both(people, clock):
    old = make(people, "viewer").json()
    told = people("POST", f"/keys/{old['id']}/rotate", token=people.stepped("viewer"), json={"overlap_s": 60})
    new = told.json()
    assert (new["replaces"], new["scopes"]) == (old["id"], old["scopes"])
    assert [people("GET", "/annotations", key=one["key"]).status_code for one in (old, new)] == [200, 200]
    clock.pass_s(60)
    assert [people("GET", "/annotations", key=one["key"]).status_code for one in (old, new)] == [401, 200]
    assert people("POST", f"/keys/{old['id']}/rotate", token=people.stepped("viewer"), json={}).status_code == 404


@pytest.mark.parametrize(
    "text", ["b25_", "b25_000000000000_" + "x" * 43, "sk-123", "b25_000000000000_" + "x" * 42, "", "b25_\n_"]
)
def test_what_is_no_key(people, text):
    assert people("GET", "/auth/verify", key=text or "_").status_code == 401


@pytest.mark.spec("AU-07")
def test_when_and_from_where_a_key_was_last_used(people, clock):
    made = make(people, "viewer").json()
    people("GET", "/annotations", key=made["key"], ip="10.1.2.3")
    people.access.means.standing.reload()
    held = keys_of(people.access.means.store)[0]
    assert (held.used_ns, held.used_ip) == (clock.ns, "10.1.2.3")


@pytest.mark.spec("GW-N1")
@pytest.mark.spec("RB-01")
@pytest.mark.spec("RB-04")
def test_a_program_never_trades_stops_or_approves_whatever_is_asked_for_it(people):
    token = people.stepped("admin")
    for role in Role:
        for permission in Permission:
            body = {"name": "notebook", "scopes": [permission], "roles": [role]}
            told = people("POST", "/services", token=token, json=body)
            if told.status_code != 201:
                assert told.status_code == 400
                continue
            by = people.access.authenticator.of_key(told.json()["key"], "127.0.0.1")
            assert by.name == "service:notebook"
            risky = {Permission.TRADE, Permission.OPERATE, Permission.KILL, Permission.RISK, Permission.REARM, Permission.USERS}
            assert not [one for one in risky if by.may(one)]


def test_only_an_administrator_makes_keys_of_programs(people):
    body = {"name": "dashboard", "scopes": ["read"]}
    assert people("POST", "/services", token=people.stepped("risk"), json=body).status_code == 403
    made = people("POST", "/services", token=people.stepped("admin"), json=body).json()
    assert people("GET", "/services", token=people.token("admin")).json()["keys"][0]["id"] == made["id"]
    assert people("DELETE", f"/services/{made['id']}", token=people.token("admin")).status_code == 204
    assert people("GET", "/annotations", key=made["key"]).status_code == 401


def test_a_key_has_no_account_that_its_owner_has_not(people):
    add(people.access, "eve", Role.TRADER, accounts=("sim/a", "sim/b"))
    told = make(people, "eve", accounts=["sim/b", "sim/c"]).json()
    assert people.access.authenticator.of_key(told["key"], "127.0.0.1").accounts == {"sim/b"}


@pytest.mark.spec("AU-08")
def test_a_key_that_another_process_made_a_moment_ago_is_known_at_once_and_a_stranger_costs_little(people, clock):
    standing = people.access.means.standing
    before = standing.keys
    made = make(people, "viewer", label="new").json()
    standing.keys = before  # as it is in a process that has not looked since
    clock.pass_s(0.3)
    assert people("GET", "/annotations", key=made["key"]).status_code == 200
    version = standing.version
    for _ in range(5):
        assert people("GET", "/annotations", key=f"b25_{'0' * 12}_{'x' * 43}").status_code == 401
    assert standing.version == version
