"""Calendar returns: they compound to the total return, and any curve makes a table and a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.curve import EquityCurve
from b25.analytics.metric import NS_PER_DAY
from b25.analytics.monthly import monthly_table, plot_monthly, return_calendar, tint
from tests.analytics.curves import NOON, daily_curve

PNG = b"\x89PNG\r\n"


def from_date(date: str, equity: list[float]) -> EquityCurve:
    start = int(np.datetime64(date, "ns").astype(np.int64))
    return EquityCurve(start + np.arange(len(equity)) * NS_PER_DAY, np.asarray(equity, float))


@given(st.lists(st.floats(-0.2, 0.25), min_size=1, max_size=500))
def test_periods_and_rows_compound_to_the_total_return(returns: list[float]):
    equity = 1_000 * np.cumprod(np.concatenate(([1.0], 1.0 + np.array(returns))))
    calendar = return_calendar(from_date("2023-11-20", equity.tolist()))
    total = equity[-1] / equity[0]
    assert np.prod(1.0 + calendar.totals) == pytest.approx(total)
    assert np.nanprod(1.0 + calendar.values) == pytest.approx(total)


def test_a_month_holds_the_returns_of_its_own_days():
    # 2024-01-30 to 2024-04-02: January has two days, February 29, March 31, April one.
    days = [2, 29, 31, 1]
    returns = np.repeat([0.01, 0.002, -0.001, 0.05], days)
    calendar = return_calendar(from_date("2024-01-30", np.cumprod(np.concatenate(([100.0], 1 + returns))).tolist()))
    assert (calendar.by, calendar.rows, calendar.columns[1]) == ("month", ("2024",), "Feb")
    expected = [1.01**2 - 1, 1.002**29 - 1, 0.999**31 - 1, 0.05]
    assert calendar.values[0, :4] == pytest.approx(expected)
    assert calendar.covered[0].tolist() == [True] * 4 + [False] * 8


def test_a_short_curve_is_shown_by_day():
    calendar = return_calendar(from_date("2024-02-28", [100.0, 110.0, 99.0, 99.0]))
    assert (calendar.by, calendar.rows) == ("day", ("2024-02", "2024-03"))
    assert (calendar.columns[0], calendar.columns[-1]) == ("1", "29")
    assert calendar.values[0, 27:29] == pytest.approx([0.1, -0.1])
    assert calendar.values[1, 0] == 0
    assert calendar.totals == pytest.approx([-0.01, 0.0])


def test_deposits_are_no_return():
    times = NOON + np.arange(4) * NS_PER_DAY
    curve = EquityCurve(times, np.array([100.0, 100, 200, 200]), times[2:3], np.array([100.0]))
    assert return_calendar(curve).totals == pytest.approx([0.0])


def test_the_table_says_the_cells_of_the_calendar():
    table = monthly_table(from_date("2024-01-01", [100.0, *[101.0] * 60, *[95.95] * 40]))
    assert ">1.00</td>" in table
    assert ">−5.00</td>" in table
    assert "−4.05 % in all" in table


@pytest.mark.parametrize("equity", [[1.0], [0, -1, 5], [5, 5], [1, -1, 2, 3], [1e-9, 2e-9]])
def test_any_curve_makes_a_table_and_a_picture(equity: list[float]):
    curve = daily_curve(equity)
    assert plot_monthly(curve).png().startswith(PNG)
    assert "nan" not in monthly_table(curve)


def test_a_single_moment_is_explained():
    assert "n/a, the curve is a single moment" in monthly_table(daily_curve([1.0]))


def test_the_colour_grows_with_the_size_of_the_return():
    strength = tint(np.array([0.0, 0.01, -0.02, 0.05, np.nan]), 0.05)
    assert strength[0] == strength[4] == 0
    assert np.all(np.diff(strength[:4]) > 0)
    assert strength[3] <= 0.65  # so that the words on it can be read
