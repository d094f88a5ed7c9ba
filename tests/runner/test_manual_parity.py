"""The same orders by hand lead to the same effects live, on paper and in observation, and their journals replay."""

import asyncio
from decimal import Decimal

import numpy as np
import pytest

import b25
from b25.model.order import AMEND, CANCEL, MANUAL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT
from b25.runner.run_supervised import Supervision, run_supervised
from b25.session.replay import replay
from tests.bus.stand import LONGEST_S, seen
from tests.runner.test_live_session import account_of, effects_in, plan_of, port_of, venue

__all__ = ["venue"]
FIELDS = ("kind", "side", "price_ticks", "qty_lots", "tif", "flags", "reason", "stop_ticks")


class Sleeps(b25.Strategy):
    """Does nothing but count: whatever happens is a person's doing."""

    books: int = 0
    fills: int = 0

    def on_book(self, ctx):
        self.books += 1

    def on_fill(self, ctx):
        self.fills += 1


class Person:
    """Sends, changes, cancels, takes and closes, each once the one before is settled."""

    def __init__(self, price):
        self.price, self.fault, self.told = price, None, []

    def watch(self, loop):
        self.loop = loop
        self.task = asyncio.get_running_loop().create_task(self.run())

    def ask(self, command, **more):
        told = self.loop.handle(
            {"id": f"{command}-{len(self.told)}", "command": command, "by": "ann", "reason": "parity", **more}
        )
        assert told["ok"], told
        self.told.append(told)
        return told

    async def settled(self, count):
        machine = self.loop.session.machine
        await seen(lambda: machine.live_orders == count and not np.any(machine.world.orders["pending"]), LONGEST_S)

    async def run(self):
        try:
            machine = self.loop.session.machine
            await seen(lambda: self.loop.has_begun and machine.door.ready(0) and machine.door.healthy(0), LONGEST_S)
            if self.price is None:
                self.price = str((Decimal(str(machine.door.bid(0))) * Decimal("0.97")).quantize(Decimal(1)))
            rests = self.ask("order", side="buy", quantity="0.005", price=self.price, post_only=True)
            assert rests["verdict"] == "ok"
            await self.settled(1)
            assert self.ask("amend", order_id=rests["order_id"], quantity="0.004")["verdict"] == "ok"
            await self.settled(1)
            refused = self.ask("order", side="buy", quantity="5", price=self.price)
            assert refused["verdict"] == "position_limit"
            assert self.ask("cancel", all=True)["verdict"] == "ok"
            await self.settled(0)
            assert self.ask("order", side="sell", quantity="0.004")["verdict"] == "ok"
            await self.settled(0)
            if int(machine.world.positions["position_lots"][0]):  # nobody fills what is only watched
                assert self.ask("close")["side"] == "buy"
                await self.settled(0)
        except BaseException as fault:
            self.fault = fault
        finally:
            self.loop.stop("it was seen")


def one_life(venue, folder, mode, price, key=None):
    more = {"port": port_of(venue, key)} if key is not None else {}
    plan = plan_of(venue, folder, mode, cls=Sleeps, params={}, **more)
    person, said = Person(price), []
    supervision = Supervision(folder=folder / "run", account="demo", proves_gate=False)
    facts = run_supervised(plan, said.append, supervision, person.watch)
    assert person.fault is None, (person.fault, person.told, said)
    assert (facts["halt"], facts["live_orders"]) == (None, 0), said
    for compiled in (True, False):
        report = replay(plan.journal, Sleeps, compiled=compiled)
        assert report.agrees, report.divergence
    return person, [tuple(int(row[name]) for name in FIELDS) for row in effects_in(plan.journal)]


@pytest.mark.spec("OE-01")
def test_orders_by_hand_are_the_same_in_every_mode(venue, tmp_path):
    account, key = account_of(venue, "hand")
    first, live = one_life(venue, tmp_path / "live", "live", None, key)
    _, paper = one_life(venue, tmp_path / "paper", "paper", first.price)
    _, watched = one_life(venue, tmp_path / "observe", "observe", first.price)
    assert live == paper
    assert watched == live[:-1]
    assert [one[0] for one in live] == [SUBMIT, AMEND, SUBMIT, CANCEL, SUBMIT, SUBMIT]
    flags = [one[5] for one in live if one[0] == SUBMIT]
    assert flags == [POST_ONLY | MANUAL, MANUAL, MARKET | MANUAL, MARKET | REDUCE_ONLY | MANUAL]
    orders, fills = venue.call(
        lambda inside: (
            inside.exchange.linear_orders.all_orders(account, "BTCUSDT", limit=1000),
            inside.exchange.linear_orders.my_trades(account, "BTCUSDT", limit=1000),
        )
    )
    sent = [one["client_id"] for one in first.told if one.get("is_sent")]
    assert sorted(order.client_id for order in orders) == sorted(sent)
    assert len(fills) >= 2
