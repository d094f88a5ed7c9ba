"""From the door's floats to whole ticks and lots and back, with the golden roundings."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.kernels.units import floor_lots, money_of, price_of, quantity_of, ticks_toward, whole_lots
from b25.model.errors import Misuse
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument


def grid(tick="1", lot="1"):
    return Instrument(venue="sim", symbol="ONE/USD", tick=tick, lot=lot)


@pytest.mark.golden("P01")
@pytest.mark.parametrize(
    ("quantity", "lot", "truncated"),
    [
        (2.34559, "0.0001", 2.3455),
        (2.9999, "0.001", 2.999),
        (2.9909, "1", 2),
        (29991.5555, "10", 29990),
        (29991.5555, "100", 29900),
        (2.34559, "0.00001", 2.34559),
        (2.9999, "0.005", 2.995),
        (2.9909, "0.005", 2.99),
    ],
)
def test_quantities_are_truncated(quantity, lot, truncated):
    record = grid(lot=lot).record()[0]
    assert quantity_of(record, floor_lots(record, quantity)) == truncated


@pytest.mark.golden("P04")
@pytest.mark.parametrize(("quantity", "size", "kept"), [(10.988, "10", 10), (1.17, "0.01", 1.17)])
def test_contracts_are_whole(quantity, size, kept):
    record = grid(lot=size).record()[0]
    assert quantity_of(record, floor_lots(record, quantity)) == kept


@pytest.mark.golden("P02")
@pytest.mark.parametrize(
    ("price", "tick", "side", "rounded"),
    [
        (2.9909, "0.005", SELL, 2.995),
        (2.9973, "0.005", SELL, 3.0),
        (234.43, "0.5", SELL, 234.5),
        (234.53, "0.5", SELL, 235),
        (0.891534, "0.0001", SELL, 0.8916),
        (64968.89, "0.01", SELL, 64968.89),
        (0.000000003483, "0.000000000001", SELL, 0.000000003483),
        (234.43, "0.5", BUY, 234),
        (234.53, "0.5", BUY, 234.5),
        (0.00299, "0.001", BUY, 0.002),
    ],
)
def test_a_bid_is_rounded_down_and_an_ask_up(price, tick, side, rounded):
    record = grid(tick).record()[0]
    assert price_of(record, ticks_toward(record, price, side)) == rounded


@pytest.mark.golden("G11")
def test_a_rounding_error_of_floats_is_forgiven_and_nothing_more():
    tenth = grid("0.1", "0.1")
    record = tenth.record()[0]
    assert whole_lots(record, 0.3) == 3
    assert ticks_toward(record, 0.1 + 0.2, BUY) == ticks_toward(record, 0.1 + 0.2, SELL) == 3
    assert whole_lots(record, 0.35) == -1
    with pytest.raises(Misuse, match=r"use 0\.3 or 0\.4"):
        tenth.ticks("0.35")


@pytest.mark.golden("L09")
def test_the_smallest_quantities_keep_every_digit():
    for text in ("0.0000123", "0.00000089", "0.000000003483", "123456789.123456789"):
        tiny = grid(tick="0.000000000001" if text.startswith("0.000000003") else "0.000000001", lot="0.000000001")
        if tiny.tick * tiny.price_ticks_max < Decimal(text):
            continue
        assert tiny.price(tiny.ticks(text)) == Decimal(text)


STEPS = st.sampled_from(["0.01", "0.001", "0.1", "0.5", "0.005", "0.00000001", "1", "10", "0.0025"])


@given(step=STEPS, number=st.integers(0, 10**9))
def test_every_grid_point_survives_the_way_there_and_back(step, number):
    record = grid(step, step).record()[0]
    assert ticks_toward(record, price_of(record, number), BUY) == number
    assert ticks_toward(record, price_of(record, number), SELL) == number
    assert whole_lots(record, quantity_of(record, number)) == number
    assert floor_lots(record, quantity_of(record, number)) == number
    # One correctly rounded division: the float nearest to the exact decimal.
    assert price_of(record, number) == float(number * Decimal(step))


@given(step=STEPS, price=st.floats(1e-6, 1e6))
def test_a_rounded_price_never_improves_on_what_was_asked_by_more_than_the_tolerance(step, price):
    record = grid(step).record()[0]
    ticks = price / float(step)
    assert ticks - 1 - 1e-5 < ticks_toward(record, price, BUY) <= ticks + 1e-5
    assert ticks - 1e-5 <= ticks_toward(record, price, SELL) < ticks + 1 + 1e-5


def test_what_does_not_fit_is_marked_and_never_wraps():
    record = grid("0.00000001", "0.00000001").record()[0]
    for huge in (1e30, 1e300, float("inf")):
        assert ticks_toward(record, huge, BUY) == ticks_toward(record, huge, SELL) == 2**62
        assert whole_lots(record, huge) == 2**62


def test_money_is_worth_its_unit():
    record = grid("0.01", "0.001").record()[0]
    assert money_of(record, 268_138 * 1_000) == 2681.38
