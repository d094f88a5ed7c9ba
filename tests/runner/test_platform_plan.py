"""The platform among the processes of a plan: one command starts it, in order, and ends it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b25.model.errors import Misuse
from b25.runner.bus_process import with_bus
from b25.runner.durable_file import read_json
from b25.runner.platform_plan import alone, with_platform
from b25.runner.supervisor_plan import read_plan
from tests.bus.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
IDLE = '[processes.idle]\ncommand = ["sleep", "600"]\nbeats = false\n'


def made(tmp_path, text):
    path = tmp_path / "up.toml"
    path.write_text(text)
    return with_bus(with_platform(read_plan(path, tmp_path), path, tmp_path), path, tmp_path)


def test_a_plan_with_a_bus_has_a_gateway_and_one_without_has_none(tmp_path):
    names = [one.name for one in made(tmp_path, "[bus]\n" + IDLE)]
    assert names[0] == "bus"
    assert names.index("idle") < names.index("gateway")
    assert "gateway" not in [one.name for one in made(tmp_path, IDLE)]
    assert "gateway" not in [one.name for one in made(tmp_path, "[bus]\n[gateway]\nenabled = false\n" + IDLE)]
    assert "gateway" in [one.name for one in made(tmp_path, "[gateway]\n" + IDLE)]


def test_the_gateway_waits_for_its_port_and_knows_the_bus(tmp_path):
    found = {one.name: one for one in made(tmp_path, "[bus]\nport = 24000\n[gateway]\nport = 18999\n" + IDLE)}
    assert found["gateway"].ready == "127.0.0.1:18999"
    assert found["gateway"].environment["B25_NATS_URL"] == "nats://127.0.0.1:24000"
    assert found["gateway"].environment["B25_GATEWAY__BUS"] == "true"
    assert found["bus"].order < found["gateway"].order < 10


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[gateway]\nprot = 1\n", "has no setting 'prot'"),
        ("[gateway]\nport = 0\n", "is no port"),
        ("gateway = 3\n", "is no table"),
    ],
)
def test_a_strange_setting_is_named(tmp_path, text, says):
    with pytest.raises(Misuse, match=says):
        made(tmp_path, text + IDLE)


def test_a_process_and_a_table_of_one_name_are_refused(tmp_path):
    with pytest.raises(Misuse, match="keep the table"):
        made(tmp_path, "[gateway]\n" + IDLE.replace("idle", "gateway"))


def test_without_a_plan_the_platform_stands_alone(tmp_path):
    plans, path = alone(tmp_path / "run")
    assert "gateway" in [one.name for one in plans]
    assert "bus" in [one.name for one in with_bus(plans, path, tmp_path / "run")]


def test_one_command_starts_bus_and_gateway_and_ends_them_in_order(tmp_path):
    bus, port = free_port(), free_port()
    (tmp_path / "up.toml").write_text(f"[bus]\nport = {bus}\n[gateway]\nport = {port}\n{IDLE}")
    run = tmp_path / "run"
    command = [sys.executable, "-m", "b25", "up", "--folder", str(run)]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def ready():
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            wire.request("GET", "/health/ready")
            return {row["name"]: row["state"] for row in json.loads(wire.getresponse().read())["checks"]}
        except OSError:
            return {}
        finally:
            wire.close()

    try:
        until_s = time.monotonic() + 120
        while (found := ready()).get("bus") != "ok":
            assert time.monotonic() < until_s, (found, read_json(run / "supervisor.json"))
            assert process.poll() is None
            time.sleep(0.2)
        assert found["database"] == found["supervisor"] == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    rows = [json.loads(line) for line in (run / "supervisor.jsonl").read_text().splitlines()]
    began = [row["process"] for row in rows if row["event"] == "started"]
    ended = [row["process"] for row in rows if row["event"] == "ended"]
    assert began[0] == "bus"
    assert ended[-1] == "bus"
    assert began.index("idle") < began.index("gateway")
    assert ended.index("gateway") < ended.index("idle")
