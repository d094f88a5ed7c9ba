"""One command starts the platform; a person signs in, trades by hand through a session's gate, and stops everything."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import uuid

import httpx
import pytest
import websockets

from b25.runner.control import ask_session
from b25.store.audit import verify_audit
from b25.store.store import open_store
from tests.conftest import ROOT
from tests.end_to_end.stage import ACCOUNT, STRATEGY, SYMBOL, Stage

PASSWORD = "seven horses under one roof"  # noqa: S105 - of nobody


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Platform:
    """`b25 up` over the venue of a stage: bus, analytics, alerts, gateway, kill process, and a market maker.

    Parameters
    ----------
    stage : Stage
    processes : str
        In place of the market maker: tables of a plan.
    cwd : Path
        Where strategies and reports are looked for.
    """

    def __init__(self, stage, processes="", cwd=ROOT):
        self.stage, self.port = stage, free_port()
        self.at = f"http://127.0.0.1:{self.port}"
        self.token = ""
        folder = stage.folder
        run = [
            "{python}", "-m", "b25", "run", STRATEGY, "--mode", "live", "--at", str(folder / "venue"),
            "--rest-url", stage.told["rest_url"], "--plain-url", stage.told["ws_url"].replace("ws", "http", 1), "--name", "mm",
            "--folder", str(folder / "sessions"), "--run-folder", str(stage.run), "--store", stage.store, "--account", ACCOUNT,
            "--set", "half_spread_bps=0.1",
        ]  # fmt: skip
        more = f"""
[bus]
port = {free_port()}

[gateway]
port = {self.port}

"""
        more += processes or f'[processes.mm]\ncommand = {json.dumps(run)}\naccount = "{ACCOUNT}"\n'
        (folder / "up.toml").write_text((folder / "up.toml").read_text() + more)
        self.environment = {
            **os.environ, "PYTHONUNBUFFERED": "1", "B25_DATABASE_URL": stage.store, "B25_RUN_FOLDER": str(stage.run),
            "B25_SECRETS_FOLDER": str(folder / "secrets"), "B25_CATALOG": str(folder / "catalog"), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        with (folder / "said.log").open("a") as said:
            self.up = subprocess.Popen(
                [sys.executable, "-m", "b25", "up", "--plan", str(folder / "up.toml"), "--folder", str(stage.run)],
                cwd=cwd, stdout=said, stderr=said, env=self.environment,
            )  # fmt: skip
        stage.processes.append(self.up)

    def __call__(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        told = httpx.request(method, f"{self.at}/api/v1{path}", json=body, headers=headers, timeout=60)
        return told.status_code, told.json() if told.content else None

    def sign_in(self):
        """The first person of all, by the token that only this machine shows."""
        secret = (self.stage.folder / "secrets" / "setup-token").read_text().strip()
        status, told = self("POST", "/auth/setup", {"token": secret, "name": "ann", "password": PASSWORD})
        assert status in (200, 201), told
        status, told = self("POST", "/auth/login", {"name": "ann", "password": PASSWORD})
        assert status == 200, json.dumps(told)
        self.token = told["access_token"]

    def status(self):
        return ask_session(self.stage.run, "mm", "status")

    async def snapshot(self, channel):
        """What the socket tells first of a channel."""
        ticket = self("POST", "/auth/ticket", {})[1]["ticket"]
        address = f"ws://127.0.0.1:{self.port}/ws?type=web&format=json&ticket={ticket}"
        async with websockets.connect(address) as line:
            await line.send(json.dumps({"type": "subscribe", "channels": [channel]}))
            while True:
                told = json.loads(await asyncio.wait_for(line.recv(), 30))
                if told["type"] == "snapshot":
                    return told["data"]


@pytest.mark.spec("DP-01", "DP-10", "GW-02", "GW-03", "GW-04", "AU-01", "AL-02", "SYS-16")
def test_from_the_first_sign_in_to_the_audit(tmp_path):
    with Stage(tmp_path) as stage:
        ask = Platform(stage)
        stage.until(lambda: httpx.get(f"{ask.at}/health/live").status_code == 200, ask.up)
        assert ask("GET", "/sessions")[0] == 401
        ask.sign_in()
        stage.until(lambda: ask.status()["fills"] >= 2, ask.up)
        stage.until(lambda: ask("GET", "/sessions/mm")[1]["state"] == "active", ask.up)

        # What the gateway tells is what the session has.
        positions = stage.until(lambda: ask("GET", "/account/positions")[1]["data"] or False, ask.up)
        assert (positions[0]["session"], positions[0]["symbol"]) == ("mm", SYMBOL)
        held = stage.until(lambda: asyncio.run(ask.snapshot("positions")) or False, ask.up)
        assert "mm" in json.dumps(held)
        assert stage.until(lambda: ask("GET", "/analytics/stats")[1] is not None, ask.up)

        # An order by hand, through the session's own gate, once for each key.
        bid = float(ask.status()["picture"]["instruments"][0]["bid"])
        order = {
            "session": "mm",
            "symbol": SYMBOL,
            "side": "buy",
            "type": "limit",
            "quantity": "0.010",
            "price": f"{bid * 0.99:.1f}",
        }
        status, placed = ask("POST", "/orders", order, key="order-by-hand-1")
        assert status == 201, json.dumps(placed)
        assert ask("POST", "/orders", order, key="order-by-hand-1")[1]["id"] == placed["id"]
        stage.until(lambda: any(price < bid * 0.995 for price in _prices(stage)), ask.up)
        status, told = ask("DELETE", f"/orders/{placed['id']}")
        assert status == 200, json.dumps(told)
        stage.until(lambda: not any(price < bid * 0.995 for price in _prices(stage)), ask.up)

        # Everything stops, and only a person lets it on again.
        status, told = ask(
            "POST", "/risk/emergency-stop", {"account": ACCOUNT, "reason": "to see that it stops", "flatten": True}
        )
        assert status in (200, 202), json.dumps(told)
        stage.until(lambda: not stage.world()[0], ask.up)
        stage.until(lambda: not any(one.qty for one in stage.world()[1].values()), ask.up)
        assert ask.status()["gate"] == "stopped"

        os.kill(ask.up.pid, signal.SIGTERM)
        assert ask.up.wait(90) == 0, stage.said()
        store = open_store(stage.store)
        try:
            assert verify_audit(store) == ""
        finally:
            store.close()


def _prices(stage):
    return [float(one.price) for one in stage.world()[0] if one.price is not None]
