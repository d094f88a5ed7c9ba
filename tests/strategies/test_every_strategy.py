"""What holds for every strategy shipped: one result in both lives, in every process, and something to do on its data."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache

import pytest

import b25
from b25.market.bars import Bars
from b25.research.bias import check
from b25.research.dataset import Dataset
from b25.research.result import Backtest
from b25.research.strategy_file import load_strategy
from b25.strategy.strategy import Strategy
from tests.conftest import ROOT
from tests.strategies.conftest import FEES
from tests.strategies.market import live_at_most

FOLDER = ROOT / "strategies"
ALL = sorted(path.stem for path in FOLDER.glob("*.py"))
# What trades on ticks; strategies on bars have tests of their own beside this one.
FILES = [name for name in ALL if "def on_bar(" not in (FOLDER / f"{name}.py").read_text()]
# What plain Python may ask for, beside b25 and math.
ASKS_FOR = {"skfolio_weights": {"numpy", "skfolio.optimization"}}
ON_BARS = ("breakout", "moving_average_cross")
MINUTE_NS = 60_000_000_000
# Strategies that keep at most one order a side by what they promise.
QUOTERS = ("market_maker", "avellaneda_stoikov", "order_book_imbalance")
LONG_ONLY = ("momentum",)
# Thresholds that fire within the two minutes that both lives are compared on.
SHORT = {"momentum": {"threshold_bps": 1.0, "allow_short": True}, "scalper": {"target_bps": 1.0, "stop_bps": 0.5}}

HASHES = """
import json, sys
import b25
from tests.strategies.conftest import FEES
from tests.strategies.test_every_strategy import FILES, ON_BARS, brief_run
data = b25.sample(catalog=sys.argv[1])
print(json.dumps({name: brief_run(name, data).hash for name in (*FILES, *ON_BARS)}))
"""


@cache
def strategy_of(name: str) -> type[Strategy]:
    module = importlib.import_module(f"strategies.{name}")
    (found,) = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Strategy)]
    return found


def two_minutes(cls: type[Strategy], data: Dataset, name: str, *, compiled: bool = True) -> Backtest:
    """Run on the sample's tenth and eleventh minute."""
    start_ns = data.start_ns + 9 * MINUTE_NS
    return b25.backtest(
        cls, data, fees=FEES, start=start_ns, end=start_ns + 2 * MINUTE_NS, compiled=compiled, **SHORT.get(name, {})
    )


def two_months() -> Bars:
    """Hourly bars of a market with a trend in it."""
    return b25.sample(bars="1h", days=60, edge=0.3)


def brief_run(name: str, data: Dataset, *, compiled: bool = True) -> Backtest:
    """Run on what the strategy is made for: two minutes of ticks, or two months of bars."""
    if name in ON_BARS:
        return b25.backtest(strategy_of(name), two_months(), compiled=compiled)
    return two_minutes(strategy_of(name), data, name, compiled=compiled)


@pytest.mark.parametrize("name", [*FILES, *ON_BARS])
def test_compiled_and_plain_python_do_the_same_to_the_byte(sample, name):
    fast, slow = (brief_run(name, sample, compiled=way) for way in (True, False))
    assert fast.made.compiled
    assert not slow.made.compiled
    assert fast.outcome.fills.size > 0
    for part in ("effects", "fills", "marks", "orders", "notes", "strategy"):
        assert getattr(fast.outcome, part).tobytes() == getattr(slow.outcome, part).tobytes(), part


@pytest.fixture(scope="module")
def elsewhere(sample):
    """Hashes of the same runs in another process, with other hash seeds."""
    environment = os.environ | {"PYTHONHASHSEED": "25"}
    words = [sys.executable, "-c", HASHES, str(sample.catalog.folder)]
    run = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", [*FILES, *ON_BARS])
def test_the_same_run_has_the_same_hash_here_and_in_another_process(sample, elsewhere, name):
    first, second = (brief_run(name, sample).hash for _ in range(2))
    assert first == second == elsewhere[name]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("market", ["sample", "capture"])
def test_the_defaults_trade_on_recorded_data(request, market, name):
    data = request.getfixturevalue(market)
    result = b25.backtest(strategy_of(name), data, fees=FEES)
    assert result.made.compiled, result.made.why_plain
    assert result.outcome.fills.size > 5
    assert set(result.fills["side"]) == {b25.BUY, b25.SELL} or name in LONG_ONLY
    assert set(result.refusals["reason"]) <= {"no_market", "book_suspect"}
    record = result.outcome.strategy[0]
    if "max_position" in result.parameters:
        most = result.outcome.marks["position_lots"] * float(data.instrument.lot)
        assert abs(most).max() <= record["max_position"] + 1e-9
    if name in QUOTERS:
        assert live_at_most(result.outcome) == 1
        assert result.fills["maker"].all()


@pytest.mark.parametrize("name", ON_BARS)
def test_on_sample_bars_the_defaults_trade_and_nothing_is_refused(name):
    data = b25.sample(bars="1h", days=365, edge=0.3)
    result = b25.backtest(strategy_of(name), data)
    assert result.made.compiled, result.made.why_plain
    assert result.outcome.fills.size > 20
    assert set(result.fills["side"]) == {b25.BUY, b25.SELL}
    assert result.refusals.is_empty()
    held = abs(result.outcome.marks["position_lots"]) * result.outcome.marks["mid2_ticks"] / 2 * 0.1 * 0.001
    assert (held <= 1.02 * result.curve.equity.max()).all()


@pytest.mark.parametrize("name", ON_BARS)
def test_the_bias_checks_find_nothing_in_strategies_on_bars(name):
    report = check(strategy_of(name), b25.sample(bars="1h", days=365, edge=0.3))
    assert not report.findings, report


@pytest.mark.parametrize("name", ON_BARS)
def test_a_strategy_on_bars_says_so_when_it_is_given_ticks(sample, name):
    with pytest.raises(b25.Misuse, match="on_bar"):
        b25.backtest(strategy_of(name), sample)


@pytest.mark.parametrize("name", ALL)
def test_it_imports_b25_and_nothing_below_it(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    imported = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert set(imported) <= {"b25", "math"} | ASKS_FOR.get(name, set())


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_has_a_place_in_the_docstring_bounds_and_a_unit(name):
    cls = strategy_of(name)
    text = cls.__doc__ or ""
    for key, param in cls.params.items():
        assert f" {key} :" in text or f" {key}," in text, key
        if isinstance(param.default, bool):
            continue
        assert param.bounds(), key
        assert param.unit or key in ("skew", "threshold"), key  # ratios
    assert "loses" in text  # each says where


def test_the_spread_filter_passes_and_stops_on_recorded_data(sample, capture):
    most = strategy_of("scalper").params["spread_bps_max"].default
    for data in (sample, capture):
        touch = data.touch
        share = ((touch["ask"] - touch["bid"]) / touch["mid"] * 1e4 <= most).mean()
        assert 0.3 < share < 1.0


@pytest.mark.parametrize("name", ALL)
def test_the_command_line_finds_it_by_file_and_class(name):
    cls = strategy_of(name)
    assert load_strategy(f"{FOLDER / name}.py:{cls.__name__}").__name__ == cls.__name__


def test_the_hash_does_not_depend_on_the_folder_that_the_strategy_lies_in(sample, tmp_path):
    hashes = set()
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
        copy = shutil.copy(FOLDER / "market_maker.py", folder)
        hashes.add(two_minutes(load_strategy(str(copy)), sample, "market_maker").hash)
    assert len(hashes) == 1
