"""One life of a session on the order desk, at an exchange in this process."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np

import b25
from b25.model.event import EVENT, LAST_OF_MESSAGE, SNAPSHOT
from b25.model.world import FEES, LIMITS
from b25.session.commands import Command
from b25.session.composition import Composition
from b25.session.desk_gateway import DeskGateway
from b25.session.orders.desk_plan import DeskPlan
from b25.session.orders.submitting import Pace
from b25.session.replay import replay
from b25.session.session import Session
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
