"""Plain text that fits a terminal, and HTML that a notebook shows in either theme."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from b25.analytics.curve import EquityCurve
from b25.analytics.display import html_summary, text_summary
from b25.analytics.figures import column_texts, duration_text, money_text, number_text, percent_text, time_text
from b25.analytics.metrics import all_metrics, compared, metrics_frame, summary
from b25.analytics.order_metrics import OrderCounts
from tests.analytics.curves import daily_curve, minutes_of_trading
from tests.analytics.test_tearsheet import HOSTILE, read


@pytest.mark.parametrize("full", [False, True])
def test_the_text_fits_a_hundred_columns(full: bool):
    curve, trace = minutes_of_trading()
    found = all_metrics(curve, traces=[trace])
    text = text_summary("A title " * 30, found, currency="USDT", base="ETH", notes=[("Data", "x" * 200)], full=full)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "n/a  1 daily return; at least 2 are needed" in text
    assert f"{curve.net_profit:.3f}"[:5] in text


def test_the_cell_is_small_safe_and_without_a_theme_of_its_own():
    rng = np.random.default_rng(3)
    curve = EquityCurve(np.arange(1_000_000) * 10**9, 10_000 + np.cumsum(rng.normal(0, 1, 1_000_000)))
    html = html_summary(HOSTILE, all_metrics(curve), curve, currency="USDT", subtitle=HOSTILE, notes=[("Hash", HOSTILE)])
    reader = read(html)
    assert len(html) < 50_000
    assert not reader.tags & {"script", "style", "img"}
    assert not reader.attributes & {"src", "href"}
    assert "background" not in html
    assert "currentColor" in html


@pytest.mark.parametrize("equity", [[0.0], [0, -1], [5, 5, 5], [1, -1, 2]])
def test_any_curve_makes_a_cell(equity: list[float]):
    curve = daily_curve(equity)
    read(html_summary("X", all_metrics(curve), curve, currency="USDT"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (money_text(12345.678, "USDT"), "12,345.68 USDT"),
        (money_text(-0.0012345), "-0.001234"),
        (money_text(3.0), "3.00"),
        (percent_text(0.27), "27.00 %"),
        (percent_text(0.000123), "0.0123 %"),
        (number_text(1234567.0), "1,234,567"),
        (number_text(8.9e-10), "8.900e-10"),
        (number_text(0.0), "0"),
        (duration_text(312 * 10**9), "5 min 12 s"),
        (duration_text(3_725 * 10**9), "1 h 02 min"),
        (duration_text(59.9999e9), "60 s"),
        (duration_text(25e6), "25 ms"),
        (time_text(1_723_118_400 * 10**9), "2024-08-08 12:00:00 UTC"),
    ],
)
def test_numbers_look_like_this(text: str, expected: str):
    assert text == expected


def test_the_numbers_of_a_column_have_the_same_decimals():
    assert column_texts([1.5, None, -0.00012], significant=5) == ["1.5000", "n/a", "-0.0001"]


# What conventions.md lists as names that users look for, by the key that carries it.
LOOKED_FOR = """
start_time end_time max_open_trades starting_balance final_balance net_profit total_return cagr sortino sharpe calmar sqn
profit_factor expectancy expectancy_ratio mean_profit median_profit average_daily_profit trade_volume volume profit_long
profit_short profit_long_ratio profit_short_ratio best_pair worst_pair best_trade worst_trade best_day worst_day days_won
days_drawn days_lost holding_mean holding_mean_winners holding_mean_losers streak_wins streak_losses refused rejected signals
timeouts_entry timeouts_exit cancelled_entries replaced_entries min_equity max_equity underwater_now max_drawdown
max_drawdown_money max_drawdown_profit_at_peak max_drawdown_profit_at_trough max_drawdown_peak_time
max_drawdown_trough_time max_drawdown_duration market_change smart_sharpe smart_sortino omega serenity win_rate_long
win_rate_short open_profit fees expected_100_trades trades trades_open hold_value trade_p_value
""".split()


def test_every_name_that_users_look_for_is_in_the_text_the_numbers_and_the_table():
    curve, trace = minutes_of_trading()
    found = all_metrics(curve, traces=[trace], orders=OrderCounts(submits=3))
    text = text_summary("X", found, currency="USDT", base="ETH")
    table = metrics_frame(found)
    numbers = summary(found)
    for name in LOOKED_FOR:
        assert found[name].title in text, name
        assert name in numbers
        assert table.filter(pl.col("name") == name)["formula"].item() == found[name].formula.text


def test_the_table_of_metrics_survives_parquet(tmp_path: Path):
    curve, trace = minutes_of_trading()
    table = metrics_frame(all_metrics(curve, traces=[trace]))
    table.write_parquet(tmp_path / "metrics.parquet")
    assert pl.read_parquet(tmp_path / "metrics.parquet").equals(table)
    assert table["value"].is_nan().sum() == 0


def test_results_are_compared_side_by_side():
    curve, trace = minutes_of_trading()
    found = all_metrics(curve, traces=[trace])
    table = compared({"one": found, "two": {}})
    assert table["result"].to_list() == ["one", "two"]
    assert table["net_profit"].to_list() == [found["net_profit"].value, None]
    assert table["sharpe"].to_list() == [None, None]
