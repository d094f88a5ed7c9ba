"""`b25 db`: what it says, what it refuses, and a backup that comes back."""

import json

import pytest

from b25.cli import main
from b25.store.audit import append_audit
from b25.store.revisions import known_versions
from b25.store.store import open_store


@pytest.mark.spec("DP-06")
def test_a_database_is_looked_at_backed_up_and_restored_by_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'b25.db'}"
    at = ["--url", url, "--json"]

    def said(*words):
        capsys.readouterr()
        code = main(["db", *words, *at])
        return code, json.loads(capsys.readouterr().out)

    assert said("upgrade", known_versions()[0])[0] == 0
    assert said("status")[1]["pending"] == known_versions()[1:]
    assert said("check")[0] == 1
    store = open_store(url)
    append_audit(store, actor="ann", action="x", body={}, now_ns=1)
    store.close()
    assert said("check")[1]["audit_entries"] == 1
    assert said("downgrade", "0001")[0] == 1  # not without the words
    code, made = said("backup", "--to", str(tmp_path / "backups"))
    assert (code, set(made["left_out"]) >= {"catalog", "secrets"}) == (0, True)
    assert said("restore", made["path"])[0] == 1  # something is there
    code, back = said("restore", made["path"], "--force")
    assert (code, len(back["aside"])) == (0, 1)
    assert said("check")[1]["audit_entries"] == 1
