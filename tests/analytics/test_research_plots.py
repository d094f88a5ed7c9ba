"""Fans, stability curves and walk-forward windows: drawn with their own figures, explained when there is nothing."""

import re

import numpy as np
import pytest

from b25.analytics.fan import Fan, fan_chart, plot_fan
from b25.analytics.metric import NS_PER_DAY
from b25.analytics.stability import StabilityCurve, plot_stability, stability_chart
from b25.analytics.walk_plot import WalkForward, plot_walk_forward, walk_charts
from b25.model.errors import Misuse
from tests.analytics.curves import NOON, daily_curve

PNG = b"\x89PNG\r\n"
LEVELS = (0.05, 0.5, 0.95)


def fan(size: int = 1_000, **more: object) -> Fan:
    bands = np.array([[-1.0], [0.0], [1.0]]) * np.sqrt(np.arange(size)) + 10
    return Fan(**{"x": np.arange(size), "levels": LEVELS, "bands": bands, "actual": bands[1] + 0.5, **more})


def windows(count: int, **more: object) -> WalkForward:
    k = np.arange(count)
    start, length = NOON + k * 30 * NS_PER_DAY, 30 * NS_PER_DAY
    return WalkForward(
        train_start_ns=start, train_end_ns=start + 3 * length, test_start_ns=start + 3 * length,
        test_end_ns=start + 4 * length, **more,
    )  # fmt: skip


def test_a_fan_names_its_bands_by_their_share_and_keeps_both_ends():
    made = fan()
    x, bands, actual = made.few()
    assert (x[0], x[-1], x.size) == (0, 999, 400)
    assert bands[:, -1].tolist() == made.bands[:, -1].tolist()
    assert actual is not None
    assert actual[-1] == made.actual[-1]
    assert (made.pairs, made.middle, made.band_name(0, 2)) == ([(0, 2)], 1, "90 % of the paths")
    chart = fan_chart(made, width=960.0)
    assert "90 % of the paths" in chart
    assert "as it was" in chart


@pytest.mark.parametrize("over_time", [True, False])
@pytest.mark.parametrize("size", [0, 1, 2, 50])
def test_any_fan_is_drawn_or_explained(size: int, over_time: bool):
    made = fan(size, over_time=over_time)
    assert plot_fan(made).png().startswith(PNG)
    assert ("n/a" in fan_chart(made, width=440.0)) == (size < 2)
    blind = fan(9, bands=np.full((3, 9), np.nan), actual=None)
    assert "no quantile is known" in fan_chart(blind, width=440.0)
    assert plot_fan(blind, theme="dark").png().startswith(PNG)


def test_a_fan_of_bad_arrays_is_refused():
    with pytest.raises(Misuse, match="a row for each level"):
        fan(9, bands=np.zeros((2, 9)))
    with pytest.raises(Misuse, match="not in order"):
        fan(9, levels=(0.5, 0.5, 0.9))
    with pytest.raises(Misuse, match="of the path"):
        fan(9, actual=np.zeros(3))


def test_a_stability_curve_is_sorted_by_its_parameter():
    made = StabilityCurve(name="fast", values=np.array([30.0, 10, 20]), score=np.array([3.0, np.inf, 2.0]), chosen=20.0)
    assert made.values.tolist() == [10, 20, 30]
    assert np.isnan(made.score[0])
    assert made.score[1:].tolist() == [2, 3]
    chart = stability_chart(made, width=960.0)
    assert re.findall(r"<title>(\d+: \d)</title>", chart) == ["20: 2", "30: 3"]
    assert "chosen: 20" in chart


def test_points_of_a_sweep_make_a_stability_curve():
    values, score = np.array([2.0, 1, 2, 1, 1, 3]), np.array([4.0, 1, 6, 3, 2, np.nan])
    made = StabilityCurve.of_points("fast", values, score)
    assert made.values.tolist() == [1, 2, 3]
    assert made.score == pytest.approx([2, 5, np.nan], nan_ok=True)
    assert made.low == pytest.approx([1.5, 4.5, np.nan], nan_ok=True)
    assert made.high == pytest.approx([2.5, 5.5, np.nan], nan_ok=True)
    assert StabilityCurve.of_points("fast", np.arange(3), np.arange(3)).low is None


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("score", [np.nan, 0.0, -1.0])
def test_any_stability_curve_is_drawn_or_explained(values: list[float], score: float):
    x = np.array(values)
    made = StabilityCurve(name="<i>", values=x, score=np.full(x.size, score), low=x * 0 - 2, high=x * np.nan, chosen=1.0)
    assert plot_stability(made).png().startswith(PNG)
    assert "<i>" not in stability_chart(made, width=440.0)


def test_arrays_of_unequal_length_are_refused():
    with pytest.raises(Misuse, match="stability: 2 values and 1 of score"):
        StabilityCurve(name="x", values=np.zeros(2), score=np.zeros(1))
    with pytest.raises(Misuse, match="2 windows and 3 of test_score"):
        windows(2, test_score=np.zeros(3))
    with pytest.raises(Misuse, match="window 1 ends before it begins"):
        WalkForward(
            train_start_ns=np.array([5]), train_end_ns=np.array([4]), test_start_ns=np.array([5]), test_end_ns=np.array([6])
        )


def test_a_walk_forward_says_what_each_window_found():
    made = windows(3, train_score=np.array([2.0, 1.0, np.nan]), test_score=np.array([1.0, -1.0, 5.0]), objective="sharpe")
    assert made.efficiency() == "mean 1.5 in sample, 0 out of sample"
    chart = walk_charts(made, width=960.0)
    assert re.findall(r"<title>window (\d, out of sample: [^<]*)</title>", chart)[-3:] == [
        "1, out of sample: 1", "2, out of sample: -1", "3, out of sample: 5",
    ]  # fmt: skip
    assert chart.count('class="window train"') == chart.count('class="window gain"') == 3


@pytest.mark.parametrize("count", [0, 1, 40])
@pytest.mark.parametrize("scored", [True, False])
def test_any_walk_forward_is_drawn_or_explained(count: int, scored: bool):
    score = np.full(count, np.nan if count == 1 else 1.0) if scored else None
    made = windows(count, train_score=score, test_score=score, equity=daily_curve([1.0, 2.0, 1.5]) if scored else None)
    assert plot_walk_forward(made, theme="dark").png().startswith(PNG)
    assert ("there is no window" in walk_charts(made, width=440.0)) == (count == 0)
