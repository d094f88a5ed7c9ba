"""The rolling clock correction equals its naive twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.kernels.rolling_floor import rolling_floor


def naive_floor(recv, exch, window, floor):
    out, newest = [], None
    for i in range(len(recv)):
        smallest = min(recv[j] - exch[j] for j in range(i + 1) if all(recv[k] >= recv[i] - window for k in range(j, j + 1)))
        at = recv[i] + max(0, floor - smallest)
        newest = at if newest is None else max(newest, at)
        out.append(newest)
    return out


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-30, 30)), max_size=40), st.integers(0, 100), st.integers(0, 10))
def test_the_rolling_shift_equals_its_naive_twin(steps, window, floor):
    recv = np.cumsum([step for step, _ in steps], dtype=np.int64)
    exch = recv - np.array([latency for _, latency in steps], np.int64)
    out, scratch = np.empty(len(steps), np.int64), np.empty(len(steps), np.int64)
    rolling_floor(recv, exch, window, floor, out, scratch)
    assert out.tolist() == naive_floor(recv.tolist(), exch.tolist(), window, floor)
