"""Trades on price: every trade is on the picture, alone or gathered, with what it made."""

import re

import numpy as np
import pytest

from b25.analytics.series import InstrumentTrace, TimeSeries
from b25.analytics.trade_marks import SINGLE_MAX, plot_trades, trade_marks, trades_chart
from b25.analytics.trades import trades_from_fills
from tests.analytics.curves import NOON, SECOND, fills
from tests.analytics.test_candles import candles

PNG = b"\x89PNG\r\n"
END = NOON + 1_000 * SECOND


def round_trips(count: int) -> InstrumentTrace:
    rng = np.random.default_rng(count)
    rows = []
    for i in range(count):
        side, price = int(rng.choice([-1, 1])), float(rng.uniform(90, 110))
        rows += [(2 * i, side, price, 1.0), (2 * i + 1, -side, price + float(rng.normal(0, 2)), 1.0)]
    return InstrumentTrace(name="A<b>", fills=fills(rows), quote="USDT", base="A")


def test_few_trades_are_drawn_one_by_one():
    trace = round_trips(9)
    trades = trades_from_fills(trace.fills)
    marks = trade_marks(trades, NOON, END)
    assert marks.single
    assert marks.exit_net.tolist() == trades["net"].to_list()
    assert marks.entry_price.tolist() == trades["entry_price"].to_list()
    assert (marks.trades, marks.closed) == (9, 9)


def test_gathered_trades_keep_their_number_and_profit_and_winners_stay_apart():
    trades = trades_from_fills(round_trips(SINGLE_MAX * 3).fills)
    marks = trade_marks(trades, NOON, END, columns=20)
    net = trades["net"].to_numpy()
    assert not marks.single
    assert marks.entry_count.sum() == marks.exit_count.sum() == trades.height
    assert marks.exit_net[marks.exit_net > 0].sum() == pytest.approx(net[net > 0].sum())
    assert marks.exit_net.sum() == pytest.approx(net.sum())
    assert marks.exit_ns.size <= 40


def test_an_open_trade_has_an_entry_and_no_exit():
    trace = InstrumentTrace(name="X", fills=fills([(0, 1, 100, 1), (1, -1, 101, 1), (2, -1, 102, 1)]))
    marks = trade_marks(trades_from_fills(trace.fills), NOON, END)
    assert (marks.entry_ns.size, marks.exit_ns.size) == (2, 1)
    assert marks.entry_side.tolist() == [1, -1]


def test_the_chart_says_what_each_exit_made():
    trace = round_trips(5)
    trades = trades_from_fills(trace.fills)
    chart = trades_chart(trace, trades, None, NOON, END, currency="USDT", width=960.0)
    said = [float(text.replace(",", "")) for text in re.findall(r"net (-?[\d.,]+) USDT</title>", chart)]
    assert said == pytest.approx(trades["net"].to_list(), rel=1e-3)
    assert "<b>" not in chart


@pytest.mark.parametrize("count", [0, 1, SINGLE_MAX + 5])
@pytest.mark.parametrize("bars", [0, 1, 500, None])
def test_any_trace_is_drawn_with_and_without_candles(count: int, bars: int | None):
    trace = round_trips(count)
    made = None if bars is None else candles(bars)
    assert plot_trades(trace, made).png().startswith(PNG)
    chart = trades_chart(trace, trades_from_fills(trace.fills), made, NOON, END, width=440.0)
    assert "nan" not in chart


def test_mids_that_are_never_known_are_explained():
    blind = InstrumentTrace(name="X", fills=fills([]), mids=TimeSeries(NOON + np.arange(3), np.full(3, np.nan)))
    chart = trades_chart(blind, trades_from_fills(blind.fills), None, NOON, END, width=960.0)
    assert "n/a, there is neither a trade nor a price" in chart
    assert plot_trades(blind).png().startswith(PNG)
