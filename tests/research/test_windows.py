"""Walk-forward windows: the past is learned from, the future is tested, by rows and by time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.model.errors import Misuse
from b25.research.windows import WalkForwardWindows, Window, length_ns

DAY = 86_400_000_000_000
HOUR = 3_600_000_000_000


def windows_naive(n, train, test, step, gap, anchored):
    found = []
    at = 0
    while at + train + gap + test <= n:
        rows = list(range(n))
        found.append((rows[0 if anchored else at : at + train], rows[at + train + gap : at + train + gap + test]))
        at += step
    return found


@given(
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(1, 10),
    st.integers(1, 12),
    st.integers(0, 4),
    st.booleans(),
    st.booleans(),
)
def test_windows_equal_their_naive_twin(n, train, test, step, gap, anchored, timed):
    windows = WalkForwardWindows(train=train, test=test, step=step, gap=gap, anchored=anchored)
    wanted = windows_naive(n, train, test, step, gap, anchored)
    rows = n if not timed or n < 2 else np.arange(n) * HOUR
    if not wanted:
        with pytest.raises(Misuse, match="no window fits"):
            windows.over(rows)
        return
    found = windows.over(rows)
    assert [(w.train.tolist(), w.test.tolist()) for w in found] == wanted
    assert all(w.train.dtype == w.test.dtype == np.int64 for w in found)
    if timed and n >= 2:
        assert all(w.test_start_ns == w.test_start * HOUR and w.test_end_ns == w.test_end * HOUR for w in found)


def test_by_default_every_row_after_the_first_training_is_tested_once():
    found = WalkForwardWindows(train=10, test=5).over(40)
    assert np.concatenate([w.test for w in found]).tolist() == list(range(10, 40))


def test_anchored_training_grows_from_the_first_row():
    found = WalkForwardWindows(train=10, test=5, anchored=True).over(21)
    assert [(w.train_start, w.train_end) for w in found] == [(0, 10), (0, 15)]


def test_windows_by_time_hold_the_rows_of_that_time():
    # Hourly rows of ten days; the third day has none in its first half.
    times = np.array([h * HOUR for h in range(240) if not 48 <= h < 60])
    found = WalkForwardWindows(train="3d", test="1d", step="2d").over(times)
    assert [(w.test_start_ns // DAY, w.test_end_ns // DAY) for w in found] == [(3, 4), (5, 6), (7, 8), (9, 10)]
    assert [w.train.size for w in found] == [60, 60, 72, 72]
    for w in found:
        assert (times[w.train] >= w.train_start_ns).all()
        assert (times[w.train] < w.train_end_ns).all()
        assert (times[w.test] >= w.test_start_ns).all()
        assert (times[w.test] < w.test_end_ns).all()


def test_the_last_row_counts_until_its_end():
    times = np.arange(48) * HOUR
    assert len(WalkForwardWindows(train="1d", test="1d").over(times)) == 1
    with pytest.raises(Misuse, match="no window fits"):
        WalkForwardWindows(train="1d", test="1d").over(times, end_ns=47 * HOUR)


def test_a_gap_in_the_data_that_swallows_a_window_is_refused_with_its_time():
    times = np.concatenate([np.arange(48), np.arange(96, 200)]) * HOUR
    with pytest.raises(Misuse, match="no row to test on from 1970-01-03T00:00:00 to 1970-01-04T00:00:00 UTC"):
        WalkForwardWindows(train="1d", test="1d").over(times)


def test_windows_are_facts_that_can_be_compared():
    assert WalkForwardWindows(train=2, test=1).over(3) == [Window(0, 2, 2, 3)]


@pytest.mark.parametrize(("text", "ns"), [("30d", 30 * DAY), ("12h", 12 * HOUR), ("1.5h", HOUR * 3 // 2), ("2w", 14 * DAY)])
def test_a_length_of_time_is_read(text, ns):
    assert length_ns(text) == ns


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: WalkForwardWindows(train="1M", test="1d"), "train='1M' is no length of time"),
        (lambda: WalkForwardWindows(train="30d", test=5), "all lengths in rows, or all as times"),
        (lambda: WalkForwardWindows(train=0, test=5), "train=0"),
        (lambda: WalkForwardWindows(train=5, test=5, gap=-1), "gap=-1"),
        (lambda: WalkForwardWindows(train=5, test=5, step=True), "all lengths in rows"),
        (lambda: WalkForwardWindows(train="0d", test="1d"), "train='0d'"),
        (lambda: WalkForwardWindows(train="1d", test="1d").over(100), "bare number of rows"),
        (lambda: WalkForwardWindows(train=2, test=1).over(np.array([0, 2, 1])), "row 2 is earlier"),
        (lambda: WalkForwardWindows(train=2, test=1).over(np.array([0.0, 2.0])), "float64"),
        (lambda: WalkForwardWindows(train=2, test=1).over(np.array([0, 1, 2]), end_ns=1), "before its last row"),
        (lambda: WalkForwardWindows(train="1ms", test="1ms").over(np.array([0, DAY])), "use a longer step"),
    ],
)
def test_what_cannot_be_stepped_through_is_refused(call, says):
    with pytest.raises(Misuse, match=says):
        call()
