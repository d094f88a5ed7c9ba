"""Controls made from parameters: type, bounds, unit, and a range where none is declared."""

import pytest

import b25
from b25.model.errors import Misuse
from b25.notebook.widgets.controls import controls_of


class Dials(b25.Strategy):
    whole: int = b25.param(5, ge=1, le=20, unit="bars")
    share: float = b25.param(0.3, gt=0, lt=1)
    size: float = b25.param(0.01, gt=0, unit="base")
    free: float = b25.param(0.0)
    wide: float = b25.param(1.0, ge=0.001, le=1_000)
    on: bool = b25.param(True)

    def on_bar(self, ctx):
        pass


def by_name(**ranges):
    return {one["name"]: one for one in controls_of(Dials, ranges or None)}


def test_bounds_are_the_ends_and_a_bound_that_is_itself_refused_is_left_by_a_step():
    found = by_name()
    assert (found["whole"]["low"], found["whole"]["high"], found["whole"]["step"]) == (1, 20, 1)
    assert found["whole"]["unit"] == "bars"
    assert found["share"]["low"] > 0
    assert found["share"]["high"] < 1
    assert found["on"]["kind"] == "bool"
    assert not found["share"]["is_guessed"]


def test_where_a_bound_is_missing_a_range_is_guessed_and_said_to_be():
    found = by_name()
    assert found["size"]["is_guessed"]
    assert 0 < found["size"]["low"] < 0.01 < found["size"]["high"]
    assert (found["free"]["low"], found["free"]["high"]) == (-1, 1)


def test_a_range_of_orders_of_magnitude_is_even_in_its_logarithm():
    assert by_name()["wide"]["is_log"]
    assert not by_name()["share"]["is_log"]


def test_every_end_of_a_slider_is_a_value_that_the_parameter_takes():
    for one in controls_of(Dials):
        for end in ("low", "high", "default"):
            if end in one:
                Dials.params[one["name"]].check("Dials", one["name"], one[end])


def test_a_chosen_range_takes_the_place_of_the_bounds():
    assert (by_name(whole=(2, 8))["whole"]["low"], by_name(whole=(2, 8))["whole"]["high"]) == (2, 8)


@pytest.mark.parametrize("ranges", [{"hole": (1, 2)}, {"whole": (8, 2)}, {"whole": (0, 5)}])
def test_a_range_that_is_none_is_refused(ranges):
    with pytest.raises(Misuse):
        controls_of(Dials, ranges)
