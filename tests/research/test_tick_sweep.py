"""A sweep over recorded messages is a backtest of each point."""

import math

import pytest

import b25
from b25.model.errors import Misuse


class Leaner(b25.Strategy):
    """Holds a little of what the book leans to; raises where `levels` is 4."""

    threshold: float = b25.param(0.3, ge=0, le=1)
    levels: int = b25.param(1, ge=1, le=5)

    def on_book(self, ctx):
        if not ctx.ready():
            return
        lean = ctx.imbalance(self.levels) / (4 - self.levels)
        if lean > self.threshold:
            ctx.target(0.01)
        elif lean < -self.threshold:
            ctx.target(-0.01)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return b25.sample(minutes=2, catalog=tmp_path_factory.mktemp("catalog"))


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("B25_SWEEPS", str(tmp_path / "sweeps"))
    return tmp_path


GRID = {"threshold": [0.2, 0.5], "levels": [1, 3]}
HOW = {"objective": "net_profit", "progress": False}
SAME = (
    "net_profit total_return max_drawdown max_drawdown_money trades win_rate profit_factor expectancy fills volume fees".split()
)


def test_a_row_is_the_backtest_of_its_point(market):
    how = {"latency": 2_000_000, "fees": b25.Fees(0.0, 0.0001)}
    found = b25.sweep(Leaner, market, grid=GRID, **HOW, **how)
    assert found.table["fills"].min() > 0
    for row in found.table.iter_rows(named=True):
        result = b25.backtest(Leaner, market, threshold=row["threshold"], levels=row["levels"], **how)
        for name in SAME:
            metric = result.metrics[name]
            wanted = metric.value if metric.computed is None else metric.computed
            if wanted is None:
                assert row[name] is None, name
            else:
                assert row[name] == pytest.approx(wanted, rel=1e-9, abs=1e-12), name
        # Annualised from two minutes of one day there is nothing.
        assert row["sharpe"] is None
        assert math.isclose(result.summary["net_profit"], found.backtest(row["point"]).summary["net_profit"])


def test_threads_and_order_change_nothing(market):
    one, two = (b25.sweep(Leaner, market, grid=GRID, jobs=jobs, **HOW) for jobs in (1, 2))
    assert one.hash == two.hash
    assert b25.sweep(Leaner, market, grid=GRID, latency=5_000_000, **HOW).hash != one.hash
    assert one.trials.count == 4


def test_a_point_that_raises_is_marked(market):
    found = b25.sweep(Leaner, market, grid={"levels": [3, 4]}, undefined="show", **HOW)
    assert found.table["status"].to_list() == ["ok", "raised"]
    with pytest.raises(Misuse, match=r"Leaner\(levels=4\) has no net_profit: its strategy raised"):
        b25.sweep(Leaner, market, grid={"levels": [3, 4]}, **HOW)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"cluster": "tcp://127.0.0.1:1"}, "takes bars only"),
        ({"account": b25.Account()}, "means nothing on ticks"),
        ({"theshold": 0.2}, "did you mean threshold"),
        ({"queue": "first"}, "queue"),
    ],
)
def test_what_ticks_do_not_know_is_refused(market, folders, how, message):
    with pytest.raises(Misuse, match=message):
        b25.sweep(Leaner, market, grid=GRID if "theshold" not in how else {"levels": [1]}, **HOW, **how)
    assert not (folders / "trials").exists()


def test_ticks_and_bars_do_not_mix(market):
    with pytest.raises(Misuse, match="ticks and bars in one sweep"):
        b25.sweep(Leaner, [market, b25.bars("1m", source=market)], grid=GRID, **HOW)
