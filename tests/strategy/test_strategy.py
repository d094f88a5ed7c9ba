"""Fields and parameters: what is wrong with one is said at once, with the remedy."""

import math

import numpy as np
import pytest

import b25
from b25.model.errors import Misuse


class Fields(b25.Strategy):
    quantity: float = b25.param(0.01, gt=0, le=1, unit="base")
    levels: int = b25.param(3, ge=1, lt=10)
    eager: bool = b25.param(False)
    whole: float = b25.param(1, ge=0)
    seen: int = 4
    fair: float = 0
    ema: b25.Ema = b25.ema(span=3)
    last: b25.window(5) = b25.window(5)


class Heir(Fields):
    quantity: float = b25.param(0.5, gt=0, unit="base")
    more: int = 7


@pytest.mark.parametrize(
    ("params", "what", "remedy"),
    [
        ({"quantiti": 1.0}, "Fields has no parameter 'quantiti'", "did you mean quantity?"),
        ({"zzz": 1}, "no parameter 'zzz'", "its parameters are quantity, levels, eager, whole"),
        ({"seen": 1}, "no parameter 'seen'", ""),
        ({"quantity": 0.0}, "quantity=0.0 is out of bounds", "with 0 < x <= 1, in base"),
        ({"quantity": 1.01}, "out of bounds", ""),
        ({"levels": 10}, "out of bounds", "1 <= x < 10"),
        ({"quantity": math.nan}, "not finite", "as float"),
        ({"quantity": math.inf}, "not finite", ""),
        ({"quantity": "much"}, "is not a float", ""),
        ({"quantity": None}, "is not a float", ""),
        ({"quantity": True}, "is not a float", ""),
        ({"levels": 2.5}, "is not a int", ""),
        ({"levels": 2**70}, "levels=", ""),
        ({"eager": 1}, "is not a bool", ""),
    ],
)
def test_a_wrong_parameter_is_named_with_its_bounds(params, what, remedy):
    with pytest.raises(Misuse) as raised:
        Fields(**params)
    assert what in str(raised.value)
    assert remedy in str(raised.value)


def test_values_are_taken_as_the_parameters_type():
    made = Fields(quantity="0.25", levels=4.0, eager="true", whole=np.int64(3))
    assert made.parameters == {"quantity": 0.25, "levels": 4, "eager": True, "whole": 3.0}
    assert repr(made) == "Fields(quantity=0.25, levels=4, eager=True, whole=3.0)"
    assert isinstance(Fields.record()["fair"][0].item(), float)


def test_a_fresh_record_begins_as_declared_whatever_another_did():
    used = Fields()
    used.seen, used.fair = 99, 2
    used.last[2] = 5.0
    used.ema.update(3.0)
    fresh = Fields()
    assert (used.seen, used.fair, used.last[2], used.ema.value) == (99, 2.0, 5.0, 3.0)
    assert (fresh.seen, fresh.fair, fresh.last[2]) == (4, 0.0, 0.0)
    assert math.isnan(fresh.ema.value)


def test_a_subclass_keeps_overrides_and_adds():
    made = Heir()
    assert (made.quantity, made.levels, made.seen, made.more) == (0.5, 3, 4, 7)
    assert Fields().quantity == 0.01
    assert "more" not in Fields.dtype.names


def test_a_record_has_no_hidden_padding():
    for cls in (Fields, Heir):
        assert cls.dtype.itemsize == sum(cls.dtype[name].itemsize for name in cls.dtype.names)
        assert cls.dtype.alignment <= 8
        assert cls.record().tobytes() == cls.record().tobytes()


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"__annotations__": {"size": float}}, "Wrong.size has no value"),
        ({"__annotations__": {"name": str}, "name": "x"}, "cannot be kept in a record"),
        ({"__annotations__": {"many": list}, "many": []}, "cannot be kept in a record"),
        ({"__annotations__": {"size": float}, "size": b25.param("x")}, "a parameter is a float, an int or a bool"),
        ({"__annotations__": {"size": float}, "size": b25.param(2.0, lt=1)}, "out of bounds"),
        ({"__annotations__": {"size": float}, "size": b25.param(math.nan)}, "not finite"),
    ],
)
def test_a_field_that_cannot_be_is_refused_when_the_class_is_made(fields, what):
    with pytest.raises(Misuse, match=what):
        type("Wrong", (b25.Strategy,), {"__module__": __name__, **fields})


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, 10**7])
def test_a_window_has_a_size(wrong):
    with pytest.raises(Misuse, match="window of size"):
        b25.window(wrong)


def test_an_abstract_strategy_is_not_run():
    with pytest.raises(Misuse, match="cannot be run"):
        b25.Strategy()


def test_a_unit_is_told_with_the_remedy():
    # A bare max_position=100 says nothing; its unit stands where a wrong value is refused.
    with pytest.raises(Misuse, match="in base"):
        Heir(quantity=-1)


def test_a_field_must_not_hide_what_a_class_is_made_of():
    with pytest.raises(b25.Misuse, match=r"Hides.state is a name of the class itself"):

        class Hides(b25.Strategy):
            state: float = 0.0
