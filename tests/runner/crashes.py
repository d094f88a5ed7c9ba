"""`kill -9` at random instants of a whole session, again and again; then what the session, its store and the venue hold.

The venue lives on in a thread of this process. Used by tests and by benchmarks/measure_crashes.py.
"""

import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from sqlalchemy import text

from b25.execution.orders.identity import identity_of
from b25.research.strategy_file import load_strategy
from b25.session.replay import replay
from b25.session.resume import read_past
from b25.store.store import open_store
from b25.venue.crowd.opening import open_crowds
from b25.venue.exchange.listings import default_listings
from b25.venue.wire.limits import LimitSettings
from b25.venue.wire.server import VenueSettings
from b25.venue.wire.thread import VenueThread

ROOT = Path(__file__).resolve().parents[2]
STRATEGY = "tests/runner/busy.py:Busy"
SYMBOL, VENUE_SYMBOL = "BTC/USDT:USDT", "BTCUSDT"
PATIENCE_S = 90.0
# What must never be said: each would be an order lost, doubled or orphaned, or a position that nobody can explain.
NEVER = ("FAILED", "found after absent", "illegal transition", "adopted", "unexpected fill", "position drift", "halted", "lost:")


class Crashes:
    """A venue with a living market, and a session that is killed there.

    Parameters
    ----------
    folder : Path
    seed : int
    """

    def __init__(self, folder, seed=25, strategy=STRATEGY, params=None, run=None):
        self.folder, self.dice, self.strategy = folder, random.Random(seed), strategy
        self.journal = folder / "sessions" / "one.journal"
        self.store = f"sqlite:///{folder / 'b25.db'}"
        settings = VenueSettings(folder=folder / "venue", tls_port=0, port=0, warm_up_s=30.0, limits=LimitSettings(enabled=False))
        listings = default_listings([VENUE_SYMBOL], [VENUE_SYMBOL])
        self.venue = VenueThread(settings, listings=listings, market=lambda exchange: open_crowds(exchange, seed=seed))
        self.params, self.run = params or {}, run
        self.recoveries_s = []

    def __enter__(self):
        self.venue.__enter__()

        def make(inside):
            account = inside.exchange.open_account("crashing")
            inside.exchange.deposit(account, "linear", "USDT", "1000000")
            return account, inside.exchange.make_key(account)

        self.account, key = self.venue.call(make)
        inside = self.venue.venue
        self.told = {
            "name": "one", "strategy": self.strategy, "params": self.params, "symbol": SYMBOL, "folder": str(self.folder),
            "key": key.key, "secret": key.secret, "rest_url": inside.rest_url, "ws_url": inside.ws_url,
            "plain_url": inside.plain_url, "cafile": str(inside.cafile), "store": self.store,
            **({"run": str(self.run)} if self.run else {}),
        }  # fmt: skip
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.runner.nursery", json.dumps(self.told)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line.split()) for line in self.nursery.stdout], daemon=True).start()
        assert self.lines.get(timeout=300) == ["ready"]
        return self

    def __exit__(self, *fault):
        self.nursery.stdin.close()
        self.nursery.terminate()
        self.nursery.wait()
        self.nursery.stdout.close()
        self.venue.__exit__(*fault)

    def born(self):
        self.nursery.stdin.write("live\n")
        self.nursery.stdin.flush()
        word, pid = self.lines.get(timeout=PATIENCE_S)
        assert word == "born"
        return int(pid)

    def end_of(self, pid):
        word, ended, code = self.lines.get(timeout=PATIENCE_S)
        assert (word, int(ended)) == ("status", pid)
        return int(code)

    def size(self):
        return self.journal.stat().st_size if self.journal.exists() else 0

    def wait_trading(self, pid, size, more=100_000):
        """Until the journal has grown by what only a session that trades writes."""
        began = time.monotonic()
        while self.size() < size + more:
            assert time.monotonic() < began + PATIENCE_S, f"{pid} does not trade\n{self.said()}"
            assert self.lines.empty(), f"{pid} ended\n{self.said()}"
            time.sleep(0.01)
        self.recoveries_s.append(time.monotonic() - began)

    def kill(self, early_share=0.2):
        """One life and its death at a random instant: while it begins, or while it trades."""
        # Two hundred starts in some minutes are more than a venue's budget of requests is meant for.
        self.venue.call(lambda inside: inside.limits._addresses.clear())
        size, pid = self.size(), self.born()
        if size and self.dice.random() < early_share:
            time.sleep(self.dice.uniform(0.0, 2.0))
        else:
            self.wait_trading(pid, size)
            time.sleep(self.dice.uniform(0.0, 2.0))
        os.kill(pid, signal.SIGKILL)
        assert self.end_of(pid) == -signal.SIGKILL, self.said()

    def last_life(self):
        """A life that trades, and ends when it is told to."""
        size, pid = self.size(), self.born()
        self.wait_trading(pid, size)
        os.kill(pid, signal.SIGTERM)
        assert self.end_of(pid) == 0, self.said()
        return json.loads((self.folder / "facts.json").read_text())

    def said(self):
        path = self.folder / "said.log"
        return path.read_text() if path.exists() else ""

    def truth(self):
        """The venue's own orders and executions."""

        def look(inside):
            desk = inside.exchange.linear_orders
            orders, fills = [], []
            while page := desk.all_orders(self.account, VENUE_SYMBOL, limit=1000, order_id=after(orders, "order_id")):
                orders += page
            while page := desk.my_trades(self.account, VENUE_SYMBOL, limit=1000, from_id=after(fills, "trade_id")):
                fills += page
            held = [one.state.lots for one in inside.exchange.linear_views.positions(self.account)]
            return orders, fills, sum(held)

        return self.venue.call(look)

    def check(self):
        """Count what is lost, doubled, orphaned or different; everything must be nothing."""
        orders, fills, held = self.truth()
        ours = [order for order in orders if identity_of(order.client_id)]
        ids = Counter(order.client_id for order in ours)
        store = open_store(self.store)
        try:
            intents = {row.coid: row for row in store.rows(text("SELECT coid, kind, order_id FROM intent"))}
            booked = {row.trade_id: row for row in store.rows(text("SELECT trade_id, side, qty, coid FROM fill"))}
            placed = store.rows(text("SELECT qty FROM position WHERE strategy <> ''"))
        finally:
            store.close()
        cls = load_strategy(str(ROOT / self.strategy.split(":")[0]) + ":" + self.strategy.split(":")[1])
        past = read_past(self.journal, cls)
        report = replay(self.journal, cls)
        machine = past.machine
        lots = int(machine.world.positions[0]["position_lots"])
        one = machine.instruments[0]
        return {
            "orders": len(ours),
            "fills": len(fills),
            "doubled orders": sum(count - 1 for count in ids.values()),
            "orders without intent": len(set(ids) - set(intents)),
            "orders left open": sum(order.is_open for order in orders),
            "orders the session takes for live": machine.live_orders,
            "fills lost": len({str(fill.trade_id) for fill in fills} - set(booked)),
            "fills invented": len(set(booked) - {str(fill.trade_id) for fill in fills}),
            "fills of nobody": sum(not row.coid for row in booked.values()),
            "fills the session did not hear of": len(fills) - int(machine.world.positions[0]["fills"]),
            "lots between session and venue": lots - held,
            "lots between store and venue": one.lots(sum((Decimal(row.qty) for row in placed), Decimal(0))) - held,
            "replay": "agrees" if report.agrees else report.divergence.what,
            "said": [line for line in self.said().splitlines() if any(word in line for word in NEVER)],
        }


def after(rows, name):
    return getattr(rows[-1], name) + 1 if rows else 0


def broken(found):
    """What of a check is not as it must be."""
    return {name: value for name, value in found.items() if name not in ("orders", "fills") and value not in (0, "agrees", [])}
