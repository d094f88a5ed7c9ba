"""The tear sheet: one file, no request, nothing unescaped, the metrics' own figures."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from b25.analytics.curve import EquityCurve
from b25.analytics.figures import metric_text
from b25.analytics.honest_formulas import HONEST
from b25.analytics.metrics import all_metrics, trades_of
from b25.analytics.order_metrics import OrderCounts
from b25.analytics.series import InstrumentTrace, TimeSeries
from b25.analytics.tearsheet import TearSheetData, tearsheet, write_tearsheet
from tests.analytics.curves import NOON, SECOND, daily_curve, fills, minutes_of_trading

HOSTILE = "Maker\"'><script>alert(1)</script><img src=x onerror=y>"
EMPTY = {"meta", "line", "path", "rect", "text"}


class Reader(HTMLParser):
    """Text and tags of a document; notices a tag that is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert tag in EMPTY

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(document: str) -> Reader:
    reader = Reader()
    reader.feed(document)
    reader.close()
    assert reader.open == []
    return reader


def sheet_of(curve: EquityCurve, trace: InstrumentTrace, title: str = "Maker") -> TearSheetData:
    orders = OrderCounts(submits=9, refused={HOSTILE: 3}, rejected={"post-only": 4})
    trades = trades_of([trace])
    return TearSheetData(
        title=title, subtitle=title, currency="USDT", curve=curve, traces=[trace], trades=trades, orders=orders,
        metrics=all_metrics(curve, traces=[trace], trades=trades, orders=orders), assumptions=[("Fees", HOSTILE)],
        parameters=[(HOSTILE, "2", "ticks")], provenance=[("Hash", "abc123")], warnings=[HOSTILE],
    )  # fmt: skip


@pytest.fixture(scope="module")
def document() -> str:
    return tearsheet(sheet_of(*minutes_of_trading(), title=HOSTILE))


def test_the_document_is_well_formed_and_has_no_script(document: str):
    reader = read(document)
    assert not reader.tags & {"script", "img", "link", "iframe", "object", "embed", "base", "form"}
    assert not {name for name in reader.attributes if name.startswith("on")}


def test_the_document_asks_nobody_for_anything(document: str):
    reader = read(document)
    assert not reader.attributes & {"src", "href", "srcset", "action", "data", "xlink:href"}
    assert "@import" not in document
    assert not re.search(r"url\(", document)
    assert not re.search(r"https?://", document)


def test_a_hostile_name_is_shown_as_text(document: str):
    assert "<script" not in document
    assert "<img" not in document
    assert "".join(read(document).text).count("<script>alert(1)</script>") >= 6


def test_the_figures_are_those_of_the_metrics(document: str):
    curve, trace = minutes_of_trading()
    data = sheet_of(curve, trace)
    text = "".join(read(document).text).replace("−", "-")
    for metric in data.metrics.values():
        assert metric.title in text, metric.name
        if metric.name in HONEST:
            continue  # their section is tested by itself, in test_honest_view.py
        assert metric_text(metric, currency="USDT", base="ETH") in text, metric.name
        assert metric.reason in text, metric.name


def test_light_dark_and_paper_have_their_colours(document: str):
    assert "prefers-color-scheme:dark" in document
    assert "@media print" in document


@pytest.mark.parametrize("equity", [[1_000], [1_000, 1_000], [0, -1], [1_000, -5, 3], [1e-9, 2e-9], list(range(100, 200))])
def test_any_curve_makes_a_sheet(equity: list[float]):
    trace = InstrumentTrace(name="X", fills=fills([]))
    read(tearsheet(sheet_of(daily_curve(equity), trace)))


def test_mids_that_are_never_known_make_a_sheet():
    curve, _ = minutes_of_trading()
    blind = TimeSeries(curve.time_ns, np.full(curve.time_ns.size, np.nan))
    trace = InstrumentTrace(name="X", fills=fills([(1, 1, 100, 1), (9, -1, 101, 3)]), mids=blind)
    read(tearsheet(sheet_of(curve, trace)))


def test_it_is_written_whole(tmp_path: Path):
    data = sheet_of(*minutes_of_trading())
    path = write_tearsheet(data, tmp_path / "deep" / "sheet.html")
    assert path.read_text(encoding="utf-8") == tearsheet(data)
    assert [file.name for file in path.parent.iterdir()] == ["sheet.html"]


def test_a_million_points_stay_small_and_quick():
    rng = np.random.default_rng(1)
    time_ns = NOON + np.arange(1_000_000) * SECOND // 10
    mid = 2_500 + np.cumsum(rng.normal(0, 0.02, time_ns.size))
    at = np.sort(rng.choice(time_ns.size, 20_000, replace=False))
    rows = fills([(0, 1, 1, 1)])
    many = type(rows)(
        time_ns=time_ns[at], side=rng.choice([-1, 1], at.size), price=mid[at], quantity=np.full(at.size, 0.1),
        fee=np.zeros(at.size), lot=0.1,
    )  # fmt: skip
    trace = InstrumentTrace(name="X", fills=many, mids=TimeSeries(time_ns, mid))
    data = sheet_of(EquityCurve(time_ns, 10_000 + np.cumsum(rng.normal(0, 0.01, time_ns.size))), trace)
    begin = time.perf_counter()
    document = tearsheet(data)
    took = time.perf_counter() - begin
    assert len(document) < 1_000_000
    assert took < 3.0  # a third of it on an idle machine
