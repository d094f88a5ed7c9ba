"""Interactive pictures: whole in themselves, small enough to keep, the same twice, and still where nothing can move."""

import base64
import gzip
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from b25.analytics import interactive
from b25.analytics.curve import EquityCurve
from b25.analytics.interactive import InteractivePicture, interactive_heatmap, plot_interactive
from b25.analytics.picture import Picture
from b25.analytics.series import InstrumentTrace, TimeSeries
from tests.analytics.curves import NOON, SECOND, daily_curve, fills, minutes_of_trading
from tests.analytics.test_candles import candles
from tests.analytics.test_heatmap import Z, grid
from tests.analytics.test_trade_marks import round_trips

pytest.importorskip("bokeh")


class Requests(HTMLParser):
    """Attributes that make a browser fetch something, and the scripts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.asked += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]


def read(document: str) -> Requests:
    reader = Requests()
    reader.feed(document)
    return reader


def moving(picture: InteractivePicture | Picture) -> InteractivePicture:
    assert isinstance(picture, InteractivePicture)
    return picture


@pytest.fixture(scope="module")
def whole() -> InteractivePicture:
    curve, trace = minutes_of_trading()
    return moving(plot_interactive(curve, [trace], candles(5), currency="USDT", title="<b>$$x$$"))


def test_the_document_asks_nobody_for_anything(whole: InteractivePicture):
    reader = read(whole.document)
    assert reader.scripts >= 2
    assert reader.asked == []
    assert "cdn.bokeh.org" not in whole.document
    assert "cdn.pydata.org" not in whole.document
    assert "@import" not in whole.document


def test_a_name_is_text_and_calls_for_no_formula(whole: InteractivePicture):
    assert "<b>$$x$$" not in whole.document
    assert "&lt;b&gt;" in whole.document
    trace = InstrumentTrace(name="$$x$$", fills=fills([(0, 1, 100, 1)]))
    assert "$$x$$" not in moving(plot_interactive(minutes_of_trading()[0], [trace])).document


def test_a_notebook_keeps_a_packed_frame_and_a_still_picture(whole: InteractivePicture):
    bundle, size = whole._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert size["image/png"]["width"] > 0
    frame = re.fullmatch(r'<iframe title="[^"]*" style="[^"]*" srcdoc="([^"]*)"></iframe>', bundle["text/html"])
    assert frame is not None
    packed = re.search(r"atob\('([^']*)'\)", unescape(frame[1]))
    assert packed is not None
    assert gzip.decompress(base64.b64decode(packed[1])).decode() == whole.document
    assert len(bundle["text/html"]) < 1_000_000


def test_equal_pictures_are_equal_documents():
    curve, trace = minutes_of_trading(60)
    one, other = (moving(plot_interactive(curve, [trace])) for _ in range(2))
    assert one.document == other.document
    assert one._repr_html_() == other._repr_html_()


def test_half_a_million_points_stay_below_two_megabytes(tmp_path):
    size = 525_600
    bars = candles(size)
    curve = EquityCurve(bars.close_ns, 10_000 + np.cumsum(np.random.default_rng(1).normal(0, 1, size)))
    rows = [(i * 60, 1 if i % 2 else -1, 100.0, 1.0) for i in range(5_000)]
    trace = InstrumentTrace(name="X", fills=fills(rows), mids=bars.closes)
    picture = moving(plot_interactive(curve, [trace], bars))
    assert picture.save(tmp_path / "new" / "picture.html").stat().st_size <= 2_000_000
    assert "candles of 2 h 56 min (each of 176 bars)" in picture.document
    near = moving(plot_interactive(curve, [trace], bars, end_ns=NOON + 3_600 * SECOND))
    assert "candles of 1 min" in near.document
    assert "each of" not in near.document


@pytest.mark.parametrize("equity", [[1.0], [0, -1], [5, 5, 5], [1, -1, 2]])
def test_any_curve_moves(equity: list[float]):
    curve = daily_curve(equity)
    assert moving(plot_interactive(curve)).document
    blind = InstrumentTrace(name="X", fills=fills([]), mids=TimeSeries(NOON + np.arange(3), np.full(3, np.nan)))
    assert moving(plot_interactive(curve, [blind, blind], [candles(0), candles(1)], theme="dark")).document


@pytest.mark.parametrize("count", [1, 20, 5_000])
def test_many_trades_are_gathered_and_counted(count: int):
    trace = round_trips(count)
    end = int(trace.fills.time_ns[-1])
    curve = EquityCurve(np.array([NOON, end]), np.array([1.0, 2.0]))
    document = moving(plot_interactive(curve, [trace])).document
    counted = [int(found.replace(",", "")) for found in re.findall(r"trades (?:won|lost) \(([\d,]+)\)", document)]
    assert sum(counted) == count


def test_nothing_but_a_moment_within_the_span_is_still_a_picture():
    curve = daily_curve([1.0, 2.0, 3.0])
    assert moving(plot_interactive(curve, start_ns=NOON, end_ns=NOON - 1)).document


@pytest.mark.parametrize("z", [Z, [[1.0]], np.ones((200, 150))])
def test_a_heat_map_says_its_cells(z: object):
    picture = moving(interactive_heatmap(grid(z)))
    assert read(picture.document).asked == []
    assert len(picture.document) <= 2_000_000
    if z is Z:
        assert "1.5 at fast 10, slow 40" in picture.document


def test_a_heat_map_of_nothing_and_a_machine_without_bokeh_give_still_pictures(monkeypatch: pytest.MonkeyPatch):
    assert isinstance(interactive_heatmap(grid(np.full((2, 2), np.nan))), Picture)
    monkeypatch.setattr(interactive, "_can_move", lambda: False)
    assert isinstance(interactive_heatmap(grid()).still, Picture)  # one word for both kinds
    assert isinstance(plot_interactive(daily_curve([1.0, 2.0])), Picture)
