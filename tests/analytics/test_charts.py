"""What pictures rest on: down-sampling that keeps the extremes, and axes with round marks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.charts import gather
from b25.analytics.downsample import m4
from b25.analytics.svg import step_path, tag, words
from b25.analytics.ticks import number_ticks, span_text, time_ticks
from tests.analytics.curves import NOON, SECOND, fills


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 20))
def test_each_column_keeps_its_first_lowest_highest_and_last(values: list[float], columns: int):
    series, time_ns = np.array(values), np.arange(len(values)) * 7
    rows = m4(time_ns, series, columns=columns)
    assert np.all(np.diff(rows) > 0)
    assert (rows[0], rows[-1]) == (0, series.size - 1)
    assert rows.size <= max(4 * columns, min(series.size, 4 * columns))
    assert (series[rows].min(), series[rows].max()) == (series.min(), series.max())


def test_unknown_values_are_left_out():
    series = np.where(np.arange(1_000) % 3 == 0, np.nan, np.arange(1_000.0))
    assert not np.any(np.isnan(series[m4(np.arange(1_000), series, columns=10)]))
    assert m4(np.arange(3), np.full(3, np.nan), columns=5).size == 0


@given(st.floats(-1e7, 1e7), st.floats(1e-6, 1e7))
def test_marks_of_an_axis_are_inside_and_apart(low: float, span: float):
    high = low + span
    if not high > low or span < 1e-9 * abs(low):
        return
    ticks = number_ticks(low, high)
    assert 2 <= len(ticks) <= 12
    assert len({tick.text for tick in ticks}) == len(ticks)
    assert all(low - span * 1e-6 <= tick.at <= high + span * 1e-6 for tick in ticks)


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (1, ["12:00:00.000", "12:00:00.200"]),
        (30, ["12:00:00", "12:00:05"]),
        (600, ["12:00", "12:02"]),
        (86_400, ["12:00", "18:00", "2024-08-09"]),
        (86_400 * 8, ["08-09", "08-11"]),
        (86_400 * 400, ["2024-09", "2024-11"]),
        (86_400 * 4_000, ["2026", "2028"]),
    ],
)
def test_marks_of_time_are_round(seconds: int, texts: list[str]):
    found = [tick.text for tick in time_ticks(NOON, NOON + seconds * SECOND)]
    assert 3 <= len(found) <= 12
    assert set(texts) <= set(found)


def test_the_span_names_its_dates():
    assert span_text(NOON, NOON + 5 * SECOND) == "2024-08-08, UTC"
    assert span_text(NOON, NOON + 86_400 * SECOND) == "2024-08-08 to 2024-08-09, UTC"


def test_gathered_fills_keep_their_quantity_and_value():
    rng = np.random.default_rng(8)
    rows = [
        (int(second), int(rng.choice([-1, 1])), float(rng.integers(90, 110)), float(rng.integers(1, 9)))
        for second in range(3_000)
    ]
    made = fills(rows)
    for side in (1, -1):
        marks = gather(made, side, NOON, NOON + 3_000 * SECOND, columns=50)
        mine = made.side == side
        assert marks.price.size <= 50
        assert marks.count.sum() == mine.sum()
        assert marks.quantity.sum() == pytest.approx(made.quantity[mine].sum())
        assert (marks.price * marks.quantity).sum() == pytest.approx((made.price * made.quantity)[mine].sum())


def test_markup_is_escaped():
    assert words(1.0, 2.25, "<b>&") == '<text x="1" y="2.2">&lt;b&gt;&amp;</text>'
    assert tag("g", class_='a"b', stroke_width=1) == '<g class="a&quot;b" stroke-width="1"/>'


def test_a_step_moves_across_before_it_moves_down():
    assert step_path(np.array([0.0, 1, 2]), np.array([5.0, 5, 6])) == "M0 5H1H2V6"
