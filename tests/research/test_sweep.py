"""A sweep says of each point what a backtest of it says, the same on every machine, and never scores what is undefined."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import b25
from b25.model.bar import FUNDING_RATE
from b25.model.bar_run import POINT
from b25.model.errors import Misuse
from b25.research.point_of import point_of
from tests.research.crosses import Cross, Fragile, Ladder, Leaning, Pair, Plain
from tests.research.markets import HOUR_NS, START, wandering

ROOT = Path(__file__).resolve().parents[2]
GRID = {"fast": [3, 8, 21], "slow": [30, 55]}
# Columns of the table that are metrics of the same name; the others are compared by themselves.
SAME = (
    "net_profit total_return cagr volatility sharpe sortino max_drawdown max_drawdown_money calmar trades win_rate "
    "profit_factor expectancy fills volume fees funding refused".split()
)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("B25_SWEEPS", str(tmp_path / "sweeps"))
    return tmp_path


@pytest.fixture(scope="module")
def market():
    return wandering(2_000)


def paid(bars):
    """The same bars with a payment of funding every eight hours."""
    times = np.arange(START.astype(np.int64), bars.end_ns, 8 * HOUR_NS)
    rates = np.zeros(times.size, FUNDING_RATE)
    rates["time_ns"], rates["rate_e12"] = times, np.random.default_rng(3).integers(-3e8, 3e8, times.size)
    rates["mark_ticks"] = bars.rows["open_ticks"][::8][: times.size]
    return bars.with_funding(rates)


def quiet(cls, data, grid, **how):
    return b25.sweep(cls, data, grid=grid, **{"objective": "net_profit", "progress": False} | how)


def assert_rows_are_backtests(found, cls, data, **how):
    for row in found.table.iter_rows(named=True):
        result = b25.backtest(cls, data, **{name: row[name] for name in found.parameters}, **how)
        for name in SAME:
            metric = result.metrics[name]
            wanted = metric.value if metric.computed is None else metric.computed
            shown = (row["point"], name, metric.reason)
            if wanted is None:
                assert row[name] is None, shown
            else:
                assert row[name] == pytest.approx(wanted, rel=1e-9, abs=1e-12), shown
        if len(result.instruments) == 1:
            flat = result.metrics["time_flat"].value
            assert row["time_in_market"] == pytest.approx(1 - flat, abs=3 / result.curve.equity.size)
        assert row["status"] == "ok"


# Each point is its backtest


def test_a_row_is_the_backtest_of_its_point(market):
    assert_rows_are_backtests(quiet(Cross, market, GRID), Cross, market)


def test_with_funding_costs_and_a_span(market):
    how = {
        "fees": b25.Fees(0.0001, 0.0004), "bar_fills": b25.BarFills(slippage_bps=3), "start": "2024-01-20", "end": "2024-03-01",
    }  # fmt: skip
    found = quiet(Cross, paid(market), GRID, **how)
    assert found.table["funding"].min() != 0
    assert_rows_are_backtests(found, Cross, paid(market), **how)


def test_with_two_instruments_and_holes(market):
    other = wandering(1_500, 7, symbol="ETH/USDT:USDT", start=300)
    data = [paid(market), other]
    found = quiet(Pair, data, {"every_bars": [5, 17], "size": [1.0, 9.0]})
    assert_rows_are_backtests(found, Pair, data)


def test_many_orders_and_notes_are_no_more_than_a_backtest_bears(market):
    found = quiet(Ladder, market, {"rungs": [100, 190]})
    assert_rows_are_backtests(found, Ladder, market)


def test_a_backtest_may_note_something_at_each_of_many_bars():
    result = b25.backtest(Ladder, wandering(20_000), rungs=1)
    assert result.notes.height == 20_000


def test_parameters_that_are_given_are_the_same_in_all_points(market):
    found = quiet(Cross, market, {"fast": [3, 8]}, slow=40, size=2.0)
    assert_rows_are_backtests(found, Cross, market, slow=40, size=2.0)
    instance = quiet(Cross(slow=40, size=2.0), market, {"fast": [3, 8]})
    assert instance.hash == found.hash


def test_the_best_can_be_run_again_with_its_full_record(market):
    found = quiet(Cross, market, GRID)
    result = found.backtest()
    assert result.parameters == {"size": 5.0, **found.best}
    assert result.summary["net_profit"] == pytest.approx(found.table["net_profit"].max(), rel=1e-9)
    assert found.backtest(1).parameters == {"fast": 3, "slow": 55, "size": 5.0}
    with pytest.raises(Misuse, match="there is no point 6"):
        found.backtest(6)


# Equal runs are equal bytes


def test_points_are_the_same_bytes_alone_and_together_with_one_thread_or_two(market):
    together = quiet(Cross, market, GRID, jobs=2)
    assert quiet(Cross, market, GRID, jobs=1).results.tobytes() == together.results.tobytes()
    for point in range(len(together)):
        alone = quiet(Cross, market, {name: [value] for name, value in together.parameters_of(point).items()})
        assert alone.results.tobytes() == together.results[point : point + 1].tobytes()


def test_equal_sweeps_have_equal_hashes_and_others_have_others(market):
    found = quiet(Cross, market, GRID)
    assert quiet(Cross, wandering(2_000), GRID).hash == found.hash
    others = [
        quiet(Cross, market, GRID, size=4.0),
        quiet(Cross, market, GRID, fees=b25.Fees(0.0, 0.0)),
        quiet(Cross, market, GRID | {"slow": [30, 56]}),
        quiet(Cross, wandering(2_000, 26), GRID),
        quiet(Cross, market, GRID, maximize=False),
    ]
    assert len({one.hash for one in others} | {found.hash}) == 6


def test_another_process_finds_the_same_hash(market, folders):
    script = (
        "from tests.research.test_sweep import *\n"
        "print(quiet(Cross, wandering(2_000), GRID).hash, quiet(Pair, [wandering(800), wandering(800, 2)], "
        "{'every_bars': [5, 9]}).hash)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    pair = quiet(Pair, [wandering(800), wandering(800, 2)], {"every_bars": [5, 9]})
    assert ran.stdout.split() == [quiet(Cross, market, GRID).hash, pair.hash]


# Points


def test_the_last_parameter_of_a_grid_runs_fastest(market):
    table = quiet(Cross, market, GRID).table
    assert table.select("point", "fast", "slow").rows() == [
        (0, 3, 30), (1, 3, 55), (2, 8, 30), (3, 8, 55), (4, 21, 30), (5, 21, 55),
    ]  # fmt: skip


def test_where_leaves_combinations_out(market):
    found = quiet(Cross, market, {"fast": [10, 40], "slow": [20, 50]}, where=lambda p: p["fast"] < p["slow"])
    assert found.table.select("fast", "slow").rows() == [(10, 20), (10, 50), (40, 50)]
    assert_rows_are_backtests(found, Cross, market)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"grid": {"fast": [5, 500]}}, r"fast=500 is out of bounds[\s\S]*1 <= x <= 200"),
        ({"grid": {"fsat": [5]}}, r"no parameter 'fsat'[\s\S]*did you mean fast"),
        ({"grid": {"fast": [5, 6, 5.0]}}, r"grid\['fast'\] holds 5 twice"),
        ({"grid": {}}, "the grid is empty"),
        ({"grid": {"fast": []}}, r"grid\['fast'\] is empty"),
        ({"grid": {"fast": "5,10"}}, r"grid\['fast'\] = '5,10' is no list"),
        ({"grid": {"fast": [5.5]}}, "fast=5.5 is not a int"),
        ({"grid": {"size": [float("nan")]}}, "size=nan is not finite"),
        ({"grid": {"fast": [5]}, "where": lambda p: False}, "no combination of the grid satisfies"),
        ({"grid": {"fast": [5]}, "points": 3}, "points=3 with a grid"),
        ({"grid": {"fast": [5]}, "space": {"fast": (1, 2)}}, "a space with a grid"),
        ({"grid": {"fast": [5]}, "fast": 6}, "fast is both searched and given as 6"),
        ({"grid": {"fast": [5]}, "slwo": 6}, r"no parameter 'slwo'[\s\S]*did you mean slow"),
        ({"grid": {"fast": [5]}, "latency": 6}, "latency=6 means nothing on bars"),
        ({"grid": {"fast": [5]}, "jobs": 0}, "jobs=0"),
        ({"grid": {"fast": [5]}, "undefined": "skip"}, "undefined='skip'"),
        ({"grid": {"fast": [5]}, "objective": "sharp"}, r"there is no objective 'sharp'[\s\S]*did you mean sharpe"),
        ({"grid": {"fast": [5]}, "balance": -1}, "balance of -1"),
        ({}, "needs a grid or a search"),
        ({"search": "hill"}, "there is no search 'hill'"),
        ({"search": "random"}, "say how many points"),
        ({"search": "random", "points": 10**8}, r"points=100,000,000[\s\S]*take fewer"),
        ({"grid": {"fast": range(1, 201), "slow": range(2, 501), "size": range(1000)}}, "the grid has 99,800,000 points"),
        ({"search": "random", "points": 5, "where": lambda p: True}, "where=… with search"),
        ({"search": "random", "points": 5, "space": {"fast": (9, 3)}}, "runs backwards"),
        ({"search": "random", "points": 5, "space": {"fast": 9}}, "is no range"),
        ({"search": "random", "points": 5, "seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_runs(market, folders, how, message):
    with pytest.raises(Misuse, match=message):
        b25.sweep(Cross, market, progress=False, **how)
    assert not list(folders.iterdir())


@pytest.mark.parametrize("data", [[], None, ["bars"], 5])
def test_data_that_are_none_are_refused(data):
    with pytest.raises(Misuse, match="no data to run on"):
        quiet(Cross, data, {"fast": [5]})


def test_random_points_are_drawn_from_the_seed(market):
    how = {"search": "random", "points": 12, "space": {"fast": (2, 40), "size": (0.5, 8.0)}}
    found = quiet(Cross, market, None, **how)
    assert found.table["fast"].is_between(2, 40).all()
    assert found.table["size"].is_between(0.5, 8.0).all()
    assert quiet(Cross, market, None, **how).hash == found.hash
    assert quiet(Cross, market, None, **how, seed=26).hash != found.hash
    assert_rows_are_backtests(found, Cross, market)


def test_without_a_space_the_bounds_are_searched(market):
    found = quiet(Cross, market, None, search="random", points=20, undefined="show")
    assert found.parameters == ["fast", "slow", "size"]
    assert found.table["slow"].max() > 200


def test_optuna_asks_for_the_same_points_again(market):
    pytest.importorskip("optuna")
    how = {"search": "optuna", "points": 20, "space": {"fast": (2, 40), "slow": (41, 200)}, "seed": 3}
    found = quiet(Cross, market, None, **how)
    assert len(found) == 20
    assert quiet(Cross, market, None, **how, jobs=1).hash == found.hash
    assert_rows_are_backtests(found, Cross, market)


# An objective that is undefined is never scored


@pytest.mark.golden("T15")
def test_an_undefined_objective_stops_the_sweep_and_says_where_and_why(market, folders):
    with pytest.raises(Misuse, match=r"Cross\(size=0\.0\) has no sharpe: it never traded[\s\S]*undefined=\"show\""):
        quiet(Cross, market, {"size": [5.0, 0.0]}, objective="sharpe")
    assert not (folders / "trials").exists()


@pytest.mark.golden("T15")
def test_shown_it_is_empty_and_never_chosen(market):
    found = quiet(Cross, market, {"size": [0.0, 5.0]}, objective="win_rate", undefined="show", maximize=False)
    assert found.table["win_rate"].to_list()[0] is None
    assert found.best == {"size": 5.0}
    nothing = quiet(Cross, market, {"size": [0.0]}, objective="win_rate", undefined="show")
    with pytest.raises(Misuse, match="win_rate is undefined at every point"):
        _ = nothing.best
    assert "n/a" in repr(nothing) + nothing._repr_html_()


@pytest.mark.golden("T15")
def test_guided_search_stops_too(market):
    pytest.importorskip("optuna")
    with pytest.raises(Misuse, match="has no sharpe: it never traded"):
        quiet(Cross, market, None, search="optuna", points=3, space={"size": (0.0, 0.0)}, objective="sharpe", undefined="show")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_point_whose_strategy_raises_is_marked_and_the_others_are_not(market, jobs):
    found = quiet(Fragile, market, {"fast": [6, 7, 8]}, undefined="show", jobs=jobs)
    assert found.table["status"].to_list() == ["ok", "raised", "ok"]
    assert found.table["net_profit"].to_list()[1] is None
    assert found.best["fast"] != 7
    alone = quiet(Fragile, market, {"fast": [8]}, undefined="show")
    assert alone.results.tobytes() == found.results[2:].tobytes()
    assert "Fragile" in repr(found)


def test_a_strategy_that_raises_stops_the_sweep_with_what_it_raised(market):
    with pytest.raises(Misuse, match=r"Fragile\(fast=7\) has no net_profit: Fragile raised ZeroDivisionError"):
        quiet(Fragile, market, {"fast": [6, 7, 8]})


def test_an_account_that_broke_has_a_profit_and_no_ratio():
    market = wandering(500)
    how = {"account": b25.Account(leverage=50), "size": 900.0}
    found = quiet(Cross, market, {"fast": [3]}, **how)
    broke = bool(found.results["broke"][0])
    assert np.isfinite(found.table["net_profit"][0])
    assert (found.table["sharpe"][0] is None) == broke


# Plain Python


def test_a_class_that_no_compiler_takes_is_swept_as_plain_python():
    market = wandering(300)
    found = quiet(Plain, market, {"fast": [3, 9]})
    assert_rows_are_backtests(found, Plain, market)


def test_plain_python_finds_the_figures_that_compiled_code_finds(market):
    found = quiet(Cross, market, {"fast": [3, 8]}, start="2024-01-05")
    for point, fast in enumerate((3, 8)):
        [row] = point_of(b25.backtest(Cross, market, fast=fast, start="2024-01-05", compiled=False))
        for name in POINT.names:
            if name not in ("midnight_ns", "block", "block_end"):  # how far a compiled run had come
                assert row[name] == pytest.approx(found.results[point][name], rel=1e-7, abs=1e-12), name


def test_plain_python_that_raises_is_marked_too():
    class Brittle(Plain):
        def on_bar(self, ctx):
            self.mean = 1.0 / (self.fast - 3) + statistics_of(self.mean)

    found = quiet(Brittle, wandering(50), {"fast": [3, 9]}, undefined="show")
    assert found.table["status"].to_list() == ["raised", "ok"]


def statistics_of(value):
    return value


# Beside the figures


def test_a_sweep_that_is_repeated_counts_its_trials_once(market, folders):
    first = b25.sweep(Cross, market, grid=GRID, objective="net_profit", progress=False)
    again = quiet(Cross, market, GRID)
    assert (first.trials.count, again.trials.count) == (6, 6)
    assert quiet(Cross, market, GRID | {"slow": [30, 70]}).trials.count == 9
    assert b25.backtest(Cross, market, fast=3, slow=70).metrics["trials"].value == 9
    quiet(Cross, wandering(2_000, 8), GRID, log=False)
    assert len(list((folders / "trials").glob("*.jsonl"))) == 1


def test_a_function_of_the_module_is_called_and_features_are_left_alone(market):
    found = quiet(Leaning, market, {"fast": [3, 8]})
    assert_rows_are_backtests(found, Leaning, market)


# Bounds


def test_memory_does_not_grow_with_the_points_beyond_their_figures():
    market = wandering(60)
    quiet(Cross, market, {"fast": range(1, 101), "slow": [20, 30]}, undefined="show", log=False)  # warm
    gc.collect()
    before = resident_bytes()
    found = quiet(Cross, market, {"fast": range(1, 201), "slow": range(20, 120)}, undefined="show", log=False)
    assert len(found) == 20_000
    kept = found.results.nbytes
    assert kept == 20_000 * POINT.itemsize
    assert resident_bytes() - before < 3 * kept + 30_000_000


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
