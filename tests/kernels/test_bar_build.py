"""Bars from trades equal their naive twins: all at once, one by one, and in any pieces."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.kernels.bar_build import BUILDER, build_bars, finish_bar
from b25.kernels.resample import resample_bars
from b25.kernels.time_frame import frame_next, frame_open
from b25.model.bar import BAR

from .naive_bars import WORTH, naive_information_bars, naive_next, naive_open, naive_resample, naive_time_bars

DAY = 86_400 * 10**9
FRAMES = [(7, 0, 0), (10, 4, 0), (DAY, 0, 0), (7 * DAY, 4 * DAY, 0), (0, 0, 1), (0, 0, 3), (0, 0, 12)]
RULES = ["time", *WORTH]
TRADES = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 30), st.integers(1, 9), st.sampled_from([1, -1])), max_size=40)


def builder(rule="time", frame=(7, 0, 0), threshold=1):
    state = np.zeros(1, BUILDER)
    state["rule"], state["threshold"] = RULES.index(rule), threshold
    state["frame_ns"], state["offset_ns"], state["months"] = frame
    return state


def in_order(steps, scale=1):
    """Trades from steps of time; a step of 0 is a trade at the same time."""
    times = np.cumsum([step for step, *_ in steps], dtype=np.int64) * scale
    return [(int(at), *rest) for at, (_, *rest) in zip(times, steps, strict=True)]


def added(state, trades):
    columns = [np.array([trade[k] for trade in trades], np.int64) for k in range(3)]
    out = np.zeros(len(trades), BAR)
    return out[: build_bars(state, *columns, np.array([trade[3] for trade in trades], np.int8), out)]


def as_dicts(rows):
    return [dict(zip(BAR.names, row, strict=True)) for row in rows.tolist()]


@given(st.integers(-(10**11), 10**11), st.sampled_from(FRAMES))
def test_the_border_of_a_time_equals_its_naive_twin(seconds, frame):
    at = seconds * 10**7 if frame[0] >= DAY or frame[2] else seconds % 10_000
    if frame[0]:
        at %= 4000 * frame[0]
    opens = frame_open(np.int64(at), *frame)
    assert opens == naive_open(at, *frame)
    assert frame_next(np.int64(opens), *frame) == naive_next(int(opens), frame[0], frame[2])


@given(TRADES, st.sampled_from(FRAMES), st.integers(0, 300))
def test_bars_by_time_equal_their_naive_twin(steps, frame, known):
    scale = 1 if 0 < frame[0] < DAY else 3 * DAY
    trades = in_order(steps, scale)
    known_ns = max(known * scale, trades[-1][0] if trades else 0)
    state, last = builder(frame=frame), np.zeros(1, BAR)
    found = as_dicts(added(state, trades))
    found += as_dicts(last[: finish_bar(state, known_ns, last)])
    assert found == naive_time_bars(trades, *frame, known_ns)


@given(TRADES, st.sampled_from(list(WORTH)), st.integers(1, 60))
def test_information_bars_equal_their_naive_twin(steps, rule, threshold):
    trades = in_order(steps)
    rows = added(builder(rule, threshold=threshold), trades)
    assert as_dicts(rows) == naive_information_bars(trades, rule, threshold)
    assert np.all(rows["open_ns"] < rows["close_ns"])
    assert np.all(rows["close_ns"][:-1] <= rows["open_ns"][1:])


@given(TRADES, st.sampled_from(RULES), st.integers(1, 60), st.lists(st.integers(0, 40), max_size=5))
def test_any_split_of_the_trades_gives_the_same_bars_and_the_same_state(steps, rule, threshold, cuts):
    trades = in_order(steps)
    whole, parts, single = (builder(rule, threshold=threshold) for _ in range(3))
    at_once = added(whole, trades)
    edges = sorted({0, len(trades), *(min(cut, len(trades)) for cut in cuts)})
    in_parts = [added(parts, trades[a:b]) for a, b in pairwise(edges)]
    one_by_one = [added(single, [trade]) for trade in trades]
    for found in (in_parts, one_by_one):
        assert np.concatenate([np.zeros(0, BAR), *found]).tobytes() == at_once.tobytes()
    assert parts.tobytes() == whole.tobytes() == single.tobytes()


@pytest.mark.golden("T21")
def test_a_bar_whose_close_has_not_passed_is_not_delivered():
    state, last = builder(frame=(10, 0, 0)), np.zeros(1, BAR)
    assert len(added(state, [(1, 5, 1, 1), (9, 6, 1, 1)])) == 0
    assert finish_bar(state, 9, last) == 0
    assert finish_bar(state, 10, last) == 1
    assert last["close_ticks"][0] == 6
    assert finish_bar(state, 10, last) == 0
    # A trade at the close belongs to the next bar.
    assert len(added(state, [(10, 7, 1, 1)])) == 0
    assert added(state, [(20, 8, 1, 1)])["open_ns"].tolist() == [10]


def test_a_trade_larger_than_the_threshold_belongs_to_one_bar():
    rows = added(builder("volume", threshold=5), [(1, 10, 3, 1), (2, 11, 100, -1), (3, 12, 5, 1)])
    assert rows["volume_lots"].tolist() == [103, 5]
    assert rows["buy_lots"].tolist() == [3, 5]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(0, 9), st.integers(-1, 9)), max_size=40),
    st.sampled_from(FRAMES),
    st.integers(0, 200),
)
def test_larger_bars_equal_their_naive_twin(steps, frame, late):
    small = 1 if 0 < frame[0] < DAY else 5 * DAY
    rows, volume = np.zeros(len(steps), BAR), np.array([lots / 7 for _, _, lots, _ in steps])
    rows["open_ns"] = np.cumsum([step for step, *_ in steps]) * small
    rows["close_ns"] = rows["open_ns"] + small
    for i, (_, price, lots, bought) in enumerate(steps):
        rows["open_ticks"][i], rows["high_ticks"][i] = price, price + 3
        rows["low_ticks"][i], rows["close_ticks"][i] = max(1, price - lots), price + 1
        rows["volume_lots"][i], rows["buy_lots"][i] = lots, min(bought, lots)
    known_ns = (int(rows["close_ns"][-1]) if len(rows) else 0) - late % 3 * small
    out, out_volume = np.zeros(len(rows), BAR), np.zeros(len(rows))
    count = resample_bars(rows, volume, *frame, known_ns, out, out_volume)
    found = [{**bar, "volume": one} for bar, one in zip(as_dicts(out[:count]), out_volume[:count].tolist(), strict=True)]
    parts = [{**bar, "volume": one} for bar, one in zip(as_dicts(rows), volume.tolist(), strict=True)]
    assert found == naive_resample(parts, *frame, known_ns)
