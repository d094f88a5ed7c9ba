"""Negative controls: every bias that is built in is found and named; a strategy without one is left alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import b25
from b25.research.bias import check, check_result
from b25.research.data_faults import data_findings
from tests.research.markets import HOUR_NS, wandering

DATA = wandering()
CLOSES = DATA.view["close"].copy()
FRAME = DATA.frame.select("close")
SETTINGS = np.linspace(0.0, 1.0, 40)


class Cross(b25.Strategy):
    """Two averages that wait until they know."""

    slow: b25.Sma = b25.sma(50)
    quick: b25.Sma = b25.sma(10)

    def on_bar(self, ctx):
        quick, slow = self.quick.update(ctx.bar().close), self.slow.update(ctx.bar().close)
        if quick > slow and ctx.position() <= 0:
            ctx.target(1.0)
        elif quick < slow and ctx.position() >= 0:
            ctx.target(-1.0)


class ReadsNextBar(b25.Strategy):
    """Looks the next close up in an array of its own."""

    k: int = 0
    ahead: float = 0.0

    def on_bar(self, ctx):
        row = min(self.k + 1, len(CLOSES) - 1)
        self.ahead = CLOSES[row]
        self.k += 1
        ctx.target(1.0 if self.ahead > ctx.bar().close else -1.0)


class ReadsThisBar(b25.Strategy):
    """Looks up in the same array what it may know."""

    k: int = 0
    last: float = 0.0

    def on_bar(self, ctx):
        now = CLOSES[self.k]
        ctx.target(1.0 if now > self.last else -1.0)
        self.last = now
        self.k += 1


class ReadsFrame(b25.Strategy):
    """The same through a polars frame, as plain Python."""

    k: int = 0
    ahead: float = 0.0

    def on_bar(self, ctx):
        row = min(self.k + 1, FRAME.height - 1)
        self.ahead = FRAME["close"][row]
        self.k += 1
        ctx.target(1.0 if self.ahead > ctx.bar().close else -1.0)


class ReadsSettings(b25.Strategy):
    """Has a table that has nothing to do with the bars."""

    def on_bar(self, ctx):
        ctx.target(SETTINGS[3])


class FeatureAhead(b25.Strategy):
    """A feature that is tomorrow's price, and one that is not."""

    tomorrow: float = b25.feature(pl.col("close").shift(-1), lookback=1)
    yesterday: float = b25.feature(pl.col("close").shift(1), lookback=2)

    def on_bar(self, ctx):
        ctx.target(1.0 if self.tomorrow > ctx.bar().close else -1.0)


class ActsTooEarly(b25.Strategy):
    """Needs 500 bars and waits for 100."""

    last: list[float] = b25.window(500)
    level: float = 0.0
    seen: int = 0

    def on_bar(self, ctx):
        close = ctx.bar().close
        self.last[self.seen % 500] = close
        self.seen += 1
        known = min(self.seen, 500)
        total = 0.0
        for j in range(known):
            total += self.last[j]
        self.level = total / known
        if self.seen < 100:
            return
        if close > self.level and ctx.position() <= 0:
            ctx.target(1.0)
        elif close < self.level and ctx.position() >= 0:
            ctx.target(-1.0)


def codes(report):
    return {finding.code for finding in report.findings}


@pytest.mark.parametrize(("cls", "compiled"), [(Cross, True), (ReadsThisBar, False)])
def test_an_honest_strategy_is_left_alone(cls, compiled):
    report = check(cls, DATA, compiled=compiled)
    assert report.ok
    assert not report.findings
    assert "nothing found" in repr(report)
    assert dict(report.checked)["look-ahead"].endswith("12 runs that end earlier")


@pytest.mark.golden("T20")
def test_reading_the_next_bar_of_an_array_is_found_by_the_name_of_the_array():
    report = check(ReadsNextBar, DATA)
    (finding,) = report.of("look-ahead")
    assert (finding.what, finding.severity) == ("CLOSES", "fault")
    assert "reads row 1 at 2024-01-01 01:00:00" in finding.sentence
    assert not report.ok
    assert CLOSES.tolist() == DATA.view["close"].tolist()  # nothing was left behind
    assert type(CLOSES) is np.ndarray


def test_a_frame_that_is_read_ahead_is_found_with_the_field_that_changes():
    (finding,) = check(ReadsFrame, DATA).of("look-ahead")
    assert finding.what.startswith("FRAME")


def test_an_array_in_a_closure_and_one_on_the_class_are_found():
    closes = CLOSES.copy()

    class Closed(b25.Strategy):
        k: int = 0

        def on_bar(self, ctx):
            self.k += 1
            ctx.target(1.0 if closes[min(self.k, len(closes) - 1)] > ctx.bar().close else -1.0)

    class Constant(b25.Strategy):
        k: int = 0
        KNOWN = closes

        def on_bar(self, ctx):
            self.k += 1
            ctx.target(1.0 if self.KNOWN[min(self.k, len(self.KNOWN) - 1)] > ctx.bar().close else -1.0)

    assert [f.what for f in check(Closed, DATA, compiled=False).of("look-ahead")] == ["closes"]
    assert [f.what for f in check(Constant, DATA).of("look-ahead")] == ["KNOWN"]


def test_data_that_do_not_match_the_bars_cannot_be_judged_and_it_says_so():
    report = check(ReadsSettings, DATA, compiled=False)
    assert report.ok
    assert [f.what for f in report.of("captured-data")] == ["SETTINGS"]


@pytest.mark.parametrize("cheap", [True, False])
def test_a_feature_that_looks_ahead_is_found_by_its_name(cheap):
    report = check(FeatureAhead, DATA, cheap=cheap)
    (finding,) = report.of("look-ahead")
    assert finding.what == "tomorrow"
    assert not report.ok


@pytest.mark.golden("T20")
def test_a_strategy_that_needs_500_bars_and_waits_for_100_is_flagged_with_the_fields():
    report = check(ActsTooEarly, DATA)
    (finding,) = report.of("warm-up")
    assert finding.severity == "fault"
    assert "level" in finding.what
    assert "100 bars after a start" in finding.sentence
    assert not report.ok
    table = report.recursive.filter(pl.col("field") == "level").sort("bars")
    assert table.filter(pl.col("bars") >= 800)["difference"].max() < 1e-12
    assert table.filter(pl.col("bars") == 100)["difference"][0] > 1e-3


def test_the_cheap_checks_of_a_finished_run_reuse_it():
    result = b25.backtest(Cross, DATA)
    report = check_result(result)
    assert report.ok
    assert "3 runs that end earlier" in dict(report.checked)["look-ahead"]


def test_fills_at_the_close_of_the_signal_bar_are_flagged():
    report = check(Cross, DATA, bar_fills=b25.BarFills(price="close"), cheap=True)
    assert [f.severity for f in report.of("fill-price")] == ["fault"]


def test_trading_more_than_there_was_is_flagged():
    thin = wandering(volume=2.0)
    report = check(Cross, thin, cheap=True)
    (finding,) = report.of("participation")
    assert "more than 10%" in finding.sentence
    assert not check(Cross, DATA, cheap=True).of("participation")


def test_gaps_quiet_and_stale_bars_and_survivors_are_named():
    quiet = replace(DATA, volume=np.where(np.arange(len(DATA)) % 4 == 0, 0.0, DATA.volume))
    rows = DATA.rows.copy()
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
        rows[name][1_000:1_050] = rows["close_ticks"][999]
    stale = replace(DATA, rows=rows)
    assert [f.code for f in data_findings([quiet])] == ["no-volume"]
    assert "50 bars from 2024-02-11" in data_findings([stale])[0].sentence
    others = [wandering(seed=s, symbol=name) for s, name in ((1, "ETH/USDT:USDT"), (2, "XRP/USDT:USDT"))]
    assert [f.code for f in data_findings([DATA, *others])] == ["survivorship"]
    gone = others[0].between(None, DATA.start_ns + 1_000 * HOUR_NS)
    assert [(f.code, f.what) for f in data_findings([DATA, gone, others[1]])] == [("ends-early", "ETH/USDT:USDT")]


def test_a_gap_is_named_with_place_and_length():
    rows = np.concatenate([DATA.rows[:500], DATA.rows[560:]])
    frame = DATA.frame[[*range(500), *range(560, len(DATA))]]
    assert len(rows) == frame.height
    holed = b25.bars("1h", source=frame, symbol="BTC/USDT:USDT", venue="binanceusdm", tick="0.01", lot="0.001")
    (finding,) = data_findings([holed])
    assert finding.code == "gap"
    assert "60 bars missing" in finding.sentence
    assert "2024-01-21" in finding.sentence


def test_the_report_shows_itself_and_speaks_json():
    report = check(FeatureAhead, DATA, cheap=True)
    text = report._repr_html_()
    assert "look-ahead" in text
    assert "<code>tomorrow</code>" in text
    assert report.as_dict()["ok"] is False
    assert report.as_dict()["findings"][0]["remedy"]


def test_a_feature_that_needs_more_bars_than_there_are_cannot_be_judged_and_it_says_so():
    short = DATA.between(None, DATA.start_ns + 100 * HOUR_NS)

    class Long(b25.Strategy):
        level: float = b25.feature(pl.col("close").rolling_mean(200), lookback=200)

        def on_bar(self, ctx):
            if self.level > 0:
                ctx.target(1.0)

    (finding,) = check(Long, short, cheap=True, compiled=False).of("warm-up")
    assert (finding.what, finding.severity) == ("level", "warning")
