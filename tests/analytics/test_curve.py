"""The equity curve: its daily points, flows, and what it refuses."""

import numpy as np
import pytest

from b25.analytics.curve import EquityCurve
from b25.analytics.metric import NS_PER_DAY
from b25.analytics.metrics import equity_metrics
from b25.analytics.returns import sharpe, sortino
from b25.model.errors import Misuse
from tests.analytics.curves import NOON, SECOND, daily_curve

WEEK = np.array([50, -30, 20, -10, 40, -20, 30], float)


def test_daily_points_are_the_start_each_midnight_and_the_end():
    hours = np.arange(0, 61, 6)
    curve = EquityCurve(NOON + hours * 3600 * SECOND, 100.0 + hours)
    daily = curve.daily()
    assert [str(np.datetime64(int(t), "ns"))[:16] for t in daily.time_ns] == [
        "2024-08-08T12:00", "2024-08-09T00:00", "2024-08-10T00:00", "2024-08-11T00:00",
    ]  # fmt: skip
    assert daily.equity.tolist() == [100, 112, 136, 160]


def test_a_day_without_a_point_keeps_the_value_of_the_day_before():
    curve = EquityCurve(np.array([0, 1, 3 * NS_PER_DAY + 1]), np.array([100.0, 110.0, 121.0]))
    assert curve.daily().returns == pytest.approx([0.1, 0.0, 0.0, 0.1])


@pytest.mark.golden("M08")
@pytest.mark.golden("T02")
@pytest.mark.parametrize("parts", [1, 10])
def test_the_number_of_trades_a_day_changes_no_ratio(parts: int):
    day = np.repeat(np.arange(WEEK.size), parts)
    time_ns = day * NS_PER_DAY + np.tile(np.arange(parts) * 3_600 * SECOND, WEEK.size) + SECOND
    curve = EquityCurve.from_profits(time_ns, np.repeat(WEEK / parts, parts), starting_balance=1_000, start_ns=0)
    daily = curve.daily().returns
    assert sharpe(daily).value == pytest.approx(7.1914335861, rel=1e-9)
    assert sortino(daily).value == pytest.approx(16.3138540949, rel=1e-9)


def test_below_thirty_days_annualised_figures_are_computed_and_not_shown():
    week = equity_metrics(daily_curve([1_000, *(1_000 + np.cumsum(WEEK))]))
    assert week["sharpe"].value is None
    assert week["sharpe"].reason == "annualised: needs 30 days, has 7 d 00 h"
    assert week["sharpe"].computed == pytest.approx(7.1914335861, rel=1e-9)
    assert week["total_return"].value == pytest.approx(0.08)
    assert equity_metrics(daily_curve(list(1_000 + np.arange(31) % 7)))["sharpe"].value is not None


@pytest.mark.golden("M09")
@pytest.mark.parametrize("equity", [[1_000], [1_000, 1_010], [1_000] * 50, list(range(1_000, 1_050))])
def test_what_is_undefined_is_not_available(equity: list[float]):
    found = equity_metrics(daily_curve(equity))
    for name in ("sharpe", "sortino", "calmar", "omega"):
        if found[name].value is None:
            assert found[name].reason
        else:
            assert (name, equity[-1]) == ("sharpe", 1_049)  # a steady rise has one, and nobody should believe it
            assert found[name].note == "implausible: check data and fill model"


def test_profits_of_one_instant_are_one_point():
    curve = EquityCurve.from_profits(np.array([5, 3, 5]), np.array([1.0, -2.0, 4.0]), starting_balance=10)
    assert curve.equity.tolist() == [10, 8, 13]


def test_a_deposit_is_no_profit():
    curve = EquityCurve(np.arange(3) * NS_PER_DAY, np.array([100.0, 160.0, 176.0]), np.array([NS_PER_DAY // 2]), np.array([50.0]))
    assert curve.net_profit == 26
    assert curve.daily().returns == pytest.approx([0.1, 0.1])


def test_unknown_values_at_the_head_are_cut_off():
    assert EquityCurve(np.arange(3), np.array([np.nan, 5.0, 6.0])).starting_balance == 5


@pytest.mark.parametrize(
    ("time_ns", "equity", "what"),
    [
        ([], [], "no point"),
        ([1, 2], [1.0], "2,"),
        ([2, 1], [1.0, 2.0], "backwards at point 1"),
        ([1, 2], [1.0, np.inf], "point 1 is inf"),
    ],
)
def test_a_curve_that_is_none_is_refused(time_ns: list[int], equity: list[float], what: str):
    with pytest.raises(Misuse, match=what):
        EquityCurve(np.array(time_ns), np.array(equity))


def test_the_best_and_the_worst_day_have_money_and_a_date():
    found = equity_metrics(daily_curve([1_000, 1_100, 990, 995]))
    assert (found["best_day_profit"].value, found["best_day_profit"].note) == (100, "1970-01-01")
    assert (found["worst_day_profit"].value, found["worst_day_profit"].note) == (-110, "1970-01-02")
    assert found["average_daily_profit"].value == pytest.approx(-0.005 / 3)
    assert equity_metrics(daily_curve([5]))["average_daily_profit"].reason == "the curve has no length"
