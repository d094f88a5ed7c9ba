"""Walk-forward: parameters come from the past only, the tests join to one curve, and what is undefined stops it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import b25
from b25.model.errors import Misuse
from b25.research.cross_validate import cross_validate, sharpe
from b25.research.walk_forward import closing_cost, walk_forward
from tests.conftest import ROOT
from tests.research.markets import HOUR_NS, wandering

DATA = wandering(3_000)
GRID = {"fast": [3, 8], "slow": [20, 40]}
SPANS = {"train": "40d", "test": "15d"}


class Cross(b25.Strategy):
    """Two exponential averages."""

    fast: float = b25.param(5.0, gt=0)
    slow: float = b25.param(20.0, gt=0)
    quick: float = 0.0
    calm: float = 0.0
    seen: int = 0

    def on_bar(self, ctx):
        close = ctx.bar().close
        if self.seen == 0:
            self.quick = self.calm = close
        self.seen += 1
        self.quick += 2.0 / (self.fast + 1.0) * (close - self.quick)
        self.calm += 2.0 / (self.slow + 1.0) * (close - self.calm)
        if self.seen < 100:
            return
        if self.quick > self.calm and ctx.position() <= 0:
            ctx.target(10.0)
        elif self.quick < self.calm and ctx.position() >= 0:
            ctx.target(-10.0)


class Idle(b25.Strategy):
    """Never trades, so nothing can be said of it."""

    size: float = b25.param(1.0, gt=0)

    def on_bar(self, ctx):
        pass


@pytest.fixture(scope="module")
def found():
    return walk_forward(Cross, DATA, grid=GRID, **SPANS)


def test_windows_follow_one_another_and_train_only_on_what_came_before(found):
    assert len(found.steps) == found.planned == 5
    for one in found.steps:
        assert one.window.train_end_ns <= one.window.test_start_ns
    for a, b in zip(found.steps, found.steps[1:], strict=False):
        assert b.window.test_start_ns == a.window.test_end_ns
    assert found.table.height == 5
    assert {"fast", "slow", "sharpe_train", "sharpe_test", "test_return"} <= set(found.table.columns)


def test_what_was_chosen_is_the_best_of_the_sweep_on_that_span(found):
    one = found.steps[2]
    money = found.steps[1].final_balance  # the account trains with what it has by then
    span = {"start": one.window.train_start_ns, "end": one.window.train_end_ns}
    swept = b25.sweep(Cross, DATA, grid=GRID, balance=money, progress=False, **span)
    assert one.parameters == swept.best
    assert one.train_score == swept.best_row["sharpe"]
    again = b25.backtest(Cross, DATA, start=one.window.test_start_ns, end=one.window.test_end_ns, balance=money, **one.parameters)
    assert again.hash == one.hash
    assert again.metrics["sharpe"].computed == one.test_score


def test_the_curve_is_the_tests_end_to_end_with_what_closing_at_the_borders_costs(found):
    assert found.curve.starting_balance == 10_000
    assert found.curve.final_balance == found.steps[-1].final_balance
    grown = np.prod([1 + one.test_return for one in found.steps])
    assert found.curve.final_balance / 10_000 == pytest.approx(grown)
    assert np.all(np.diff(found.curve.time_ns) >= 0)
    held = [one for one in found.steps if one.held_at_end]
    assert held
    assert all(one.closing_cost > 0 for one in held)
    assert found.summary["closing_costs"] == pytest.approx(sum(one.closing_cost for one in found.steps))


def test_closing_costs_the_takers_fee_and_the_slippage_of_what_is_held():
    result = b25.backtest(Cross, DATA, fees=b25.Fees(0.0, 0.001), bar_fills=b25.BarFills(slippage_bps=10.0))
    cost, held = closing_cost(result)
    assert held
    value = abs(float(result.outcome.world.positions[0]["position_lots"])) * 0.001 * float(DATA.view["close"][-1])
    assert cost == pytest.approx(value * 0.002)


def test_efficiency_and_stability_are_of_the_windows(found):
    inside = np.mean([one.train_score for one in found.steps])
    outside = np.mean([one.test_score for one in found.steps])
    assert found.summary["objective_test"] == pytest.approx(outside)
    if inside > 0:
        assert found.summary["efficiency"] == pytest.approx(outside / inside)
    assert 0 <= found.summary["stability"] <= 1
    assert found.parameters["usual_share"].max() <= 1


def test_combinations_that_make_no_sense_are_left_out_of_every_window():
    wide = {"fast": [3, 30], "slow": [20, 40]}
    left = walk_forward(Cross, DATA, grid=wide, where=lambda p: p["fast"] > p["slow"], **SPANS)
    assert {(one.parameters["fast"], one.parameters["slow"]) for one in left.steps} == {(30.0, 20.0)}
    with pytest.raises(Misuse, match="where"):
        walk_forward(Cross, DATA, search="random", points=2, where=bool, space={"fast": (2, 9)}, **SPANS)


def test_two_equal_walk_forwards_have_equal_hashes_and_another_one_another(found):
    assert walk_forward(Cross, DATA, grid=GRID, jobs=1, **SPANS).hash == found.hash
    anchored = walk_forward(Cross, DATA, grid=GRID, anchored=True, **SPANS)
    assert anchored.hash != found.hash
    assert len({one.window.train_start_ns for one in anchored.steps}) == 1


def test_an_embargo_lies_between_training_and_test():
    found = walk_forward(Cross, DATA, grid=GRID, embargo="1d", **SPANS)
    assert all(one.window.test_start_ns - one.window.train_end_ns == 24 * HOUR_NS for one in found.steps)


def test_an_objective_that_is_unknown_or_undefined_stops_it():
    with pytest.raises(Misuse, match="sharp"):
        walk_forward(Cross, DATA, grid=GRID, objective="sharp", **SPANS)
    with pytest.raises(Misuse, match="sharpe"):
        walk_forward(Idle, DATA, grid={"size": [1.0, 2.0]}, **SPANS)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"train": "400d"}, "no window fits"),
        ({"step": "10d"}, "shorter than test"),
        ({"grid": None}, "grid or a search"),
        ({"start": 0.5}, "cut the data"),
        ({"grid": {"fats": [1.0]}}, "fats"),
        ({"grid": {"fast": [-1.0]}}, "fast"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(Misuse, match=words):
        walk_forward(Cross, DATA, **({"grid": GRID} | SPANS | wrong))


def test_it_shows_itself(found):
    assert "the taker's fee" in repr(found)
    assert "test_return" in found._repr_html_()
    assert found.plot() is not None


def test_every_path_of_cross_validation_covers_every_day_once():
    found = cross_validate(Cross, DATA, grid=GRID, groups=6, test_groups=2)
    assert found.returns.shape[0] == 4
    assert len(found.splits) == 15
    assert found.paths.shape == (5,)
    assert np.all(np.isfinite(found.paths))
    first = found.splits[0]
    scores = [sharpe(row[first.train]) for row in found.returns]
    assert found.chosen[0] == int(np.argmax(scores))
    assert found.table["sharpe_train"][0] == max(scores)
    assert found.summary["sharpe_mean"] == pytest.approx(found.paths.mean())
    assert "paths_lost" in repr(found)
    assert "sharpe_median" in found._repr_html_()


def test_cross_validation_stops_where_a_sharpe_is_not_defined():
    with pytest.raises(Misuse, match="not defined"):
        cross_validate(Idle, DATA, grid={"size": [1.0]})
    with pytest.raises(Misuse, match="points"):
        cross_validate(Cross, DATA, grid={})


def test_the_command_line_says_the_same(tmp_path, found):
    file = tmp_path / "cross.py"
    text = Path(__file__).read_text(encoding="utf-8")
    begin = text.index("class Cross")
    file.write_text("import b25\n\n\n" + text[begin : text.index("class Idle")])
    DATA.frame.write_csv(tmp_path / "bars.csv")
    words = [
        sys.executable, "-m", "b25", "walk-forward", f"{file}:Cross", "--bars", "1h", "--source", str(tmp_path / "bars.csv"),
        "--symbol", "BTC/USDT:USDT", "--grid", "fast=3,8", "--grid", "slow=20,40", "--train", "40d", "--test", "15d", "--json",
    ]  # fmt: skip
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert [window["parameters"] for window in said["windows"]] == [one.parameters for one in found.steps]
    assert said["metrics"]["windows"] == 5
