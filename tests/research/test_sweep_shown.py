"""What a sweep shows: heat map, blocks of returns, how likely its best point is chance, progress."""

import numpy as np
import pytest

import b25
from b25.model.errors import Misuse
from tests.research.crosses import Cross
from tests.research.markets import wandering

GRID = {"fast": [3, 8, 21], "slow": [30, 55]}


@pytest.fixture(scope="module")
def market():
    return wandering(2_000)


def quiet(cls, data, grid, **how):
    return b25.sweep(cls, data, grid=grid, **{"objective": "net_profit", "progress": False, "log": False} | how)


def test_a_heat_map_shows_the_figure_of_each_pair(market):
    found = quiet(Cross, market, {"fast": [8, 3], "slow": [55, 30], "size": [1.0, 5.0]})
    xs, ys, z = found.grid_of("fast", "slow")
    assert (xs.tolist(), ys.tolist()) == ([3, 8], [30, 55])
    for a, fast in enumerate(xs):
        for b, slow in enumerate(ys):
            cell = found.table.filter(fast=int(fast), slow=int(slow))
            assert z[b, a] == cell["net_profit"].max()
    grid = found.parameter_grid("fast", "slow")
    assert grid.objective == "net_profit"
    with pytest.raises(Misuse, match="'width' was not searched"):
        found.grid_of("width", "fast")
    with pytest.raises(Misuse, match="there is no figure 'sharp'"):
        found.grid_of("fast", "slow", "sharp")
    with pytest.raises(Misuse, match="two searched parameters"):
        quiet(Cross, market, {"fast": [3]}).heatmap()


def test_the_blocks_hold_every_return_of_a_bar(market):
    found = quiet(Cross, market, {"fast": [3, 8]}, start="2024-01-05")
    result = found.backtest(0)
    assert found.blocks.shape == (2, 16, 3)
    closes = result.made.clock_ns[result.made.steps[1] : result.made.steps[2]]
    assert found.blocks[:, :, 0].sum(axis=1).tolist() == [closes.size] * 2
    # What happens at the next open has the time of this close, and comes after it.
    curve = result.curve
    at = np.searchsorted(curve.time_ns[1:], closes, side="left") + 1
    equity = np.concatenate(([curve.equity[0]], curve.equity[at]))
    returns = equity[1:] / equity[:-1] - 1
    for block, part in zip(found.blocks[0], np.split(returns, np.arange(1, 16) * returns.size // 16), strict=True):
        assert block == pytest.approx([part.size, part.sum(), (part * part).sum()], rel=1e-6, abs=1e-12)


def test_on_noise_the_best_of_many_is_seen_as_chance():
    found = quiet(Cross, wandering(2_000, 4), {"fast": range(2, 20, 2), "slow": range(20, 60, 8)})
    assert 0.15 <= found.overfitting.probability <= 1.0
    assert "probability of overfitting" in found.verdict


def test_it_shows_itself_in_a_terminal_and_in_a_notebook(market):
    found = quiet(Cross, market, GRID, objective="sharpe")
    assert repr(found).startswith("Sweep of Cross: 6 points of fast 3…21, slow 30…55\n  best by sharpe: fast=")
    page = found._repr_html_()
    assert page.count("<tr>") == 7
    assert found.best_row["sharpe"] == found.table["sharpe"].max()


def test_progress_can_be_told_to_a_function(market):
    told = []
    quiet(Cross, market, GRID, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    assert told == sorted(told)
