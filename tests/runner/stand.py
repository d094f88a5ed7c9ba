"""A venue in a thread, an account with orders, and the kill switch's own way to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from decimal import Decimal
from pathlib import Path

from b25.runner.kill_account import account_of
from b25.runner.kill_main import reach_of
from b25.runner.kill_sequence import Pace, Sweep
from b25.venue.port.requests import NewOrder
from tests.venue.wire.venues import account, in_thread

SYMBOL = {"spot": "BTC/USDT", "linear": "BTC/USDT:USDT"}
QUICK = Pace(quiet_s=0.3, retry_s=0.02, retry_s_max=0.2, between_closes_s=0.0, give_up_s=20.0)


class Stand:
    """A venue, one account `alice` with a session's key, and a key of the kill's own."""

    def __init__(self, venue, folder: Path, kind: str) -> None:
        self.venue, self.folder, self.kind = venue, folder, kind
        self.owner, key = venue.call(lambda inside: account(inside.exchange))
        own = venue.call(lambda inside: inside.exchange.make_key(self.owner))
        self.session_row = self._row("session-key.json", key)
        self.row = self._row("kill-key.json", own)
        self.account = account_of("demo", self.row, folder)
        self.session_account = account_of("demo", self.session_row, folder)
        self.run_folder = folder / "run"

    def _row(self, name, key):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps({"api_key": key.key, "secret": key.secret}))
        return {
            "exchange": "binance",
            "kind": self.kind,
            "where": "loopback",
            "rest_url": self.venue.venue.rest_url,
            "cafile": str(self.venue.venue.cafile),
            "key_file": name,
            "symbols": [SYMBOL[self.kind]],
        }

    def plan(self, extra: str = "", symbols: str | None = None) -> Path:
        rows = {**self.row, "symbols": self.row["symbols"] if symbols is None else symbols}
        path = self.folder / "up.toml"
        lines = [f"{name} = {json.dumps(value)}" for name, value in rows.items()]
        path.write_text("\n".join(["[accounts.demo]", *lines, extra]))
        return path

    def fault(self, knob, **values):
        return self.venue.call(lambda inside: inside.faults.set(knob, **values))

    def clear_faults(self):
        self.venue.call(lambda inside: inside.faults.clear())

    def desk(self, inside):
        return inside.exchange.spot_orders if self.kind == "spot" else inside.exchange.linear_orders

    def open_count(self) -> int:
        def count(inside):
            desk = self.desk(inside)
            waiting = [] if self.kind == "spot" else inside.exchange.linear_algos.open_orders(self.owner)
            return len(desk.open_orders(self.owner)) + len(waiting)

        return self.venue.call(count)


@contextlib.contextmanager
def stand(tmp_path, kind, **settings):
    with in_thread(tmp_path / "venue", **settings) as venue:
        yield Stand(venue, tmp_path, kind)


async def place(port, kind, count, *, prefix="b25-aabbb-", side=1, price="40000", qty="0.01", **more):
    """Rest so many orders, ten at a time."""
    listing = (await port.listings()).must()[SYMBOL[kind]]
    ticks, lots = listing.instrument.ticks(Decimal(price)), listing.instrument.lots(qty)

    async def one(number):
        order = NewOrder(
            symbol=SYMBOL[kind],
            client_id=f"{prefix}{number}",
            side=side,
            qty_lots=lots,
            price_ticks=0 if price == "0" else ticks - number,
            **more,
        )
        return (await port.submit(order)).must()

    for begin in range(0, count, 10):
        await asyncio.gather(*(one(number) for number in range(begin, min(begin + 10, count))))


def with_session(here: Stand, act):
    """Run `act(port)` with the session's own connection."""

    async def run():
        reach = reach_of(here.session_account)
        reach.port.api.timeout_on_exit = 0
        try:
            return await act(reach.port)
        finally:
            await reach.port.close()

    return asyncio.run(run())


def sweep(here: Stand, *, flatten=False, pace=QUICK, symbols=None, prefix="", during=None, fault=None):
    """Run one kill, with a fault switched on once it is warm; gives its report and the calls of the port, in order."""

    async def run():
        reach = reach_of(here.account)
        reach.port.api.timeout_on_exit = 0
        (await reach.port.listings()).must()  # as the kill process does beforehand
        if fault:
            knob, values = fault
            here.fault(knob, **values)
        told = Told(reach.port)
        try:
            job = Sweep(
                told,
                reach.symbols if symbols is None else symbols,
                prefix=prefix,
                pace=pace,
                now_s=time.monotonic,
                now_ms=lambda: time.time_ns() // 1_000_000,
                unban=reach.unban,
            ).run(flatten=flatten)
            report = (await asyncio.gather(job, during(reach)))[0] if during else await job
        finally:
            await reach.port.close()
        return report, told.calls

    return asyncio.run(run())


class Told:
    """A port that remembers what was asked of it."""

    def __init__(self, port) -> None:
        self.port, self.calls = port, []

    def __getattr__(self, name):
        found = getattr(self.port, name)
        if not callable(found):
            return found

        async def asked(*arguments, **named):
            self.calls.append(name)
            return await found(*arguments, **named)

        return asked
