"""`b25 backtest --bars`, `b25 sweep` and `b25 walk-forward`: the same answers for people and for programs, one fault a line."""

import json
from pathlib import Path

import polars as pl
import pytest

from b25.cli import bar_options, main
from b25.model.errors import Misuse
from tests.research.markets import wandering

SOURCE = '''
import polars as pl

import b25


class Cross(b25.Strategy):
    """Long above a slow average, short below."""

    span: int = b25.param(20, ge=1, le=500)
    size: float = b25.param(1.0, ge=0, le=50)
    mean: float = 0.0
    seen: int = 0

    def on_bar(self, ctx):
        price = ctx.bar().close
        self.mean = price if self.mean == 0.0 else self.mean + (price - self.mean) * 2.0 / (self.span + 1)
        self.seen += 1
        if self.seen > 200:
            ctx.target(self.size if price > self.mean else -self.size, 0)


class Eager(b25.Strategy):
    """Has a feature that is the next close."""

    coming: float = b25.feature(pl.col("close").shift(-1), lookback=1)

    def on_bar(self, ctx):
        ctx.target(1.0 if self.coming > ctx.bar().close else -1.0)
'''


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("B25_SWEEPS", str(tmp_path / "sweeps"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a strategy and bars of two instruments."""
    folder = tmp_path_factory.mktemp("home")
    market = wandering(1_200)
    (folder / "mine.py").write_text(SOURCE)
    market.frame.write_csv(folder / "BTC_USDT_USDT-1h-futures.csv")
    wandering(1_200, 3, symbol="ETH/USDT:USDT").frame.write_csv(folder / "ETH_USDT_USDT-1h-futures.csv")
    return folder


@pytest.fixture
def b25(capsys, home):
    """Run a command; return its exit code, output and error output."""

    def run(command, *words, cls="mine.py:Cross", data=("--source", "BTC_USDT_USDT-1h-futures.csv")):
        found = [str(home / word) if word.endswith(".csv") else word for word in data]
        code = main([command, str(home / cls), *map(str, found), *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# b25 backtest --bars


def test_a_backtest_on_bars_tells_its_facts(b25):
    code, out, _ = b25("backtest", "--bars", "1h,4h", "--set", "span=30", "--leverage", 3, "--slippage-bps", 2, "--json")
    facts = json.loads(out)
    assert (code, facts["ok"], facts["compiled"]) == (0, True, True)
    assert (facts["bars"], facts["timeframes"], facts["parameters"]["span"]) == (1_200, ["1h", "4h"], 30)
    assert facts["fills"] == facts["metrics"]["fills"] > 10
    assert facts["positions"] == {"BTC/USDT:USDT": facts["position"]}
    assert "slippage 2 bps" in facts["assumptions"]["fills"]
    assert "leverage 3" in facts["assumptions"]["account"]
    assert facts["bias"]["ok"] is True
    assert json.loads(b25("backtest", "--bars", "1h", "--bars", "4h", "--set", "span=30", "--leverage", 3,
                          "--slippage-bps", 2, "--json")[1])["hash"] == facts["hash"]  # fmt: skip


def test_a_backtest_on_bars_of_a_span_of_two_instruments(b25):
    two = ("--data", "BTC_USDT_USDT-1h-futures.csv", "--data", "ETH_USDT_USDT-1h-futures.csv")
    span = ("--start", "2024-01-20", "--end", "2024-02-10", "--warmup", 100)
    facts = json.loads(b25("backtest", "--bars", "1h", *span, "--json", data=two)[1])
    assert set(facts["positions"]) == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert (facts["bars"], facts["warmup_bars"]) == (21 * 24, 100)


def test_people_get_lines_and_files(b25, tmp_path):
    words = ("--fills", tmp_path / "fills.parquet", "--tearsheet", tmp_path / "sheet.html", "--breakdown", "month")
    code, out, _ = b25("backtest", "--bars", "1h", *words)
    assert code == 0
    assert "2024-01" in out
    assert pl.read_parquet(tmp_path / "fills.parquet").height > 10
    assert (tmp_path / "sheet.html").read_text().startswith("<!")


def test_a_check_prints_what_it_found_and_exits_with_1_where_it_is_proven(b25):
    code, out, err = b25("backtest", "--bars", "1h", "--check")
    assert code == 0
    assert "Bias checks of Cross" in out
    assert "running to 12 earlier ends" in err
    code, out, _ = b25("backtest", "--bars", "1h", "--check", "--json", cls="mine.py:Eager")
    facts = json.loads(out)
    assert (code, facts["ok"], facts["code"]) == (1, False, 1)
    assert facts["check"]["findings"][0]["code"] == "look-ahead"


# b25 sweep


def test_a_sweep_tells_its_facts(b25, tmp_path):
    words = ("--bars", "1h", "--grid", "span=10:50:20", "--grid", "size=0.5,1", "--objective", "net_profit")
    code, out, _ = b25("sweep", *words, "--table", tmp_path / "all.parquet", "--heatmap", tmp_path / "map.png", "--json")
    facts = json.loads(out)
    assert (code, facts["points"], facts["parameters"], facts["trials"]) == (0, 6, ["span", "size"], 6)
    table = pl.read_parquet(tmp_path / "all.parquet")
    assert table.select("span", "size").rows() == [(s, z) for s in (10, 30, 50) for z in (0.5, 1.0)]
    assert facts["best_row"]["net_profit"] == table["net_profit"].max() == facts["top"][0]["net_profit"]
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert 0 <= facts["overfitting_probability"] <= 1
    least = json.loads(b25("sweep", *words, "--minimize", "--jobs", 1, "--json")[1])
    assert least["best_row"]["net_profit"] == table["net_profit"].min()


def test_a_sweep_shows_itself_and_its_heat_map(b25, tmp_path):
    pytest.importorskip("bokeh")
    code, out, _ = b25("sweep", "--bars", "1h", "--grid", "span=10,30", "--grid", "size=1,2", "--heatmap", tmp_path / "map.html")
    assert code == 0
    assert "Sweep of Cross: 4 points of span 10…30, size 1…2" in out
    assert f"heat map: {tmp_path / 'map.html'}" in out
    assert "<html" in (tmp_path / "map.html").read_text()[:300].lower()


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_a_search_takes_a_space_and_a_seed(b25, search):
    pytest.importorskip("optuna")
    words = ("--bars", "1h", "--search", search, "--points", 6, "--space", "span=5:50", "--objective", "net_profit", "--json")
    facts = json.loads(b25("sweep", *words, "--seed", 3)[1])
    assert facts["points"] == 6
    assert json.loads(b25("sweep", *words, "--seed", 3)[1])["hash"] == facts["hash"]


def test_points_without_the_objective_can_be_shown(b25):
    words = ("--bars", "1h", "--grid", "size=0,1", "--objective", "win_rate", "--json")
    code, out, _ = b25("sweep", *words)
    assert code == 4
    assert "size=0.0) has no win_rate: it never traded" in json.loads(out)["error"]["what"]
    facts = json.loads(b25("sweep", *words, "--undefined", "show")[1])
    assert (facts["undefined"], facts["best"]) == (1, {"size": 1.0})


# b25 walk-forward


def test_a_walk_forward_takes_the_same_options(b25, tmp_path):
    words = ("--bars", "1h", "--grid", "span=10:30:10", "--train", "20d", "--test", "10d", "--slippage-bps", 1)
    code, out, _ = b25("walk-forward", *words, "--objective", "net_profit", "--table", tmp_path / "all.parquet", "--json")
    facts = json.loads(out)
    assert code == 0
    assert len(facts["windows"]) == 3 == pl.read_parquet(tmp_path / "all.parquet").height
    assert {one["parameters"]["span"] for one in facts["windows"]} <= {10, 20, 30}


# Wrong input


@pytest.mark.parametrize(
    ("command", "words", "data", "said"),
    [
        ("backtest", ["--bars", "1h"], [], "there is nothing to run on"),
        ("backtest", [], [], "there is nothing to run on"),
        ("backtest", ["--bars", "7q"], None, "7q"),
        ("backtest", ["--bars", ","], None, "--bars names no timeframe"),
        ("backtest", ["--bars", "1h"], ["--source", "gone.csv"], "gone.csv"),
        ("backtest", ["--bars", "1h", "--queue", "log_prob_2"], None, "--queue means nothing on bars"),
        ("backtest", ["--bars", "1h", "--latency-ns", "5"], None, "--latency-ns means nothing on bars"),
        ("backtest", ["--symbol", "ETH/USDT:USDT", "--leverage", "2"], [], "--leverage means nothing on recorded messages"),
        ("backtest", ["--bars", "1h", "--leverage", "0"], None, "leverage=0"),
        ("backtest", ["--bars", "1h", "--margin", "none"], None, "unknown margin 'none'"),
        ("backtest", ["--bars", "1h", "--fill", "best"], None, "unknown fill price 'best'"),
        ("backtest", ["--bars", "1h", "--set", "spam=3"], None, "no parameter 'spam'"),
        ("backtest", ["--bars", "1h", "--set", "span"], None, "is no NAME=VALUE"),
        ("backtest", ["--bars", "1h", "--start", "soon"], None, "soon"),
        ("backtest", ["--bars", "1h", "--breakdown", "moon"], None, "'moon'"),
        ("backtest", ["--bars", "1h", "--data", "x.csv"], None, "--source beside --data"),
        ("backtest", ["--bars", "1h", "--warmup", "few"], None, "--warmup"),
        ("sweep", ["--grid", "span=5"], None, "--bars names no timeframe"),
        ("sweep", ["--bars", "1h"], None, "needs a grid or a search"),
        ("sweep", ["--bars", "1h", "--grid", "span=5:1"], None, "is no range"),
        ("sweep", ["--bars", "1h", "--grid", "span=five"], None, "'five' in 'span=five' is no number"),
        ("sweep", ["--bars", "1h", "--grid", "5,10"], None, "names no parameter"),
        ("sweep", ["--bars", "1h", "--grid", "span="], None, "holds no value"),
        ("sweep", ["--bars", "1h", "--grid", "span=5", "--grid", "span=6"], None, "--grid span is given twice"),
        ("sweep", ["--bars", "1h", "--grid", "spam=5"], None, "did you mean span"),
        ("sweep", ["--bars", "1h", "--grid", "span=5,900"], None, "span=900 is out of bounds"),
        ("sweep", ["--bars", "1h", "--grid", "span=5", "--objective", "sharp"], None, "did you mean sharpe"),
        ("sweep", ["--bars", "1h", "--search", "random", "--points", "5", "--space", "span=5"], None, "LOWEST:HIGHEST"),
        ("sweep", ["--bars", "1h", "--grid", "span=5", "--heatmap", "map.gif"], None, "is no picture"),
        ("sweep", ["--bars", "1h", "--grid", "span=5", "--cluster", "tcp://127.0.0.1:1"], None, "no cluster answers at"),
        ("walk-forward", ["--bars", "1h", "--grid", "span=5", "--train", "900d"], None, "no window fits"),
        ("walk-forward", ["--bars", "1h"], None, "needs a grid or a search"),
    ],
)
def test_wrong_input_exits_with_4_and_one_message(b25, command, words, data, said):
    given = ("--source", "BTC_USDT_USDT-1h-futures.csv") if data is None else data
    code, out, err = b25(command, *words, data=given)
    assert (code, out) == (4, "")
    assert said in err
    assert err.count("\n") == 2, err
    assert "Traceback" not in err
    code, out, _ = b25(command, *words, "--json", data=given)
    assert code == 4
    assert json.loads(out)["ok"] is False


def test_a_file_that_cannot_be_written_is_told(b25):
    code, _, err = b25("sweep", "--bars", "1h", "--grid", "span=5,9", "--objective", "net_profit", "--table", Path("/dev/null/t"))
    assert code == 4
    assert "/dev/null/t cannot be written" in err


# Words


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("a=5:50:15", [5, 20, 35, 50]),
        ("a=1:3", [1, 2, 3]),
        ("a=0.1:0.4:0.1", [0.1, 0.2, 0.3, 0.4]),
        ("a=20,50:52,9", [20, 50, 51, 52, 9]),
        ("a=1e-3,2.0", [0.001, 2]),
        ("a=true,false", [True, False]),
        ("a=-2:2:2", [-2, 0, 2]),
    ],
)
def test_a_range_of_a_grid_has_both_ends(word, values):
    assert bar_options.grid_of([word]) == {"a": values}


def test_a_range_that_is_too_long_is_refused():
    with pytest.raises(Misuse, match="holds 1,000,000,000,001 values"):
        bar_options.grid_of(["a=0:1e12"])


def test_a_symbol_is_no_file():
    assert not bar_options.is_file("BTC/USDT")
    assert bar_options.is_file("here/BTC_USDT-5m.feather")
