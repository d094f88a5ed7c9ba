"""A feed holds when it must, repairs what breaks, and what it delivers is what its recording gives later."""

import numpy as np
import pytest

from b25.market.feed import desk_layout as outcome
from b25.model.event import BBO, GAP, TRADE
from b25.model.message import SPOT, USDM

from .replayed import parted
from .simulated import Simulated

MARKETS = pytest.mark.parametrize("market", [SPOT, USDM])


@MARKETS
def test_a_book_is_true_after_stream_snapshot_and_the_diff_between(market, tmp_path):
    feed = Simulated(market)
    assert not feed.book.is_tradable
    feed.connect()
    assert feed.io.sent == [(1, {"method": "SUBSCRIBE", "params": ["ethusdt@depth@100ms"], "id": 1})]
    feed.say(feed.diff())
    feed.say(feed.diff())
    feed.wait(0.1)
    feed.snapshot(feed.last_id - 2)
    assert feed.book.is_tradable
    assert feed.listener.kinds() == ["opened", "synced", "live"]
    feed.say(feed.diff([("99.95", "3.000")]))
    assert feed.book.desk.ladder.head[0]["best_bid_ticks"] == 9995
    feed.check(tmp_path)


@MARKETS
def test_a_snapshot_newer_than_all_diffs_waits_for_the_one_that_continues_it(market):
    feed = Simulated(market)
    feed.connect()
    feed.say(feed.diff())
    feed.wait(0.1)
    feed.snapshot(feed.last_id + 2)
    assert not feed.book.is_tradable
    feed.say(feed.diff())
    assert feed.book.is_tradable


@MARKETS
def test_a_snapshot_older_than_all_diffs_is_not_used_and_another_is_fetched_after_a_wait(market, tmp_path):
    feed = Simulated(market)
    feed.connect()
    feed.say(feed.diff())
    feed.wait(0.1)
    feed.snapshot(900)
    assert not feed.book.is_tradable
    feed.say(feed.diff())
    feed.wait(0.2)
    assert len(feed.io.snapshots) == 1
    feed.wait(1.5)
    assert len(feed.io.snapshots) == 2
    feed.snapshot(feed.last_id - 1)
    assert feed.book.is_tradable
    feed.check(tmp_path)


def test_snapshots_that_never_fit_are_fetched_ever_more_rarely():
    feed = Simulated()
    feed.connect()
    for _ in range(600):
        feed.say(feed.diff())
        asked = len(feed.io.snapshots)
        feed.wait(0.1)
        if len(feed.io.snapshots) > asked:
            feed.snapshot(900)
    assert 4 <= len(feed.io.snapshots) <= 9
    assert "alarm" in feed.listener.kinds()


@MARKETS
def test_a_lost_diff_is_a_gap_at_once_and_true_again_after_a_snapshot(market, tmp_path):
    feed = Simulated(market).synced()
    feed.keep(3)
    feed.say(feed.diff(lose=5))
    assert not feed.book.is_tradable
    assert feed.listener.kinds()[-2:] == ["gap", "hold"]
    feed.keep(2)
    assert len(feed.io.snapshots) == 2
    feed.snapshot(feed.last_id - 1)
    assert feed.book.is_tradable
    rows, _ = parted(feed.listener.parts)
    assert (rows["kind"] == GAP).sum() == 1
    feed.check(tmp_path)


def test_a_repeated_diff_is_dropped(tmp_path):
    feed = Simulated().synced()
    text = feed.diff([("99.80", "7.000")])
    feed.say(text)
    rows = sum(map(len, feed.listener.parts))
    feed.say(text)
    assert sum(map(len, feed.listener.parts)) == rows
    assert feed.book.is_tradable
    feed.check(tmp_path)


@MARKETS
def test_a_crossed_book_is_held_at_once_and_begun_anew(market, tmp_path):
    feed = Simulated(market).synced()
    feed.say(feed.diff([("100.50", "1.000")], []))
    assert not feed.book.is_tradable
    assert feed.listener.aside[-1][0] == "crossed book"
    feed.say(feed.diff([("99.80", "1.000")], []))
    feed.wait(1.5)
    feed.snapshot(feed.last_id - 1)
    assert feed.book.is_tradable
    feed.check(tmp_path)


def test_a_book_crossed_by_what_waited_for_the_snapshot_is_begun_anew(tmp_path):
    feed = Simulated()
    feed.connect()
    feed.say(feed.diff([], [("99.50", "1.000")]))
    feed.wait(0.1)
    feed.snapshot(feed.last_id - 2, bids=[("99.90", "1.000")])
    assert not feed.book.is_tradable
    for _ in range(2):
        feed.say(feed.diff([("99.40", "1.000")], []))
    feed.wait(1.5)
    feed.snapshot(feed.last_id - 1, asks=[("99.50", "1.000")], bids=[("99.40", "1.000")])
    assert feed.book.is_tradable
    feed.check(tmp_path)


def test_a_time_in_the_future_is_refused_and_the_book_begun_anew(tmp_path):
    feed = Simulated(reconnect_after_s=30.0).synced()
    feed.keep(10)
    late, feed.now_ns = feed.now_ns, feed.now_ns + 5 * 10**9
    text, feed.now_ns = feed.diff(), late
    feed.say(text)
    assert feed.listener.aside[-1][0] == "time in the future"
    assert not feed.book.is_tradable
    feed.say(feed.diff())
    feed.wait(1.5)
    feed.snapshot(feed.last_id - 1)
    assert feed.book.is_tradable
    feed.check(tmp_path)


def test_a_wild_print_is_set_aside_and_the_book_stays_true():
    feed = Simulated(streams=("depth", "trades")).synced()
    feed.wait(0.5)
    feed.say(feed.trade(1))
    feed.say(feed.trade(2, price="10.00"))
    assert feed.listener.aside[-1][0] == "absurd price"
    rows, _ = parted(feed.listener.parts)
    assert rows["price_ticks"][rows["kind"] == TRADE].tolist() == [10000]
    assert feed.book.is_tradable


def test_stale_data_hold_then_reconnect_then_halt():
    feed = Simulated(pong_within_s=1000.0).synced()
    feed.wait(1.9)
    assert feed.book.is_tradable
    feed.wait(0.3)
    assert feed.listener.kinds()[-1] == "hold"
    assert "no depth for 2." in feed.listener.told[-1].what
    feed.wait(7)
    assert feed.io.dropped == []
    feed.wait(2)
    assert feed.io.dropped == [1]
    feed.wait(2)
    assert len(feed.io.opened) == 2
    feed.connect(2)
    feed.wait(65)
    assert "halt" in feed.listener.kinds()


def test_fresh_data_end_a_hold():
    feed = Simulated().synced()
    feed.wait(3)
    assert not feed.book.is_tradable
    feed.say(feed.diff())
    feed.wait(0.1)
    assert feed.book.is_tradable
    assert feed.listener.kinds()[-1] == "live"


def test_a_region_block_makes_the_book_unavailable_and_is_not_hammered():
    feed = Simulated()
    feed.connect()
    for _ in range(100):
        feed.say(feed.diff())
        asked = len(feed.io.snapshots)
        feed.wait(0.5)
        if len(feed.io.snapshots) > asked:
            feed.feed.no_snapshot(0, "answers 451", feed.now_ns, for_good=True)
    assert len(feed.io.snapshots) == 1
    assert "unavailable" in feed.listener.kinds()


def test_the_venues_own_wait_is_kept():
    feed = Simulated()
    feed.connect()
    feed.say(feed.diff())
    feed.wait(0.1)
    feed.feed.no_snapshot(0, "answers 429", feed.now_ns, wait_s=20.0)
    for _ in range(38):
        feed.wait(0.5)
        feed.say(feed.diff())
    assert len(feed.io.snapshots) == 1
    feed.keep(2)
    assert len(feed.io.snapshots) == 2


def test_symbols_share_a_socket_and_each_has_its_own_book():
    feed = Simulated(names=("ETHUSDT", "BTCUSDT"))
    feed.connect()
    assert feed.io.sent[0][1]["params"] == ["ethusdt@depth@100ms", "btcusdt@depth@100ms"]
    feed.say(feed.diff())
    feed.say(feed.diff(symbol="BTCUSDT"))
    feed.say(feed.diff(symbol="XRPUSDT"))
    feed.wait(0.1)
    assert feed.io.snapshots == [0, 1]
    assert [int(book.desk.state["waiting_diffs"]) for book in feed.feed.books] == [1, 1]
    assert feed.feed.strangers == 1


def test_a_skewed_clock_is_told_once():
    feed = Simulated(streams=("trades",))
    feed.connect()
    for k in range(50):
        feed.now_ns += 10**8
        text, feed.now_ns = feed.trade(k), feed.now_ns + 4 * 10**8
        feed.say(text)
        feed.now_ns -= 4 * 10**8
        feed.wait(0.1)
    assert [one.what for one in feed.listener.told if one.kind == "alarm"] == ["the venue's clock is -0.400 s from ours"]


def test_tickers_are_delivered_and_recorded(tmp_path):
    feed = Simulated(streams=("depth", "bookTicker")).synced()
    feed.say(feed.ticker(1))
    feed.say(feed.ticker(2))
    rows = np.concatenate(feed.listener.parts)
    assert (rows["kind"] == BBO).sum() == 4
    feed.check(tmp_path)


def test_too_many_diffs_without_a_snapshot_are_forgotten_and_the_feed_goes_on():
    feed = Simulated()
    feed.connect()
    many = [(f"{50 + k / 100:.2f}", "1.000") for k in range(4000)]
    for _ in range(10):
        feed.say(feed.diff(many, []))
    assert int(feed.book.desk.state["waiting_diffs"]) < 10
    feed.wait(0.1)
    feed.snapshot(feed.last_id - 1)
    assert feed.book.is_tradable


def test_outcomes_that_are_refused_have_a_reason():
    from b25.market.feed.desk import REASONS

    refused = {value for name, value in vars(outcome).items() if name.isupper() and isinstance(value, int) and -20 < value <= -10}
    assert refused <= REASONS.keys()
