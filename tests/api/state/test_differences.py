"""Differences applied to the old value give the new one, for any two values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.api.state.differences import differences, is_same
from b25.client.mirror import Mirror

NAMES = st.text(alphabet="ab.~1", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5]) | st.text(alphabet="xy", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def applied(old, new):
    mirror = Mirror()
    mirror.wanted = {"c"}
    mirror.data = {"c": {"k": json.loads(json.dumps(old))}}
    changes, removed = {}, []
    differences(old, new, "c.k", changes, removed)
    mirror._apply(changes, removed)
    return mirror.data["c"]["k"], changes, removed


@pytest.mark.spec("DS-06")
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4))
def test_differences_lead_from_any_value_to_any_other(old, new):
    made, _, _ = applied(old, new)
    assert is_same(made, new)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_did_not_change_is_not_told(value):
    _, changes, removed = applied(value, json.loads(json.dumps(value)))
    assert (changes, removed) == ({}, [])


@pytest.mark.spec("DS-N2")
def test_a_removal_and_a_change_that_keeps_the_count_are_told():
    made, changes, removed = applied({"a": 1, "b": 2}, {"b": 2, "c": 1})
    assert made == {"b": 2, "c": 1}
    assert changes == {"c.k.c": 1}
    assert removed == ["c.k.a"]


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), (1, 1.0), ([1], [True]), ({"a": 0}, {"a": False}), (None, 0)])
def test_values_that_python_calls_equal_are_told_when_the_wire_does_not(old, new):
    assert not is_same(old, new)
    assert is_same(applied({"v": old}, {"v": new})[0], {"v": new})
