"""The process itself, with a real bus, database and receiver: from event to message, SIGTERM, kill -9, and who notices."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import orjson
import pytest

from b25.bus.address import TOKEN_FILE, URL, bus_folder
from b25.bus.bodies import RiskEmergency, RiskMetrics
from b25.bus.link import open_link
from b25.bus.publisher import Publisher
from b25.cli import main
from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.runner.alerts.heartbeat_check import check_heartbeat
from b25.runner.alerts.service import FILE
from b25.runner.bus_process import component_of
from b25.runner.doctor_findings import Health
from b25.runner.heartbeat import Life, read_beat
from b25.runner.supervisor_plan import ProcessPlan
from b25.store.store import open_store
from tests.bus.conftest import server
from tests.bus.stand import sample

__all__ = ["server"]
LONGEST_S = 60.0
RULES = """
[[routes]]
name = "hook"
kind = "webhook"
secretref = "env:HOOK"
"""


class Process:
    """`b25 alerts serve` in a folder."""

    def __init__(self, folder, http, bus=None):
        self.folder = folder
        (folder / "alerts.toml").write_text(RULES)
        self.environment = os.environ | {
            "HOOK": f"http://127.0.0.1:{http.port}/hook {'k' * 32}", "PYTHONPATH": os.getcwd(), "B25_SECRETS_FOLDER": str(folder),
            "B25_DATABASE_URL": f"sqlite:///{folder}/b25.db", "B25_RUN_FOLDER": str(folder / "run"),
        }  # fmt: skip
        if bus is not None:
            token = str(bus_folder(bus.folder) / "token")
            self.environment |= {URL: bus.address.url, TOKEN_FILE: token}
        self.process = None

    def start(self):
        command = [
            sys.executable,
            "-m",
            "b25",
            "alerts",
            "serve",
            "--rules",
            str(self.folder / "alerts.toml"),
            "--heartbeat-s",
            "0",
        ]
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "watching" in line:
                return self
        raise AssertionError(f"it ended with {self.process.wait(10)}")

    def end(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LONGEST_S)
        return self.process.returncode, out, err

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.communicate(timeout=LONGEST_S)

    def __enter__(self):
        return self


def wait(holds, longest_s=LONGEST_S):
    until_s = time.monotonic() + longest_s
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def publish(server, *bodies, pattern="risk.emergency"):
    async def run():
        publisher = Publisher("session", bodies[0].session)
        link = await open_link(server.address, publisher.source, lambda text: None)
        channel = publisher.channel(pattern)
        for body in bodies:
            assert channel.offer(body, time.time_ns())
        while publisher.waiting:
            await publisher.send(link)
        await link.close()

    asyncio.run(run())


def emergency(reason, session="live-1"):
    return RiskEmergency(session=session, reason=reason, by=f"session/{session}")


@pytest.mark.slow
@pytest.mark.spec("R17", "NT-10", "NT-09")
def test_an_emergency_reaches_a_person_and_what_came_while_it_was_away_does_too(tmp_path, server, http, capfd):
    folder = tmp_path / "run"
    with Process(tmp_path, http, server) as own:
        own.start()
        begun_s = time.monotonic()
        publish(server, emergency("the book is crossed"))
        wait(lambda: http.accepted)
        assert time.monotonic() - begun_s < 5.0
        assert http.accepted[0]["title"] == "[b25 critical] live-1 halted: the book is crossed"
        wait(lambda: check_heartbeat(folder, time.time_ns()).health is Health.GOOD)
        assert read_beat(folder, "alerts").life is Life.RUNNING
        code, out, _ = own.end(signal.SIGTERM)
        assert code == 0, out
        assert orjson.loads((folder / FILE).read_bytes())["ended"]
        assert read_beat(folder, "alerts").life is Life.STOPPED
        publish(server, emergency("once more", "live-2"))
        own.start()
        wait(lambda: len(http.accepted) > 1)
        own.end(signal.SIGKILL)
    alert_id = http.accepted[0]["alerts"][0]
    store = ["--store", f"sqlite:///{tmp_path}/b25.db"]
    assert main(["alerts", "acknowledge", alert_id, "--by", "ann", "--reason", "seen", *store]) == 0
    assert main(["alerts", "list", "--json", *store]) == 0
    told = orjson.loads(capfd.readouterr().out.splitlines()[-1])
    assert [one["acknowledged_by"] for one in told["alerts"] if one["alert_id"] == alert_id] == ["ann"]


@pytest.mark.slow
@pytest.mark.spec("NT-06", "NT-05")
def test_killed_while_it_sends_it_sends_under_the_same_id_and_then_no_more(tmp_path, server, http):
    http.delay_s = 1.0
    with Process(tmp_path, http, server) as own:
        own.start()
        publish(server, emergency("x"))
        wait(lambda: http.begun)
        own.end(signal.SIGKILL)
        http.delay_s = 0.0
        before = len(http.got)
        own.start()
        wait(lambda: len(http.got) > before)
        own.end(signal.SIGKILL)
        own.start()
        wait(lambda: (tmp_path / "run" / FILE).exists())
        looked = (tmp_path / "run" / FILE).stat().st_mtime_ns
        wait(lambda: (tmp_path / "run" / FILE).stat().st_mtime_ns > looked)
        assert own.end(signal.SIGTERM)[0] == 0
    firing = [headers["idempotency-key"] for _, headers, _, _ in http.got if "/firing/" in headers["idempotency-key"]]
    assert len(set(firing)) == 1
    assert len(firing) <= 2


@pytest.mark.slow
@pytest.mark.spec("CF-11", "NT-05")
def test_a_rule_that_is_configured_while_it_runs_is_watched_a_moment_later(tmp_path, server, http):
    with Process(tmp_path, http, server) as own:
        own.start()
        store = open_store(f"sqlite:///{tmp_path}/b25.db")
        known, by = Configurations(store), Author("ann")
        rule = {
            "name": "leverage_high", "source": "metric", "metric": "risk.metrics.leverage", "severity": "critical",
            "condition": {"op": "gt", "threshold": 2.5}, "channels": ["hook"], "summary": "too much for what is there",
        }  # fmt: skip
        known.create("ops/alerts/all/leverage_high", "alert_rule", rule, by)
        known.activate("ops/alerts/all/leverage_high", by, version=1, reason="because")
        for line in own.process.stderr:
            if "configured anew" in line:
                break
        publish(server, replace(sample(RiskMetrics), session="live-1", leverage=3.0), pattern="risk.metrics")
        wait(lambda: http.accepted)
        assert "too much for what is there" in http.accepted[0]["title"] + http.accepted[0]["body"]
        assert own.end(signal.SIGTERM)[0] == 0
        store.close()


@pytest.mark.slow
@pytest.mark.spec("NT-10")
def test_its_absence_is_noticed_by_another_process(tmp_path, http, capfd):
    folder = tmp_path / "run"
    assert main(["alerts", "check", "--folder", str(folder)]) == 1
    with Process(tmp_path, http) as own:
        own.start()
        wait((folder / FILE).exists)
        wait(lambda: main(["alerts", "check", "--folder", str(folder)]) == 0)
        second = Process(tmp_path, http)
        with contextlib.suppress(AssertionError), second:
            second.start()
        assert second.process.returncode not in (0, None)
        own.end(signal.SIGKILL)
    late = check_heartbeat(folder, time.time_ns() + 16 * 10**9)
    assert (late.health, late.what.split(" for ")[0]) == (Health.BAD, "silent")
    capfd.readouterr()


def test_it_is_a_component_of_a_plan():
    assert component_of(ProcessPlan(name="a", command=("python", "-m", "b25", "alerts", "serve"))) == "alerts"


def test_a_channel_without_its_secret_stops_the_start(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("HOOK", raising=False)
    (tmp_path / "alerts.toml").write_text(RULES)
    assert main(["alerts", "serve", "--rules", str(tmp_path / "alerts.toml"), "--folder", str(tmp_path), "--bus", "none"]) == 1
    assert "the secret env:HOOK is not there" in capfd.readouterr().err


@pytest.mark.spec("NT-09")
def test_a_message_to_try_a_channel(tmp_path, http, monkeypatch, capfd):
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{http.port}/hook {'k' * 32}")
    (tmp_path / "alerts.toml").write_text(RULES)
    more = ["--rules", str(tmp_path / "alerts.toml"), "--folder", str(tmp_path)]
    assert main(["alerts", "test", "hook", *more]) == 0
    assert http.accepted[0]["kind"] == "test"
    http.answers = [500]
    assert main(["alerts", "test", "hook", *more]) == 1
    assert main(["alerts", "rules", *more[:2], "--json"]) == 0
    assert b"component_down" in capfd.readouterr().out.encode()
