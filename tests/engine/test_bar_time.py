"""What a strategy on bars sees and when: timeframes, warm-up, gaps and timers; and the same bytes in every life and process."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

import b25
from b25.model.errors import Halt
from b25.model.event import BUY
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees
from tests.engine import runs
from tests.engine.bar_dice import Dice, market
from tests.engine.bar_runs import MINUTE, PERP, SPOT, START, bars_of, digest, order, play, refusals_of, run_bars

FLAT = (100, 100, 100, 100)


class Seen(b25.Strategy):
    """Notes the last larger bar at every close: how many there were, whether it is new, its close."""

    def on_bar(self, ctx):
        larger = ctx.bar(0, 1)
        ctx.log(ctx.bars_seen(0, 1) * 10 + ctx.fresh(0, 1), larger.close)


@pytest.mark.golden("T21")
@pytest.mark.parametrize("compiled", [True, False])
def test_a_larger_bar_is_seen_when_it_is_complete_and_never_before(compiled):
    start = START // (3 * MINUTE) * 3 * MINUTE
    rows = [(100 + k, 101 + k, 99 + k, 100 + k) for k in range(9)]
    data = bars_of(rows, start_ns=start).with_larger("3m")
    out = run_bars(Seen, data, compiled=compiled)
    assert out.notes["code"].tolist() == [0, 0, 11, 10, 10, 21, 20, 20, 31]
    assert np.isnan(out.notes["value"][:2]).all()
    assert out.notes["value"][2:].tolist() == [102.0] * 3 + [105.0] * 3 + [108.0]
    # One that ends in a gap is seen at the next close there is.
    holed = bars_of(rows, start_ns=start, missing=[2, 3]).with_larger("3m")
    out = run_bars(Seen, holed, compiled=compiled)
    assert out.notes["code"].tolist() == [0, 0, 11, 21, 20, 20, 31]
    assert out.notes["time_ns"][2] == start + 5 * MINUTE


def test_what_lies_before_the_start_warms_the_strategy_up():
    bars = bars_of([FLAT] * 6)
    wishes = {k: [order(BUY, 1)] for k in range(6)}
    out = play(bars, wishes, start_ns=START + 3 * MINUTE)
    # What is sent at the close at which trading begins is filled at the first open.
    assert out.start_ns == START + 3 * MINUTE
    assert out.fills["local_ns"].tolist() == [START + k * MINUTE for k in (3, 4, 5)]
    assert refusals_of(out) == []
    assert out.strategy["bars"][0] == 6
    short = play(bars, wishes, start_ns=START + 3 * MINUTE, warmup=1, end_ns=START + 5 * MINUTE)
    assert short.strategy["bars"][0] == 3
    assert short.end_ns == START + 5 * MINUTE


class Late(b25.Strategy):
    """Buys at every close while it may, and notes each refusal of the warm-up."""

    def on_bar(self, ctx):
        ctx.buy(1.0)

    def on_order(self, ctx):
        ctx.log(ctx.order().state, 0.0)


def test_orders_before_the_start_are_refused_without_a_word_in_the_record():
    out = run_bars(Late, bars_of([FLAT] * 6), compiled=False, start_ns=START + 4 * MINUTE)
    assert out.world.head[0]["refused"] == 0
    assert out.orders["created_ns"].min() == START + 4 * MINUTE


class Ticking(b25.Strategy):
    """Wants to be called every ninety seconds."""

    def on_start(self, ctx):
        ctx.every(90_000_000_000)

    def on_timer(self, ctx):
        ctx.log(1, ctx.bar().close)

    def on_bar(self, ctx):
        ctx.log(2, ctx.bar().close)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_timer_inside_a_bar_is_called_at_its_close(compiled):
    out = run_bars(Ticking, bars_of([(100 + k,) * 4 for k in range(4)]), compiled=compiled)
    assert [(n["time_ns"] - START) // MINUTE for n in out.notes if n["code"] == 1] == [2, 3]
    # After the bar of that close, which it sees.
    assert out.notes["code"].tolist() == [2, 2, 1, 2, 1, 2]
    assert out.notes["value"].tolist() == [100.0, 101.0, 101.0, 102.0, 102.0, 103.0]


class OnTicks(b25.Strategy):
    """Reads a bar where there is none."""

    def on_book(self, ctx):
        ctx.log(1, ctx.bar().close)


class Beyond(b25.Strategy):
    """Reads a timeframe that the run does not have."""

    def on_bar(self, ctx):
        ctx.log(1, ctx.bar(0, 3).close)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_bar_that_is_not_there_halts_with_a_remedy(compiled):
    with pytest.raises(Halt, match="read a bar") as halted:
        runs.run(OnTicks, runs.track_of(runs.book(1, {99: 5}, {101: 5})), compiled=compiled)
    assert "run it on bars" in halted.value.remedy
    with pytest.raises(Halt, match="read a bar"):
        run_bars(Beyond, bars_of([FLAT] * 3), compiled=compiled)


CASES = {
    "one": ([PERP], {"account": Account(leverage=3)}),
    "two": ([PERP, PERP], {"account": Account(leverage=3)}),
    "isolated": ([PERP], {"account": Account(leverage=40, margin="isolated")}),
    "spot": ([SPOT], {"account": Account(short=True, leverage=2, borrow_per_day=0.01)}),
    "close": ([PERP], {"fills": BarFills(price="close", participation=0.05, slippage_bps=3, impact_bps=10)}),
    "touch": ([PERP, PERP], {"fills": BarFills(limit="touch", participation=0.1)}),
    "limits": ([PERP], {"limits": b25.Limits(open_orders_max=3, orders_per_s_max=1)}),
}


def run_case(name: str, compiled: bool = True, dice: int = 7):
    """Run `Dice` on a case."""
    instruments, how = CASES[name]
    bars = [market(k, 250, instrument, hours=4, rates=[0.001, -0.0005]) for k, instrument in enumerate(instruments)]
    return run_bars(Dice, bars, {"dice": dice}, fees=Fees(-0.0001, 0.0005), balance=20_000.0, compiled=compiled, **how)


@pytest.mark.parametrize("name", CASES)
def test_machine_code_and_plain_python_leave_the_same_bytes(name):
    compiled = run_case(name)
    assert compiled.fills.size > 10
    assert digest(compiled) == digest(run_case(name, compiled=False))


@pytest.mark.golden("T17")
def test_the_second_run_in_a_process_is_the_first_one_again():
    first = {name: digest(run_case(name)) for name in CASES}
    run_case("two", dice=8)
    assert {name: digest(run_case(name)) for name in reversed(CASES)} == first
    assert len(set(first.values())) == len(CASES)
    assert digest(run_case("one", dice=8)) != first["one"]


SCRIPT = """
import json
from tests.engine.bar_runs import digest
from tests.engine.test_bar_time import CASES, run_case
print(json.dumps({name: digest(run_case(name)) for name in CASES}))
"""


def test_the_same_runs_in_another_process_leave_the_same_bytes(root):
    told = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": str(random.randint(1, 10**6))}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=told, cwd=root, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert json.loads(done.stdout) == {name: digest(run_case(name)) for name in CASES}
