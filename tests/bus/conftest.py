"""A real server on loopback, out of the wheel, that a test may end and start again."""

import contextlib
import socket
import subprocess
import sys
import time

import pytest

from b25.bus.address import BusAddress, bus_folder

LONGEST_S = 30.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server; its streams stay where they are while it is down."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.process = None

    @property
    def address(self):
        return BusAddress(f"nats://127.0.0.1:{self.port}", (bus_folder(self.folder) / "token").read_text())

    def start(self):
        command = [sys.executable, "-m", "b25.bus.server", "--folder", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until_s = time.monotonic() + LONGEST_S
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
                return
            assert self.process.poll() is None, "the server ended"
            time.sleep(0.02)
        raise AssertionError("the server does not answer")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(LONGEST_S)
            self.process = None


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path / "run")
    made.start()
    yield made
    made.stop()
