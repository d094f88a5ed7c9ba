"""The rolling clock correction equals its naive twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.kernels.rolling_floor import rolling_floor, stretch_floors
from b25.model.event import ROW


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


def naive_stretches(rows, stretch):
    found = []
    for exch, recv in rows:
        if not found or not 0 <= exch - found[-1][0] < stretch:
            found.append([exch, recv - exch])
        found[-1][1] = min(found[-1][1], recv - exch)
    return found


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30), st.integers(1, 20))
def test_the_floor_of_each_stretch_equals_its_naive_twin(pairs, stretch):
    rows = np.zeros(len(pairs), ROW)
    rows["exch_ns"], rows["recv_ns"] = [p[0] for p in pairs], [p[1] for p in pairs]
    starts, floors = np.empty(40, np.int64), np.empty(40, np.int64)
    count = stretch_floors(rows, stretch, starts, floors)
    assert [list(one) for one in zip(starts[:count], floors[:count], strict=True)] == naive_stretches(pairs, stretch)
