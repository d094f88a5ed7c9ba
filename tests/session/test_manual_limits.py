"""No order of orders, a person's and the strategy's mixed, gets past the limits: the compiled gate beside its naive twin."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.model.event import BUY, ORDER_CANCELLED, ORDER_FILLED, SELL
from b25.model.order import MANUAL, MARKET, REDUCE_ONLY, Reason, Tif
from b25.model.risk import Control
from b25.model.world import FEES, LIMITS
from b25.session.commands import Command
from b25.session.gateway import order_event
from b25.session.manual import order_command
from b25.session.replay import replay
from b25.session.session import Session
from b25.venue.models import Fees
from tests.engine.runs import ONE
from tests.risk.naive_gate import NaiveGate
from tests.session.test_session import SECOND_NS, composed, level, snapshot

BID, ASK, BALANCE = 99, 101, 1_000.0
LIMIT_SETS = (
    {"position_max": 5, "order_value_max": 400, "open_orders_max": 4},
    {"position_max": 6, "order_qty_max": 4, "collar": 0.08},
    {"gross_max": 500, "order_value_max": 400, "leverage_max": 0.45},
)


class Asks(b25.Strategy):
    """At each book one order, as its parameters say."""

    side: int = b25.param(0, ge=-1, le=1)
    lots: float = b25.param(1.0, gt=0)
    price: float = b25.param(0.0, ge=0)
    only: int = b25.param(0, ge=0)

    def on_book(self, ctx):
        if self.side != 0:
            if self.price > 0.0:
                ctx.trade(self.side, self.lots, self.price, reduce_only=self.only > 0)
            else:
                ctx.trade(self.side, self.lots, reduce_only=self.only > 0)


class Bench:
    """One session and the twin of its gate."""

    def __init__(self, path, limits):
        rows = b25.Limits(**limits).record(ONE).astype(LIMITS)
        fees = Fees(maker=0.0, taker=0.0).record(ONE).astype(FEES)
        whole = composed(cls=Asks, instruments=[ONE], limits=rows, fees=fees, balance=BALANCE, compiled=False)
        self.seen, self.twin, self.size = [], NaiveGate(BALANCE, limits), 10
        self.session = Session(whole, path, lambda rows: None)
        self.session.watch = lambda rows: self.seen.extend(rows.copy())
        self.session.command(Command.START, SECOND_NS)
        self.session.take(snapshot(SECOND_NS + 5, BID, ASK))

    @property
    def now_ns(self):
        return self.session.machine.now_ns + 1

    def order(self, by_hand, side, lots, price, only):
        clock = self.now_ns / 1e9
        broken = self.twin.judge(clock, BID, ASK, side, lots, price, reduce_only=only)
        before = len(self.seen)
        if by_hand:
            flags = (REDUCE_ONLY if only else 0) | (0 if price else MARKET)
            tif = Tif.GTC if price else Tif.IOC
            terms = {"side": side, "qty_lots": lots, "price_ticks": price, "flags": flags, "tif": tif}
            self.session.ask(order_command(self.now_ns, instrument=0, **terms))
        else:
            for name, value in (("side", side), ("lots", lots), ("price", price), ("only", int(only))):
                self.session.set_parameter(name, value, self.now_ns)
            self.size += 1
            self.session.take(level(self.now_ns, BUY, BID - 3, self.size))
            self.session.set_parameter("side", 0, self.now_ns)
        (row,) = self.seen[before:]
        verdict = int(self.session.machine.world.verdicts[0]) if by_hand else None
        assert bool(row["flags"] & MANUAL) == by_hand
        assert (row["reason"] == Reason.OK) == (not broken), (Reason(int(row["reason"])), broken)
        if verdict is not None and broken != {"WOULD_INCREASE"}:
            assert {one.name for one in Control if verdict >> one & 1} == broken
        if not broken:
            self.twin.took(int(row["order_id"]), clock, side, lots, price, reduce_only=only)

    def ends(self, pick, *, filled):
        if not self.twin.live:
            return
        order_id = sorted(self.twin.live)[pick % len(self.twin.live)]
        order = self.twin.live[order_id]
        price = order["price"] or (ASK if order["side"] > 0 else BID)
        more = {"qty_lots": order["lots"], "price_ticks": price} if filled else {}
        event = order_event(ORDER_FILLED if filled else ORDER_CANCELLED, order_id, instrument=0, side=order["side"], **more)
        event["local_ns"] = self.now_ns
        self.session.take(event)
        if filled:
            self.twin.filled(order_id, price)
        else:
            del self.twin.live[order_id]


orders = st.tuples(
    st.just("order"), st.booleans(), st.sampled_from([BUY, SELL]), st.integers(1, 6), st.one_of(st.just(0), st.integers(85, 115)),
    st.integers(0, 9).map(lambda one: one == 0),
)  # fmt: skip
ends = st.tuples(st.just("end"), st.integers(0, 20), st.booleans())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(LIMIT_SETS), st.lists(st.one_of(orders, orders, ends), min_size=5, max_size=40))
def test_a_person_and_a_strategy_together_stay_within_the_limits(limits, steps):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "one.journal", limits)
        for kind, *terms in steps:
            if kind == "order":
                bench.order(*terms)
            else:
                bench.ends(terms[0], filled=terms[1])
            world = bench.session.machine.world
            held = int(world.positions["position_lots"][0])
            assert held == bench.twin.held
            if "position_max" in limits and not bench.twin.ever_reduce_only:
                working = {side: sum(o["lots"] for o in bench.twin.live.values() if o["side"] == side) for side in (BUY, SELL)}
                assert held + working[BUY] <= limits["position_max"] or held + working[BUY] <= 0 or held <= 0
                assert abs(held) <= limits["position_max"]
        bench.session.close("done")
        report = replay(bench.session.journal.path, Asks)
        assert report.agrees, report.divergence
