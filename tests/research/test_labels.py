"""Labels: what came next, how far each looked, and how much of it was its own."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.model.errors import Misuse
from b25.research.labels import forward_return, triple_barrier, uniqueness


def frame(close, high=None, low=None):
    close = np.asarray(close, float)
    return pl.DataFrame(
        {"close": close, "high": close if high is None else np.asarray(high), "low": close if low is None else np.asarray(low)}
    )


def barrier_naive(close, high, low, horizon, up, down):
    values, ends = [], []
    for t in range(len(close)):
        value, end = 0.0, t + horizon
        if t + horizon >= len(close) or np.isnan(up[t]):
            value, end = np.nan, t
        else:
            for s in range(t + 1, t + horizon + 1):
                if low[s] <= close[t] * (1 - down):
                    value, end = -1.0, s
                    break
                if high[s] >= close[t] * (1 + up[t]):
                    value, end = 1.0, s
                    break
        values.append(value)
        ends.append(end)
    return values, ends


@st.composite
def walks(draw):
    n = draw(st.integers(3, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
    reach = np.abs(rng.normal(0, 0.02, (2, n)))
    up = np.where(rng.random(n) < 0.1, np.nan, 0.03)
    return close, close * (1 + reach[0]), close * (1 - reach[1]), up, draw(st.integers(1, n - 1))


@given(walks())
def test_barriers_equal_their_naive_twin(walk):
    close, high, low, up, horizon = walk
    found = triple_barrier(frame(close, high, low), horizon, up=up, down=0.02)
    values, ends = barrier_naive(close, high, low, horizon, up, 0.02)
    assert np.array_equal(found.values, values, equal_nan=True)
    assert found.end.tolist() == ends
    assert found.end.dtype == np.int64


def test_a_bar_that_touches_both_barriers_counts_as_the_worse():
    found = triple_barrier(frame([100, 100, 100], [100, 110, 100], [100, 90, 100]), 1, up=0.05, down=0.05)
    assert found.values[0] == -1.0


def test_a_forward_return_looks_at_its_horizon_and_is_unknown_at_the_end():
    found = forward_return(frame([100, 110, 121, 110]), 2)
    assert found.values[:2] == pytest.approx([0.21, 0.0])
    assert np.isnan(found.values[2:]).all()
    assert found.known.tolist() == [True, True, False, False]
    assert found.end.tolist() == [2, 3, 2, 3]
    assert found.text == "close[t + 2] / close[t] - 1"


def test_a_forward_return_may_be_a_class():
    found = forward_return(frame([100, 110, 121, 110]), 1, over_bps=5)
    assert found.values[:3].tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(found.values[3])
    assert found.text.endswith("> 5 bps")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=20))
def test_uniqueness_equals_its_naive_twin(spans):
    start = np.array([s for s, _ in spans], np.int64)
    end = start + np.array([length for _, length in spans], np.int64)
    wanted = [
        np.mean([1 / sum(a <= row <= b for a, b in zip(start, end, strict=True)) for row in range(s, e + 1)])
        for s, e in zip(start, end, strict=True)
    ]
    assert uniqueness(start, end) == pytest.approx(wanted)


def test_labels_side_by_side_are_all_their_own_and_copies_share():
    assert uniqueness([0, 3], [2, 5]).tolist() == [1.0, 1.0]
    assert uniqueness([4, 4], [6, 6]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: forward_return(frame([1, 2, 3]), 3), "3 bars of 3"),
        (lambda: forward_return(frame([1, 2, 3]), 0), "0 bars of 3"),
        (lambda: forward_return(frame([1, -2, 3]), 1), "the close of row 1 is -2"),
        (lambda: forward_return(frame([1, np.nan, 3]), 1), "the close of row 1 is nan"),
        (lambda: triple_barrier(frame([1, 2, 3]), 1, up=0.0, down=0.1), "up is 0 in row 0"),
        (lambda: triple_barrier(frame([1, 2, 3]), 1, up=0.1, down=1.0), "down is 1 in row 0"),
        (lambda: triple_barrier(frame([1, 2, 3]), 1, up=[0.1, 0.1], down=0.1), "2 distances for 3 rows"),
        (lambda: uniqueness([1], [0]), "ends before it starts"),
    ],
)
def test_what_cannot_be_labelled_is_refused(call, says):
    with pytest.raises(Misuse, match=says):
        call()
