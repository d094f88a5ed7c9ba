"""Sockets are watched, replaced before the venue hangs up, and never trusted to be alive because they are open."""

import numpy as np

from b25.model.event import TRADE

from .replayed import parted
from .simulated import OTHER, PUBLIC, Simulated


def test_a_half_open_socket_is_found_by_a_ping_without_an_answer():
    feed = Simulated(streams=("trades",))
    feed.connect()
    feed.say(feed.trade(1))
    feed.wait(5.2)
    assert feed.io.pinged == [1]
    feed.feed.heard(1, feed.now_ns)  # a pong
    feed.wait(5.2)
    assert feed.io.pinged == [1, 1]
    feed.wait(5.2)
    assert feed.io.dropped == [1]
    assert "no answer to a ping" in feed.listener.told[-1].what or any("ping" in one.what for one in feed.listener.told)
    feed.wait(1.5)
    assert len(feed.io.opened) == 2


def test_a_lost_socket_is_opened_again_after_waits_that_double_and_stay_bounded():
    feed = Simulated()
    feed.feed.tick(feed.now_ns)
    asked = []
    for _ in range(3000):
        if len(feed.io.opened) > len(asked):
            asked.append(feed.now_ns)
            feed.feed.lost(feed.io.opened[-1][0], "refused", feed.now_ns)
        feed.wait(0.1)
    waits = np.diff(asked) / 1e9
    assert waits[:4].round().tolist() == [1, 2, 4, 8]
    assert waits.max() <= 61


def test_a_lost_socket_holds_its_books_until_data_come_again(tmp_path):
    feed = Simulated().synced()
    feed.feed.lost(1, "the peer closed the connection", feed.now_ns)
    assert not feed.book.is_tradable
    feed.wait(1.5)
    feed.connect(2)
    feed.say(feed.diff(lose=8), 2)
    feed.wait(1.5)
    feed.snapshot(feed.last_id)
    assert feed.book.is_tradable
    feed.check(tmp_path)


def test_before_a_day_is_over_a_second_socket_takes_over_without_a_gap(tmp_path):
    feed = Simulated(roll_over_after_s=60.0).synced()
    feed.keep(60.5)
    assert [number for number, _ in feed.io.opened] == [1, 2]
    feed.connect(2)
    for _ in range(3):  # both give the same, one a little later
        text = feed.diff()
        feed.say(text, 1)
        feed.say(text, 2)
    feed.wait(0.1)
    assert feed.io.dropped == [1]
    assert "rolled over" in feed.listener.kinds()
    feed.keep(3, number=2)
    assert feed.book.is_tradable
    assert feed.listener.kinds().count("gap") == 0
    feed.check(tmp_path)


def test_the_venues_goodbye_is_answered_by_another_socket():
    feed = Simulated().synced()
    feed.say(b'{"e":"serverShutdown","E":1700000000000}')
    feed.wait(0.1)
    assert [number for number, _ in feed.io.opened] == [1, 2]
    assert feed.book.is_tradable
    feed.connect(2)
    text = feed.diff()
    feed.say(text, 2)
    feed.say(text, 1)
    feed.wait(0.1)
    assert feed.io.dropped == [1]
    assert feed.book.desk.refused.total() == 0


def test_a_successor_that_never_catches_up_takes_over_with_an_honest_gap():
    feed = Simulated(roll_over_after_s=60.0).synced()
    feed.keep(60.5)
    feed.connect(2)
    for _ in range(21):
        feed.wait(0.5)
        feed.say(feed.diff(), 1)
        here = feed.last_id
        feed.say(feed.diff(lose=2), 2)  # its messages end at other ids than the first one's
        feed.last_id = here
    assert feed.io.dropped == [1]
    kinds = feed.listener.kinds()
    assert kinds.index("gap") > kinds.index("rolled over")


def test_two_sockets_give_one_stream_and_each_fills_the_others_holes(tmp_path):
    feed = Simulated(sockets=2, streams=("depth", "trades", "bookTicker"))
    feed.feed.tick(feed.now_ns)
    feed.feed.tick(feed.now_ns)
    assert [number for number, _ in feed.io.opened] == [1, 2]
    feed.connect(1)
    feed.connect(2)
    texts = [feed.diff()]
    for text in texts:
        feed.say(text, 1)
        feed.say(text, 2)
    feed.wait(0.1)
    feed.snapshot(feed.last_id - 1)
    for k in range(40):
        feed.wait(0.1)
        for text in (feed.diff([("99.80", f"{k + 1}.000")]), feed.trade(k), feed.ticker(k + 1)):
            first, second = (1, 2) if k % 3 else (2, 1)
            if k % 5 != 1:
                feed.say(text, first)
            if k % 10 != 3:
                feed.say(text, second)
    assert feed.book.is_tradable
    assert feed.listener.kinds().count("gap") == 0
    rows, quotes = parted(feed.listener.parts)
    assert (rows["kind"] == TRADE).sum() == 40
    assert len(quotes) == 80
    feed.check(tmp_path)


def test_what_both_sockets_lose_is_a_gap():
    feed = Simulated(sockets=2)
    feed.feed.tick(feed.now_ns)
    feed.feed.tick(feed.now_ns)
    feed.connect(1)
    feed.connect(2)
    for _ in range(2):
        text = feed.diff()
        feed.say(text, 1)
        feed.say(text, 2)
    feed.wait(0.1)
    feed.snapshot(feed.last_id)
    text = feed.diff()
    feed.say(text, 1)
    feed.say(text, 2)
    assert feed.book.is_tradable
    text = feed.diff(lose=4)
    feed.say(text, 1)
    assert feed.book.is_tradable
    feed.say(text, 2)
    assert not feed.book.is_tradable
    assert "gap" in feed.listener.kinds()


def test_a_subscription_without_an_answer_costs_the_socket():
    feed = Simulated()
    feed.feed.tick(feed.now_ns)
    feed.feed.opened(1, feed.now_ns)
    feed.feed.heard(1, feed.now_ns)
    feed.wait(5.5)
    assert feed.io.dropped == [1]
    assert "silent" in feed.listener.kinds()


def test_a_subscription_that_is_acknowledged_and_silent_is_told_and_the_socket_replaced():
    feed = Simulated()
    feed.connect()
    feed.wait(4.9)
    assert "silent" not in feed.listener.kinds()
    feed.wait(0.5)
    assert "silent" in feed.listener.kinds()
    assert feed.io.dropped == [1]


def test_one_silent_stream_among_others_is_asked_for_again():
    feed = Simulated(streams=("depth", "trades"))
    feed.connect()
    feed.keep(6)
    assert feed.io.dropped == []
    assert feed.io.sent[-1][1]["params"] == ["ethusdt@trade"]
    assert any("ethusdt@trade" in one.what for one in feed.listener.told if one.kind == "silent")


def test_a_refused_subscription_is_told_in_the_venues_words():
    feed = Simulated()
    feed.feed.tick(feed.now_ns)
    feed.feed.opened(1, feed.now_ns)
    feed.say(b'{"error":{"code":2,"msg":"Invalid request: unknown stream"},"id":1}')
    assert any("unknown stream" in one.what for one in feed.listener.told if one.kind == "refused")


def test_aggregate_trades_of_futures_have_their_own_address():
    feed = Simulated(streams=("depth", "aggTrade"))
    feed.feed.tick(feed.now_ns)
    assert feed.io.opened == [(1, PUBLIC), (2, OTHER)]
