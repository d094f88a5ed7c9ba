"""Figures of closed trades against golden cases and another bot's complete list of 179 trades."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from b25.analytics.breakdowns import breakdown
from b25.analytics.compat import compat_metrics, freqtrade_holding, freqtrade_metrics
from b25.analytics.curve import EquityCurve
from b25.analytics.drawdown import largest_relative
from b25.analytics.metric import NS_PER_DAY
from b25.analytics.returns import sharpe, sortino
from b25.analytics.trade_metrics import most_open, profit_metrics, streaks, trade_metrics
from b25.analytics.trades import COLUMNS, trades_from_fills
from tests.analytics.curves import fills


@pytest.mark.golden("M01")
def test_expectancy_and_its_company():
    found = profit_metrics(np.array([100, 200, 50, -150, 300, -100, 80, -30]))
    assert found["expectancy"].value == 56.25
    assert found["expectancy_ratio"].value == pytest.approx(0.6026785714, abs=1e-10)
    assert found["profit_factor"].value == pytest.approx(2.6071428571, abs=1e-10)
    assert found["win_rate"].value == 0.625
    payoff, p = found["payoff"].value, found["win_rate"].value
    assert (1 + payoff) * p - 1 == pytest.approx(found["expectancy_ratio"].value)


@pytest.mark.golden("M03")
def test_longest_streaks():
    assert streaks(np.array([0.05, -0.02, -0.03, -0.05, 0.01, 0.02, 0.03, 0.04, -0.02, -0.03])) == (4, 3, -2)


def test_a_zero_ends_both_streaks_and_is_a_draw():
    assert streaks(np.array([1, 1, 0, 1, -1, 0, -1])) == (2, 1, -1)
    assert profit_metrics(np.array([1.0, 0.0, -1.0, 0.0]))["win_rate"].value == 0.25


def test_without_a_losing_trade_nothing_is_infinite():
    found = profit_metrics(np.array([1.0, 2.0]))
    for name in ("profit_factor", "payoff", "average_loss", "expectancy_ratio"):
        assert found[name].reason == "no losing trade"


@pytest.mark.parametrize("profit", [[], [1.0], [0.0], [0.0, 0.0], [-1.0]])
def test_few_trades_make_no_exception(profit: list[float]):
    for metric in profit_metrics(np.array(profit)).values():
        assert (metric.value is None) == bool(metric.reason)


def test_every_trade_metric_is_there_and_open_trades_stand_apart():
    table = trades_from_fills(fills([(0, 1, 100, 1), (1, -1, 110, 2), (5, 1, 105, 1), (6, 1, 100, 1)]), mark=90.0)
    found = trade_metrics(table, span_days=0.5)
    assert (found["trades"].value, found["trades_open"].value, found["open_profit"].value) == (2, 1, -10)
    assert (found["profit_long"].value, found["profit_short"].value, found["trades_day"].value) == (10, 5, 4)
    assert (found["holding_min"].value, found["holding_max"].value) == (1e9, 4e9)
    assert found["mae"].reason == "no mid prices"


@pytest.fixture(scope="module")
def bot(shared: Path) -> pl.DataFrame:
    """A bot's own list of closed trades, in the columns of ours."""
    rows = json.loads((shared / "reference" / "trades_179.json").read_text())["strategy"]["StrategyTestV3"]["trades"]
    frame = pl.DataFrame(
        {
            "instrument": [row["pair"] for row in rows],
            "side": ["short" if row["is_short"] else "long" for row in rows],
            "entry_time": [datetime.fromisoformat(row["open_date"]) for row in rows],
            "exit_time": [datetime.fromisoformat(row["close_date"]) for row in rows],
            "entry_value": [row["stake_amount"] for row in rows],
            "net": [row["profit_abs"] for row in rows],
            "return_ratio": [row["profit_ratio"] for row in rows],
            "holding_ns": [row["trade_duration"] * 60 * 10**9 for row in rows],
            "is_open": [row["is_open"] for row in rows],
        }
    )
    empty = [pl.lit(None, kind).alias(name) for name, kind in COLUMNS.items() if name not in frame.columns]
    return frame.with_columns(empty).with_columns(pl.col("entry_time", "exit_time").cast(pl.Datetime("ns", "UTC")))


@pytest.fixture(scope="module")
def curve(bot: pl.DataFrame) -> EquityCurve:
    start = int(bot["entry_time"].dt.epoch("ns").min())
    return EquityCurve.from_profits(
        bot["exit_time"].dt.epoch("ns").to_numpy(), bot["net"].to_numpy(), starting_balance=0.01, start_ns=start
    )


def stamp(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns"))[:16]


@pytest.mark.golden("M10")
def test_the_bots_trades_in_sum(bot: pl.DataFrame, curve: EquityCurve):
    assert curve.equity.size == 172  # point 0 and 171 instants
    assert curve.net_profit == pytest.approx(0.0010419029856968845, rel=1e-9)
    fall = largest_relative(curve.time_ns, curve.equity)
    assert fall is not None
    assert fall.ratio == pytest.approx(0.018740312808, rel=1e-9)
    assert fall.money == pytest.approx(0.0002, rel=1e-9)
    assert (stamp(fall.peak_ns), stamp(fall.trough_ns)) == ("2018-01-16T19:30", "2018-01-16T22:25")
    assert fall.of_peak_profit == pytest.approx(0.29753914, abs=1e-8)  # the case cuts its digits
    found = trade_metrics(bot)
    assert found["expectancy"].value == pytest.approx(5.8206870709e-06, rel=1e-9)
    assert found["expectancy_ratio"].value == pytest.approx(0.0715137423, abs=5e-11)
    assert found["profit_factor"].value == pytest.approx(2.4223288740, abs=5e-11)
    assert found["win_rate"].value == 170 / 179
    assert int((bot["net"] < 0).sum()) == 9


@pytest.mark.golden("M11")
def test_the_bots_trades_by_day(bot: pl.DataFrame, curve: EquityCurve):
    daily = curve.daily()
    assert daily.returns.size == 21
    assert sharpe(daily.returns).value == pytest.approx(14.0500508271, rel=1e-9)
    assert sharpe(daily.returns, ddof=0).value == pytest.approx(14.3970179084, rel=1e-9)
    assert sortino(daily.returns).value == pytest.approx(33.1814482897, rel=1e-9)
    fall = largest_relative(daily.time_ns, daily.equity)
    assert fall is not None
    assert fall.ratio == pytest.approx(0.011860384136, rel=1e-9)
    days = breakdown(bot, by="day")
    assert (int((days["net"] > 0).sum()), int((days["net"] == 0).sum()), int((days["net"] < 0).sum())) == (19, 0, 2)
    assert days["ratio_sum"].max() == pytest.approx(0.17955112, abs=5e-9)
    assert days["ratio_sum"].min() == pytest.approx(-0.14683468, abs=5e-9)


@pytest.mark.golden("M12")
def test_the_bots_own_formulas_are_reproduced_under_its_own_name(bot: pl.DataFrame, curve: EquityCurve):
    fall = largest_relative(curve.time_ns, curve.equity)
    assert fall is not None
    found = freqtrade_metrics(
        bot["net"].to_numpy(),
        open_ns=bot["entry_time"].dt.epoch("ns").to_numpy(),
        close_ns=bot["exit_time"].dt.epoch("ns").to_numpy(),
        starting_balance=0.01,
        max_drawdown=fall.ratio or 0.0,
    )
    assert found["freqtrade_sharpe"].value == pytest.approx(44.5078669568, rel=1e-9)
    assert found["freqtrade_sortino"].value == pytest.approx(35.1772238484, rel=1e-9)
    assert found["freqtrade_calmar"].value == pytest.approx(559.0405081874, rel=1e-9)
    assert all("freqtrade" in metric.title for metric in found.values())
    held = freqtrade_holding(bot["holding_ns"].to_numpy(), bot["return_ratio"].to_numpy())
    assert held["freqtrade_winner_holding_avg"].value == 24 * 60 * 10**9
    assert held["freqtrade_loser_holding_avg"].value == 1_797 * 60 * 10**9
    whole = compat_metrics("freqtrade", curve=curve, trades=bot)
    assert whole["freqtrade_calmar"].value == pytest.approx(559.0405081874, rel=1e-9)


def test_the_wallet_the_pairs_and_the_sides_of_the_bots_trades(bot: pl.DataFrame, curve: EquityCurve):
    found = trade_metrics(bot, span_days=21.0, starting_balance=0.01)
    assert found["max_wallet"].value == pytest.approx(curve.equity.max(), rel=1e-12)
    assert found["min_wallet"].value == 0.01
    assert found["min_wallet_time"].reason == "it is the starting balance"
    pairs = breakdown(bot, by="instrument").sort("net")
    assert found["best_pair"].value == pytest.approx(pairs["net"][-1])
    assert found["best_pair"].note == pairs["instrument"][-1]
    assert found["worst_pair"].note == pairs["instrument"][0]
    assert found["profit_long_ratio"].value == pytest.approx(0.10419029856968845, rel=1e-9)
    assert (found["trades_won"].value, found["trades_drawn"].value, found["trades_lost"].value) == (170, 0, 9)
    assert found["trades_week"].value == pytest.approx(179 / 3)
    assert found["best_trade_gross"].reason == "gross P&L is not known"
    assert trade_metrics(bot)["max_wallet"].reason == "the starting balance was not given"


def test_the_most_trades_open_at_once_equal_a_naive_count(bot: pl.DataFrame):
    rows = bot.select(pl.col("entry_time", "exit_time").dt.epoch("ns")).rows()
    naive = max(sum(begin <= at < end for begin, end in rows) for at, _ in rows)
    assert most_open(bot) == naive
    assert most_open(bot.head(0)) == 0
    longer = bot.with_columns(exit_time=pl.when(pl.int_range(pl.len()) == 0).then(None).otherwise(pl.col("exit_time")))
    assert most_open(longer) >= naive


def test_breakdowns_cover_every_trade_once(bot: pl.DataFrame):
    for by in ("instrument", "side", "day", "week", "month", "year", "weekday", "hour"):
        table = breakdown(bot, by=by)
        assert int(table["trades"].sum()) == 179
        assert float(table["net"].sum()) == pytest.approx(0.0010419029856968845)
    assert breakdown(bot, by="weekday")["weekday"].min() >= 1
    assert set(breakdown(bot, by="day").columns) >= {"wins", "draws", "losses", "profit_factor", "drawdown"}
    assert NS_PER_DAY == 86_400 * 10**9
