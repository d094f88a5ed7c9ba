"""A kernel and a bot that lives elsewhere: with a researcher's key it looks on, and when it is killed the bot trades on."""

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from jupyter_client.manager import KernelManager

from tests.conftest import ROOT
from tests.end_to_end.stage import Stage
from tests.end_to_end.test_platform import free_port

ATTACH = """
import threading, b25
client = b25.connect()
bot = client.bot("mm")
watch = bot.watch()
"""


class Kernel:
    """A real kernel, in a process of its own."""

    def __init__(self, environment, folder):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.pid = self.manager.provisioner.process.pid

    def run(self, code, timeout_s=90):
        """Run a cell; gives what it printed, its last value as text, and the name of its fault."""
        said, value, fault = [], "", ""

        def hear(message):
            nonlocal value, fault
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "execute_result":
                value = content["data"]["text/plain"]
            elif message["msg_type"] == "error":
                fault = "\n".join(content["traceback"])

        self.client.execute_interactive(code, timeout=timeout_s, output_hook=hear)
        return "".join(said), value, fault

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A venue, a live session, a gateway, and the environment of a kernel with the notebook's key."""
    folder = tmp_path_factory.mktemp("room")
    with Stage(folder) as stage:
        port = free_port()
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "B25_DATABASE_URL": stage.store,
            "B25_RUN_FOLDER": str(stage.run), "B25_SECRETS_FOLDER": str(folder / "secrets"),
            "B25_CATALOG": str(folder / "catalog"), "B25_GATEWAY__PORT": str(port),
        }  # fmt: skip
        session = stage.session()
        stage.until(lambda: stage.status()["fills"] >= 1, session)
        with (folder / "said.log").open("a") as said:
            gateway = subprocess.Popen(
                [sys.executable, "-m", "b25", "gateway"], cwd=ROOT, env=environment, stdout=said, stderr=said
            )
        stage.processes.append(gateway)
        stage.until(lambda: httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200, gateway)
        made = subprocess.run(
            [sys.executable, "-m", "b25", "token", "create", "--service", "notebook", "--json"], cwd=ROOT, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        assert "research" in json.loads(made.stdout)["scopes"]
        yield stage, session, environment
        gateway.kill()


def test_a_kernel_looks_on_may_not_steer_and_its_death_touches_nothing(room):
    stage, session, environment = room
    kernel = Kernel(environment, stage.folder)
    try:
        _, _, fault = kernel.run("%load_ext b25" + ATTACH)
        assert fault == ""
        assert kernel.run("bot.status.state")[1] == "'active'"
        assert "[active] [live]" in kernel.run("%b25 status mm")[1]
        assert kernel.run("(await client.aio.bot('mm').status()).state")[1] == "'active'"  # the kernel's own loop runs
        assert "b25-live" in kernel.run("[one.name for one in threading.enumerate()]")[1]

        # Refused in three lines, which name the role that may.
        _, _, fault = kernel.run("bot.pause('quotes look wrong')")
        assert "may not operate" in fault
        assert "role trader" in fault
        assert len(fault.splitlines()) <= 4
        assert stage.status()["state"] == "active"

        # While one cell waits, another thread of the kernel still hears.
        kernel.run("import time; before = watch.latest.age_s; time.sleep(3)")
        assert kernel.run("watch.latest.age_s is not None and watch.latest.age_s < 3")[1] == "True"

        os.kill(kernel.pid, signal.SIGKILL)
        stage.trades_on(session)
        assert stage.status()["state"] == "active"
    finally:
        kernel.close()


def test_after_a_restart_no_thread_is_left_and_a_kill_needs_no_gateway(room):
    stage, session, environment = room
    kernel = Kernel(environment, stage.folder)
    try:
        assert kernel.run("%load_ext b25" + ATTACH)[2] == ""
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=120)
        threads = kernel.run("import threading; [one.name for one in threading.enumerate() if 'b25' in one.name]")[1]
        assert threads == "[]"

        away = "import os; os.environ['B25_GATEWAY__PORT'] = '9'\n%load_ext b25\n%b25 status"
        fault = kernel.run(away)[2]
        assert "does not answer" in fault
        assert "Traceback" not in fault
        told = kernel.run("%b25 kill mm --reason 'quotes look wrong'")
        assert "Stopped: session mm" in told[1], told
        stage.until(lambda: stage.status()["gate"] == "stopped", session)
        begun_s = time.monotonic()
        stage.until(lambda: not stage.world()[0], session)
        assert time.monotonic() - begun_s < 60
    finally:
        kernel.close()
