"""The sections of a long result's tear sheet: given ones, sweeps, walk-forwards, breakdowns, and all of it in a second."""

import re
import time

import numpy as np
import polars as pl
import pytest

from b25.analytics.breakdowns import breakdown
from b25.analytics.candles import Candles
from b25.analytics.curve import EquityCurve
from b25.analytics.metrics import all_metrics, trades_of
from b25.analytics.monthly import return_calendar
from b25.analytics.series import FillSeries, InstrumentTrace
from b25.analytics.sheet_breakdown import frame_table, usual_breakdowns
from b25.analytics.stability import StabilityCurve
from b25.analytics.tearsheet import TearSheetData, tearsheet
from tests.analytics.curves import daily_curve, fills
from tests.analytics.test_candles import candles
from tests.analytics.test_heatmap import grid
from tests.analytics.test_research_plots import fan, windows
from tests.analytics.test_tearsheet import HOSTILE, read


def year(minutes: int = 525_600, count: int = 5_000) -> tuple[EquityCurve, InstrumentTrace, Candles]:
    """A year of one-minute bars, round trips at their closes, and the equity that follows."""
    rng = np.random.default_rng(4)
    close = 2_000 * np.exp(np.cumsum(rng.normal(0, 2e-4, minutes)))
    start = int(np.datetime64("2024-01-01", "ns").astype(np.int64))
    opened = start + np.arange(minutes) * 60 * 10**9
    bars = Candles(
        open_ns=opened, close_ns=opened + 60 * 10**9, open=close, high=close * 1.001, low=close * 0.999, close=close,
        volume=np.ones(minutes),
    )  # fmt: skip
    at = np.sort(rng.choice(minutes, count, replace=False))
    first = np.where(rng.random(count // 2) < 0.5, 1, -1)
    side = np.stack((first, -first), axis=1).reshape(-1)
    made = FillSeries(
        time_ns=bars.close_ns[at], side=side, price=close[at], quantity=np.ones(count), fee=close[at] * 2e-4, lot=1.0
    )
    trace = InstrumentTrace(name="ETH/USDT", fills=made, mids=bars.closes, quote="USDT", base="ETH")
    cash, held = np.zeros(minutes), np.zeros(minutes)
    np.add.at(cash, at, -side * close[at] - made.fee)
    np.add.at(held, at, side)
    return EquityCurve(bars.close_ns, 10_000 + np.cumsum(cash) + np.cumsum(held) * close), trace, bars


def everything(curve: EquityCurve, trace: InstrumentTrace, bars: Candles) -> TearSheetData:
    trades = trades_of([trace])
    x = np.arange(5.0)
    return TearSheetData(
        title="Crossing", currency="USDT", curve=curve, metrics=all_metrics(curve, traces=[trace], trades=trades),
        traces=[trace], trades=trades, candles={trace.name: bars}, sections=[(HOSTILE, "<p>Deflated <b>0.7</b></p>")],
        fans=[fan(title=HOSTILE)], walk=windows(4, train_score=np.ones(4), test_score=np.zeros(4), equity=curve),
        grids=[grid(x_name=HOSTILE)], stability=[StabilityCurve(name=HOSTILE, values=x, score=x)], log=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def long_run() -> tuple[EquityCurve, InstrumentTrace, Candles]:
    return year()


def test_a_year_of_minute_bars_with_its_metrics_takes_a_second(long_run: tuple[EquityCurve, InstrumentTrace, Candles]):
    tearsheet(everything(*year(60, 4)))  # fonts and modules are found once
    begin = time.process_time()  # others may share the machine
    document = tearsheet(everything(*long_run))
    took = time.process_time() - begin
    assert took < 1.5  # a third of it by itself
    assert len(document) < 1_500_000


def test_it_has_every_section_and_asks_nobody(long_run: tuple[EquityCurve, InstrumentTrace, Candles]):
    document = tearsheet(everything(*long_run))
    reader = read(document)
    assert not reader.tags & {"script", "img", "image", "link", "iframe", "object", "embed", "base", "form", "use"}
    assert not reader.attributes & {"src", "href", "srcset", "action", "data", "xlink:href"}
    assert not re.search(r"https?://|url\(|@import", document)
    assert "<img" not in document
    for title in (
        "Course", "Returns", "Fills and trades on price", "What chance would have made of it", "Walk-forward",
        "Parameters around the best", "Where the money came from", "Figures", "Drawdowns", "Trades", "Breakdowns", "Formulas",
    ):  # fmt: skip
        assert f"<h2>{title}</h2>" in document, title
    assert "<p>Deflated <b>0.7</b></p></section>" in document
    assert "USDT, logarithmic" in document
    assert "max-width:640px" in document
    assert "@media print" in document


def test_the_sheet_shows_the_months_of_the_calendar(long_run: tuple[EquityCurve, InstrumentTrace, Candles]):
    document = tearsheet(everything(*long_run))
    table = re.search(r'<table class="calendar months">(.*?)</table>', document)
    assert table is not None
    shown = [float(text.replace("−", "-")) for text in re.findall(r"<td[^>]*>([−\d.]+)</td>", table[1])]
    calendar = return_calendar(long_run[0])
    expected = [*(100 * calendar.values[0]).tolist(), 100 * float(calendar.totals[0])]
    assert shown == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("equity", [[1_000], [0, -1], [1_000, -5, 3], list(range(100, 200))])
def test_any_curve_makes_a_sheet_with_every_section(equity: list[float]):
    trace = InstrumentTrace(name="X", fills=fills([]))
    read(tearsheet(everything(daily_curve(equity), trace, candles(0))))


def test_the_headline_of_a_month_is_not_that_of_five_minutes():
    trace = InstrumentTrace(name="X", fills=fills([]))
    long, short = (tearsheet(everything(daily_curve([100.0] * days), trace, candles(0))) for days in (40, 3))
    first = re.compile(r'<section class="cards">(.*?)</section>')
    assert "Sortino" in first.search(long)[1]
    assert "Sortino" not in first.search(short)[1]


def test_breakdowns_add_up_to_the_closed_trades(long_run: tuple[EquityCurve, InstrumentTrace, Candles]):
    trades = trades_of([long_run[1]])
    frames = usual_breakdowns(trades)
    assert list(frames) == ["By side", "By month of exit", "By weekday of exit", "By hour of exit, UTC"]
    for frame in frames.values():
        assert frame["trades"].sum() == trades.filter(~pl.col("is_open")).height
        assert frame["net"].sum() == pytest.approx(trades["net"].sum())
    assert frames["By weekday of exit"]["weekday"][0] == "Monday"
    assert usual_breakdowns(trades.head(0)) == {}


def test_any_frame_is_a_table():
    frame = pl.DataFrame(
        {"<b>": ["<i>", None], "count": [1_000, None], "some_ratio": [0.125, None], "value": [float("nan"), float("inf")]}
    )
    shown = frame_table(frame)
    assert "&lt;i&gt;" in shown
    assert "<i>" not in shown
    assert ">1,000<" in shown
    assert ">12.50 %<" in shown
    assert shown.count("n/a") == 5
    assert ">2024<" in frame_table(pl.DataFrame({"year": [2024], "net": [-1.0]}))
    assert "60 more rows" not in frame_table(pl.DataFrame({"a": range(48)}))
    assert "52 more rows are not shown" in frame_table(pl.DataFrame({"a": range(100)}))
    assert frame_table(pl.DataFrame()) == '<p class="why">There is no row.</p>'


def test_given_breakdowns_stand_instead_of_the_usual_ones():
    trace = InstrumentTrace(name="X", fills=fills([(0, 1, 100, 1), (1, -1, 101, 1)]))
    curve, trades = daily_curve([1.0, 2.0]), trades_of([trace])
    tables = {"By <year>": breakdown(trades, by="year")}
    data = TearSheetData(title="t", currency="USDT", curve=curve, metrics=all_metrics(curve), trades=trades, breakdowns=tables)
    document = tearsheet(data)
    assert "<h3>By &lt;year&gt;</h3>" in document
    assert "By side" not in document
