"""Log lines: whole JSON objects, tied together by ids, without a secret, never in the way of what they tell."""

import json

from b25.cli import main
from b25.runner import structured_log
from b25.runner.structured_log import StructuredLog

CANARY = "canary-6f1d0b9e"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_has_its_ids(tmp_path):
    path = tmp_path / "log.jsonl"
    log = StructuredLog(path, run="r1").bind(session="mm", epoch=3)
    log.info("started", pid=7)
    log.bind(kill_id="k1").alarm("killed")
    first, second = rows(path)
    assert (first["run"], first["session"], first["epoch"], first["pid"], first["level"]) == ("r1", "mm", 3, 7, "info")
    assert (second["kill_id"], second["level"]) == ("k1", "alarm")
    assert first["time"] < second["time"]
    assert first["time"].endswith("Z")


def test_no_secret_is_written_wherever_it_stands(tmp_path):
    path = tmp_path / "log.jsonl"
    log = StructuredLog(path)
    log.info("asked", api_key=CANARY, text=f"GET https://x/order?a=1&signature={CANARY}&b=2")
    log.info("asked", deep={"secret": CANARY, "list": [f"'X-MBX-APIKEY': '{CANARY}'", f"listenKey={CANARY}"]})
    log.info("asked", text=f"Authorization: Bearer {CANARY}")
    assert CANARY not in path.read_text()
    assert "b=2" in path.read_text()


def test_a_log_that_cannot_be_written_is_not_in_the_way(tmp_path):
    StructuredLog(tmp_path / "no" / "such" / "folder").info("said")


def test_a_log_that_grows_too_long_is_moved_away(tmp_path, monkeypatch):
    monkeypatch.setattr(structured_log, "BYTES_MAX", 100)
    log = StructuredLog(tmp_path / "log.jsonl")
    for _ in range(5):
        log.info("said", text="x" * 60)
    assert (tmp_path / "log.jsonl.1").exists()


def test_logs_of_a_session_are_read_back_with_what_the_supervisor_said(tmp_path, capsys):
    StructuredLog(tmp_path / "supervisor.jsonl", process="mm").alarm("killing", why="silent")
    StructuredLog(tmp_path / "supervisor.jsonl", process="other").info("started")
    own = tmp_path / "sessions" / "mm" / "log.jsonl"
    own.parent.mkdir(parents=True)
    own.write_text("a word without form\n")
    StructuredLog(own).info("ready")
    assert main(["session", "logs", "mm", "--folder", str(tmp_path), "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert [line.get("event") for line in lines] == ["killing", "ready", None]
    assert main(["session", "logs", "mm", "--folder", str(tmp_path), "--alarms", "--json"]) == 0
    assert [line["event"] for line in json.loads(capsys.readouterr().out)["lines"]] == ["killing"]
    assert main(["session", "logs", "none", "--folder", str(tmp_path)]) == 1
