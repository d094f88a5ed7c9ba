"""`b25 up` with a venue, the kill process and two real sessions that come to hang: one in machine code, one in plain Python."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from b25.model.errors import B25Error
from b25.runner.control import ask_session
from b25.runner.durable_file import read_json
from b25.runner.heartbeat import Life, read_beat
from b25.runner.kill_latch import Trigger
from b25.runner.kill_process import cleared_path
from b25.runner.kill_scopes import Level, pull_scoped, rearm_scoped
from b25.runner.seat import fence_of, is_taken
from b25.runner.session_watch import read_status
from b25.runner.supervisor import status as supervisor_status

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0  # a machine without kernels compiles them first
STRATEGY = '''
"""A strategy that can be told to hang."""

import b25


class Hangs(b25.Strategy):
    """Rests one order; told so, it never comes back from its next book."""

    hang: int = b25.param(0, ge=0, le=1)
    spins: int = 0

    def on_book(self, ctx):
        while self.hang == 1:
            self.spins += 1
        if len(ctx.orders(b25.BUY)) == 0:
            ctx.buy(0.01, ctx.bid() - 2000 * ctx.tick())
'''
PLAN = """
[processes.venue]
command = ["{{python}}", "-m", "b25", "venue", "--folder", "{folder}/venue", "--tls-port", "{tls}", "--port", "{plain}",
           "--warm-up-s", "5"]
ready = "127.0.0.1:{tls}"
beats = false

[processes.compiled]
command = ["{{python}}", "-m", "b25", "run", "{folder}/hangs.py:Hangs", "--mode", "live", "--at", "{folder}/venue",
           "--folder", "{folder}/journals", "--rest-url", "https://127.0.0.1:{tls}", "--plain-url", "http://127.0.0.1:{plain}",
           "--account", "first"]
account = "demo"

[processes.plain]
command = ["{{python}}", "-m", "b25", "run", "{folder}/hangs.py:Hangs", "--mode", "live", "--at", "{folder}/venue", "--python",
           "--folder", "{folder}/journals", "--rest-url", "https://127.0.0.1:{tls}", "--plain-url", "http://127.0.0.1:{plain}",
           "--symbol", "ETH/USDT:USDT", "--account", "second"]
account = "demo"

[accounts.demo]
exchange = "binance"
kind = "linear"
where = "loopback"
rest_url = "https://127.0.0.1:{tls}"
cafile = "venue/venue-cert.pem"
key_file = "venue/venue-keys.json"
symbols = ["BTC/USDT:USDT", "ETH/USDT:USDT"]
"""
NAMES = ("compiled", "plain")


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def until(so, process, run):
    began = time.monotonic()
    while not (found := so()):
        assert time.monotonic() - began < PATIENCE_S, "waited too long"
        assert process.poll() is None, "b25 up has ended"
        assert not any(one["phase"] == "failed" for one in supervisor_status(run).get("processes", [])), "one stays down"
        time.sleep(0.05)
    return found


@pytest.fixture
def up(tmp_path):
    (tmp_path / "hangs.py").write_text(STRATEGY)
    tls, plain = free_ports(2)
    text = PLAN.format(folder=tmp_path, tls=tls, plain=plain)
    (tmp_path / "up.toml").write_text(textwrap.dedent(text))
    run = tmp_path / "run"
    command = [sys.executable, "-m", "b25", "up", "--plan", str(tmp_path / "up.toml"), "--folder", str(run)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process, run
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for path in run.glob("sessions/*/seat.json"):  # whatever outlived it by accident
        assert not is_taken(run, path.parent.name) or path.parent.name == "supervisor"


def status(run, name):
    """What a session says of itself, if it answers."""
    try:
        return ask_session(run, name, "status")
    except B25Error:
        return {}


def rests(run, name):
    """Whether its order is at the venue, and known to be."""
    orders = status(run, name).get("picture", {}).get("orders", [])
    return [one["state"] for one in orders] == ["open"]


def restarted(run, name, before):
    """The status of a session's next life, once it has seen the market."""
    told = status(run, name)
    return told if told.get("epoch", 0) > before and told["messages"] > 0 else None


def said(run, event, name):
    rows = [json.loads(line) for line in (run / "supervisor.jsonl").read_text().splitlines()]
    return [row for row in rows if row["event"] == event and row.get("process") == name]


def test_sessions_that_hang_are_killed_cleared_and_started_paused(up):
    process, run = up
    for name in NAMES:
        until(lambda name=name: rests(run, name), process, run)
    first = {name: status(run, name)["epoch"] for name in NAMES}
    for name in NAMES:
        assert ask_session(run, name, "set", parameter="hang", value=1, by="ann")["ok"]
    for name in NAMES:
        told = until(lambda name=name: restarted(run, name, first[name]), process, run)
        (killed,) = said(run, "killing", name)
        assert "silent for" in killed["why"]
        assert fence_of(run, name) > first[name]
        cleared = read_json(cleared_path(run, name))
        assert (cleared["epoch"], cleared["orders_seen"], cleared["orders_left"]) == (first[name], 1, [])
        assert (told["state"], told["picture"]["risk"]["state"]) == ("paused", "reducing")
    # A person has looked, and lets it trade again.
    ask_session(run, "compiled", "resume", by="ann")
    until(lambda: rests(run, "compiled"), process, run)
    # One session is stopped by itself; the other goes on.
    ask_session(run, "plain", "resume", by="ann")
    until(lambda: rests(run, "plain"), process, run)
    stop = pull_scoped(run, "demo", Level.SESSION, "plain", by="ann", reason="looks odd", trigger=Trigger.COMMAND)
    until(lambda: (now := status(run, "plain")).get("gate") == "stopped" and now["orders_open"] == 0, process, run)
    assert status(run, "compiled")["orders_open"] == 1
    with pytest.raises(B25Error, match="looks odd"):
        ask_session(run, "plain", "resume", by="ann")
    rearm_scoped(run, stop.kill_id, by="ann", reason="looked at it, it is well")
    until(lambda: status(run, "plain").get("gate") == "active", process, run)
    assert status(run, "plain")["state"] == "paused"
    # The end, in order.
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    for name in NAMES:
        assert read_beat(run, name).life is Life.STOPPED
        assert read_status(run, name)["orders_open"] == 0
