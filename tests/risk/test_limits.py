"""Limits in ticks, lots and money units, and the values that are no limit."""

import math

import pytest

from b25.model.errors import Misuse
from b25.model.world import NO_LIMIT
from b25.risk.limits import Limits
from tests.engine.runs import ETH


def test_limits_become_whole_units_of_their_instrument():
    row = Limits(position_max=0.3, order_value_max=1_000, collar=0.05, open_orders_max=4, orders_per_s_max=10).record(ETH)[0]
    assert row["position_lots_max"] == 300  # 0.3 is no float's whole multiple of 0.001, and must not lose a lot
    assert row["order_value_max"] == 1_000 * 100_000
    assert row["collar_e6"] == 50_000
    assert (row["open_orders_max"], row["orders_per_s_max"], row["orders_burst_max"]) == (4, 10, 10)


def test_no_limit_is_no_number():
    assert all(value == NO_LIMIT for value in Limits().record(ETH)[0].item())


@pytest.mark.parametrize("name", Limits.__slots__)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_limit_that_is_not_positive_is_refused(name, value):
    with pytest.raises(Misuse, match=name):
        Limits(**{name: value}).record(ETH)
