"""A kernel and a bot that lives elsewhere: with a researcher's key it looks on, and when it is killed the bot trades on."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from jupyter_client.manager import KernelManager

from b25.runner.kill_scopes import scoped_stops
from b25.runner.session_watch import read_status
from tests.api.gateway.stand import StandIn
from tests.conftest import ROOT
from tests.end_to_end.test_platform import free_port

# A gateway knows a key that another process made within three seconds.
ATTACH = """
import threading, time, b25
for _ in range(20):
    try:
        client = b25.connect()
        break
    except b25.Misuse:
        time.sleep(0.5)
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
    """A session with a real control socket, `b25 gateway` in a process of its own, and a kernel's environment with the key."""
    folder = tmp_path_factory.mktemp("room")
    run, port = folder / "run", free_port()
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "B25_DATABASE_URL": f"sqlite:///{folder}/b25.db", "B25_RUN_FOLDER": str(run),
        "B25_SECRETS_FOLDER": str(folder / "secrets"), "B25_CATALOG": str(folder / "catalog"), "B25_GATEWAY__PORT": str(port),
    }  # fmt: skip
    with contextlib.closing(StandIn(run, "mm", "demo")) as session, (folder / "said.log").open("w") as said:
        gateway = subprocess.Popen(
            [sys.executable, "-m", "b25", "gateway"], cwd=folder, env=environment, stdout=said, stderr=said
        )
        try:
            until(lambda: httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200)
            words = ["token", "create", "--service", "notebook", "--json"]
            made = subprocess.run(
                [sys.executable, "-m", "b25", *words], cwd=folder, env=environment, capture_output=True, text=True
            )
            assert made.returncode == 0, made.stdout + made.stderr
            yield folder, session, environment
        finally:
            gateway.kill()
            gateway.wait()


def until(so, patience_s=90.0):
    end_s = time.monotonic() + patience_s
    while True:
        with contextlib.suppress(httpx.TransportError):
            if so():
                return
        assert time.monotonic() < end_s
        time.sleep(0.1)


def test_a_kernel_looks_on_may_not_steer_and_its_death_touches_nothing(room):
    folder, session, environment = room
    kernel = Kernel(environment, folder)
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
        assert session.asked == []

        # While one cell waits, another thread of the kernel still hears.
        kernel.run("import time; before = watch.latest.age_s; time.sleep(3)")
        assert kernel.run("watch.latest.age_s is not None and watch.latest.age_s < 3")[1] == "True"

        os.kill(kernel.pid, signal.SIGKILL)
        before_ns = session.status()["time_ns"]
        until(lambda: read_status(folder / "run", "mm")["time_ns"] > before_ns)
        assert session.status()["state"] == "active"
        assert session.asked == []
    finally:
        kernel.close()


def test_after_a_restart_no_thread_is_left_and_a_kill_needs_no_gateway(room):
    folder, _, environment = room
    kernel = Kernel(environment, folder)
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
        (stop,) = scoped_stops(folder / "run")
        assert (stop.account, stop.target) == ("demo", "mm")
    finally:
        kernel.close()
