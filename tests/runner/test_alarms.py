"""Alarms are told once, in seconds, by the notifier; when it is dead, whoever raised one says so itself."""

import json
import sys
import time

from b25.runner import alarms as alarms_file
from b25.runner.alarms import FILE, TOLD, Alarms, Notifier
from b25.runner.structured_log import StructuredLog


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_alarm_is_told_once_and_how_late_is_kept(tmp_path):
    second = []
    raising = Alarms(tmp_path, "mm", second.append)
    notifier = Notifier(tmp_path, StructuredLog(tmp_path / "log.jsonl"))
    raising.alarm("risk", "daily loss", session="mm", secret="s3cret")  # noqa: S106 - a secret that must not be told
    raising.alarm("risk", "daily loss", session="mm")  # the same again, at once
    assert notifier.look() == 1
    assert notifier.look() == 0
    (told,) = rows(tmp_path / "log.jsonl")
    assert (told["level"], told["raised"]["what"], told["raised"]["secret"]) == ("alarm", "daily loss", "***")
    assert json.loads((tmp_path / TOLD).read_text())["told"] == 1
    raising.look()
    assert second == []
    # A notifier that starts anew goes on where the last one was.
    assert Notifier(tmp_path, StructuredLog(tmp_path / "log.jsonl")).look() == 0


def test_a_torn_line_waits_for_its_end(tmp_path):
    notifier = Notifier(tmp_path, StructuredLog(tmp_path / "log.jsonl"))
    (tmp_path / FILE).write_bytes(b'{"time_ns": 1, "wh')
    assert notifier.look() == 0
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'at": "x"}\n')
    assert notifier.look() == 1


def test_a_dead_notifier_is_noticed_by_who_raised_the_alarm(tmp_path, monkeypatch):
    second = []
    raising = Alarms(tmp_path, "mm", second.append)
    raising.alarm("risk", "daily loss")
    raising.look()
    assert second == []
    monkeypatch.setattr(alarms_file, "LATE_S", 0.0)
    raising.look()
    assert "daily loss" in second[0]
    raising.look()
    assert len(second) == 1


def test_a_disk_that_takes_nothing_is_told_by_the_second_way(tmp_path):
    second = []
    Alarms(tmp_path / "nowhere", "mm", second.append).alarm("risk", "daily loss")
    assert "daily loss" in second[0]


def test_the_plans_command_is_given_the_alarm(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"]
    notifier = Notifier(tmp_path, StructuredLog(tmp_path / "log.jsonl"), command)
    Alarms(tmp_path, "mm", print).alarm("risk", "daily loss")
    notifier.look()
    until = time.monotonic() + 30
    while not out.exists() or not out.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert json.loads(out.read_text())["what"] == "daily loss"
    for one in notifier._running:
        one.wait()
