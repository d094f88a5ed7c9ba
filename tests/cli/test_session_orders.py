"""Orders by hand at the terminal: every one is asked for before it leaves for a venue, and told with its verdict."""

import io
import json
from types import SimpleNamespace

import pytest

from b25.cli import main

TOLD = {
    "state": "active", "why": "", "positions": {}, "orders_open": 0, "mode": "live", "verdict": "ok", "reasons": [],
    "order_id": 7, "client_id": "b25-7", "orders": [], "max_quantity": "0.5",
    "metrics_before": dict.fromkeys("position gross net leverage".split()),
}  # fmt: skip
ROW = {
    "order_id": 7, "client_id": "b25-7", "symbol": "BTC/USDT:USDT", "side": "buy", "type": "limit", "price": "60000",
    "parent": None, "quantity": "0.01", "filled": "0", "state": "open", "age_s": 1.25, "is_manual": True,
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """What would have been asked of the session, in order; it answers what the test says."""
    found, told = [], dict(TOLD)

    def ask(folder, name, command, **more):
        found.append((command, {key: value for key, value in more.items() if value not in ("", None, False) and key != "by"}))
        return {"ok": True, **told}

    monkeypatch.setattr("b25.runner.control.ask_session", ask)
    return SimpleNamespace(calls=found, told=told)


@pytest.mark.parametrize(
    ("words", "command", "terms"),
    [
        (
            "order mm buy 0.01 --price 60000 --post-only --tif gtc",
            "order",
            {"side": "buy", "quantity": "0.01", "price": "60000", "post_only": True, "tif": "gtc"},
        ),
        ("amend mm 7 --price 60010", "amend", {"order_id": "7", "price": "60010"}),
        ("close mm BTC/USDT:USDT", "close", {"symbol": "BTC/USDT:USDT"}),
    ],
)
def test_a_live_session_is_asked_only_after_a_yes(asked, monkeypatch, words, command, terms):
    assert main(["session", *words.split(), "--yes"]) == 0
    assert asked.calls == [(command, terms)]
    asked.calls.clear()
    monkeypatch.setattr("typer.confirm", lambda text, **more: text.startswith("mm is live"))
    assert main(["session", *words.split()]) == 0
    assert [one[0] for one in asked.calls] == ["status", command]
    asked.calls.clear()
    asked.told["mode"] = "paper"
    monkeypatch.setattr("typer.confirm", lambda text, **more: pytest.fail("on paper nobody is asked"))
    assert main(["session", *words.split()]) == 0


@pytest.mark.parametrize("said", ["", "n\n"])
def test_without_a_yes_nothing_is_asked_of_a_live_session(asked, monkeypatch, said):
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert main(["session", "order", "mm", "buy", "0.01"]) == 1
    assert [one[0] for one in asked.calls] == ["status"]


def test_a_refusal_is_told_and_has_an_exit_code_of_its_own(asked, capsys):
    asked.told.update(verdict="position_limit", reasons=["position", "gross"])
    assert main(["session", "order", "mm", "buy", "0.01", "--yes"]) == 4
    assert "refused, position_limit (position, gross)" in capsys.readouterr().out
    asked.told["orders"] = [{"order_id": 7, "client_id": None, "verdict": "request_pending"}]
    assert main(["session", "cancel", "mm", "7"]) == 4
    assert asked.calls[-1] == ("cancel", {"order_id": "7"})


def test_reads_are_tables_and_json(asked, capsys):
    asked.told["orders"] = [ROW]
    assert main(["session", "orders", "mm"]) == 0
    assert "person" in capsys.readouterr().out
    assert main(["session", "orders", "mm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["orders"] == [ROW]
    asked.told["metrics_after"] = {**dict.fromkeys("position gross net leverage".split()), "limits_used": {"position": 0.5}}
    assert main(["session", "check", "mm", "buy", "0.01", "--price", "1"]) == 0
    out = capsys.readouterr().out
    assert "largest    0.5" in out
    assert "position: 50.0% of it" in out


def test_several_parameters_go_together(asked):
    assert main(["session", "set", "mm", "a=1", "b=2"]) == 0
    ((command, terms),) = asked.calls
    assert (command, set(terms["values"])) == ("set", {"a", "b"})
