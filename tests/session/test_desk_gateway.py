"""A session on the order desk: what it asks for is stored, sent and told; what it did not hear of is found and told once."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

import b25
from b25.model.event import (
    CANCEL_REJECTED,
    EVENT,
    LAST_OF_MESSAGE,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_TRIGGERED,
    REPLACE_REJECTED,
    SELL,
    SNAPSHOT,
)
from b25.model.order import Reason
from b25.model.world import FEES, LIMITS
from b25.session.commands import Command
from b25.session.composition import Composition
from b25.session.desk_gateway import DeskGateway
from b25.session.orders.desk_plan import DeskPlan
from b25.session.orders.submitting import Pace
from b25.session.replay import replay
from b25.session.resume import read_past
from b25.session.session import Session
from b25.store.journal import EVENTS, Reading
from b25.store.leases import release_lease, take_lease
from b25.venue.models import Fees
from tests.venue.contract.worlds import in_process

REST, AMEND, CANCEL, TAKE, STOP, SELL_REST = range(1, 7)
FAST = Pace(open_orders_s=0.3, positions_s=0.5, resubscribe_s=0.1)
PATIENCE_S = 30.0


class Does(b25.Strategy):
    """What its parameter says, at each book."""

    what: int = b25.param(0, ge=0)
    price: float = b25.param(40_000.0, gt=0)
    last: int = 0

    def on_book(self, ctx):
        if self.what == REST:
            self.last = ctx.buy(0.02, self.price)
        elif self.what == SELL_REST:
            self.last = ctx.sell(0.02, self.price)
        elif self.what == AMEND:
            ctx.amend(self.last, self.price, 0.03)
        elif self.what == CANCEL:
            ctx.cancel(self.last)
        elif self.what == TAKE:
            self.last = ctx.buy(0.01)
        elif self.what == STOP:
            self.last = ctx.buy(0.01, stop_price=self.price)


class Run:
    """One life of a session at an exchange in this process."""

    def __init__(self, stand, folder, *, refusal="", past=None, name="one"):
        self.stand, self.folder, self.said, self.heard, self.lost = stand, folder, [], [], []
        self.instrument = stand.listing.instrument
        self.path = folder / f"{name}.journal"
        self.refusal, self.past = refusal, past
        plan = DeskPlan(
            store=f"sqlite:///{folder / 'b25.db'}", folder=folder, session=name, strategy="Does", account="main", pace=FAST,
            reserve_bytes=0,
        )  # fmt: skip
        self.gateway = DeskGateway(stand.port, plan, [self.instrument], self.deliver, self.said.append, refusal=self.why)
        self.now_ns = 1_000_000_000
        self.drops = set()
        self.give, self.gateway.give = self.gateway.give, self.given

    def given(self, event):
        if int(event[0]["kind"]) in self.drops:
            self.lost.append(event)
            self.drops.discard(int(event[0]["kind"]))
        else:
            self.give(event)

    def why(self):
        return self.refusal

    async def begin(self):
        await self.gateway.open()
        if self.past is not None:
            self.session = Session.resumed(self.past, self.path, self.gateway.act)
        else:
            held, number = self.gateway.opening()
            self.session = Session(
                Composition(
                    name="one", mode="live", venue=self.instrument.venue, cls=Does, params={}, instruments=[self.instrument],
                    limits=b25.Limits().record(self.instrument).astype(LIMITS),
                    fees=Fees().record(self.instrument).astype(FEES), balance=100_000.0, compiled=False,
                    opening=held if held["fills"].any() else None,
                    more={"ledger": number, "epoch": self.gateway.epoch, "account": "main"},
                ),
                self.path, self.gateway.act,
            )  # fmt: skip
        self.now_ns = max(self.now_ns, self.session.machine.now_ns)
        more = self.session.composition.more
        heard = {} if self.past is None else {"heard": self.past.fills, "submitted": self.past.submitted}
        self.gateway.listen(self.session.machine, since=more["ledger"], first_epoch=more["epoch"], **heard)
        if self.past is None:
            self.session.command(Command.START, self.tick())
        return self

    def tick(self):
        self.now_ns += 1_000_000
        return self.now_ns

    def deliver(self, events):
        events["local_ns"] = self.tick()
        self.heard.append(events[0].copy())
        self.session.take(events)

    async def does(self, what, price=40_000.0):
        self.session.set_parameter("price", price, self.tick())
        self.session.set_parameter("what", what, self.tick())
        rows, ticks = np.zeros(2, EVENT), self.instrument.ticks("40000")
        rows["exch_ns"] = rows["local_ns"] = self.tick()
        rows["kind"], rows["side"], rows["qty_lots"] = SNAPSHOT, [1, -1], 1_000
        rows["price_ticks"] = [ticks - 10, ticks + 10]
        rows["flags"][-1] = LAST_OF_MESSAGE
        self.session.take(rows)
        await asyncio.sleep(0)

    @property
    def kinds(self):
        return [int(event["kind"]) for event in self.heard]

    async def until(self, holds):
        for _ in range(int(PATIENCE_S / 0.01)):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"it did not happen: {self.kinds} {self.said}")

    async def hears(self, *kinds):
        await self.until(lambda: len(self.heard) >= len(kinds))
        assert self.kinds == list(kinds)

    @property
    def lots(self):
        return int(self.session.machine.world.positions[0]["position_lots"])

    async def die(self):
        """As a kill would: tasks end, nothing is written."""
        if self.gateway._task is not None:
            self.gateway._task.cancel()
        await self.gateway.desk.end()
        self.gateway.store.close()
        self.session.journal.close()

    async def end(self):
        unsure = await self.gateway.pull_all()
        facts = self.session.close("done")
        self.gateway.port.close = _nothing
        await self.gateway.close()
        report = replay(self.path, Does)
        assert report.agrees, report.divergence
        return unsure, facts


async def _nothing():
    """The exchange of a test goes on."""


@asynccontextmanager
async def standing(folder, kind="linear"):
    async with in_process(kind, folder) as stand:
        stand.listing = (await stand.port.listings()).must()["BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"]
        yield stand


def play(case, folder, kind="linear", **more):
    async def run():
        async with standing(folder, kind) as stand:
            await case(await Run(stand, folder, **more).begin())

    asyncio.run(run())


def test_an_order_rests_is_changed_trades_and_is_cancelled(tmp_path):
    async def case(one):
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_ACCEPTED)
        await one.does(AMEND, 40_000.0)
        await one.hears(ORDER_ACCEPTED, ORDER_REPLACED)
        assert int(one.heard[-1]["qty_lots"]) == one.instrument.lots("0.03")
        await one.stand.other.submit(one.stand.new(SELL))
        await one.hears(ORDER_ACCEPTED, ORDER_REPLACED, ORDER_FILLED)
        await one.does(CANCEL)
        await one.hears(ORDER_ACCEPTED, ORDER_REPLACED, ORDER_FILLED, ORDER_CANCELLED)
        assert int(one.heard[-1]["status"]) == Reason.CANCEL_REQUESTED
        assert one.lots == one.instrument.lots("0.01")
        assert (await one.end())[0] == []

    play(case, tmp_path)


def test_a_stop_is_told_when_it_is_triggered_and_when_it_trades(tmp_path):
    async def case(one):
        await one.stand.traded()  # a price to begin with
        await one.until(lambda: one.said)
        one.gateway.desk.manager.holds.clear()
        await one.does(STOP, 40_050.0)
        await one.hears(ORDER_ACCEPTED)
        ticks = one.instrument.ticks("40060")
        await one.stand.other.submit(one.stand.new(SELL, price_ticks=ticks, qty_lots=one.stand.lots * 3))
        await one.stand.port.submit(one.stand.new(price_ticks=ticks))
        await one.until(lambda: ORDER_FILLED in one.kinds)
        assert one.kinds == [ORDER_ACCEPTED, ORDER_TRIGGERED, ORDER_FILLED]
        assert one.session.machine.live_orders == 0
        await one.end()

    play(case, tmp_path)


def test_spot_changes_nothing_in_place(tmp_path):
    async def case(one):
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_ACCEPTED)
        await one.does(AMEND, 40_000.0)
        await one.hears(ORDER_ACCEPTED, REPLACE_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.NOT_SUPPORTED
        assert (await one.end())[1]["halt"] is None

    play(case, tmp_path, "spot")


def test_what_must_not_leave_is_refused_truly_and_never_stored(tmp_path):
    async def case(one):
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.STOPPED
        assert (await one.stand.port.open_orders()).must() == []
        assert one.gateway.desk.manager.orders == {}
        one.refusal = ""
        one.gateway.desk.manager.holds[one.instrument.symbol] = {"somebody looks"}
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_REJECTED, ORDER_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.SYMBOL_REDUCING
        await one.end()

    play(case, tmp_path, refusal="the kill switch is latched")


def test_a_fenced_session_leaves_the_orders_to_whoever_took_the_account(tmp_path):
    async def case(one):
        ended = []
        one.gateway.on_fenced = ended.append
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_ACCEPTED)
        take_lease(one.gateway.store, "main", "one", now_ms=0, next_epoch=lambda stored: stored + 1)
        await one.does(REST, 39_998.0)
        await one.hears(ORDER_ACCEPTED, ORDER_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.STOPPED
        assert ended == ["another process has taken the account"]
        await one.does(CANCEL)
        await one.hears(ORDER_ACCEPTED, ORDER_REJECTED)  # the gate knows no such order; nothing is sent
        assert await one.gateway.pull_all() == []
        assert len((await one.stand.port.open_orders()).must()) == 1
        await one.end()

    play(case, tmp_path)


@pytest.mark.parametrize("kind", [ORDER_ACCEPTED, ORDER_FILLED, ORDER_CANCELLED])
def test_an_event_that_never_reached_the_session_is_found_and_told_once(kind, tmp_path):
    async def case(one):
        one.drops = {kind}
        await one.does(REST, 40_000.0)
        await one.until(lambda: ORDER_ACCEPTED in one.kinds)
        await one.stand.other.submit(one.stand.new(SELL))
        await one.until(lambda: ORDER_FILLED in one.kinds)
        await one.does(CANCEL)
        await one.until(lambda: one.session.machine.live_orders == 0)
        assert len(one.lost) == 1
        assert sorted(one.kinds) == sorted([ORDER_ACCEPTED, ORDER_FILLED, ORDER_CANCELLED])
        assert one.lots == one.instrument.lots("0.01")
        assert one.gateway.counts.healed >= 1
        await one.end()

    play(case, tmp_path)


def test_a_resumed_session_hears_what_happened_while_it_was_dead(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await one.does(REST, 39_999.0)
            await one.hears(ORDER_ACCEPTED)
            await one.does(SELL_REST, 40_001.0)
            await one.hears(ORDER_ACCEPTED, ORDER_ACCEPTED)
            await one.die()
            await stand.other.submit(
                stand.new(SELL, price_ticks=stand.listing.instrument.ticks("39999"), qty_lots=stand.lots * 2)
            )
            await stand.port.cancel_all(stand.symbol)
            past = read_past(one.path, Does)
            assert (past.is_over, past.is_started, len(past.submitted)) == (False, True, 2)
            other = await Run(stand, tmp_path, past=past).begin()
            await other.hears(ORDER_FILLED, ORDER_CANCELLED)
            assert other.lots == stand.listing.instrument.lots("0.02")
            assert other.session.machine.live_orders == 0
            await other.end()

    asyncio.run(run())


def test_what_was_decided_and_never_stored_is_refused_and_never_sent(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            one.session.act = lambda effects: None  # it dies between its journal and its store
            await one.does(REST, 39_999.0)
            await one.die()
            other = await Run(stand, tmp_path, past=read_past(one.path, Does)).begin()
            await other.hears(ORDER_REJECTED)
            assert int(other.heard[0]["status"]) == Reason.STOPPED
            assert (await stand.port.all_orders(stand.symbol)).must() == []
            await other.end()

    asyncio.run(run())


def test_the_effects_of_the_last_event_are_written_by_the_next_life(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            one.session.journal.effects = lambda seq, rows: None  # killed before they were written
            one.session.act = lambda effects: None
            await one.does(REST, 39_999.0)
            await one.die()
            past = read_past(one.path, Does)
            assert past.unwritten
            other = await Run(stand, tmp_path, past=past).begin()
            await other.hears(ORDER_REJECTED)
            await other.end()

    asyncio.run(run())


def test_a_new_session_begins_with_what_the_strategy_holds(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await stand.other.submit(stand.new(SELL))
            await one.does(TAKE)
            await one.until(lambda: ORDER_FILLED in one.kinds)
            await one.end()
            held = one.session.machine.world.positions[0].copy()
            two = await Run(stand, tmp_path, name="two").begin()
            found = two.session.machine.world.positions[0]
            for name in ("position_lots", "cash", "cost", "realised", "fees", "fees_e8", "fills"):
                assert found[name] == held[name], name
            await two.end()

    asyncio.run(run())


def test_an_order_of_an_earlier_session_is_cancelled_by_the_next_and_its_fill_counts(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await one.does(REST, 40_000.0)
            await one.hears(ORDER_ACCEPTED)
            release_lease(one.gateway.store, one.gateway.desk.log.lease)  # as if it had run out
            await one.die()
            await stand.other.submit(stand.new(SELL))
            two = await Run(stand, tmp_path, name="two").begin()
            assert two.lots == two.instrument.lots("0.01")
            await two.until(lambda: not list(two.gateway.desk.manager.live()))
            assert (await stand.port.open_orders()).must() == []
            await two.end()

    asyncio.run(run())


def test_the_journal_of_a_resumed_session_has_one_beginning(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await one.die()
            other = await Run(stand, tmp_path, past=read_past(one.path, Does)).begin()
            await other.end()
            starts = [
                event
                for record in Reading(one.path)
                if record.kind == EVENTS
                for event in record.events
                if event["kind"] == 17 and event["status"] == Command.START
            ]
            assert len(starts) == 1
            assert CANCEL_REJECTED not in other.kinds

    asyncio.run(run())
