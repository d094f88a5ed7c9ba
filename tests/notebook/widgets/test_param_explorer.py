"""The explorer: each setting is the backtest that one would have run, it is run once, and the newest one counts."""

import asyncio
import time

import numpy as np
import pytest

import b25
from b25.model.errors import Misuse
from b25.notebook.widgets import ParamExplorer
from b25.notebook.widgets.packed import CURVE, unpacked
from strategies.market_maker import MarketMaker
from strategies.moving_average_cross import MovingAverageCross
from tests.notebook.widgets.examples import bars, explorer


def moved(widget, **values):
    widget.values = {**widget.values, **values}
    assert widget._runs.idle.wait(60)
    return widget


def test_what_is_shown_is_the_backtest_of_the_values():
    made = moved(explorer(), fast=20, slow=90)
    same = b25.backtest(MovingAverageCross, bars(), fast=20, slow=90)
    assert made.result.hash == same.hash
    curve = unpacked(CURVE, made.curve)
    assert curve["time_ns"].size <= 2_000
    assert curve["value"][-1] == same.curve.final_balance
    assert curve["value"].min() == same.curve.equity.min()
    assert np.isin(curve["time_ns"], same.curve.time_ns).all()


def test_a_setting_that_was_tried_is_remembered():
    made = moved(explorer(), fast=20)
    begun = made._runs.begun
    moved(made, fast=21)
    moved(made, fast=20)
    assert made._runs.begun == begun + 1
    assert made.run["is_cached"]
    assert made.result.parameters["fast"] == 20


def test_differences_are_to_the_pinned_setting_and_say_which_way_is_better():
    made = moved(explorer(), fast=20, slow=110)
    rows = {one["name"]: one for one in made.figures}
    first, now = (made._known[key].metrics["net_profit"].value for key in (made.baseline, made.run["key"]))
    assert rows["net_profit"]["better"] == (now > first)
    assert rows["trades"]["better"] is None
    made._heard(made, {"kind": "pin"}, [])
    moved(made, fast=30)
    made._heard(made, {"kind": "compare", "key": made.pins[1]["key"]}, [])
    assert made.baseline == made.pins[1]["key"]
    assert len(made.pinned_curves) == 16 * sum(one["points"] for one in made.pins)
    made._heard(made, {"kind": "take", "key": made.pins[0]["key"]}, [])
    assert made.values["fast"] == 12
    made._heard(made, {"kind": "unpin", "key": made.pins[1]["key"]}, [])
    assert made.baseline == made.pins[0]["key"]


def test_every_setting_is_a_trial_of_the_data():
    made = explorer()
    before = made.trials["count"]
    moved(made, fast=17, slow=171)
    assert made.trials["count"] == before + 1


@pytest.mark.parametrize(
    ("values", "says"), [({"fast": 0}, "out of bounds"), ({"fast": 2.5}, "is not a int"), ({"hole": 1}, "no parameter")]
)
def test_a_value_that_the_parameter_refuses_is_shown_and_nothing_runs(values, says):
    made = explorer()
    begun = made._runs.begun
    moved(made, **values)
    assert says in made.notice
    assert made._runs.begun == begun


def test_a_strategy_that_raises_is_shown_with_its_line_and_the_next_setting_runs():
    class Fragile(b25.Strategy):
        level: int = b25.param(1, ge=0, le=9)

        def on_bar(self, ctx):
            if self.level == 5:
                raise ValueError("five")

    made = ParamExplorer(Fragile, bars(), compiled=False)
    assert made._runs.idle.wait(60)
    moved(made, level=5)
    assert made.run["state"] == "failed"
    assert "five" in made.notice
    moved(made, level=6)
    assert made.run["state"] == "done"
    assert made.notice == ""


def test_plain_python_that_would_run_for_long_gives_way_to_the_newest_setting():
    class Slow(b25.Strategy):
        level: int = b25.param(1, ge=0, le=9)

        def on_bar(self, ctx):
            if self.level < 9:
                time.sleep(0.001)

    made = ParamExplorer(Slow, bars(), compiled=False)
    begun = time.perf_counter()
    for level in range(2, 10):
        made.values = {"level": level}
    assert made._runs.idle.wait(60)
    assert time.perf_counter() - begun < 5.0  # one run of the slow setting takes six seconds at least
    assert made.result.parameters["level"] == 9
    made.close()


def test_in_a_kernel_the_loop_goes_on_while_a_run_is_under_way():
    async def watched():
        made = explorer_without_waiting()
        ticks = 0
        while made.run.get("state") != "done":
            await asyncio.sleep(0.002)
            ticks += 1
        made.close()
        return ticks, made.result

    ticks, found = asyncio.run(watched())
    assert ticks > 1
    assert found.parameters["fast"] == 12


def explorer_without_waiting():
    return ParamExplorer(MovingAverageCross, bars(), values={"fast": 12, "slow": 60})


def test_ticks_are_explored_as_bars_are(tmp_path_factory):
    data = b25.sample(minutes=1, catalog=tmp_path_factory.mktemp("catalog"))
    made = ParamExplorer(MarketMaker, data, latency=5_000_000)
    assert made._runs.idle.wait(120)
    assert made.run["state"] == "done"
    name, param = next((n, p) for n, p in MarketMaker.params.items() if isinstance(p.default, float))
    moved(made, **{name: param.default * 1.5})
    assert made.result.hash == b25.backtest(MarketMaker, data, latency=5_000_000, **{name: param.default * 1.5}).hash


def test_what_is_no_strategy_or_no_parameter_is_refused():
    with pytest.raises(Misuse, match="no strategy"):
        ParamExplorer(int, bars())
    with pytest.raises(Misuse, match="no parameter 'fsat'"):
        ParamExplorer(MovingAverageCross, bars(), values={"fsat": 3})
