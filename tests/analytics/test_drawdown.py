"""Drawdowns: relative and absolute apart, the starting balance as first peak, flows taken out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.analytics.curve import EquityCurve
from b25.analytics.drawdown import drawdown_metrics, drawdown_ratio, drawdown_table, largest_absolute, largest_relative
from b25.analytics.metric import NS_PER_DAY
from b25.analytics.metrics import equity_metrics
from tests.analytics.curves import daily_curve
from tests.analytics.oracle import ORACLE, series

LADDER = [
    .011580, .010048, .011340, .012161, .010416, .010009, .020024, -.024662, -.022350, .020496,
    -.029859, -.030511, .010041, .010872, -.025782, .010400, .012374, .012467, .114741, .010303,
    .010088, -.033961, .010680, .010886, -.029274, .011178, .010693, .010711,
]  # fmt: skip


def curve_of(start: float, profit: list[float]) -> EquityCurve:
    return daily_curve([start, *(start + np.cumsum(profit))])


@pytest.mark.golden("M04")
def test_the_largest_absolute_and_the_largest_relative_drawdown_are_different_ones():
    curve = curve_of(1_000, [0, -500, 500, 10_000, -1_000])
    money = largest_absolute(curve.time_ns, curve.equity)
    assert (money.money, money.peak_ns // NS_PER_DAY, money.trough_ns // NS_PER_DAY, money.recovery_ns) == (1_000, 4, 5, None)
    assert money.ratio == pytest.approx(1 / 11)
    share = largest_relative(curve.time_ns, curve.equity)
    assert share is not None
    assert (share.ratio, share.money) == (0.5, 500)
    assert (share.peak_ns // NS_PER_DAY, share.trough_ns // NS_PER_DAY, share.recovery_ns // NS_PER_DAY) == (1, 2, 3)
    assert share.duration_ns == 2 * NS_PER_DAY
    found = equity_metrics(curve)
    assert found["max_drawdown_amount"].value == 500
    assert found["max_drawdown_money_ratio"].value == pytest.approx(0.090909, abs=1e-6)
    assert found["max_drawdown_recovery_time"].value == 3 * NS_PER_DAY
    assert found["max_drawdown_money_peak_time"].value == 4 * NS_PER_DAY
    assert found["max_drawdown_money_recovery_time"].reason == "not recovered"
    assert (found["max_drawdown_money_profit_at_peak"].value, found["max_drawdown_money_profit_at_trough"].value) == (
        10_000,
        9_000,
    )


@pytest.mark.golden("M05")
@pytest.mark.parametrize(("profit", "money", "ratio"), [([-500, -100, 700], 600, 0.6), ([-500, 100, 100], 500, 0.5)])
def test_a_first_loss_counts_from_the_starting_balance(profit: list[float], money: float, ratio: float):
    found = equity_metrics(curve_of(1_000, profit))
    assert (found["max_drawdown_money"].value, found["max_drawdown"].value) == (money, ratio)


@pytest.mark.golden("M05")
@pytest.mark.golden("T01")
def test_a_losing_start_has_a_drawdown_and_a_calmar():
    found = equity_metrics(daily_curve([10_000, 7_300, 7_750, 8_200]))
    assert found["max_drawdown"].value == 0.27
    assert found["calmar"].value is None  # three days are too few to show it
    assert found["calmar"].computed is not None
    assert found["calmar"].computed < -1
    long = equity_metrics(daily_curve([10_000, 7_300, *np.linspace(7_300, 8_200, 40)]))
    assert long["calmar"].value is not None
    assert long["calmar"].value < -1


@pytest.mark.golden("M06")
def test_a_ladder_of_profits():
    days = np.arange(len(LADDER)) * NS_PER_DAY
    order = np.random.default_rng(1).permutation(days.size)
    for rows in (np.arange(days.size), order):
        curve = EquityCurve.from_profits(days[rows], np.array(LADDER)[rows], starting_balance=0.2)
        found = equity_metrics(curve)
        assert found["max_drawdown_money"].value == pytest.approx(0.091755, rel=1e-9)
        assert found["max_drawdown"].value == pytest.approx(0.321295758, abs=5e-10)
    rising = equity_metrics(curve_of(0.2, LADDER[:5]))
    assert rising["max_drawdown_money"].value == 0
    assert rising["calmar"].reason
    falling = equity_metrics(curve_of(0.2, [-value for value in LADDER[:5]]))
    assert falling["max_drawdown_money"].value == pytest.approx(0.055545, rel=1e-9)


@pytest.mark.golden("M07")
def test_drawdown_and_calmar_of_a_compounded_sine():
    equity = np.concatenate(([1.0], np.cumprod(1 + 0.001 + 0.02 * np.sin(np.arange(1, 366)))))
    found = equity_metrics(daily_curve(list(equity)))
    assert found["final_balance"].value == pytest.approx(1.4004077131, rel=1e-9)
    assert found["max_drawdown"].value == pytest.approx(0.0381447441, rel=1e-8)
    assert found["calmar"].value == pytest.approx(10.4970612019, rel=1e-9)


@pytest.mark.parametrize("kind", ["waves", "jumps", "falling"])
def test_drawdown_and_growth_equal_those_of_an_independent_library(kind: str):
    found = equity_metrics(daily_curve(list(np.concatenate(([100.0], 100 * np.cumprod(1 + series(kind)))))))
    for name in ("max_drawdown", "cagr", "calmar", "total_return"):
        assert found[name].value == pytest.approx(ORACLE[kind][name], rel=1e-9), name


@pytest.mark.golden("T12")
def test_a_deposit_moves_the_peak_along():
    equity = [10_000.0, 12_000.0, 10_799.0, 12_000.0]
    curve = EquityCurve(np.arange(4), np.array(equity), np.array([3]), np.array([1_201.0]))
    depth = drawdown_ratio(curve.index())
    assert depth[2] == pytest.approx(0.1000833333)
    assert depth[3] == pytest.approx(depth[2])
    assert equity[3] / (1 - depth[3]) == pytest.approx(13_334.568, abs=1e-3)
    assert curve.net_profit == pytest.approx(799)


def test_an_account_below_zero_has_lost_more_than_its_peak_and_has_no_ratios():
    found = equity_metrics(daily_curve([100, 120, -30, 10]))
    assert found["max_drawdown"].value == 1.25
    assert found["sharpe"].reason == "equity was not positive on 1970-01-03"
    assert found["calmar"].value is None


def test_a_curve_that_starts_at_nothing_still_has_its_money_figures():
    found = equity_metrics(daily_curve([0, -5, 3, -1]))
    assert found["net_profit"].value == -1
    assert found["max_drawdown_money"].value == 5
    assert found["total_return"].value is None


def test_time_under_water_ends_at_the_recovery():
    found = equity_metrics(daily_curve([100, 90, 100, 110, 105, 111, 111]))
    assert found["longest_under_water"].value == 2 * NS_PER_DAY
    assert found["time_under_water"].value == pytest.approx(2 / 6)


def naive_table(equity: np.ndarray) -> list[tuple[int, int, float]]:
    """Peak, trough and depth of each fall, found by walking."""
    found, peak, trough = [], 0, 0
    for i in range(1, equity.size + 1):
        if i == equity.size or equity[i] >= equity[peak]:
            if trough > peak:
                found.append((peak, trough, float(equity[peak] - equity[trough])))
            peak = trough = i
        elif equity[i] < equity[trough]:
            trough = i
    return found


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_the_table_equals_its_naive_twin(values: list[int]):
    equity = np.array(values, float)
    rows = drawdown_table(np.arange(equity.size), equity, count=100)
    assert sorted((row.peak_ns, row.trough_ns, row.money) for row in rows) == sorted(naive_table(equity))
    assert [row.money for row in rows] == sorted((row.money for row in rows), reverse=True)


@settings(max_examples=30)
@given(st.lists(st.floats(-5, 20), min_size=1, max_size=30))
def test_no_curve_makes_an_exception(values: list[float]):
    curve = daily_curve(values)
    with np.errstate(all="ignore"):
        drawdown_metrics(curve.time_ns, curve.index(), curve.daily().equity)
        equity_metrics(curve)
