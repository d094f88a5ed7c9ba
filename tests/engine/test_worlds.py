"""Several instruments in one world, and the same bytes in every process, compiled or interpreted."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.model.event import BUY, SELL
from b25.venue.models import ConstantLatency, Fees, Models, Queue
from tests.engine.runs import ETH, book, check_sums, depth, run, track_of, trade
from tests.engine.test_whole_fills import market
from tests.strategy.busy import Busy, Pair

MODELS = Models(fees=Fees(-0.0001, 0.0005), latency=ConstantLatency(13), queue=Queue("log_prob_2"))


def shifted(rows, by_ns, ticks):
    return [(e + by_ns, local + by_ns, kind, side, price + ticks, lots) for e, local, kind, side, price, lots in rows]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 300), by_ns=st.sampled_from([0, 1, 13, 500, 10**6]))
def test_two_instruments_in_one_world_are_filled_as_two_single_runs(seed, size, by_ns):
    tracks = [track_of(market(seed, size)), track_of(shifted(market(seed + 1, size), by_ns, 50))]
    both = run(Pair, tracks, models=MODELS)
    check_sums(both)
    for i, track in enumerate(tracks):
        alone = run(Pair, track, models=MODELS)
        mine = both.fills[both.fills["instrument"] == i]
        for name in ("venue_ns", "local_ns", "price_ticks", "qty_lots", "fee_e8", "position_lots", "mid2_ticks", "side", "maker"):
            assert mine[name].tolist() == alone.fills[name].tolist(), name
        for name in ("cash", "cost", "realised", "fees", "fees_e8", "open_buy_lots", "open_sell_lots", "volume"):
            assert both.world.positions[i][name] == alone.world.positions[0][name], name
        theirs = both.effects[both.effects["instrument"] == i]
        for name in ("time_ns", "price_ticks", "qty_lots", "kind", "side", "reason"):
            assert theirs[name].tolist() == alone.effects[name].tolist(), name


def test_both_instruments_trade():
    both = run(Pair, [track_of(market(1, 2_000)), track_of(shifted(market(2, 2_000), 7, 50))], models=MODELS)
    assert min(np.bincount(both.fills["instrument"], minlength=2)) > 50


class Order(b25.Strategy):
    """Note which instrument's event comes when: 10 + i for a book, 20 + i for a trade, 30 + i for an answer."""

    sent: int = 0

    def on_book(self, ctx):
        ctx.log(10 + ctx.i, 0.0)
        if self.sent == 0 and ctx.ready(0) and ctx.ready(1):
            self.sent = 1
            for i in range(2):
                ctx.buy(0.001, ctx.bid(i), i=i)

    def on_trade(self, ctx):
        ctx.log(20 + ctx.i, 0.0)

    def on_order(self, ctx):
        ctx.log(30 + ctx.order().instrument, 0.0)

    def on_timer(self, ctx):
        ctx.log(40, 0.0)

    def on_start(self, ctx):
        ctx.every(100)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_at_one_time_the_instrument_outranks_the_class_and_the_timer_is_last(compiled):
    # Orders sent at 1 and arriving at 51; answers at 101 together with rows of both instruments; the timer at 101 too.
    rows = [*book(1, {99: 5}, {101: 5}), depth(101, BUY, 98, 5), trade(101, SELL, 99, 1), depth(300, BUY, 98, 6)]
    models = Models(latency=ConstantLatency(50))
    outcome = run(Order, [track_of(rows), track_of(rows)], models=models, compiled=compiled)
    at = {
        ns: outcome.notes["code"][outcome.notes["time_ns"] == ns].tolist() for ns in np.unique(outcome.notes["time_ns"]).tolist()
    }
    assert at[1] == [10, 10, 11, 11]
    assert at[101] == [10, 20, 30, 11, 21, 31, 40]


SCRIPT = """
import hashlib, json, sys
from b25.venue.models import ConstantLatency, Fees, LognormalLatency, Models, Queue
from tests.engine.runs import run, track_of
from tests.engine.test_whole_fills import market
from tests.strategy.busy import Busy
from benchmarks.strategies import ReferenceMaker
found = {}
for fills, queue in (("partial", "power_prob_3:3.0"), ("whole", "log_prob_2")):
    models = Models(fees=Fees(-0.0001, 0.0005), latency=ConstantLatency(13), queue=Queue(queue), fills=fills)
    for cls in (Busy, ReferenceMaker):
        params = {"qty": 0.002, "max_qty": 0.02, "step_ns": 20} if cls is ReferenceMaker else {"period_ns": 20}
        outcome = run(cls, track_of(market(11, 400)), params, models=models, compiled=sys.argv[1] == "compiled", sample_ns=500)
        logs = (outcome.fills, outcome.orders, outcome.effects, outcome.marks, outcome.notes, outcome.strategy)
        digest = hashlib.sha256(b"".join(log.tobytes() for log in logs) + outcome.world.snapshot()).hexdigest()
        found[f"{fills} {cls.__name__}"] = [digest, int(outcome.fills.size)]
print(json.dumps(found))
"""


def elsewhere(root, life, **environment):
    """Digests of four runs in another process."""
    told = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": str(random.randint(1, 10**6)), **environment}
    done = subprocess.run([sys.executable, "-c", SCRIPT, life], capture_output=True, text=True, env=told, cwd=root, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout)
    assert all(fills > 10 for _, fills in found.values())
    return found


def test_the_same_runs_in_two_processes_leave_the_same_bytes(root):
    assert elsewhere(root, "compiled") == elsewhere(root, "compiled")


def test_the_whole_engine_with_the_jit_off_leaves_the_bytes_of_machine_code(root):
    assert elsewhere(root, "plain", NUMBA_DISABLE_JIT="1", PYTHONWARNINGS="ignore") == elsewhere(root, "compiled")


def test_a_determinism_test_can_fail():
    first, second = (run(Busy, track_of(market(seed, 200)), models=MODELS).world.snapshot() for seed in (1, 2))
    assert first != second


def test_instruments_differ_in_their_grids():
    other = b25.Instrument(venue="sim", symbol="BTC/USDT:USDT", tick="0.1", lot="0.0001")
    tracks = [track_of([*book(1, {99: 5}, {101: 5}), depth(500, BUY, 98, 1)], i) for i in (ETH, other)]

    class Both(b25.Strategy):
        def on_start(self, ctx):
            ctx.every(10)

        def on_timer(self, ctx):
            if ctx.working(b25.BUY, i=1) == 0 and ctx.position(1) == 0.0:
                ctx.buy(0.0003, ctx.ask(1), i=1)
                ctx.buy(0.002, ctx.ask(0), i=0)

    outcome = run(Both, tracks, models=Models(latency=ConstantLatency(20)), compiled=False)
    assert outcome.fills["price_ticks"].tolist() == [101, 101]
    assert outcome.world.positions["position_lots"].tolist() == [2, 3]
    assert outcome.strategy.size == 1
    check_sums(outcome)
