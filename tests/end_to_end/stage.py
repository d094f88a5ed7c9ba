"""A venue and a session, each a process of its own, as a person starts them from a shell; and what the venue says afterwards."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from decimal import Decimal
from urllib.parse import urlsplit

from sqlalchemy import text

from b25.cli import main
from b25.runner.control import ask_session
from b25.store.store import open_store
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.port.reports import Kind
from tests.conftest import ROOT

SYMBOL = "BTC/USDT:USDT"
STRATEGY = "strategies/market_maker.py:MarketMaker"
ACCOUNT = "demo"
PATIENCE_S = 150.0


class Stage:
    """Everything under one folder.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.folder, self.run = folder, folder / "run"
        self.store = f"sqlite:///{folder / 'b25.db'}"
        self.processes = []
        self.told = {}
        self.keys = {}

    def __enter__(self):
        words = ["venue", "--folder", str(self.folder / "venue"), "--tls-port", "0", "--port", "0", "--warm-up-s", "10", "--json"]
        self.venue = self.start(*words)
        self.told = json.loads(self.venue.stdout.readline())
        self.keys = json.loads((self.folder / "venue" / "venue-keys.json").read_bytes())
        rows = {
            "exchange": "binance", "kind": "linear", "where": "loopback", "rest_url": self.told["rest_url"],
            "cafile": self.told["cafile"], "key_file": self.told["keys_file"], "symbols": [SYMBOL],
        }  # fmt: skip
        plan = "\n".join([f"[accounts.{ACCOUNT}]", *(f"{name} = {json.dumps(value)}" for name, value in rows.items())])
        (self.folder / "up.toml").write_text(plan)
        return self

    def __exit__(self, *fault):
        for process in self.processes:
            process.kill()
            process.communicate()

    def start(self, *words):
        """`b25 …` in a process of its own."""
        with (self.folder / "said.log").open("a") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "b25", *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=said,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self.processes.append(process)
        return process

    def session(self, name="mm", *more):
        """A live session at that venue."""
        return self.start(
            "run", STRATEGY, "--mode", "live", "--at", str(self.folder / "venue"), "--rest-url", self.told["rest_url"],
            "--plain-url", self.told["ws_url"].replace("ws", "http", 1), "--name", name,
            "--folder", str(self.folder / "sessions"), "--run-folder", str(self.run), "--store", self.store,
            "--account", ACCOUNT, "--set", "half_spread_bps=0.1", "--json", *more,
        )  # fmt: skip

    def said(self):
        """What all processes told a person."""
        return (self.folder / "said.log").read_text()

    def admin(self, method, path, **values):
        """Ask the venue's admin API."""
        connection = http.client.HTTPConnection(urlsplit(self.told["status_page"]).netloc, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.told['admin_token']}"}
            connection.request(method, f"/admin/{path}", json.dumps(values), headers)
            answer = connection.getresponse()
            assert answer.status < 300, answer.read()
            return json.loads(answer.read())
        finally:
            connection.close()

    def fault(self, knob, **values):
        """Turn a knob."""
        self.admin("POST", "faults", knob=knob, **values)

    def heal(self):
        """Switch every fault off."""
        self.admin("DELETE", "faults")

    def ask(self, command, **facts):
        """Ask the session over its socket."""
        return ask_session(self.run, "mm", command, by="ann", **facts)

    def status(self):
        """How the session stands."""
        return self.ask("status")

    def until(self, so, process=None):
        """Wait for a state; a session that ends instead is told with all that was said."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                if (found := so()) is not False:
                    return found
            except Exception as fault:
                if time.monotonic() > until_s:
                    raise AssertionError(f"{fault}\n{self.said()}") from fault
            assert process is None or process.poll() is None, self.said()
            assert time.monotonic() < until_s, f"waited too long\n{self.said()}"
            time.sleep(0.1)

    def trades_on(self, process, fills=2):
        """Until so many more fills came."""
        before = self.until(self.status, process)["fills"]
        self.until(lambda: self.status()["fills"] >= before + fills, process)

    def b25(self, capsys, *words):
        """A command that answers with JSON, in this process."""
        capsys.readouterr()
        code = main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out or "null")

    def world(self):
        """What the venue itself has: ids of open orders, lots held, trade ids."""

        async def look():
            port = connect(
                Profile(
                    exchange="binance", kind=Kind.LINEAR, where=Where.LOOPBACK, key=self.keys["api_key"],
                    secret=self.keys["secret"], rest_url=self.told["rest_url"], ws_url=self.told["ws_url"],
                    cafile=self.told["cafile"],
                )
            )  # fmt: skip
            try:
                await port.listings()
                opened = (await port.open_orders(SYMBOL)).must()
                held = (await port.positions()).must()
                trades, mark = [], ""
                while page := [one for one in (await port.trades(SYMBOL, after_id=mark)).must() if one.trade_id != mark]:
                    trades += page
                    mark = page[-1].trade_id
                return opened, held, trades
            finally:
                await port.close()

        return asyncio.run(look())

    def kept(self):
        """What the store has: trade ids, and the quantity held."""
        store = open_store(self.store)
        try:
            fills = store.rows(text("SELECT trade_id, coid FROM fill"))
            places = store.rows(text("SELECT qty FROM position WHERE strategy <> ''"))
            held = sum((Decimal(row.qty) for row in places), Decimal(0))
            doubled = store.rows(text("SELECT coid FROM intent GROUP BY coid HAVING COUNT(*) > 1"))
        finally:
            store.close()
        return fills, held, doubled
