"""Everything at once, as `b25 up` starts it: bus, venue, kill process, one live session; and what it measures."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from b25.runner.metrics_file import FILE
from b25.runner.seat import session_folder
from b25.runner.supervisor import status as supervisor_status
from tests.conftest import ROOT

SYMBOL = "BTC/USDT:USDT"
PATIENCE_S = 400.0  # a machine without kernels compiles them first
SESSION, ACCOUNT = "busy", "demo"
STRATEGY = '''
"""Trades, rests, withdraws, and wishes for what the gate refuses."""

import b25


class Busy(b25.Strategy):
    """One of each."""

    books: int = 0

    def on_book(self, ctx):
        self.books += 1
        turn = self.books % 40
        if turn == 1:
            ctx.buy(0.001)
        elif turn == 11:
            ctx.sell(0.001)
        elif turn == 21:
            ctx.buy(0.001, ctx.bid() - 500 * ctx.tick())
        elif turn == 31:
            ctx.cancel_all()
            ctx.buy(500.0, ctx.bid() - 500 * ctx.tick())
'''
PLAN = """
[bus]
port = {bus}

[store]
url = "sqlite:///{folder}/b25.db"

[processes.venue]
command = ["{{python}}", "-m", "b25", "venue", "--folder", "{folder}/venue", "--tls-port", "{tls}", "--port", "{plain}",
           "--warm-up-s", "5"]
ready = "127.0.0.1:{tls}"
beats = false

[processes.busy]
command = ["{{python}}", "-m", "b25", "run", "{folder}/busy.py:Busy", "--mode", "live", "--at", "{folder}/venue",
           "--folder", "{folder}/journals", "--rest-url", "https://127.0.0.1:{tls}", "--plain-url", "http://127.0.0.1:{plain}",
           "--account", "demo", "--name", "busy", "--store", "sqlite:///{folder}/b25.db", "--limits", "{folder}/limits.toml",
           "--policies", "{folder}/policies.toml"]
account = "demo"

[accounts.demo]
exchange = "binance"
kind = "linear"
where = "loopback"
rest_url = "https://127.0.0.1:{tls}"
cafile = "venue/venue-cert.pem"
key_file = "venue/venue-keys.json"
symbols = ["BTC/USDT:USDT"]
"""
LIMITS = """
version = 1

[account]
daily_loss_max = 5000.0
drawdown_max = 0.5

[symbol."BTC/USDT:USDT"]
order_value_max = 50_000.0
position_max = 1.0
"""
POLICIES = """
[[policy]]
id = "margin"
metric = "margin_usage"
threshold = 0.80
weight = "hard"

[margin."BTC/USDT:USDT"]
leverage = 20
tiers = [[0, 0.004], [50_000, 0.005]]
"""


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Platform:
    """Everything under one folder, until it is left."""

    def __init__(self, folder, environment=()):
        self.folder, self.run = folder, folder / "run"
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict(environment)}
        self.store = f"sqlite:///{folder}/b25.db"

    def __enter__(self):
        bus, tls, plain = free_ports(3)
        self.bus_url = f"nats://127.0.0.1:{bus}"
        texts = {"busy.py": STRATEGY, "limits.toml": LIMITS, "policies.toml": POLICIES}
        texts["up.toml"] = PLAN.format(folder=self.folder, bus=bus, tls=tls, plain=plain)
        for name, text in texts.items():
            (self.folder / name).write_text(text)
        words = ["up", "--plan", str(self.folder / "up.toml"), "--folder", str(self.run)]
        self.said = (self.folder / "said.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "b25", *words], cwd=self.folder, env=self.environment, stdout=self.said, stderr=self.said
        )
        return self

    def __exit__(self, *fault):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.said.close()

    def told(self, name=SESSION):
        """What a process tells; empty before it does."""
        path = session_folder(self.run, name) / FILE
        return path.read_text() if path.exists() else ""

    def until(self, so):
        """Wait for a state, which nobody announces."""
        began = time.monotonic()
        while not (found := so()):
            assert time.monotonic() - began < PATIENCE_S, f"waited too long\n{self.logs()}"
            assert self.process.poll() is None, f"b25 up has ended\n{self.logs()}"
            failed = [one for one in supervisor_status(self.run).get("processes", []) if one["phase"] == "failed"]
            assert not failed, f"{failed}\n{self.logs()}"
            time.sleep(0.1)
        return found

    def logs(self):
        """Everything that anybody said."""
        paths = [self.folder / "said.log", *sorted(self.run.glob("**/*.jsonl")), *sorted(self.run.glob("**/*.log"))]
        return "\n".join(f"{path}:\n{path.read_text(errors='replace')[-3000:]}" for path in paths if path.exists())

    def secrets(self):
        """Every secret that it works with."""
        keys = json.loads((self.folder / "venue" / "venue-keys.json").read_bytes())
        token = (self.run / "bus" / "token").read_text().strip()
        return {"api_key": keys["api_key"], "secret": keys["secret"], "bus token": token}
