"""`b25 strategies`: a version moved, paused, rolled back and told of from the command line; and `b25 run` that heeds it."""

import json

import pytest

from b25.cli import main
from b25.store.store import open_store
from tests.promote.frozen import LIMITS, TEXT, Bench, enrol

MAKER = b"""import b25

class Mine(b25.Strategy):
    quantity: float = b25.param(0.01, gt=0)

    def on_book(self, ctx):
        if ctx.ready():
            ctx.quote(b25.BUY, ctx.bid(), self.quantity)
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """An installation in a folder of its own: versions, key and store lie where the commands look for them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strategies").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'data' / 'b25.db'}")
    bench = Bench(store, tmp_path)
    (tmp_path / "strategies" / "live").symlink_to(tmp_path / "live", target_is_directory=True)
    (tmp_path / "data" / "secrets").symlink_to(tmp_path / "secrets", target_is_directory=True)
    (tmp_path / "live").mkdir()
    yield bench
    store.close()


@pytest.fixture
def b25(capsys):
    def run(*words, code=0):
        assert main([*words, "--json"]) == code, capsys.readouterr()
        return json.loads(capsys.readouterr().out)

    return run


def approve(b25, state, *more, code=0):
    return b25("strategies", "approve", "mine@1", "--to", state, "--reason", "as agreed", *more, code=code)


def test_a_version_climbs_with_what_it_needs_and_everything_is_told(bench, b25, capsys):
    bench.freeze()
    assert b25("strategies", "list")["versions"][0]["state"] == "draft"
    assert approve(b25, "validated")["state"] == "validated"
    told = approve(b25, "observe", code=1)["error"]
    assert "limits: no risk_limit that holds on paper sets position_max" in told["what"]
    assert "b25 config set" in told["remedy"]
    bench.limit()
    approve(b25, "observe")
    assert "steps are left out" in approve(b25, "canary", code=1)["error"]["what"]
    asked = approve(b25, "canary", "--skip", "--size", "0.1")
    assert (asked["moved"], asked["state"]) == (False, "observe")
    assert "not before" in approve(b25, "canary", "--skip", "--confirm", "mine@1 to canary", code=1)["error"]["what"]
    shown = b25("strategies", "show", "mine@1")["standing"]
    assert (shown["state"], shown["next"], shown["next_roles"]) == ("observe", "paper", ["trader"])
    assert [one["name"] for one in shown["needs"] if not one["met"]] == ["observe_hours"]
    moves = b25("strategies", "history", "mine@1")["moves"]
    assert [(one["from"], one["to"], one["role"]) for one in moves] == [
        ("draft", "validated", "researcher"), ("validated", "observe", "trader"),
    ]  # fmt: skip
    for words in (["list"], ["show", "mine@1"], ["history", "mine@1"]):
        assert main(["strategies", *words]) == 0
        assert "mine@1" in capsys.readouterr().out or words[0] == "history"


def test_people_are_asked_for_their_roles_and_a_second_one_agrees_at_the_gateway(bench, b25):
    bench.freeze()
    bench.climb(bench.promotions.find("mine@1"), "paper")
    enrol(bench.store, "ann", "tim")
    assert "nobody is called zoe here" in approve(b25, "canary", "--as", "zoe", code=1)["error"]["what"]
    assert "may not move" in approve(b25, "canary", "--as", "tim", code=1)["error"]["what"]
    assert b25("strategies", "pause", "mine@1", "--as", "zoe")["state"] == "paused"  # anybody may stop it


def test_rollback_is_one_command_and_a_pause_keeps_it_from_starting(bench, b25):
    bench.climb(bench.freeze())
    bench.climb(bench.freeze(TEXT + b"# better\n"))
    told = b25("strategies", "rollback", "mine", "--reason", "it loses")
    assert (told["from"], told["to"], told["running"]) == ("mine@2", "mine@1", [])
    rows = {one["reference"]: one for one in b25("strategies", "list")["versions"]}
    assert rows["mine@1"]["pointers"] == ["live"]
    assert (rows["mine@2"]["state"], rows["mine@2"]["fills"]) == ("paused", 60)
    refused = b25("run", "mine@2", "--mode", "live", code=1)["error"]
    assert "mine@2 does not run: it is paused (it was live)" in refused["what"]
    assert "stands for no version in mode observe" not in refused["what"]
    b25("strategies", "retire", "mine@2", "--reason", "gone")
    assert "for good" in b25("strategies", "pause", "mine@2", code=1)["error"]["what"]


def test_run_names_state_lack_and_command_and_needs_the_promoted_parameters_live(bench, b25):
    bench.freeze()
    refused = b25("run", "mine@1", "--mode", "paper", code=1)["error"]
    assert "it is draft, and mode paper needs observe or higher" in refused["what"]
    assert "b25 strategies approve mine@1 --to validated" in refused["remedy"]
    refused = b25("run", "mine", "--mode", "paper", code=1)["error"]
    assert "mine stands for no version in mode paper; its versions: mine@1" in refused["what"]
    bench.climb(bench.promotions.find("mine@1"), "canary")
    refused = b25("run", "mine@1", "--mode", "live", "--set", "quantity=0.02", code=1)["error"]
    assert "not with another quantity" in refused["what"]
    refused = b25("run", "mine", "--mode", "live", "--config", "none", "--for-s", "1", "--folder", "s", code=1)["error"]
    assert "a size factor of 0.25 of no position_max" in refused["what"]


@pytest.mark.slow
def test_a_session_tells_which_version_it_runs_and_its_time_counts(bench, b25):
    version = bench.freeze(MAKER)
    bench.climb(version, "observe")
    bench.limit(LIMITS, key="default/one/paper/limits")
    b25("run", "mine", "--mode", "observe", "--name", "one", "--folder", "sessions", "--for-s", "3", "--python")
    (one, *_) = [run for run in b25("strategies", "show", "mine@1")["standing"]["runs"] if run["session"] == "one"]
    assert (one["mode"], one["as_promoted"], one["fault"], one["is_running"]) == ("observe", True, "", False)
    assert 0 < one["hours"] < 1
    status = json.loads((bench.folder / "data" / "run" / "sessions" / "one" / "status.json").read_text())
    assert (status["promoted"]["reference"], status["promoted"]["content_id"]) == ("mine@1", version.content_id)
    assert status["probation"]["is_on"]
    b25(
        "run",
        "mine@1",
        "--mode",
        "paper",
        "--name",
        "two",
        "--folder",
        "sessions",
        "--for-s",
        "2",
        "--set",
        "quantity=0.02",
        "--python",
    )
    (two,) = [run for run in b25("strategies", "show", "mine@1")["standing"]["runs"] if run["session"] == "two"]
    assert two["as_promoted"] is False
