"""`b25 user`, `b25 token` and `b25 audit` on a database of their own."""

import stat

import orjson
import pytest

from b25.api.auth import passwords
from b25.cli import main
from b25.store.audit import audit_entries, verify_audit
from b25.store.store import open_store
from tests.store.test_audit_record import tamper

GOOD = "correct horse battery"


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    for name, value in (("MEMORY_KIB", 8), ("TIME_COST", 1), ("LANES", 1)):
        monkeypatch.setattr(passwords, name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B25_DATABASE_URL", f"sqlite:///{tmp_path}/data/b25.db")

    def command(*words):
        capsys.readouterr()
        code = main([*words, "--json"])
        said = capsys.readouterr().out
        return code, orjson.loads(said.splitlines()[-1]) if said else {}

    command.url = f"sqlite:///{tmp_path}/data/b25.db"
    command.folder = tmp_path
    password = tmp_path / "password"
    password.write_text(GOOD + "\n")
    password.chmod(0o600)
    command.password = str(password)
    return command


def add(run, name, *roles):
    return run("user", "add", name, "--password-file", run.password, *[word for role in roles for word in ("--role", role)])


def entries(run):
    store = open_store(run.url)
    try:
        assert verify_audit(store) == ""
        return [(row.actor.split(":")[0], row.action) for row in audit_entries(store)]
    finally:
        store.close()


def test_people_are_added_changed_and_shut_out(run):
    assert add(run, "ann", "admin", "risk")[1]["roles"] == ["admin", "risk"]
    assert add(run, "ann", "admin")[0] == 1
    assert add(run, "bob", "king")[0] == 1
    assert add(run, "bob", "viewer")[0] == 0
    assert run("user", "roles", "bob", "--role", "trader")[1]["roles"] == ["trader"]
    assert run("user", "disable", "bob", "--reason", "left")[1]["is_active"] is False
    assert run("user", "enable", "bob")[1]["is_active"] is True
    assert run("user", "disable", "ann")[0] == 1  # the last administrator
    assert [one["name"] for one in run("user", "list")[1]["people"]] == ["ann", "bob"]
    assert len(run("user", "reset", "bob")[1]["token"]) == 43
    assert run("user", "reset", "eve")[0] == 1
    assert entries(run) == [("operator", f"users.{what}") for what in ("add", "add", "change", "change", "change", "reset")]


def test_a_password_that_others_could_read_is_not_taken(run):
    (run.folder / "password").chmod(0o644)
    assert add(run, "ann", "admin")[0] == 1


@pytest.mark.spec("RB-04")
def test_a_key_of_a_program_is_written_into_a_private_file_and_printed_nowhere(run):
    code, told = run("token", "create", "--service", "notebook")
    path = run.folder / told["file"]
    assert code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text().strip()
    assert text.startswith(f"b25_{told['id']}_")
    assert text not in str(told)
    assert run("token", "create", "--service", "notebook")[0] == 1  # not over the one that is there
    assert run("token", "create", "--service", "notebook", "--replace")[0] == 0
    assert run("token", "create", "--service", "other")[0] == 1  # needs scopes
    assert run("token", "create", "--service", "other", "--scope", "trade")[0] == 1
    assert run("token", "create", "--service", "other", "--scope", "read", "--role", "trader")[0] == 1
    assert run("token", "revoke", told["id"])[0] == 0
    assert run("token", "revoke", told["id"])[0] == 1
    assert [one["holds"] for one in run("token", "list")[1]["keys"]] == [False, True]


def test_a_new_key_signs(run):
    first = run("token", "new-signing-key")[1]
    second = run("token", "new-signing-key")[1]
    assert first["kid"] != second["kid"]
    assert first["kid"] in second["verifying"]


@pytest.mark.spec("AL-01")
def test_the_audit_is_searched_taken_out_anchored_and_checked(run, tmp_path_factory):
    add(run, "ann", "admin")
    add(run, "bob", "viewer")
    anchors = str(tmp_path_factory.mktemp("elsewhere") / "anchors.jsonl")
    assert run("audit", "anchor", "--to", anchors)[1]["seq"] == 2
    assert run("audit", "anchor", "--to", str(run.folder / "data" / "anchors"))[0] == 1
    assert [one["seq"] for one in run("audit", "list", "--object", "person:bob")[1]["entries"]] == [2]
    assert run("audit", "list", "--since", "2200-01-01")[1]["entries"] == []
    assert run("audit", "list", "--since", "2999-01-01")[0] == 1
    assert run("audit", "list", "--since", "yesterday")[0] == 1
    assert run("audit", "export", "--to", "out.ndjson")[1]["entries"] == 3
    assert [orjson.loads(line)["action"] for line in (run.folder / "out.ndjson").read_text().splitlines()][-1] == "audit.export"
    assert run("audit", "verify", "--anchor", anchors)[1] == {
        "ok": True, "code": 0, "is_whole": True, "what": "", "entries": 3, "is_anchored": True,
    }  # fmt: skip
    tamper(run.url, "DELETE FROM audit WHERE seq > 1")
    assert run("audit", "verify")[0] == 0
    assert run("audit", "verify", "--anchor", anchors)[0] == 1
