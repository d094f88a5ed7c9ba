"""The heat map shows the values it was given: the best one, its neighbours, and what is n/a."""

import re

import numpy as np
import pytest

from b25.analytics.heatmap import ParameterGrid, heatmap_chart, plot_heatmap, strengths
from b25.model.errors import Misuse

PNG = b"\x89PNG\r\n"
Z = np.array([[0.1, 0.5, np.nan], [-0.25, 1.5, 0.9]])


def grid(z: object = Z, **more: object) -> ParameterGrid:
    values = np.asarray(z, float)
    axes = {"x": [5 * (j + 1) for j in range(values.shape[1])], "y": [20 * (i + 1) for i in range(values.shape[0])]}
    return ParameterGrid(**{"x_name": "fast", "y_name": "slow", "z": values, "objective": "sharpe", **axes, **more})


def test_the_best_point_and_its_neighbourhood():
    made = grid()
    assert made.best == (1, 1)
    mean, count = made.neighbourhood()
    assert (mean, count) == (pytest.approx((0.1 + 0.5 - 0.25 + 0.9) / 4), 4)
    assert made.words() == "best 1.5 at fast 10, slow 40; its 4 neighbours average 0.312; 1 of 6 are n/a"
    assert grid(lower_is_better=True).best == (1, 0)


def test_each_cell_says_its_own_value():
    chart = heatmap_chart(grid(), width=960.0)
    cells = dict(re.findall(r"<title>(fast \d+, slow \d+): ([^<]*)</title>", chart))
    assert cells == {
        "fast 5, slow 20": "0.1", "fast 10, slow 20": "0.5", "fast 15, slow 20": "n/a",
        "fast 5, slow 40": "−0.25", "fast 10, slow 40": "1.5", "fast 15, slow 40": "0.9",
    }  # fmt: skip
    assert chart.count('class="best"') == 1
    assert chart.count("cross none") == 1


def test_the_colour_is_by_size_around_zero_and_from_low_to_high_otherwise():
    both = strengths(np.array([[-2.0, 0.0, 1.0, np.nan]]))[0]
    assert both[0] > both[2] > both[1] > both[3] == 0
    one = strengths(np.array([[3.0, 3.5, 4.0]]))[0]
    assert one.tolist() == pytest.approx([0.05, 0.5, 0.95])
    assert np.all(np.isfinite(strengths(np.full((2, 2), 7.0))))


@pytest.mark.parametrize(
    "z",
    [np.full((2, 3), np.nan), [[1.0]], [[np.inf, -np.inf]], [[0.0, 0.0]], np.ones((1, 30)), np.ones((70, 2)), np.zeros((0, 0))],
)
def test_any_matrix_makes_a_map_or_says_why_not(z: object):
    made = grid(z)
    assert plot_heatmap(made, theme="dark").png().startswith(PNG)
    for width in (960.0, 440.0):
        assert "nan" not in heatmap_chart(made, width=width)
    assert made.neighbourhood() is None or np.isfinite(made.neighbourhood()[0])


def test_a_large_map_is_averaged_and_says_so():
    z = np.arange(100 * 150, dtype=float).reshape(100, 150)
    chart = heatmap_chart(grid(z), width=960.0)
    assert "Each cell is the mean of 3 × 3 points" in chart
    assert f"fast 5, slow 20: {z[:3, :3].mean():g}" in chart
    assert len(chart) < 600_000


def test_points_of_a_sweep_make_a_grid():
    x, y, other = (part.reshape(-1) for part in np.meshgrid([5, 10], [20, 40, 80], [1, 2], indexing="ij"))
    score = np.arange(12.0)
    score[[0, 1, 3]] = [np.nan, np.inf, -np.inf]
    order = np.random.default_rng(1).permutation(11)  # without the last point, in any order
    points = {"x": x[order], "y": y[order], "score": score[order]}
    assert other.size == 12
    best = ParameterGrid.of_points("fast", "slow", **points)
    assert (best.x, best.y) == ([5, 10], [20, 40, 80])
    assert best.z == pytest.approx(np.array([[np.nan, 7], [2, 9], [5, 10]]), nan_ok=True)
    lowest = ParameterGrid.of_points("fast", "slow", **points, lower_is_better=True)
    assert lowest.z == pytest.approx(np.array([[np.nan, 6], [2, 8], [4, 10]]), nan_ok=True)
    mean = ParameterGrid.of_points("fast", "slow", **points, cell="mean")
    assert mean.z == pytest.approx(np.array([[np.nan, 6.5], [2, 8.5], [4.5, 10]]), nan_ok=True)
    assert ParameterGrid.of_points("fast", "slow", [], [], np.zeros(0)).best is None


def test_a_matrix_of_another_shape_is_refused():
    with pytest.raises(Misuse, match="a row for each y"):
        ParameterGrid(x_name="a", y_name="b", x=[1, 2, 3], y=[1, 2], z=np.zeros((3, 2)))


def test_names_are_escaped_and_values_may_be_words():
    made = grid(x_name="<b>", y_name="&", x=["<i>", True, "c"])
    chart = heatmap_chart(made, width=960.0)
    assert "<b>" not in chart
    assert "&lt;i&gt;" in chart
    assert plot_heatmap(made).png().startswith(PNG)
