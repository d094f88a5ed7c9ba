"""`b25 config`: settings with where they come from, and configurations from the command line, one line for what is wrong."""

import json

import pytest

from b25.cli import main

KEY = "default/mm/live/limits"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("B25_DATABASE_URL", "B25_GATEWAY__PORT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def b25(capsys):
    def run(*words, code=0):
        assert main(["config", *words, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


def written(name, text):
    from pathlib import Path

    Path(name).write_text(text, encoding="utf-8")
    return name


def read(name):
    from pathlib import Path

    return Path(name).read_text(encoding="utf-8")


def settings(told):
    return {one["name"]: (one["value"], one["source"]) for one in told["settings"]}


@pytest.mark.spec("CF-17")
def test_every_setting_says_its_value_and_where_it_comes_from_and_no_password(b25, monkeypatch):
    written("b25.toml", '[gateway]\nport = 8081\nhost = "127.0.0.1"\n')
    monkeypatch.setenv("B25_DATABASE_URL", "postgresql+pg8000://ann:hunter2@db/b25")
    found = settings(b25("show"))
    assert found["gateway.port"] == ("8081", "file b25.toml")
    assert found["database_url"] == ("postgresql+pg8000://ann:***@db/b25", "environment B25_DATABASE_URL")
    assert found["catalog"] == ("data/catalog", "default")
    monkeypatch.setenv("B25_GATEWAY__PORT", "8082")
    assert settings(b25("show"))["gateway.port"] == ("8082", "environment B25_GATEWAY__PORT")


@pytest.mark.spec("CF-17")
@pytest.mark.spec("CF-N5")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("prot = 1\n", "the setting prot is not known"),
        ("[gateway]\nprot = 1\n", "the setting gateway.prot is not known"),
        ("[gateway\n", "b25.toml cannot be read: it is not well formed TOML"),
        ("[gateway]\nport = 'hunter2'\n", "the setting gateway.port"),
    ],
)
def test_a_setting_that_is_wrong_is_told_in_one_line_without_its_value(b25, text, what):
    written("b25.toml", text)
    error = b25("show", code=1)["error"]
    assert error["what"].startswith(what)
    assert "hunter2" not in json.dumps(error)


@pytest.mark.spec("CF-01")
def test_a_configuration_goes_from_file_to_holding_and_back(b25):
    file = written("limits.toml", "[account]\norder_value_max = 500.0\ncollar = 0.05\n")
    assert b25("set", KEY, file, "--type", "risk_limit", "--activate")["active_version"] == 1
    written("limits.yaml", "account:\n  order_value_max: 500.0\n  collar: 0.02\n")
    assert b25("set", KEY, "limits.yaml", "--activate", "--version", "1")["active_version"] == 2
    assert b25("get", KEY)["value"] == {"account": {"order_value_max": 500.0, "collar": 0.02}}
    assert [one["field"] for one in b25("diff", KEY, "1", "2")["differences"]] == ["account.collar"]
    error = b25("set", KEY, "limits.yaml", "--version", "1", code=1)["error"]
    assert "at version 2 by now, not 1" in error["what"]
    back = b25("rollback", KEY, "1", "--reason", "it refused too much", "--by", "ann")
    assert back["loosens"] == ["account: collar: 0.02 -> 0.05"]
    assert [one["id"] for one in b25("pending")["pending"]] == [back["pending"]]
    assert "asked for it, not bob" in b25("confirm", back["pending"], "x", "--by", "bob", code=1)["error"]["what"]
    assert "s, not before" in b25("confirm", back["pending"], "x", "--by", "ann", code=1)["error"]["what"]
    assert b25("confirm", back["pending"], "--refuse")["refused"] is True
    assert [one["action"] for one in b25("history", KEY)["changes"]] == [
        "updated", "activated", "updated", "activated", "created",
    ]  # fmt: skip
    assert b25("list")["total"] == 1
    assert b25("running")["running"] == []


@pytest.mark.spec("CF-02")
def test_a_bundle_is_taken_whole_or_not_at_all(b25):
    assert {one["action"] for one in b25("import", "--profile", "small_account", "--dry-run")["configurations"]} == {"created"}
    assert b25("list")["total"] == 0
    b25("import", "--profile", "small_account", "--activate")
    assert b25("export", "out.json")["configurations"] == 2
    bundle = json.loads(read("out.json"))
    bundle["configurations"].append({"key": "default/default/default/flag", "type": "feature_flag", "value": {"name": "x"}})
    bundle["configurations"][0] |= {"key": "default/other/default/limits"}
    error = b25("import", written("bad.json", json.dumps(bundle)), code=1)["error"]
    assert "default/default/default/flag: enabled" in error["what"]
    assert b25("list")["total"] == 2
    bundle["configurations"][0]["value"]["account"]["collar"] = 0.5
    assert "its checksum is of another value" in b25("import", written("bad.json", json.dumps(bundle)), code=1)["error"]["what"]


@pytest.mark.spec("CF-N5")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"account": {"collar": 1e999}}'), ("a.json", "{"), ("a.json", '{"a": 1, "a": 2}'), ("a.json", "[1]"),
        ("a.json", '{"account": NaN}'), ("a.toml", "a = 1\na = 2"), ("a.toml", "a = 1979-05-27"), ("a.yaml", "a: &x 1\nb: *x"),
        ("a.yaml", "!!python/object/apply:os.system [ls]"), ("a.yaml", "a: 1\na: 2"), ("a.yaml", "- 1"),
        ("a.json", '{"a": "\\u0000"}'),
        ("a.json", "[" * 5000), ("a.json", '{"account": {"collar": "hunter2-hunter2"}}'), ("a.ini", "x"), ("a.json", "\ud800"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_in_one_line_and_never_by_a_traceback(b25, name, text):
    from pathlib import Path

    Path(name).write_bytes(text.encode("utf-8", "surrogatepass"))
    error = b25("set", KEY, name, "--type", "risk_limit", code=1)["error"]
    assert error["code"] in ("misuse", "invalid")
    assert "hunter2" not in json.dumps(error)
    assert "\n" not in error["what"]
    assert b25("list")["total"] == 0


def test_a_session_is_started_as_it_is_configured(b25):
    value = {"name": "mm", "strategy": "strategies/market_maker.py:MarketMaker", "symbols": ["BTC/USDT:USDT"], "account": "main"}
    b25("set", "default/mm/default/session", written("s.json", json.dumps(value)), "--type", "session", "--activate")
    assert b25("command", "default/mm/default/session")["command"][:4] == ["b25", "run", value["strategy"], "--name"]


def test_what_would_be_wrong_is_told_before_anything_is_written(b25):
    file = written("limits.json", '{"account": {"colar": 0.02}}')
    told = b25("validate", file, "--type", "risk_limit", code=1)
    assert told["faults"][0]["remedy"] == "did you mean 'collar'?"
