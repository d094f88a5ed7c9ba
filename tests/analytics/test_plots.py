"""Pictures are drawn for every result, quickly, without pyplot, and refuse what they cannot draw."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from b25.analytics import book_plots, plots
from b25.analytics.curve import EquityCurve
from b25.analytics.palette import PALETTES, Theme
from b25.analytics.picture import Picture
from b25.analytics.series import InstrumentTrace, TimeSeries
from b25.model.errors import Misuse
from tests.analytics.curves import NOON, SECOND, daily_curve, fills, minutes_of_trading

PNG = b"\x89PNG\r\n"
BIDS, ASKS = [(99.0, 3.0), (98.5, 1.0), (97.0, 8.0)], [(100.0, 1.0), (101.0, 9.0)]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_can_be_seen_on_its_paper(theme: Theme):
    palette = PALETTES[theme]
    for name in ("ink", "muted", "equity", "drawdown", "position", "mid", "buy", "sell", "accent"):
        one, other = sorted((luminance(getattr(palette, name)), luminance(palette.paper)))
        assert (other + 0.05) / (one + 0.05) >= 3.0, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_result_is_drawn(theme: Theme, tmp_path: Path):
    curve, trace = minutes_of_trading(60)
    picture = plots.plot_backtest(curve, [trace], currency="USDT", title="A $\\special_name^2$ <b>", theme=theme)
    data, size = picture._repr_png_()
    assert data.startswith(PNG)
    assert size["width"] == 720
    assert picture.save(tmp_path / "new" / "result.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize("equity", [[1.0], [0, -1], [5, 5, 5], [1, -1, 2]])
def test_any_curve_is_drawn(equity: list[float]):
    curve = daily_curve(equity)
    assert plots.plot_equity(curve).png().startswith(PNG)
    assert plots.plot_backtest(curve, [InstrumentTrace(name="X", fills=fills([]))]).png().startswith(PNG)


@pytest.mark.parametrize("equity", [[1.0], [0, -1], [5, 5, 5], [1, 3, 2, 9, 4]])
def test_any_curve_has_its_falls_shaded_on_either_axis(equity: list[float]):
    assert plots.plot_equity(daily_curve(equity), log=True, falls=3, currency="USDT").png().startswith(PNG)


def test_fills_without_mids_and_no_fills_at_all_are_drawn():
    some = InstrumentTrace(name="X", fills=fills([(0, 1, 100, 1), (3, -1, 101, 1)]))
    blind = InstrumentTrace(name="X", fills=fills([]), mids=TimeSeries(NOON + np.arange(3), np.full(3, np.nan)))
    for trace in (some, blind, InstrumentTrace(name="X", fills=fills([]))):
        assert plots.plot_fills(trace).png().startswith(PNG)


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, np.inf], [2.0, 2.0], [1.0, 2.0, 9.0]])
def test_any_series_has_a_distribution(values: list[float]):
    assert plots.plot_distribution(np.array(values)).png().startswith(PNG)


def test_a_book_is_drawn_also_with_an_empty_side():
    for bids, asks in ((BIDS, ASKS), ([], ASKS), (BIDS, []), ([], [])):
        assert book_plots.plot_depth(bids, asks, quote="USDT", base="ETH").png().startswith(PNG)


def test_a_book_that_is_not_in_order_is_refused():
    with pytest.raises(Misuse, match="bids are not in order"):
        book_plots.plot_depth(BIDS[::-1], ASKS)


def test_a_queue_is_drawn_to_its_end():
    times = NOON + np.array([0, 3, 9]) * SECOND
    for end in ({"filled_ns": NOON + 10 * SECOND}, {"cancelled_ns": NOON + 10 * SECOND}, {}):
        assert book_plots.plot_queue(times, np.array([5.0, 2.0, 0.0]), base="ETH", **end).png().startswith(PNG)
    with pytest.raises(Misuse, match="no history"):
        book_plots.plot_queue(np.zeros(0), np.zeros(0))


def test_a_heat_map_of_a_book_is_drawn():
    times, prices = NOON + np.arange(50) * SECOND, np.arange(90, 110, 0.01)
    grid = np.random.default_rng(1).gamma(1, 3, (50, prices.size))
    picture = book_plots.plot_book_heatmap(
        times, prices, grid, bid=np.full(50, 99.0), ask=np.full(50, 100.0), fills=fills([(5, 1, 99, 1)])
    )
    assert picture.png().startswith(PNG)
    with pytest.raises(Misuse, match="quantity"):
        book_plots.plot_book_heatmap(times, prices, grid.T)


def test_an_unknown_theme_is_refused():
    with pytest.raises(Misuse, match="'light' or 'dark'"):
        plots.plot_equity(daily_curve([1, 2]), theme="pink")  # type: ignore[arg-type]


def test_a_million_points_are_drawn_quickly():
    rng = np.random.default_rng(1)
    curve = EquityCurve(NOON + np.arange(1_000_000) * 10**8, 10_000 + np.cumsum(rng.normal(0, 1, 1_000_000)))
    plots.plot_equity(daily_curve([1, 2])).png()  # fonts are looked up once
    begin = time.perf_counter()
    picture: Picture = plots.plot_equity(curve)
    picture.png()
    assert time.perf_counter() - begin < 3.0  # a sixth of it on an idle machine


def test_importing_the_pictures_imports_neither_matplotlib_nor_bokeh():
    code = (
        "import sys, b25.analytics.plots, b25.analytics.book_plots, b25.analytics.tearsheet, b25.analytics.interactive;"
        "sys.exit('matplotlib' in sys.modules or 'bokeh' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_pyplot_is_never_used():
    code = (
        "import sys; from b25.analytics.plots import *; from b25.analytics.curve import EquityCurve; import numpy as np;"
        "plot_equity(EquityCurve(np.arange(2), np.arange(2.0))).png(); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
