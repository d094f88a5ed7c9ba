"""Live equals replay: whatever the venue sends, the rows and the book are those that the recorded text gives later."""

import gzip
import hashlib
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.market.feed import desk_layout, live_desk
from b25.market.feed import desk_layout as outcome
from b25.market.feed.desk import Desk
from b25.model.event import GAP
from b25.model.instrument import Instrument
from b25.model.message import SPOT, USDM
from tests.kernels.naive_wire import diff_text, snapshot_text, ticker_text, trade_text

from .replayed import PLACES, levels, parted, replayed

START_NS = 1_700_000_000_000_000_000
STEP_NS = 10_000_000


def desk_of(market, tick="0.01", lot="0.001", **more):
    venue, symbol = PLACES[market]
    instrument = Instrument(venue=venue, symbol=symbol, tick=Decimal(tick), lot=Decimal(lot))
    return Desk(instrument, market, "ETHUSDT", **more)


class Taking:
    """A desk, what a recorder keeps of what it is given, and what it delivers."""

    def __init__(self, market):
        self.desk, self.market = desk_of(market), market
        self.lines, self.rows, self.outcomes = [], [], []

    def take(self, text, recv_ns):
        done = self.desk.take_text(text, recv_ns)
        if done == outcome.BROKEN:
            self.desk.break_chain(recv_ns)
        self.outcomes.append(done)
        if done > 0 and done != outcome.UNNEEDED:
            self.lines.append(b"%d %s\n" % (recv_ns, text))
        self.rows.append(self.desk.rows().copy())
        self.desk.drain()
        return done

    def check(self, folder):
        """Compare with the replay; nothing to compare is nothing to say."""
        rows, quotes = parted(self.rows)
        if not len(rows) and not any(b"depth" in line for line in self.lines):
            return
        want, want_quotes, book = replayed(folder, self.market, self.lines, self.desk.instrument)
        assert np.array_equal(rows, want)
        assert np.array_equal(quotes, want_quotes)
        assert levels(self.desk.ladder) == book


def price(steps):
    return f"{100 + steps / 100:.2f}"


@st.composite
def streams(draw):
    """What a venue may send: a chain of diffs of which some are lost, repeated or late, snapshots of any age, and the rest."""
    market = draw(st.sampled_from([SPOT, USDM]))
    diffs, last = [], 1000
    for i in range(draw(st.integers(4, 24))):
        first, prev = last + 1, last
        last += draw(st.integers(1, 4))
        count = draw(st.sampled_from([1, 1, 2, 0]))
        bids = [[price(-draw(st.integers(1, 5))), f"{draw(st.integers(0, 3))}.000"] for _ in range(count)]
        asks = [[price(draw(st.integers(1, 5))), f"{draw(st.integers(0, 3))}.500"] for _ in range(draw(st.integers(0, 1)))]
        diffs.append((first, last, prev, bids, asks, i))
    told = []
    for one in diffs:
        fate = draw(st.sampled_from(["sent"] * 8 + ["lost", "twice", "late"]))
        told += [] if fate == "lost" else [one] * (2 if fate == "twice" else 1)
        if fate == "late" and len(told) > 1:
            told[-1], told[-2] = told[-2], told[-1]
    texts = [(diff_text(market, *one[:5], time_ms=START_NS // 10**6 + one[5]), one[5]) for one in told]
    for _ in range(draw(st.integers(1, 4))):
        ids = draw(st.integers(1000, last + 3))
        sides = ([[price(-k), "1.000"] for k in range(1, 5)], [[price(k), "2.000"] for k in range(1, 5)])
        at = draw(st.integers(0, len(texts)))
        texts.insert(at, (snapshot_text(market, ids, *sides, time_ms=START_NS // 10**6 + at), at))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(texts)))
        ids = draw(st.integers(1, 4))
        texts.insert(at, (trade_text(market, ids, price(0), "0.250", maker=True, time_ms=START_NS // 10**6 + at), at))
    for k in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(texts)))
        texts.insert(at, (ticker_text(market, 1 + k, (price(-1), "1.000"), (price(1), "1.000"), time_ms=START_NS // 10**6), at))
    return market, [text for text, _ in texts]


@given(streams())
def test_live_rows_and_book_are_those_of_the_replay(stream):
    market, texts = stream
    taking = Taking(market)
    for i, text in enumerate(texts):
        taking.take(text, START_NS + i * STEP_NS)
    with tempfile.TemporaryDirectory() as folder:
        taking.check(Path(folder))


@pytest.mark.parametrize(("name", "market", "lot"), [("usdm", USDM, "0.001"), ("spot", SPOT, "0.00001")])
def test_a_real_capture_gives_live_what_it_gives_in_a_replay(shared, tmp_path, name, market, lot):
    taking = Taking(market)
    taking.desk = desk_of(market, lot=lot, ahead_ns=10**9)
    with gzip.open(shared / "data" / "binance_raw" / f"{name}_ethusdt_20240808.gz", "rb") as lines:
        for line in lines:
            taking.take(line[20:].rstrip(), int(line[:19]))
    assert taking.desk.is_synced
    assert not taking.desk.refused.keys() - {"before any time is known"}
    taking.check(tmp_path)


@pytest.mark.parametrize("market", [SPOT, USDM])
def test_a_lost_diff_is_a_gap_and_the_next_snapshot_ends_it(market, tmp_path):
    taking = Taking(market)
    bids, asks = [["99.90", "1.000"]], [["100.10", "1.000"]]
    taking.take(diff_text(market, 1001, 1004, 1000, bids, asks), START_NS)
    assert taking.take(snapshot_text(market, 1002, bids, asks), START_NS + 1) == outcome.BRIDGED
    assert taking.desk.is_healthy
    assert taking.take(diff_text(market, 1009, 1012, 1008, bids, asks), START_NS + 2) == outcome.BROKEN
    assert not taking.desk.is_healthy
    assert taking.take(diff_text(market, 1013, 1014, 1012, bids, asks), START_NS + 3) == outcome.WAITED
    assert taking.take(snapshot_text(market, 1013, bids, asks), START_NS + 4) == outcome.BRIDGED
    assert taking.desk.is_healthy
    assert sum((part["kind"] == GAP).sum() for part in taking.rows) == 1
    taking.check(tmp_path)


def test_a_diff_that_crosses_the_book_is_set_aside_and_breaks_the_chain(tmp_path):
    taking = Taking(USDM)
    taking.take(diff_text(USDM, 1, 4, 0, [["99.90", "1.000"]], [["100.10", "1.000"]]), START_NS)
    taking.take(snapshot_text(USDM, 3, [["99.90", "1.000"]], [["100.10", "1.000"]]), START_NS + 1)
    assert taking.take(diff_text(USDM, 5, 8, 4, [["100.20", "1.000"]], []), START_NS + 2) == outcome.CROSSED
    assert not taking.desk.is_healthy
    assert taking.take(diff_text(USDM, 9, 12, 8, [["99.80", "1.000"]], []), START_NS + 3) == outcome.BROKEN
    assert taking.take(snapshot_text(USDM, 11, [["99.90", "1.000"]], [["100.10", "1.000"]]), START_NS + 4) == outcome.BRIDGED
    assert taking.desk.is_healthy
    taking.check(tmp_path)


def test_a_crossed_snapshot_is_refused():
    desk = desk_of(USDM)
    assert desk.take_text(snapshot_text(USDM, 3, [["100.10", "1.000"]], [["100.10", "1.000"]]), START_NS) == outcome.BAD_SNAPSHOT


def test_a_time_in_the_future_is_refused_once_the_skew_is_known():
    desk = desk_of(USDM, ahead_ns=10**9)
    for i in range(40):
        at_ms = START_NS // 10**6 + i
        desk.take_text(trade_text(USDM, i, "100.00", "1.000", maker=True, time_ms=at_ms), START_NS + i * 10**6 - 300_000_000)
    assert desk.measure_skew() == 300_000_000
    late = trade_text(USDM, 99, "100.00", "1.000", maker=True, time_ms=START_NS // 10**6 + 5_000)
    assert desk.take_text(late, START_NS) == outcome.FUTURE
    assert desk.refused["time in the future"] == 1


def test_a_price_far_from_the_touch_is_refused_and_the_book_stays():
    desk = desk_of(USDM)
    desk.take_text(diff_text(USDM, 1, 4, 0, [["99.90", "1.000"]], [["100.10", "1.000"]]), START_NS)
    desk.take_text(snapshot_text(USDM, 3, [["99.90", "1.000"]], [["100.10", "1.000"]]), START_NS + 1)
    desk.state["band_ticks"] = 500
    assert desk.take_text(trade_text(USDM, 1, "10.00", "1.000", maker=True), START_NS + 2) == outcome.ABSURD
    assert desk.take_text(trade_text(USDM, 2, "104.00", "1.000", maker=True), START_NS + 2) == outcome.TRADED
    assert desk.is_healthy


@pytest.mark.parametrize("market", [SPOT, USDM])
def test_an_aggregate_trade_is_a_print(market):
    desk = desk_of(market)
    ending = b',"M":true}' if market == SPOT else b"}"
    text = b'{"e":"aggTrade","E":1700000000001,"s":"ETHUSDT","a":7,"p":"100.10","q":"0.250","f":100,"l":105,"T":1700000000000,'
    assert desk.take_text(text + b'"m":true' + ending, START_NS) == outcome.TRADED
    wrapped = b'{"stream":"ethusdt@aggTrade","data":' + text.replace(b'"a":7', b'"a":8') + b'"m":false' + ending + b"}"
    assert desk.take_text(wrapped, START_NS) == outcome.TRADED
    rows = desk.rows()
    assert rows["last_id"].tolist() == [7, 8]
    assert rows["side"].tolist() == [-1, 1]
    assert rows["price_ticks"].tolist() == [10010, 10010]


def test_what_is_written_differently_goes_the_slow_way_to_the_same_end():
    fast, slow = desk_of(USDM), desk_of(USDM)
    for desk, change in ((fast, lambda text: text), (slow, lambda text: text.replace(b",", b", "))):
        for i, text in enumerate(
            [
                diff_text(USDM, 1, 4, 0, [["99.90", "1.000"]], [["100.10", "1.000"]]),
                snapshot_text(USDM, 3, [["99.90", "2.000"]], [["100.10", "1.000"]]),
                trade_text(USDM, 1, "100.10", "0.250", maker=True),
            ]
        ):
            assert desk.take_text(change(text), START_NS + i) > 0
    assert np.array_equal(fast.rows(), slow.rows())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"}",
        b'{"e":"depthUpdate"}',
        b"\xff\xfe}",
        b'{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":1,"p":"1","q":"1"}',
        b"[]",
    ],
)
def test_garbage_is_refused_and_changes_nothing(text):
    desk = desk_of(USDM)
    assert desk.take_text(text, START_NS) < 0
    assert len(desk.rows()) == 0


def test_a_snapshot_with_more_levels_than_fit_makes_room():
    desk = desk_of(USDM)
    many = 20_000
    sides = ([[f"{1000 - k / 100:.2f}", "1.000"] for k in range(many)], [[f"{1001 + k / 100:.2f}", "1.000"] for k in range(many)])
    assert desk.take_text(snapshot_text(USDM, 3, *sides), START_NS) == outcome.BRIDGED
    assert len(desk.rows()) == 2 * many + 2


def test_the_compiled_layout_is_the_one_in_the_file():
    found = hashlib.sha256(Path(desk_layout.__file__).read_bytes()).hexdigest()[:16]
    assert found == live_desk.LAYOUT, "write the hash of desk_layout.py into live_desk.py"
