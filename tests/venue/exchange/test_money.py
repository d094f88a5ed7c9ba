"""Whole numbers into texts and back: grids, money, brackets."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.model.errors import Misuse
from b25.venue.exchange.brackets import MAJOR, MIDDLE, bracket_of, maintenance_margin, max_leverage, max_notional
from b25.venue.exchange.money import COINS, decimal_text, divided_text, fee, grid_steps, money_text, to_money


@pytest.mark.parametrize(
    ("steps", "step", "text"),
    [(5, "0.01", "0.05"), (-5, "0.01", "-0.05"), (123, "1", "123"), (3, "1e1", "30"), (7, "0.25", "1.75"), (0, "0.10", "0.00")],
)
def test_steps_as_text(steps, step, text):
    assert decimal_text(steps, Decimal(step)) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["0.01", "0.00001", "1", "0.5", "0.001"]))
def test_a_text_reads_back(steps, step):
    assert grid_steps(Decimal(decimal_text(steps, Decimal(step))), Decimal(step), "it") == steps


def test_money():
    assert money_text(-123_456_789) == "-1.23456789"
    assert money_text(1) == "0.00000001"
    assert to_money("1.5") == 150_000_000
    with pytest.raises(Misuse, match="multiple of"):
        to_money("0.000000001")
    assert fee(1_019_999_490, 1000) == 1_019_999
    assert divided_text(2, 3, Decimal("0.1")) == "0.06666667"
    assert divided_text(0, 3, Decimal("0.1")) == "0"


@pytest.mark.parametrize("brackets", [MAJOR, MIDDLE])
def test_maintenance_margin_never_jumps(brackets):
    for lower, upper in pairwise(brackets):
        assert lower.cap == upper.floor
        assert lower.initial_leverage > upper.initial_leverage
        below, above = (maintenance_margin(brackets, upper.floor + step) for step in (0, COINS))
        assert 0 <= above - below <= COINS
    # A position at full leverage is never liquidated where it is opened.
    for bracket in brackets:
        assert bracket.maintenance_ppm * bracket.initial_leverage <= 1_000_000


def test_brackets_bound_leverage_and_notional():
    assert bracket_of(MAJOR, 300_000 * COINS).bracket == 1
    assert bracket_of(MAJOR, 300_001 * COINS).bracket == 2
    assert bracket_of(MAJOR, 10**30).bracket == len(MAJOR)
    assert max_notional(MAJOR, 125) == 300_000 * COINS
    assert max_notional(MAJOR, 1) == 1_800_000_000 * COINS
    assert (max_leverage(MAJOR), max_notional(MAJOR, 126)) == (125, 0)
