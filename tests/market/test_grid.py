"""A grid is read from decimals, and inferred from prices without being fooled by a single odd one."""

from decimal import Decimal

import numpy as np
import pytest

from b25.market.grid import infer_steps, nearly_fits, places_and_step
from b25.model.errors import Misuse
from b25.model.event import DEPTH
from b25.model.message import RAW_ROW


@pytest.mark.parametrize(
    ("size", "expected"),
    [("0.01", (2, 1)), ("0.5", (1, 5)), ("10", (0, 10)), ("1", (0, 1)), ("0.025", (3, 25)), ("1E+1", (0, 10))],
)
def test_a_step_is_places_and_a_whole_number(size, expected):
    assert places_and_step(Decimal(size)) == expected


def rows_of(prices, qtys):
    rows = np.zeros(len(prices), RAW_ROW)
    rows["kind"], rows["price"], rows["qty"] = DEPTH, prices, qtys
    return [rows]


def test_the_tick_is_the_largest_of_1_2_5_that_nearly_all_prices_lie_on():
    prices = np.arange(1, 5001) * 50
    assert infer_steps(rows_of(prices, np.full(5000, 3000)), "x") == (50, 1000)
    prices[7] = 51  # one in five thousand is an error
    assert infer_steps(rows_of(prices, np.full(5000, 30)), "x") == (50, 10)
    assert infer_steps(rows_of(np.arange(1, 101) * 20, np.arange(100)), "x") == (20, 1)


def test_a_published_tick_survives_one_odd_price():
    assert nearly_fits(rows_of([10, 20, 35], [1, 1, 1]), 10)
    assert not nearly_fits(rows_of([10, 25, 35], [1, 1, 1]), 10)


def test_without_a_price_there_is_no_tick():
    with pytest.raises(Misuse, match="no depth"):
        infer_steps(rows_of([], []), "x")
