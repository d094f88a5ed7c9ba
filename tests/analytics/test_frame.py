"""The plot area of SVG charts: places, axes that show everything, gaps, and marks that are round on a logarithmic axis too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.charts import Line, Span, TimeChart, time_chart
from b25.analytics.frame import NARROW, TOP, WIDE, Frame, both_widths, reach, thinned
from b25.analytics.series import TimeSeries
from b25.analytics.ticks import log_ticks
from tests.analytics.curves import NOON, SECOND


def test_ends_of_the_axes_are_at_the_edges_of_the_plot():
    frame = Frame(width=WIDE, height=200.0, x=(10.0, 20.0), y=(1.0, 100.0), log=True)
    assert frame.across([10.0, 20.0]).tolist() == [frame.start, frame.end]
    assert frame.down([1.0, 10.0, 100.0]) == pytest.approx([frame.floor, (frame.floor + TOP) / 2, TOP])
    assert frame.down([0.0]) == pytest.approx([frame.floor])  # nothing is below the axis


@given(st.lists(st.floats(-1e9, 1e9), max_size=20), st.booleans())
def test_an_axis_reaches_over_all_values(values: list[float], zero: bool):
    low, high = reach(np.array([*values, np.nan, np.inf]), zero=zero)
    assert low < high
    assert all(low <= value <= high for value in values)
    assert not zero or low <= 0 <= high


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6))
def test_marks_of_a_logarithmic_axis_are_inside_and_apart(low: float, factor: float):
    high = low * factor
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 14
    assert len({tick.text for tick in ticks}) == len(ticks)
    assert all(low * 0.999 <= tick.at <= high * 1.001 for tick in ticks)


def test_a_line_is_broken_where_a_value_is_unknown():
    frame = Frame(width=NARROW, height=100.0, x=(0.0, 5.0), y=(0.0, 9.0))
    parts = frame.path(np.arange(6.0), np.array([1, 2, np.nan, 4, np.nan, np.nan]), "equity", base=0.0)
    assert len(parts) == 4
    assert frame.path(np.arange(2.0), np.full(2, np.nan), "equity") == []
    assert len(frame.band(np.arange(3.0), np.array([0, np.nan, 1.0]), np.ones(3), "fan")) == 2


def test_thinned_series_keep_their_extremes():
    series = TimeSeries(np.arange(500_000), np.random.default_rng(1).normal(size=500_000))
    few = thinned(series)
    assert few.time_ns.size <= 4 * WIDE
    assert (few.values.min(), few.values.max()) == (series.values.min(), series.values.max())


def test_both_widths_are_written_and_a_long_title_is_cut():
    series = TimeSeries(NOON + np.arange(3) * SECOND, np.array([1.0, 10.0, 1_000.0]))
    title = "a title that is far too long for a telephone held upright in one hand"

    def draw(width: float) -> str:
        shaded = Span(NOON, NOON + SECOND, "fall", "<b>", "label")
        return time_chart(
            TimeChart(
                title=title,
                unit="USDT",
                start_ns=NOON,
                end_ns=NOON + 2 * SECOND,
                lines=[Line(series, "equity")],
                log=True,
                width=width,
                spans=[shaded],
            )
        )

    drawn = both_widths(draw)
    assert drawn.count(f">{title}</text>") == 1
    assert "…</text>" in drawn
    assert drawn.count("USDT, logarithmic</text>") == 2
    assert "<b>" not in drawn


def test_an_axis_with_a_value_that_is_not_positive_is_not_logarithmic():
    series = TimeSeries(NOON + np.arange(2) * SECOND, np.array([0.0, 10.0]))
    chart = TimeChart(title="t", unit="u", start_ns=NOON, end_ns=NOON + SECOND, lines=[Line(series, "equity")], log=True)
    assert "logarithmic" not in time_chart(chart)
